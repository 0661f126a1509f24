"""From the readings of a counter to what was counted, and when.

Each pair of neighbouring readings gives one increment, at the time of the later reading. So the
sum of any buckets equals the total, whatever their size, and a bucket's first increment starts
from the last value before it. Where each message tells an increment, each counts itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.readings.counter import NO_VERDICTS, Counter, CounterEvent, Judgement, Verdict
from analytics.readings.interval import HOUR_MS, Moments, floor_ms
from analytics.readings.judgement import Judge, is_plain
from analytics.readings.signal import NumberReadings, ordered_numbers

_HOUR_US = HOUR_MS * 1000


@dataclass(frozen=True, slots=True)
class Increments:
    """What a counter counted: at `times` (milliseconds) `amounts` more; all of shape (n,)."""

    times: Moments
    amounts: NDArray[np.float64]
    events: NDArray[np.int64]
    """Values of `CounterEvent`."""
    first_reading: int | None
    """Millisecond of the first usable reading; None without any. It counts nothing itself."""
    known_until: int | None = None
    """From when on nothing counts any more, as a meter was taken away; None while it counts."""
    judgements: tuple[Judgement, ...] = ()
    """What was decided of readings that are not plain growth, in the order of time."""
    unseen: NDArray[np.bool_] | None = None
    """Which increments bridge a silence of the counter: made at a time of which nothing is known.
    None where none does."""

    @property
    def total(self) -> float:
        """The sum of all increments."""
        return float(self.amounts.sum())

    @property
    def bridges(self) -> NDArray[np.bool_]:
        """Which increments bridge a silence, shape (n,)."""
        if self.unseen is None:
            return np.zeros(self.times.size, dtype=np.bool_)
        return self.unseen


def increments(
    readings: NumberReadings,
    counter: Counter,
    verdicts: Mapping[int, Verdict] = NO_VERDICTS,
    silence_ms: int | None = None,
) -> Increments:
    """Return the increments between neighbouring readings, in the order of source time.

    Bad readings are not readings; repeats and the order of arrival change nothing. Growth that the
    rate allows is counted as it is; all else is judged (`analytics.readings.judgement`), with
    what people said of a reading (`verdicts`, by its microsecond) before all rules. A judgement
    depends on the readings since the whole UTC hour in which the last reading before its own hour
    was taken, and on the one that follows it: on nothing else, so a window counts the same however
    much is read around it.
    """
    rows = ordered_numbers(readings)
    times = floor_ms(rows.time_us)
    if not times.size:
        return Increments(times, rows.value, np.empty(0, dtype=np.int64), None)
    plain = is_plain(rows, counter, verdicts)
    amounts = np.diff(rows.value)
    events = np.full(amounts.size, CounterEvent.COUNTED, dtype=np.int64)
    judged: list[Judgement] = []
    if not plain.all():
        judge = Judge(rows, counter, verdicts, plain)
        amounts[~plain] = 0.0
        for base, first, last in _blocks(rows.time_us, plain):
            judged += judge.run(base, first, last, amounts, events)
    unseen = None
    if silence_ms is not None:
        gaps = np.diff(times) > silence_ms
        unseen = gaps if gaps.any() else None
    return Increments(
        times[1:], amounts, events, int(times[0]), judgements=tuple(judged), unseen=unseen
    )


def _blocks(time_us: Moments, plain: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """Return for each hour that must be judged where its memory, its own and later readings begin.

    These are the hours with a step that is not plain, and the next hour with readings.
    """
    hours = time_us - time_us % _HOUR_US
    odd = np.unique(hours[1:][~plain])
    following = np.searchsorted(time_us, odd + _HOUR_US)
    later = hours[following[following < hours.size]]
    found = []
    for hour in np.union1d(odd, later).tolist():
        first, last = np.searchsorted(time_us, [hour, hour + _HOUR_US]).tolist()
        base = first
        if first > 0:
            # From a whole hour on, so that what a judgement remembers does not depend on where the
            # rows that were read begin (docs/decisions/0027).
            base = int(np.searchsorted(time_us, hours[first - 1]))
        found.append((base, first, last))
    return found


def added(readings: NumberReadings) -> Increments:
    """Return what messages add that each tell an increment, at their own moments.

    A message is known by its source time: one that comes twice counts once, in any order. Bad
    ones are none; one below zero counts nothing and is marked like jitter.
    """
    rows = ordered_numbers(readings)
    times = floor_ms(rows.time_us)
    events = np.where(rows.value < 0, CounterEvent.JITTER, CounterEvent.COUNTED)
    first = int(times[0]) if times.size else None
    return Increments(times, np.maximum(rows.value, 0.0), events.astype(np.int64), first)
