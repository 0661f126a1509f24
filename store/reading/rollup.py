"""Numbers in cells of time: made from the rows that are marked, read for drawing.

Every delivery marks the hours it brings rows for, in its own transaction, however old they are. So
what a cell says is right for rows of any age: an hour that is marked is read from its rows until it
has been summed up again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from store.engine.array_column import array_cursor
from store.engine.connection import Connection
from store.engine.queries import queries

_Q = queries("reading/rollup")
HOUR = timedelta(hours=1)
WIDTHS_S = (300, 3600)
"""Widths of the cells that are stored, in seconds."""
_MARKS = 200
"""Marks that are dealt with in a transaction; each stands for an hour of up to 64 tags."""
_PATIENCE = timedelta(hours=2)
_TAGS_OF_MARK = 64


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells of time with good values, in time order; each column has shape (n,).

    Times are microseconds since 1970.
    """

    start_us: NDArray[np.int64]
    samples: NDArray[np.int64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    low_us: NDArray[np.int64]
    high: NDArray[np.float64]
    high_us: NDArray[np.int64]
    first: NDArray[np.float64]
    first_us: NDArray[np.int64]
    last: NDArray[np.float64]
    last_us: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.start_us)

    @staticmethod
    def joined(parts: Sequence["Cells"]) -> "Cells":
        """Return the cells of all parts in time order."""
        columns = [
            np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Cells)
        ]
        order = np.argsort(columns[0], kind="stable")
        return Cells(*(column[order] for column in columns))


@dataclass(frozen=True, slots=True)
class RollupReport:
    """What was summed up."""

    hours: int
    """Hours of tags."""
    complete: bool
    """Whether nothing is left that has been quiet long enough."""


def try_lock(connection: Connection) -> bool:
    """Return whether this session is the one that sums up, from now until it ends."""
    row = connection.execute(_Q["try_lock"]).fetchone()
    return row is not None and bool(row[0])


def mark_unmarked(connection: Connection) -> int:
    """Mark what lies outside the rollups of its tag and was not marked; return of how many tags.

    Rows that come through the ingest are marked by it; those loaded by other means are found here
    where they are older or newer than what is summed up.
    """
    found = connection.execute(_Q["unmarked"]).fetchall()
    for tag, first, last, rolled_first, rolled_last in found:
        spans = [(first, last)]
        if rolled_first is not None:
            spans = [(first, rolled_first - HOUR), (rolled_last + HOUR, last)]
        for start, end in spans:
            values = {"tag": tag, "first": start, "last": end}
            connection.execute(_Q["mark_hours"], values)
    return len(found)


def sum_up(connection: Connection, quiet: timedelta = timedelta(minutes=1)) -> RollupReport:
    """Sum up some hours whose marks have been quiet for so long; each call is one transaction.

    An hour that is marked again meanwhile stays marked.
    """
    with connection.transaction():
        values = {"quiet": quiet, "patience": _PATIENCE, "limit": _MARKS}
        marks = connection.execute(_Q["marks"], values).fetchall()
        tags: list[int] = []
        hours: list[datetime] = []
        for hour, block, bits, _ in marks:
            own = [block * _TAGS_OF_MARK + k for k in range(_TAGS_OF_MARK) if bits >> k & 1]
            tags += own
            hours += [hour] * len(own)
        if marks:
            asked = {
                "tags": tags,
                "hours": hours,
                "first": marks[0][0],
                "last": marks[-1][0] + HOUR,
            }
            connection.execute(_Q["forget"], asked)
            connection.execute(_Q["sum_up"], asked)
            done = {
                "hours": [mark[0] for mark in marks],
                "blocks": [mark[1] for mark in marks],
                "revisions": [mark[3] for mark in marks],
            }
            # Only marks of the revision that was read: rows that came meanwhile keep theirs.
            connection.execute(_Q["done"], done)
    return RollupReport(len(tags), len(marks) < _MARKS)


class RollupReading:
    """Questions about the numbers of one tag in a window `[start, end)`."""

    def __init__(self, connection: Connection, tag_id: int, start: datetime, end: datetime) -> None:
        self._connection = connection
        self._asked = {"tag": tag_id, "start": start, "end": end}
        self._start = start
        self._end = end

    def rows_summed_up(self) -> int:
        """Return how many good values the rollups of the window stand for, about."""
        row = self._connection.execute(_Q["count"], self._asked).fetchone()
        return int(row[0]) if row else 0

    def rows(self, limit: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return times (microseconds since 1970) and good values, the first `limit` of them."""
        with array_cursor(self._connection) as cursor:
            row = cursor.execute(_Q["rows"], self._asked | {"limit": limit}).fetchone()
        assert row is not None, "an aggregate returns a row"
        return row[0], row[1]

    def cells(self, width_s: int) -> Cells:
        """Return the cells of a width, in seconds; those at the ends hold only what is inside.

        What is not summed up is read from its rows.
        """
        if width_s not in WIDTHS_S:
            return self._of_rows(self._start, self._end, width_s)
        pending = [
            row[0].astimezone(UTC) for row in self._connection.execute(_Q["pending"], self._asked)
        ]
        extent = self._connection.execute(_Q["extent"], self._asked).fetchone()
        first, last = extent if extent is not None and extent[0] is not None else (self._end,) * 2
        whole = timedelta(seconds=width_s)
        begin, finish = _up(self._start, whole), _down(self._end, whole)
        spans = [(hour, hour + HOUR) for hour in pending]
        spans += [(self._start, begin), (finish, self._end)]
        # Outside of the tag's cells: rows that did not come by the ingest have marked nothing there
        # (docs/decisions/0038).
        spans += [(self._start, first), (last, self._end)]
        parts = [
            self._of_rows(start, end, width_s)
            for start, end in _merged(spans, self._start, self._end)
        ]
        asked = {"width_s": width_s, "start": begin, "end": finish, "pending": pending}
        parts.append(self._cells("cells", self._asked | asked))
        return Cells.joined(parts)

    def _of_rows(self, start: datetime, end: datetime, width_s: float) -> Cells:
        asked = {"start": start, "end": end, "width_s": width_s}
        return self._cells("cells_of_rows", self._asked | asked)

    def _cells(self, query: str, values: dict[str, object]) -> Cells:
        with array_cursor(self._connection) as cursor:
            row = cursor.execute(_Q[query], values).fetchone()
        assert row is not None, "an aggregate returns a row"
        return Cells(*row)


def _down(moment: datetime, width: timedelta) -> datetime:
    epoch = datetime(2000, 1, 1, tzinfo=UTC)
    return moment - (moment - epoch) % width


def _up(moment: datetime, width: timedelta) -> datetime:
    down = _down(moment, width)
    return down if down == moment else down + width


def _merged(
    spans: Sequence[tuple[datetime, datetime]], start: datetime, end: datetime
) -> list[tuple[datetime, datetime]]:
    """Return spans within a window, those that touch as one, none of them empty."""
    found: list[tuple[datetime, datetime]] = []
    for begin, finish in sorted((max(a, start), min(b, end)) for a, b in spans):
        if begin >= finish:
            continue
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(finish, found[-1][1]))
        else:
            found.append((begin, finish))
    return found
