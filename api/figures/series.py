"""A signal over any time in as many points as a drawing has: from rows where they are few."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from api.figures.downsample import Stretch, candidates, largest_triangles, stretches
from plant.calendar import Window
from plant.clock import microseconds
from store.reading.rollup import WIDTHS_S, RollupReading

FEW_ROWS = 100_000
"""Rows that are read as they are; more are read in cells."""


@dataclass(frozen=True, slots=True)
class Points:
    """Measured values, shape (n,); times in microseconds since 1970."""

    time_us: NDArray[np.int64]
    value: NDArray[np.float64]


def shape(reading: RollupReading, asked: Window, points: int) -> tuple[Points, int | None]:
    """Return the points that keep a signal's shape, by LTTB, and the cells' width in seconds.

    The width is None where every row was looked at.
    """
    if reading.rows_summed_up() <= FEW_ROWS:
        # Rows that are not summed up yet were not counted: one above the bound shows that there are
        # more.
        times, values = reading.rows(FEW_ROWS + 1)
        if len(times) <= FEW_ROWS:
            chosen = largest_triangles(times, values, points)
            return Points(times[chosen], values[chosen]), None
    width_s = _width_s(asked, points)
    times, values = candidates(reading.cells(width_s))
    chosen = largest_triangles(times, values, points)
    return Points(times[chosen], values[chosen]), width_s


def sums(reading: RollupReading, asked: Window, points: int) -> tuple[Stretch, int]:
    """Return low, mean and high of at most `points` stretches, and the cells' width in seconds."""
    width_s = _width_s(asked, points)
    cells = reading.cells(width_s)
    return stretches(cells, microseconds(asked.start), microseconds(asked.end), points), width_s


def _width_s(asked: Window, points: int) -> int:
    """Return the widest cells that still fill as many points: of whole seconds, or stored ones."""
    wanted_s = (asked.end - asked.start).total_seconds() / points
    stored = [width for width in WIDTHS_S if width <= wanted_s]
    # Below five minutes a point, rows are few enough to be summed up while one waits; but a fast
    # signal over days is not.
    return stored[-1] if stored else max(1, int(wanted_s))
