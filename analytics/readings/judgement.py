"""What a reading of a counter means that is no plain growth: judged by value and elapsed time.

A counter can stand still or grow, at most as fast as its machine works. Whatever else it shows is
a misreading, a wrap, a reset, a small dip, or something that no rule can decide; which of these is
said of every such reading, so that it can be listed, marked and corrected.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from analytics.readings.counter import (
    AT_ONCE_US,
    AWAY_US,
    FAR_COUNTS,
    JITTER_COUNTS,
    JITTER_SHARE,
    JITTER_US,
    RATE_SLACK,
    RETURN_US,
    Counter,
    CounterEvent,
    Judgement,
    Verdict,
)
from analytics.readings.counter_level import Level
from analytics.readings.signal import NumberReadings

_HOUR_US = 3_600_000_000


def is_plain(
    rows: NumberReadings, counter: Counter, verdicts: Mapping[int, Verdict]
) -> NDArray[np.bool_]:
    """Return which steps between ordered readings are growth as it should be, shape (n - 1,)."""
    old, new = rows.value[:-1], rows.value[1:]
    grown = new - old
    plain = grown >= 0
    since = new if counter.modulus is None else np.where(new < 0, new + counter.modulus, new)
    if counter.max_rate_per_s is not None:
        elapsed = np.diff(rows.time_us)
        start = np.concatenate(([True], grown[:-1] != 0)) if grown.size else plain
        moved = rows.time_us[:-1][np.maximum.accumulate(np.where(start, np.arange(grown.size), 0))]
        credit = np.maximum(elapsed, np.minimum(rows.time_us[1:] - moved, AT_ONCE_US))
        # The bound of `Level._is_growth`: a step that only one of the two takes for growth would
        # count differently in an hour that is judged and in one that is not.
        plain &= grown <= _possible(counter, credit)
        expected = counter.max_rate_per_s * elapsed / 1e6
        # It may have passed its modulus once more, or been reset, without showing it.
        if counter.modulus is not None:
            plain &= grown + counter.modulus > expected
            # Nearly the whole modulus, faster than the rate, is a small dip back over zero.
            over = (new < counter.modulus) & (grown > counter.modulus / 2)
            over &= grown > counter.max_rate_per_s * credit / 1e6
            plain &= ~(over & _dips(old + counter.modulus, new, 0.0))
        plain &= (elapsed <= AWAY_US) | (since > expected) | ((grown == 0) & (old != 0))
    else:
        if counter.modulus is not None:
            over = (new < counter.modulus) & (grown > counter.modulus / 2)
            plain &= ~(over & _dips(old + counter.modulus, new, 0.0))
        following = np.concatenate((new[1:], [np.inf])) if new.size else new
        back = (following < new) & (following >= old) & (following - old <= JITTER_SHARE * grown)
        leap = (grown > old) & (np.diff(rows.time_us) <= JITTER_US)
        plain &= ~((grown > FAR_COUNTS) & (back | leap))
        # Nearly as fast it may have made all that it shows since a reset that nobody saw.
        away = (np.diff(rows.time_us) > AWAY_US) & (old != 0)
        plain &= ~(away & (since <= RATE_SLACK * grown))
    if verdicts:
        plain &= ~np.isin(rows.time_us[1:], np.fromiter(verdicts, dtype=np.int64))
    return plain


def _possible(counter: Counter, credit_us: NDArray[np.int64]) -> NDArray[np.float64]:
    assert counter.max_rate_per_s is not None
    seconds: NDArray[np.float64] = credit_us.astype(np.float64) / 1e6
    return counter.max_rate_per_s * seconds * RATE_SLACK + 1.0


def _dips(old: NDArray[np.float64], new: NDArray[np.float64], lowest: float) -> NDArray[np.bool_]:
    """Return which new values lie a little below the old ones, both counted from the lowest."""
    level = old - lowest
    return (
        (new < old)
        & (old - new <= np.maximum(JITTER_COUNTS, JITTER_SHARE * level))
        & (new - lowest > level / 2)
    )


class Judge:
    """Judges the readings of one counter that are not plain growth.

    `rows` are ordered, `plain` is what `is_plain` says of them.
    """

    def __init__(
        self,
        rows: NumberReadings,
        counter: Counter,
        verdicts: Mapping[int, Verdict],
        plain: NDArray[np.bool_],
    ) -> None:
        self._time = rows.time_us
        self._value = rows.value
        self._counter = counter
        self._verdicts = verdicts
        self._odd = np.flatnonzero(~plain)

    def run(
        self,
        base: int,
        first: int,
        last: int,
        amounts: NDArray[np.float64],
        events: NDArray[np.int64],
    ) -> list[Judgement]:
        """Judge readings `base + 1` to `last - 1` and keep what is said from `first` on.

        `amounts` and `events` of shape (n - 1,) are set at the steps into these readings.
        """
        run = Level(self._counter, int(self._time[base]), float(self._value[base]))
        found: list[Judgement] = []
        at, level_at = base + 1, base
        while at < last:
            if level_at == at - 1:
                step = int(np.searchsorted(self._odd, at - 1))
                until = min(int(self._odd[step]) + 1 if step < self._odd.size else last, last)
                if until > at:
                    self._grow(run, at, until, first, amounts)
                    at, level_at = until, until - 1
                    continue
            time_us, shown = int(self._time[at]), float(self._value[at])
            following = None
            if at + 1 < self._time.size and self._time[at + 1] - time_us <= RETURN_US:
                following = int(self._time[at + 1]), float(self._value[at + 1])
            before = run.level
            told = run.told(time_us, shown, following, self._verdicts.get(time_us))
            event = told.event
            over = event is CounterEvent.COUNTED and told.kept and level_at < at - 1
            if over and self._time[at - 1] // _HOUR_US != time_us // _HOUR_US:
                # What a misreading left out of the hour before counts in this one.
                event = CounterEvent.RETURNED
            if told.kept:
                level_at = at
            if at >= first and at > 0:
                amounts[at - 1], events[at - 1] = told.counted, event
                if event is not CounterEvent.COUNTED:
                    found.append(
                        Judgement(
                            time_us,
                            event,
                            before,
                            shown,
                            told.counted,
                            told.doubt,
                            following[0] if following else None,
                        )
                    )
            at += 1
        return found

    def _grow(
        self, run: Level, at: int, until: int, first: int, amounts: NDArray[np.float64]
    ) -> None:
        """Let the level follow plain growth up to a reading, which is not one of it."""
        if run.owed > 0:
            for each in range(at, until):
                paid = run.grown(int(self._time[each]), float(self._value[each]))
                if each >= first:
                    amounts[each - 1] = paid
            return
        moved = self._value[at - 1 : until]
        still = np.flatnonzero(moved != moved[-1])
        since = at - 1 + int(still[-1]) + 1 if still.size else None
        run.grown(int(self._time[until - 1]), float(self._value[until - 1]))
        if since is not None:
            run.moved_us = int(self._time[since])
