"""When a line is meant to work, and when it does: shifts, breaks, and breaks worked through."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from plant.calendar import ShiftInstance, ShiftPattern, expand_shifts
from plant.clock import from_microseconds, microseconds

_AHEAD = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time `[start_us, end_us)` in which the line works or does not."""

    start_us: int
    end_us: int
    works: bool


class Schedule:
    """Expands the calendar as plant time goes on; `on_shifts` hears of each shift once or more."""

    def __init__(
        self,
        patterns: Sequence[ShiftPattern],
        zone: ZoneInfo,
        seed: int,
        line: str,
        break_worked_share: float,
        on_shifts: Callable[[Sequence[ShiftInstance]], None],
    ) -> None:
        self._patterns = tuple(patterns)
        self._zone = zone
        self._seed = [seed, zlib.crc32(line.encode())]
        self._share = break_worked_share
        self._on_shifts = on_shifts
        self._stretches: list[Stretch] = []
        self._index = 0

    def works(self, now_us: int) -> bool:
        """Return whether the line works at an instant; instants must not go back."""
        while self._index < len(self._stretches):
            stretch = self._stretches[self._index]
            if now_us < stretch.end_us:
                return stretch.works
            self._index += 1
        self._expand(from_microseconds(now_us))
        return self._stretches[0].works

    def _expand(self, start: datetime) -> None:
        end = start + _AHEAD
        shifts = expand_shifts(self._patterns, self._zone, start - _AHEAD, end + _AHEAD)
        self._on_shifts(shifts)
        edges = {microseconds(start), microseconds(end)}
        working: list[tuple[int, int]] = []
        resting: list[tuple[int, int]] = []
        for shift in shifts:
            working.append((microseconds(shift.window.start), microseconds(shift.window.end)))
            resting += [
                (microseconds(pause.start), microseconds(pause.end))
                for number, pause in enumerate(shift.breaks)
                if not self._is_worked(shift, number)
            ]
        for one, other in working + resting:
            edges |= {one, other}
        cuts = sorted(edge for edge in edges if microseconds(start) <= edge <= microseconds(end))
        self._stretches = [
            Stretch(one, other, _within(one, working) and not _within(one, resting))
            for one, other in pairwise(cuts)
        ]
        self._index = 0

    def _is_worked(self, shift: ShiftInstance, number: int) -> bool:
        # Drawn from the break itself, so that the moment of the expansion does not matter.
        key = [*self._seed, microseconds(shift.window.start) // 1_000_000, number]
        return bool(np.random.default_rng(key).random() < self._share)


def _within(moment: int, windows: Sequence[tuple[int, int]]) -> bool:
    return any(start <= moment < end for start, end in windows)
