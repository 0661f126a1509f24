"""From the readings of a counter to what was counted, and when.

Each pair of neighbouring readings gives one increment, at the time of the later reading. So the
sum of any buckets equals the total, whatever their size, and a bucket's first increment starts
from the last value before it. Where each message tells an increment, each counts itself.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from analytics.interval import Moments, floor_ms
from analytics.signal import NumberReadings, ordered_numbers

JITTER_HOLD_US = 600_000_000
"""How long a value stays the level to be passed after the counter dipped below it.

A limit keeps counting local: an increment depends on this much history and no more.
"""
_JITTER_SHARE = 0.01
_JITTER_COUNTS = 1.0
_NEAR_TOP = 0.9
# The plausible rate is somebody's estimate: a counter that shows next to nothing was set to zero.
_NEAR_ZERO_SHARE = 0.01
_NEAR_ZERO_COUNTS = 100.0
# Readings are not taken exactly when parts are made, so twice the plausible rate is allowed.
_RATE_SLACK = 2.0


class CounterEvent(IntEnum):
    """What happened between two readings of a counter."""

    COUNTED = 0
    """It stood still or grew."""
    JITTER = 1
    """It dipped by at most 1 % or one count, also back over its modulus: nothing was counted."""
    WRAPPED = 2
    """It passed its modulus and began again at zero."""
    RESET = 3
    """It was set to zero; what it shows now was counted since."""
    RESTORED = 4
    """It fell back to an older value: too high to have been counted since a reset, and not near
    zero."""
    CORRECTED = 5
    """Nobody read it: it was booked later."""


@dataclass(frozen=True, slots=True)
class Counter:
    """What is known of a counter: where it wraps and how fast it can grow."""

    modulus: float | None = None
    max_rate_per_s: float | None = None


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

    @property
    def total(self) -> float:
        """The sum of all increments."""
        return float(self.amounts.sum())


def increments(readings: NumberReadings, counter: Counter) -> Increments:
    """Return the increments between neighbouring readings, in the order of source time.

    Bad readings are not readings; repeats and the order of arrival change nothing. A value below
    its predecessor is, in this order: jitter; a wrap, if the counter was near its modulus and the
    modular difference is possible at its maximum rate; restored, if what it shows could not have
    been counted since a reset; else a reset. A value that is higher by nearly the whole modulus,
    more than can have been counted, is jitter back over a wrap.
    """
    rows = ordered_numbers(readings)
    times = floor_ms(rows.time_us)
    if not times.size:
        return Increments(times, rows.value, np.empty(0, dtype=np.int64), None)
    events = _events(rows, counter)
    level = _level(rows, events, _turns(rows, events) * (counter.modulus or 0.0))
    amounts = np.maximum(np.diff(level), 0.0)
    reset = events == CounterEvent.RESET
    amounts[reset] = rows.value[1:][reset]
    amounts[events == CounterEvent.RESTORED] = 0.0
    return Increments(times[1:], amounts, events, int(times[0]))


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


def _events(rows: NumberReadings, counter: Counter) -> NDArray[np.int64]:
    old, new = rows.value[:-1], rows.value[1:]
    events = np.full(old.size, CounterEvent.COUNTED, dtype=np.int64)
    if counter.modulus is not None:
        events[_back_over_top(rows, counter.modulus, counter.max_rate_per_s)] = CounterEvent.JITTER
    fell = np.flatnonzero(new < old)
    if not fell.size:
        return events
    old, new = old[fell], new[fell]
    possible = _possible(rows, counter.max_rate_per_s)[fell]
    near_zero = np.minimum(_NEAR_ZERO_SHARE * old, _NEAR_ZERO_COUNTS)
    jitter = _is_dip(old, new)
    wrapped = np.zeros(fell.size, dtype=np.bool_)
    if counter.modulus is not None:
        counted = new - old + counter.modulus
        plausible = np.minimum(possible, counter.modulus / 2)
        near_top = (old >= _NEAR_TOP * counter.modulus) & (old < counter.modulus)
        wrapped = near_top & (counted <= plausible)
    events[fell] = np.select(
        [jitter, wrapped, (new > possible) & (new > near_zero)],
        [CounterEvent.JITTER, CounterEvent.WRAPPED, CounterEvent.RESTORED],
        default=CounterEvent.RESET,
    )
    return events


def _possible(rows: NumberReadings, max_rate_per_s: float | None) -> NDArray[np.float64]:
    """Return how many can have been counted between neighbouring readings, shape (n - 1,)."""
    elapsed_s = np.diff(rows.time_us) / 1e6
    if max_rate_per_s is None:
        return np.full(elapsed_s.size, np.inf)
    return max_rate_per_s * elapsed_s * _RATE_SLACK + 1.0


def _is_dip(old: NDArray[np.float64], new: NDArray[np.float64]) -> NDArray[np.bool_]:
    return (old - new <= np.maximum(_JITTER_COUNTS, _JITTER_SHARE * old)) & (new > old / 2)


def _back_over_top(
    rows: NumberReadings, modulus: float, max_rate_per_s: float | None
) -> NDArray[np.bool_]:
    """Return which steps are dips from just above a wrap to just below it, shape (n - 1,).

    Read as growth, such a step would be nearly the whole modulus. It is believed where the rate
    allows it, and without a rate not at all.
    """
    old, new = rows.value[:-1], rows.value[1:]
    grown = modulus / 2 if max_rate_per_s is None else _possible(rows, max_rate_per_s)
    return (new < modulus) & (new - old > grown) & _is_dip(old + modulus, new)


def _turns(rows: NumberReadings, events: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how often a counter has passed its modulus up to each reading, shape (n,)."""
    back = (events == CounterEvent.JITTER) & (rows.value[1:] > rows.value[:-1])
    passed = (events == CounterEvent.WRAPPED).astype(np.float64) - back
    return np.concatenate(([0.0], np.cumsum(passed)))


def _level(
    rows: NumberReadings, events: NDArray[np.int64], passed: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the values with dips filled by the highest value of the last `JITTER_HOLD_US`.

    Values grow on over a wrap: `passed` is what was counted in whole turns before them.
    """
    values = rows.value + passed
    level = values.copy()
    dips = np.flatnonzero(events == CounterEvent.JITTER) + 1
    if not dips.size:
        return level
    fresh = np.flatnonzero(events > CounterEvent.WRAPPED) + 1
    dip_times = rows.time_us[dips]
    for index in range(int(dips[0]), level.size):
        since = rows.time_us[index] - JITTER_HOLD_US
        earlier = np.searchsorted(dip_times, rows.time_us[index], side="right") - 1
        if earlier < 0 or dip_times[earlier] <= since:
            continue
        segment = np.searchsorted(fresh, index, side="right") - 1
        first = int(np.searchsorted(rows.time_us, since, side="right"))
        if segment >= 0:
            first = max(first, int(fresh[segment]))
        level[index] = values[first : index + 1].max()
    return level
