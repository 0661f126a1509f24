"""Disorder between a machine and whoever listens: readings missing, late, twice, mixed up, bad.

Named probabilities, one generator per machine, fixed order of draws: the same seed gives the same
disorder. What truly happened is not touched.
"""

import heapq
from collections.abc import Callable

import numpy as np

from plant.measurement import Quality, Value
from simulators.settings import DisorderSettings

Issue = tuple[int, int, Value, int]
"""Tag id, source time in microseconds, value, quality: as it becomes readable."""

_DRAWS = 1024


class Disorder:
    """The disorder of one machine's readings."""

    def __init__(self, settings: DisorderSettings, rng: np.random.Generator) -> None:
        self._rng = rng
        self._late_max = settings.late_max_s
        self._draws = np.empty(0)
        self._next = 0
        self._ordinary = _thresholds(settings, 1.0)
        self._context = _thresholds(settings, settings.context_share)
        self._late: list[tuple[int, Issue]] = []
        self._held: dict[int, Issue] = {}
        self._repeat: dict[int, Issue] = {}

    def accept(
        self,
        tick: int,
        reading: Issue,
        context: bool,
        out: Callable[[Issue], None],
    ) -> None:
        """Give out a reading, or lose, delay, hold or spoil it.

        Args:
            tick: The present tick.
            reading: A good reading, its source time newer than any before of its tag.
            context: Whether OEE depends on it (state, order, counter), so that it is spared.
            out: Receives what becomes readable now, in order.
        """
        missing, late, repeat, swap, bad = self._context if context else self._ordinary
        draw = self._draw()
        if draw < missing:
            return
        if draw < late:
            delay = 1 + int(self._rng.integers(self._late_max))
            heapq.heappush(self._late, (tick + delay, reading))
            return
        tag = reading[0]
        if repeat <= draw < swap and tag not in self._held:
            self._held[tag] = reading
            return
        if swap <= draw < bad:
            reading = (tag, reading[1], None, Quality.BAD.value)
        out(reading)
        held = self._held.pop(tag, None)
        if held is not None:
            out(held)
        again = self._repeat.pop(tag, None)
        if again is not None:
            out(again)
        if late <= draw < repeat:
            self._repeat[tag] = reading

    def release(self, tick: int, out: Callable[[Issue], None]) -> None:
        """Give out late readings whose time has come."""
        while self._late and self._late[0][0] <= tick:
            out(heapq.heappop(self._late)[1])

    def _draw(self) -> float:
        if self._next == len(self._draws):
            # In blocks: a single draw costs more than everything else here.
            self._draws = self._rng.random(_DRAWS)
            self._next = 0
        self._next += 1
        return float(self._draws[self._next - 1])


def _thresholds(
    settings: DisorderSettings, share: float
) -> tuple[float, float, float, float, float]:
    missing = settings.missing * share
    late = missing + settings.late
    repeat = late + settings.duplicated
    swap = repeat + settings.out_of_order
    return missing, late, repeat, swap, swap + settings.bad_quality * share
