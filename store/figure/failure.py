"""Failures of a work unit: where they may have changed, and how they are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from store.engine.connection import Connection
from store.engine.queries import queries

_Q = queries("figure/failure")
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FailureRow:
    """A row of `failure`."""

    start: datetime
    end: datetime | None
    worked_ms: int


def failure_neighbourhood(
    connection: Connection,
    unit_id: int,
    start: datetime,
    end: datetime,
    kinds: Sequence[str],
    merge: timedelta,
) -> tuple[datetime, datetime]:
    """Return the span in which failures may change when the tiles and stops of `[start, end)` did.

    It holds whole every failure that there was and every one that there is now: it grows over the
    stops of `kinds` on both sides as long as nothing was said in between, or less than `merge`
    passed. Behind the last of them it goes on until something is said: then it is over.
    """
    asked: dict[str, Any] = {"unit": unit_id, "kinds": list(kinds), "apart": merge}
    around = _row(connection, "failures_around", asked, start=start, end=end)
    assert around is not None, "an aggregate returns a row"
    start, end = min(start, around[0] or start), max(end, around[1] or end)
    if reaching := _row(connection, "stop_before", asked, moment=end):
        end = max(end, reaching[1])
    while before := _row(connection, "stop_before", asked, moment=start):
        if before[1] <= start - merge and _told(connection, asked, before[1], start):
            break
        start = before[0]
    while after := _row(connection, "stop_after", asked, moment=end):
        if after[0] >= end + merge and _told(connection, asked, end, after[0]):
            break
        end = after[1]
    return start, _told(connection, asked, end, _NEVER) or end


def replace_failures(
    connection: Connection,
    unit_id: int,
    start: datetime,
    end: datetime,
    failures: Sequence[FailureRow],
) -> list[datetime]:
    """Replace the failures of a work unit that begin in `[start, end)`, and count them.

    Returns the hours in whose base sums another number of them begins now.
    """
    span = {"unit": unit_id, "start": start, "end": end}
    connection.execute(_Q["delete_failures"], span)
    connection.execute(
        _Q["insert_failures"],
        {
            "unit": unit_id,
            "starts": [failure.start for failure in failures],
            "ends": [failure.end for failure in failures],
            "worked": [failure.worked_ms for failure in failures],
        },
    )
    return [row[0] for row in connection.execute(_Q["count_failures"], span)]


def _told(
    connection: Connection, asked: dict[str, Any], start: datetime, end: datetime
) -> datetime | None:
    """Return the end of the first tile in a span that shows that a failure is over."""
    row = _row(connection, "told_otherwise", asked, start=start, end=end)
    return None if row is None else row[0]


def _row(
    connection: Connection, query: str, asked: dict[str, Any], **more: datetime
) -> tuple[Any, ...] | None:
    return connection.execute(_Q[query], asked | more).fetchone()
