"""What an MES knows of a work unit beside its master data, by window; and a hold on all of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from plant.measurement import TagRole
from store.connection import Connection
from store.queries import queries

_Q = queries("figure_fact")


@contextmanager
def master_data_held(connection: Connection) -> Iterator[None]:
    """Keep whoever changes master data from marking hours until the pass within is over.

    What changes meanwhile is then marked after everything that was computed without it.
    """
    connection.execute(_Q["share_master_data"])
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute(_Q["release_master_data"])


def planned_maintenance(
    connection: Connection, unit_path: str, start: datetime, end: datetime
) -> list[tuple[datetime, datetime]]:
    """Return when maintenance of a work unit, or of a place that holds it, is planned."""
    asked = {"unit": unit_path, "start": start, "end": end}
    return connection.execute(_Q["planned_maintenance"], asked).fetchall()


def scrap_bookings(
    connection: Connection, unit_id: int, start: datetime, end: datetime
) -> list[tuple[datetime, TagRole, float]]:
    """Return what was booked after parts were made in `[start, end)`: when made, role, parts."""
    asked = {"unit": unit_id, "start": start, "end": end}
    return [
        (made, TagRole(f"{outcome}_count"), quantity)
        for made, outcome, quantity in connection.execute(_Q["scrap_bookings"], asked)
    ]
