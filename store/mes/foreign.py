"""Rows of somebody else's PostgreSQL database, read and never written."""

from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
from psycopg.rows import dict_row

from plant.errors import ConfigurationError
from plant.settings import DatabaseSettings
from store.engine.connection import connect, store_errors

_AT_ONCE = 2_000


def foreign_rows(
    settings: DatabaseSettings,
    query: str,
    parameters: Mapping[str, Any],
    *,
    timeout_s: float,
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a query by column name, a batch in memory at a time.

    The session is read-only and a query that takes longer than `timeout_s` is given up.

    Raises:
        ConfigurationError: the query is wrong, or may not read what it asks for.
        StoreUnavailableError: the database cannot be reached, or took too long.
    """
    with store_errors(settings), connect(settings) as connection:
        connection.read_only = True
        connection.execute(
            "select set_config('statement_timeout', %s, true)", [str(int(timeout_s * 1000))]
        )
        with connection.cursor("nhipmay_poll", row_factory=dict_row) as cursor:
            cursor.itersize = _AT_ONCE
            try:
                # An administrator's own statement, from a settings file; values are bound.
                cursor.execute(query.encode(), parameters)
                yield from cursor
            except psycopg.ProgrammingError as exc:
                said = str(exc).strip().splitlines()[0]
                raise ConfigurationError(f"the query of the foreign table: {said}") from exc
