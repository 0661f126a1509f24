"""Figures of many places and windows in columns: a month of a hundred machines at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plant.clock import from_microseconds
from store.engine.array_column import array_cursor
from store.engine.connection import Connection
from store.engine.queries import queries

_Q = queries("reading/reading")
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
    marked: NDArray[np.int64]
    """The same: whether there is something to look at."""


def result_table(
    connection: Connection,
    places: Sequence[int],
    kind: str,
    start: datetime,
    end: datetime,
    reasons: Sequence[str],
    as_of: datetime | None = None,
) -> ResultTable:
    """Return the results of places whose windows overlap `[start, end)`.

    With `as_of` those that were final then, as they were.
    """
    then = "" if as_of is None else "_then"
    asked: dict[str, Any] = {
        "places": list(places),
        "kind": kind,
        "start": start,
        "end": end,
        "as_of": as_of,
    }
    with array_cursor(connection) as cursor:
        query = asked | {"reasons": list(reasons)}
        found = cursor.execute(_Q[f"result_table{then}"], query).fetchone()
    assert found is not None, "an aggregate returns a row"
    place, starts, ends, *columns = found
    # Sites may begin their shifts together and end them apart.
    ends_of, end_index = np.unique(ends, return_inverse=True)
    starts_of, start_index = np.unique(starts, return_inverse=True)
    bounds, column = np.unique(start_index * ends_of.size + end_index, return_inverse=True)
    named = asked | {
        "starts": [from_microseconds(one) for one in starts_of[bounds // ends_of.size].tolist()],
        "ends": [from_microseconds(one) for one in ends_of[bounds % ends_of.size].tolist()],
    }
    windows = connection.execute(_Q[f"result_windows{then}"], named).fetchall()
    order = np.argsort(np.array(places, dtype=np.int64), kind="stable")
    row = order[np.searchsorted(np.array(places, dtype=np.int64)[order], place)]
    cell = row, column

    def matrix(values: NDArray[Any], absent: float) -> NDArray[Any]:
        filled = np.full((len(places), len(windows)), absent, dtype=values.dtype)
        filled[cell] = values
        return filled

    *figures, reason, final, marked = columns
    return ResultTable(
        [tuple(window) for window in windows],
        {name: matrix(values, np.nan) for name, values in zip(FIGURES, figures, strict=True)},
        matrix(reason, -2),
        matrix(final, -1),
        matrix(marked, -1),
    )
