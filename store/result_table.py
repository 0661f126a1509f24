"""Figures of many places and windows in columns: a month of a hundred machines at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from store.connection import Connection
from store.queries import queries

_Q = queries("reading")
FIGURES = (
    "availability",
    "effectiveness",
    "quality_ratio",
    "oee",
    "coverage",
    "pbt_ms",
    "produced_quantity",
    "good_quantity",
)


@dataclass(frozen=True, slots=True)
class ResultTable:
    """Matrices of shape (places, windows); NaN where there is no value."""

    windows: list[tuple[datetime, datetime, str | None, date | None]]
    """Start, end, shift, business date."""
    figures: dict[str, NDArray[np.float64]]
    reason: NDArray[np.int64]
    """Why OEE is missing: -2 no result, -1 it is not, else an index into the reasons given + 1."""
    final: NDArray[np.int64]
    """1, 0, or -1 without a result."""


def result_table(
    connection: Connection,
    places: Sequence[int],
    kind: str,
    start: datetime,
    end: datetime,
    reasons: Sequence[str],
) -> ResultTable:
    """Return the results of places whose windows overlap `[start, end)`."""
    asked: dict[str, Any] = {"places": list(places), "kind": kind, "start": start, "end": end}
    windows = connection.execute(_Q["result_windows"], asked).fetchall()
    with (
        connection.cursor() as cursor,
        cursor.copy(_Q["copy_result_table"], asked | {"reasons": list(reasons)}) as copy,
    ):
        rows = np.frombuffer(b"".join(copy)[_HEADER:_TRAILER], dtype=_ROW)
    starts = np.array([_postgres_us(window[0]) for window in windows], dtype=np.int64)
    order = np.argsort(np.array(places, dtype=np.int64), kind="stable")
    sorted_places = np.array(places, dtype=np.int64)[order]
    row = order[np.searchsorted(sorted_places, rows["place"].astype(np.int64))]
    column = np.searchsorted(starts, rows["start"].astype(np.int64))
    shape = (len(places), len(windows))
    figures = {}
    for name in FIGURES:
        matrix = np.full(shape, np.nan)
        matrix[row, column] = rows[name]
        figures[name] = matrix
    reason = np.full(shape, -2, dtype=np.int64)
    reason[row, column] = rows["reason"]
    final = np.full(shape, -1, dtype=np.int64)
    final[row, column] = rows["final"]
    return ResultTable([tuple(window) for window in windows], figures, reason, final)


# Binary COPY: a signature with flags, then per row a column count and a length before each value.
_HEADER = 19
_TRAILER = -2
_COLUMNS = (
    ("place", ">i4"),
    ("start", ">i8"),
    *((name, ">f8") for name in FIGURES),
    ("reason", ">i4"),
    ("final", ">i4"),
)
_ROW = np.dtype(
    [("columns", ">i2")]
    + [part for name, kind in _COLUMNS for part in ((f"{name}_length", ">i4"), (name, kind))]
)
_POSTGRES_EPOCH = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


def _postgres_us(moment: datetime) -> int:
    since = moment - _POSTGRES_EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
