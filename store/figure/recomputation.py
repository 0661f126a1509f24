"""What it takes to prove that computing again from the measurements gives the same rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

from store.engine.connection import Connection
from store.engine.queries import queries

_Q = queries("figure/recomputation")
TABLES = ("base_sums", "state_intervals", "stops", "failures")


@dataclass(frozen=True, slots=True)
class ComputedUnit:
    """A work unit with from when until when its figures reach."""

    unit_id: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rows of one table before a recomputation, and how many it changed."""

    rows: int
    differing: int


def computed_units(connection: Connection, place: str | None) -> list[ComputedUnit]:
    """Return the work units at or below a place (None: all) that have figures."""
    rows = connection.execute(_Q["units_at"], {"place": place})
    return [ComputedUnit(*row) for row in rows if row[1] is not None]


def mark(
    connection: Connection,
    unit_ids: Sequence[int],
    start: datetime,
    end: datetime,
    now: datetime,
) -> int:
    """Mark every hour of the window that has figures; return how many."""
    return connection.execute(
        _Q["mark"], {"units": list(unit_ids), "start": start, "end": end, "now": now}
    ).rowcount


def keep(connection: Connection, unit_ids: Sequence[int], start: datetime, end: datetime) -> None:
    """Keep a copy of the rows within the window, for the life of the session."""
    # CREATE TABLE takes no parameters from the server: they are bound on our side.
    with psycopg.ClientCursor(connection) as cursor:
        for table in TABLES:
            cursor.execute(_Q[f"forget_{table}"])
            cursor.execute(
                _Q[f"keep_{table}"], {"units": list(unit_ids), "start": start, "end": end}
            )


def compare(
    connection: Connection, unit_ids: Sequence[int], start: datetime, end: datetime
) -> dict[str, Comparison]:
    """Compare the rows within the window with those kept, and let these go."""
    found = {}
    for table in TABLES:
        row = connection.execute(
            _Q[f"compare_{table}"], {"units": list(unit_ids), "start": start, "end": end}
        ).fetchone()
        assert row is not None, "a count returns a row"
        found[table] = Comparison(*row)
        connection.execute(_Q[f"forget_{table}"])
    return found
