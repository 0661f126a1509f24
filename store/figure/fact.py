"""What an MES knows of a work unit beside its master data, by window; and a hold on all of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from plant.measurement import TagRole
from store.engine.connection import Connection
from store.engine.queries import queries

_Q = queries("figure/fact")


@contextmanager
def master_data_held(connection: Connection) -> Iterator[None]:
    """Keep whoever changes master data from marking hours until the pass within is over.

    What changes meanwhile is then marked after everything that was computed without it.
    """
    connection.execute(_Q["share_master_data"])
    try:
        yield
    finally:
        # The lock is the session's, and has ended with it.
        if not connection.closed:
            connection.execute(_Q["release_master_data"])


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """What an MES knows of a work unit in a window."""

    maintenance: tuple[tuple[datetime, datetime], ...]
    """Planned maintenance as start and end."""
    bookings: tuple[tuple[datetime, TagRole, float], ...]
    """What was booked later: when the parts were made, the role of their counter, how many."""
    inspections: tuple[tuple[datetime, str, int], ...]
    """First inspections of parts with a serial number: when they were made, else inspected,
    result, attempt."""
    runs: tuple[tuple[datetime, datetime | None, str, str | None, str | None], ...]
    """Orders executed: start, end, order, product, lot; those of the window and the one before."""


def unit_facts(
    connection: Connection, unit_id: int, unit_path: str, start: datetime, end: datetime
) -> UnitFacts:
    """Return what an MES knows of a work unit in `[start, end)`."""
    asked = {"unit": unit_id, "path": unit_path, "start": start, "end": end}
    found: dict[str, list[tuple[Any, ...]]] = {}
    for fact, *columns in connection.execute(_Q["unit_facts"], asked):
        found.setdefault(fact, []).append(tuple(columns))
    return UnitFacts(
        maintenance=tuple((first, last) for first, last, *_ in found.get("maintenance", ())),
        bookings=tuple(
            (made, TagRole(f"{outcome}_count"), quantity)
            for made, _, outcome, _, _, quantity, _ in found.get("booking", ())
        ),
        inspections=tuple(
            (made, result, int(attempt))
            for made, _, result, _, _, attempt, _ in found.get("inspection", ())
        ),
        runs=tuple(
            (first, last, order, product, lot)
            for first, last, order, product, lot, _, _ in found.get("run", ())
        ),
    )
