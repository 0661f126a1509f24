"""A long signal in few points: low, mean and high per stretch, or the points a drawing needs.

LTTB is "largest triangle three buckets": S. Steinarsson, Downsampling Time Series for Visual
Representation, University of Iceland, 2013. From cells it chooses among the lows and highs of each,
as MinMaxLTTB does (J. Van Der Donckt et al., 2023): what it returns are measured values.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from store.reading.rollup import Cells


@dataclass(frozen=True, slots=True)
class Stretch:
    """Good values of a stretch of time; columns of shape (n,), times in microseconds since 1970."""

    start_us: NDArray[np.int64]
    samples: NDArray[np.int64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def stretches(cells: Cells, start_us: int, end_us: int, points: int) -> Stretch:
    """Return at most `points` stretches of equal length; a cell counts where it begins."""
    # The first cell may begin before the window: it counts in the first stretch.
    number = np.clip((cells.start_us - start_us) * points // (end_us - start_us), 0, points - 1)
    begins = np.flatnonzero(np.diff(number, prepend=-1))
    if not len(begins):
        nothing = np.empty(0)
        return Stretch(np.empty(0, np.int64), np.empty(0, np.int64), nothing, nothing, nothing)
    samples = np.add.reduceat(cells.samples, begins)
    return Stretch(
        np.maximum(cells.start_us[begins], start_us),
        samples,
        np.add.reduceat(cells.mean * cells.samples, begins) / samples,
        np.minimum.reduceat(cells.low, begins),
        np.maximum.reduceat(cells.high, begins),
    )


def candidates(cells: Cells) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return first, low, high and last of each cell in time order: times and values."""
    times = np.concatenate([cells.first_us, cells.low_us, cells.high_us, cells.last_us])
    values = np.concatenate([cells.first, cells.low, cells.high, cells.last])
    order = np.lexsort((values, times))
    times, values = times[order], values[order]
    kept = np.ones(len(times), bool)
    kept[1:] = (np.diff(times) != 0) | (np.diff(values) != 0)
    return times[kept], values[kept]


def largest_triangles(
    times: NDArray[np.int64], values: NDArray[np.float64], points: int
) -> NDArray[np.int64]:
    """Return the places of at most `points` values that keep the drawing's shape, by LTTB.

    First and last are always among them. Times ascend.
    """
    size = len(times)
    if points >= size or size <= 2:
        return np.arange(size)
    if points <= 2:
        return np.array([0, size - 1])[:points]
    x = (times - times[0]).astype(np.float64)
    edges = np.linspace(1, size - 1, points - 1).astype(np.int64)
    chosen = np.zeros(points, np.int64)
    chosen[-1] = size - 1
    for bucket in range(points - 2):
        begin, end = edges[bucket], edges[bucket + 1]
        after = edges[bucket + 2] if bucket + 2 < len(edges) else size
        middle_x, middle_y = x[end:after].mean(), values[end:after].mean()
        held = chosen[bucket]
        area = np.abs(
            (x[held] - middle_x) * (values[begin:end] - values[held])
            - (x[held] - x[begin:end]) * (middle_y - values[held])
        )
        chosen[bucket + 1] = begin + int(np.argmax(area))
    return chosen
