"""The level of a counter, reading after reading: what counts, and what is said of the others."""

from dataclasses import dataclass

import numpy as np

from analytics.readings.counter import (
    AT_ONCE_US,
    AWAY_US,
    FAR_COUNTS,
    JITTER_COUNTS,
    JITTER_SHARE,
    JITTER_US,
    NEAR_TOP,
    NEAR_ZERO_COUNTS,
    NEAR_ZERO_SHARE,
    RATE_SLACK,
    RETURN_US,
    Counter,
    CounterEvent,
    Verdict,
)


def since_zero(shown: float, modulus: float | None) -> float:
    """Return the least that a counter counted since it was zero, to show what it shows.

    A signed one shows values below zero only after it passed half its modulus.
    """
    return shown if shown >= 0 or modulus is None else shown + modulus


@dataclass(slots=True)
class _Away:
    """A counter that shows something else than what it counted so far."""

    level: float
    time_us: int
    """Where it was, and when it was last there."""
    size: float
    """How far it went."""
    counted: float
    """What was counted of what it showed since."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one reading says."""

    counted: float
    event: CounterEvent
    kept: bool = True
    """Whether the level goes on from it."""
    doubt: float = 0.0


class Level:
    """The level of a counter, reading after reading."""

    def __init__(self, counter: Counter, time_us: int, level: float) -> None:
        self._counter = counter
        self._time_us = time_us
        """When it was last at its level."""
        self.level = level
        self.moved_us = time_us
        """Since when it is at its level."""
        self.owed = 0.0
        """What was counted too much while it was away; taken from what it counts next."""
        self._away: _Away | None = None
        self._shown = level
        self._over = False
        """Whether it dipped back over its modulus."""
        self._lowest: float | None = None
        """Where a small dip began, while it lasts."""

    def grown(self, time_us: int, shown: float) -> float:
        """Let the level grow, and return what that counts."""
        more = shown - self.level
        if self._away is not None:
            self._away.counted += more
        self._go_on(time_us, shown)
        return self._paid(more)

    def told(
        self,
        time_us: int,
        shown: float,
        following: tuple[int, float] | None,
        verdict: Verdict | None,
    ) -> Told:
        """Judge a reading by what came before, and by the one that follows."""
        if verdict is not None:
            return self._by_verdict(time_us, shown, verdict)
        waited = time_us - self._time_us
        far = abs(shown - self.level)
        back = following is not None and self._comes_back(shown, following, far)
        bounded = self._counter.max_rate_per_s is not None
        # The order is part of the rules, as a reading fits several: what the counter did before (a
        # dip, a return) is believed before the next reading, and a reset only where nothing else
        # explains it.
        if self._is_growth(shown, waited) and (bounded or far <= FAR_COUNTS):
            return self._plain(time_us, shown, waited)
        if self._is_dip(shown) and waited <= JITTER_US:
            return self._dipped(shown)
        if self._returns(time_us, shown):
            return self._returned(time_us, shown)
        if back and following is not None:
            return self._misread(time_us, shown, following)
        across = self._across(time_us, shown)
        if across is not None and self._is_near_top(shown, waited):
            return self._wrapped(time_us, shown, across, waited)
        if following is not None and self._continues_across(following, far):
            return self._misread(time_us, shown, following)
        if shown > self.level:
            if not bounded:
                return self._plain(time_us, shown, waited)
            return self._left(time_us, shown, 0.0, CounterEvent.IMPLAUSIBLE)
        return self._fallen(time_us, shown, across, waited)

    def _by_verdict(self, time_us: int, shown: float, verdict: Verdict) -> Told:
        if verdict is Verdict.IGNORE:
            return Told(0.0, CounterEvent.CORRECTED, kept=False)
        counted = 0.0
        if verdict is Verdict.COUNT:
            counted = max(shown - self.level, 0.0)
        elif verdict is Verdict.RESET:
            counted = max(shown, 0.0)
        elif verdict is Verdict.WRAP:
            counted = max(shown - self.level + (self._counter.modulus or 0.0), 0.0)
        self._away, self.owed = None, 0.0
        self._go_on(time_us, shown)
        return Told(counted, CounterEvent.CORRECTED)

    def _plain(self, time_us: int, shown: float, waited: int) -> Told:
        """Count growth; say so where a wrap or a reset may hide in it."""
        rate, modulus = self._counter.max_rate_per_s, self._counter.modulus
        more = shown - self.level
        doubt = 0.0
        if rate is None and more > max(FAR_COUNTS, self.level) and waited <= JITTER_US:
            self._leave(time_us, shown)
            self._go_on(time_us, shown)
            return Told(more, CounterEvent.UNDECIDED, doubt=more)
        if rate is None and waited > AWAY_US:
            # Since a reset in that time it would have worked at most so much faster.
            since = since_zero(shown, modulus)
            if self.level != 0 and since <= RATE_SLACK * more:
                doubt = abs(more - since)
        elif rate is not None:
            expected = rate * waited / 1e6
            if modulus is not None and more + modulus <= expected:
                doubt = modulus
            elif waited > AWAY_US and since_zero(shown, modulus) <= expected:
                if more > 0:
                    doubt = abs(more - since_zero(shown, modulus))
                if self.level == 0:
                    # A reset back to zero shows nothing at all: what the rate allows may be lost.
                    doubt = expected - more
        counted = self.grown(time_us, shown)
        event = CounterEvent.UNDECIDED if doubt else CounterEvent.COUNTED
        return Told(counted, event, doubt=doubt)

    def _dipped(self, shown: float) -> Told:
        """Leave the level to be passed again."""
        over = shown > self.level
        fell = shown < self._shown or over != self._over
        self._shown, self._over = shown, over
        if self._lowest is None and not over:
            self._lowest = shown
        return Told(0.0, CounterEvent.JITTER if fell else CounterEvent.COUNTED, kept=False)

    def _returned(self, time_us: int, shown: float) -> Told:
        assert self._away is not None
        more = shown - self._away.level - self._away.counted
        self._away = None
        self._go_on(time_us, shown)
        if more < 0:
            self.owed -= more
        return Told(max(more, 0.0), CounterEvent.RETURNED)

    def _misread(self, time_us: int, shown: float, following: tuple[int, float]) -> Told:
        """Leave a reading out that the next one contradicts; say so if a reset fits as well."""
        rate = self._counter.max_rate_per_s
        doubt = 0.0
        if rate is not None and 0 <= shown < self.level:
            since = since_zero(following[1], self._counter.modulus)
            if shown <= rate * (time_us - self._time_us) / 1e6 and (
                since - shown <= rate * (following[0] - time_us) / 1e6
            ):
                doubt = self.level
        event = CounterEvent.UNDECIDED if doubt else CounterEvent.IMPLAUSIBLE
        return Told(0.0, event, kept=False, doubt=doubt)

    def _wrapped(self, time_us: int, shown: float, across: float, waited: int) -> Told:
        rate, modulus = self._counter.max_rate_per_s, self._counter.modulus
        assert modulus is not None
        again = rate is not None and across + modulus <= rate * waited / 1e6
        event = CounterEvent.UNDECIDED if again else CounterEvent.WRAPPED
        reset = rate is not None and 0 <= shown <= self._most(waited)
        doubt = modulus if again else abs(across - shown) if reset else 0.0
        self._away = None
        self._go_on(time_us, shown)
        return Told(self._paid(across), event, doubt=doubt)

    def _left(
        self, time_us: int, shown: float, counted: float, event: CounterEvent, doubt: float = 0.0
    ) -> Told:
        """Go on from elsewhere, and remember where it was."""
        self._leave(time_us, shown)
        assert self._away is not None
        self._away.counted += counted
        self._go_on(time_us, shown)
        return Told(counted, event, doubt=doubt)

    def _leave(self, time_us: int, shown: float) -> None:
        # Who leaves a second time comes back, if at all, to where it was at first.
        if self._away is None or time_us - self._away.time_us > RETURN_US:
            self._away = _Away(self.level, self._time_us, abs(shown - self.level), 0.0)

    def _fallen(self, time_us: int, shown: float, across: float | None, waited: int) -> Told:
        rate = self._counter.max_rate_per_s
        near_zero = min(NEAR_ZERO_SHARE * self.level, NEAR_ZERO_COUNTS)
        since = max(shown, 0.0)
        if self._lowest is not None and self._is_dip(shown):
            # A dip that stays: what it counted on the way is known, where it began is not.
            grown = max(shown - self._lowest, 0.0)
            if rate is None:
                return self._left(time_us, shown, grown, CounterEvent.UNDECIDED, since - grown)
            if shown > self._most(waited):
                return self._left(time_us, shown, grown, CounterEvent.RESTORED)
        if rate is None:
            much = since > max(self.level / 2, NEAR_ZERO_COUNTS)
            if much or shown < 0 or self._is_dip(shown):
                return self._left(time_us, shown, 0.0, CounterEvent.UNDECIDED, since)
            return self._left(time_us, shown, since, CounterEvent.RESET)
        if shown >= 0 and (shown <= self._most(waited) or shown <= near_zero):
            doubt = 0.0 if across is None else abs(across - shown)
            return self._left(time_us, shown, since, CounterEvent.RESET, doubt)
        if across is not None:
            return self._wrapped(time_us, shown, across, waited)
        event = CounterEvent.IMPLAUSIBLE if shown < 0 else CounterEvent.RESTORED
        return self._left(time_us, shown, 0.0, event)

    def _go_on(self, time_us: int, shown: float) -> None:
        if shown != self.level:
            self.moved_us = time_us
        self._time_us, self.level = time_us, shown
        self._shown, self._over, self._lowest = shown, False, None

    def _paid(self, more: float) -> float:
        paid = min(self.owed, more)
        self.owed -= paid
        return more - paid

    def _most(self, waited_us: int) -> float:
        rate = self._counter.max_rate_per_s
        return np.inf if rate is None else rate * waited_us / 1e6 * RATE_SLACK + 1.0

    def _is_growth(self, shown: float, waited_us: int) -> bool:
        if shown < self.level:
            return False
        if self._counter.max_rate_per_s is None:
            return not self._is_dip(shown)
        stood = min(self._time_us + waited_us - self.moved_us, AT_ONCE_US)
        credit = max(waited_us, stood)
        if shown - self.level > self._counter.max_rate_per_s * credit / 1e6 and self._is_dip(shown):
            return False
        return shown - self.level <= self._most(credit)

    def _comes_back(self, shown: float, following: tuple[int, float], far: float) -> bool:
        """Tell whether the next reading goes on from the level, and not from this one."""
        time_us, after = following
        without_rate = self._counter.max_rate_per_s is None
        if without_rate and shown > self.level and (after >= shown or far <= FAR_COUNTS):
            return False
        return self._is_near(self.level, after, time_us - self._time_us, far)

    def _is_near(self, level: float, shown: float, waited_us: int, far: float) -> bool:
        """Tell whether a reading is growth from a level to which it comes back from afar."""
        if shown < level:
            return False
        if self._counter.max_rate_per_s is None:
            return shown - level <= max(JITTER_COUNTS, JITTER_SHARE * far)
        return shown - level <= self._most(waited_us)

    def _is_dip(self, shown: float) -> bool:
        modulus = self._counter.modulus
        level, new, lowest = self.level, shown, self._bottom(shown)
        if shown > level:
            if modulus is None or shown >= lowest + modulus:
                return False
            level += modulus
            if shown - self.level <= modulus / 2:
                return False
        fell, height = level - new, level - lowest
        return 0 < fell <= max(JITTER_COUNTS, JITTER_SHARE * height) and new - lowest > height / 2

    def _bottom(self, shown: float) -> float:
        """Return the lowest value of the counter: a signed one shows values below zero."""
        modulus = self._counter.modulus
        signed = modulus is not None and (self.level < 0 or shown < 0)
        return -(modulus or 0.0) / 2 if signed else 0.0

    def _returns(self, time_us: int, shown: float) -> bool:
        away = self._away
        if away is None or time_us - away.time_us > RETURN_US:
            return False
        return self._is_near(away.level, shown, time_us - away.time_us, away.size)

    def _across(self, time_us: int, shown: float) -> float | None:
        """Return what was counted if it passed its modulus; None where that is not possible."""
        modulus = self._counter.modulus
        if modulus is None or shown >= self.level:
            return None
        bottom = self._bottom(shown)
        if self.level >= bottom + modulus or shown < bottom:
            return None
        across = shown - self.level + modulus
        if self._counter.max_rate_per_s is None:
            near = self.level - bottom >= NEAR_TOP * modulus
            return across if near and across <= modulus / 2 else None
        return across if across <= self._most(time_us - self._time_us) else None

    def _is_near_top(self, shown: float, waited_us: int) -> bool:
        """Tell whether a wrap is likelier than a reset: its top can be reached in the time."""
        modulus, rate = self._counter.modulus, self._counter.max_rate_per_s
        assert modulus is not None
        bottom = self._bottom(shown)
        if rate is None:
            return True
        left = bottom + modulus - self.level
        return left <= rate * waited_us / 1e6 or self.level - bottom >= NEAR_TOP * modulus

    def _continues_across(self, following: tuple[int, float], far: float) -> bool:
        """Tell whether the next reading is growth from the level over the modulus."""
        modulus, rate = self._counter.modulus, self._counter.max_rate_per_s
        if modulus is None or rate is None or following[1] >= self.level:
            return False
        across = following[1] - self.level + modulus
        return across <= self._most(following[0] - self._time_us) and self.level < modulus
