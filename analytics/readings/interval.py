"""Half-open intervals on whole milliseconds: union, intersection, subtraction, overlay.

Moments are `int64` milliseconds since 1970-01-01T00:00Z. Source times are microseconds; they are
floored to milliseconds once (`floor_ms`), so that durations are whole numbers that add up exactly.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from plant.clock import from_microseconds, microseconds

Moments = NDArray[np.int64]
HOUR_MS = 3_600_000


def floor_ms(time_us: Moments) -> Moments:
    """Return the milliseconds of microsecond times, rounded down; shape is kept."""
    return time_us // 1000


def millis(moment: datetime) -> int:
    """Return the milliseconds of an aware datetime, rounded down."""
    return microseconds(moment) // 1000


def instant(moment_ms: int) -> datetime:
    """Return the aware UTC datetime of a millisecond."""
    return from_microseconds(int(moment_ms) * 1000)


def hour_of(moment_ms: int) -> int:
    """Return the start of the UTC hour that holds a moment."""
    return moment_ms - moment_ms % HOUR_MS


@dataclass(frozen=True, slots=True)
class Intervals:
    """Sorted, disjoint, non-empty intervals `[starts[k], ends[k])`; both arrays have shape (n,)."""

    starts: Moments
    ends: Moments

    def __len__(self) -> int:
        return self.starts.size

    @property
    def total_ms(self) -> int:
        """The time covered, in milliseconds."""
        return int((self.ends - self.starts).sum())

    def covers(self, moments: Moments) -> NDArray[np.bool_]:
        """Return for each moment whether an interval holds it; shape is kept."""
        begun = np.searchsorted(self.starts, moments, side="right")
        over = np.searchsorted(self.ends, moments, side="right")
        return np.asarray(begun > over)

    def pairs(self) -> list[tuple[int, int]]:
        """Return the intervals as Python pairs."""
        return list(zip(self.starts.tolist(), self.ends.tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class Tiling:
    """Neighbouring tiles `[edges[k], edges[k + 1])` without gaps, each with a code.

    `edges` has shape (n + 1,), `codes` shape (n,). Neighbours have different codes.
    """

    edges: Moments
    codes: NDArray[np.int64]

    @property
    def durations(self) -> Moments:
        """The length of each tile in milliseconds, shape (n,)."""
        return np.diff(self.edges)


def intervals(pairs: Iterable[tuple[int, int]]) -> Intervals:
    """Return the union of `(start, end)` pairs in any order; empty pairs count for nothing."""
    columns = np.array(list(pairs), dtype=np.int64).reshape(-1, 2)
    return _normalised(columns[:, 0], columns[:, 1])


def union(*parts: Intervals) -> Intervals:
    """Return what any of the parts covers; overlaps count once."""
    return _normalised(
        np.concatenate([part.starts for part in parts]) if parts else _NONE,
        np.concatenate([part.ends for part in parts]) if parts else _NONE,
    )


def intersection(one: Intervals, other: Intervals) -> Intervals:
    """Return what both cover."""
    return _where(one, other, lambda a, b: a & b)


def subtraction(one: Intervals, other: Intervals) -> Intervals:
    """Return what the first covers and the other does not."""
    return _where(one, other, lambda a, b: a & ~b)


def clip(part: Intervals, start: int, end: int) -> Intervals:
    """Return the part inside `[start, end)`."""
    starts = np.maximum(part.starts, start)
    ends = np.minimum(part.ends, end)
    kept = starts < ends
    return Intervals(starts[kept], ends[kept])


def overlay(start: int, end: int, layers: Sequence[Intervals]) -> Tiling:
    """Tile `[start, end)` exactly: each tile's code is the first layer that covers it.

    What no layer covers has the code `len(layers)`. An empty window has no tiles.
    """
    if end <= start:
        return Tiling(np.array([start], dtype=np.int64), _NONE)
    bounds = [np.array([start, end], dtype=np.int64)]
    for layer in layers:
        bounds += [layer.starts, layer.ends]
    edges = np.unique(np.clip(np.concatenate(bounds), start, end))
    codes = np.full(edges.size - 1, len(layers), dtype=np.int64)
    # Backwards, so that the first layer is written last, over all others.
    for number in range(len(layers) - 1, -1, -1):
        codes[layers[number].covers(edges[:-1])] = number
    changes = np.flatnonzero(np.diff(codes)) + 1
    return Tiling(edges[np.concatenate(([0], changes, [codes.size]))], codes[_first(changes)])


_NONE: Moments = np.empty(0, dtype=np.int64)
EMPTY = Intervals(_NONE, _NONE)


def _first(changes: NDArray[np.intp]) -> NDArray[np.intp]:
    return np.concatenate((np.zeros(1, dtype=np.intp), changes))


def _normalised(starts: Moments, ends: Moments) -> Intervals:
    kept = starts < ends
    starts, ends = starts[kept], ends[kept]
    if not starts.size:
        return EMPTY
    order = np.argsort(starts, kind="stable")
    starts = starts[order]
    reach = np.maximum.accumulate(ends[order])
    # Touching intervals are one: [a, b) and [b, c) leave no gap.
    new = np.concatenate(([True], starts[1:] > reach[:-1]))
    last = np.concatenate((np.flatnonzero(new)[1:] - 1, [starts.size - 1]))
    return Intervals(starts[new], reach[last])


def _where(
    one: Intervals,
    other: Intervals,
    chosen: Callable[[NDArray[np.bool_], NDArray[np.bool_]], NDArray[np.bool_]],
) -> Intervals:
    edges = np.unique(np.concatenate((one.starts, one.ends, other.starts, other.ends)))
    if edges.size < 2:
        return EMPTY
    inside = chosen(one.covers(edges[:-1]), other.covers(edges[:-1]))
    return _normalised(edges[:-1][inside], edges[1:][inside])
