"""Whole tables, to be compared."""

from typing import Any

from store import Connection


def rows_of(connection: Connection, table: str) -> list[tuple[Any, ...]]:
    """Return every row of a table without its generated first column, in an order of its own."""
    rows = connection.execute(f"select to_jsonb(t) from {table} t").fetchall()
    return sorted(
        (tuple(sorted((k, str(v)) for k, v in row.items() if k != "shift_pattern_id")))
        for (row,) in rows
    )
