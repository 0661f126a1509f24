"""What the calendar plans for each moment: nothing, a break, maintenance, or busy time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from analytics.readings.interval import (
    EMPTY,
    Intervals,
    Moments,
    instant,
    intervals,
    millis,
    overlay,
    subtraction,
)
from plant.calendar import (
    NO_RULES,
    DayRules,
    ShiftInstance,
    ShiftPattern,
    expand_shifts,
    is_valid_on,
)


class Plan(IntEnum):
    """What is planned; where several apply the first one does."""

    NOT_SCHEDULED = 0
    """No shift."""
    BREAK = 1
    """A planned break of a shift."""
    MAINTENANCE = 2
    """Maintenance agreed beforehand."""
    BUSY = 3
    """Planned busy time."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The shifts of a site around some window, ordered and without overlaps.

    `known` says whether there is a calendar at all: without one nothing is known to be planned,
    and no figure can be computed.
    """

    shifts: tuple[ShiftInstance, ...]
    maintenance: Intervals = EMPTY
    known: bool = True
    breaks_planned: bool = True
    """Whether the policy takes breaks out of planned busy time."""

    @property
    def starts(self) -> Moments:
        """The starts of the shifts in milliseconds, shape (n,)."""
        return np.array([millis(shift.window.start) for shift in self.shifts], dtype=np.int64)

    @property
    def ends(self) -> Moments:
        """The ends of the shifts in milliseconds, shape (n,)."""
        return np.array([millis(shift.window.end) for shift in self.shifts], dtype=np.int64)

    def shift_at(self, moments: Moments) -> NDArray[np.int64]:
        """Return the index of the shift that holds each moment, -1 for none; shape is kept."""
        if not self.shifts:
            return np.full(moments.size, -1, dtype=np.int64)
        index = np.searchsorted(self.starts, moments, side="right") - 1
        inside = (index >= 0) & (moments < self.ends[index])
        return np.where(inside, index, -1)

    def plan(self, start: int, end: int) -> tuple[Moments, NDArray[np.int64]]:
        """Return the edges (n + 1) and codes of `Plan` (n) that tile `[start, end)`."""
        scheduled = Intervals(self.starts, self.ends)
        breaks = intervals(
            (millis(pause.start), millis(pause.end))
            for shift in self.shifts
            for pause in shift.breaks
            if self.breaks_planned
        )
        window = intervals([(start, end)])
        # The order is that of `Plan`: the number of a layer is the code of its tiles.
        tiling = overlay(start, end, [subtraction(window, scheduled), breaks, self.maintenance])
        return tiling.edges, tiling.codes


def site_schedule(
    patterns: Sequence[ShiftPattern],
    zone: ZoneInfo,
    start: int,
    end: int,
    maintenance: Iterable[tuple[int, int]] = (),
    rules: DayRules = NO_RULES,
    *,
    breaks_planned: bool = True,
) -> Schedule:
    """Return the shifts that overlap `[start, end)` milliseconds, whole and unclipped."""
    first, last = instant(start), instant(end)
    return Schedule(
        tuple(expand_shifts(patterns, zone, first, last, rules)),
        intervals(maintenance),
        is_known(patterns, zone, first, last),
        breaks_planned,
    )


def is_known(
    patterns: Sequence[ShiftPattern], zone: ZoneInfo, start: datetime, end: datetime
) -> bool:
    """Tell whether there is a calendar for `[start, end)`: a shift pattern valid in it."""
    return any(is_valid_on(pattern, zone, start, end) for pattern in patterns)
