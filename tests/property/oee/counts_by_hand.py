"""Counters by hand: reading after reading, hour by hour, in whole numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from tests.property.oee.stories import Counter, Report

JITTER_MIN = 10
RETURN_MIN = 60


@dataclass(frozen=True)
class Counted:
    """What a counter counted: parts by minute, what happened, and its first reading."""

    parts: tuple[tuple[int, Fraction], ...]
    events: tuple[tuple[int, str], ...]
    first: int | None
    waits: tuple[tuple[int, int], ...] = ()
    """By minute how long it had been silent before."""


def counted(counter: Counter, last: int) -> Counted:
    """Return what was counted before a tick, reading after reading."""
    rows = [one for one in sorted(counter.reports, key=lambda one: one.tick) if not one.bad]
    if counter.increments:
        rows = [one for one in rows if one.tick < last]
        return Counted(
            tuple((one.tick, Fraction(max(one.value, 0))) for one in rows),
            tuple((one.tick, "jitter") for one in rows if one.value < 0),
            rows[0].tick if rows else None,
        )
    parts: list[tuple[int, Fraction]] = []
    events: list[tuple[int, str]] = []
    for hour in sorted({one.tick // 60 for one in rows}):
        for tick, more, event in _of_hour(counter, rows, hour):
            if tick < last:
                parts.append((tick, Fraction(more)))
                events += [(tick, event)] if event != "counted" else []
    seen = [one.tick for one in rows if one.tick < last]
    waits = tuple((after, after - before) for before, after in pairwise(seen))
    return Counted(tuple(parts), tuple(events), seen[0] if seen else None, waits)


def _of_hour(counter: Counter, rows: Sequence[Report], hour: int) -> list[tuple[int, int, str]]:
    """Return minute, parts and event of the readings of an hour.

    What is remembered begins with the hour of the last reading before.
    """
    earlier = [place for place, one in enumerate(rows) if one.tick // 60 < hour]
    base = 0
    if earlier:
        remembered = rows[earlier[-1]].tick // 60
        base = next(n for n, one in enumerate(rows) if one.tick // 60 == remembered)
    walk = _Walk(counter, rows[base])
    found = []
    for place in range(base + 1, len(rows)):
        one = rows[place]
        if one.tick // 60 > hour:
            break
        after = rows[place + 1] if place + 1 < len(rows) else None
        if after is not None and after.tick - one.tick > RETURN_MIN:
            after = None
        skipped = walk.at != rows[place - 1].tick
        more, event = walk.hear(one, after)
        new_hour = rows[place - 1].tick // 60 != one.tick // 60
        if event == "counted" and skipped and walk.at == one.tick and new_hour:
            # It tells what was left out in the hour before.
            event = "returned"
        if one.tick // 60 == hour:
            found.append((one.tick, more, event))
    return found


class _Walk:
    """What is believed of a counter while its readings are heard one by one."""

    def __init__(self, counter: Counter, first: Report) -> None:
        self.top = counter.modulus
        self.rate = counter.rate_per_min
        self.at = first.tick
        self.level: int = first.value
        self.heard: int = first.value
        self.low: int | None = None
        self.over = False
        self.debt = 0
        self.left: tuple[int, int, int] | None = None
        """Level, minute and distance of what it left for something else."""
        self.since_left = 0

    def most(self, minutes: int) -> int:
        """Return how many can have been made, twice over and one more."""
        assert self.rate is not None
        return self.rate * minutes * 2 + 1

    def hear(self, one: Report, after: Report | None) -> tuple[int, str]:
        new, waited = one.value, one.tick - self.at
        grew = new - self.level
        leap = self.rate is None and grew > 100
        if grew >= 0 and not leap and not self.dips(new):
            if self.rate is None or grew <= self.most(waited):
                return self.grow(one, waited)
        elif grew >= 0 and self.rate is not None and grew <= self.rate * waited:
            # Nearly all of its values in the time, not faster than it works: no dip over the top.
            return self.grow(one, waited)
        if self.dips(new) and waited <= JITTER_MIN:
            return self.dip(new)
        if self.is_back(one):
            return self.come_back(one)
        if after is not None and self.next_goes_on(one, after):
            return 0, self.misread(one, after, waited)
        across = self.across(one)
        if across is not None and self.reaches_top(one.value, waited):
            return self.wrap(one, across, waited)
        if after is not None and self.next_goes_on_over_the_top(after):
            return 0, self.misread(one, after, waited)
        if grew > 0:
            return self.grow(one, waited) if leap else self.leave(one, 0, "implausible")
        return self.fall(one, across, waited)

    def misread(self, one: Report, after: Report, waited: int) -> str:
        """Name a reading that is left out: a reset may fit as well."""
        both = (
            self.rate is not None
            and 0 <= one.value < self.level
            and one.value <= self.rate * waited
            and self.since_zero(after.value) - one.value <= self.rate * (after.tick - one.tick)
        )
        return "undecided" if both else "implausible"

    def grow(self, one: Report, waited: int) -> tuple[int, str]:
        more, event = one.value - self.level, "counted"
        if self.rate is None and more > max(100, self.level) and waited <= JITTER_MIN:
            self.remember(one)
            self.believe(one)
            return more, "undecided"
        since = self.since_zero(one.value)
        if self.rate is None and waited > RETURN_MIN and self.level != 0 and since <= 2 * more:
            event = "undecided"
        if self.rate is not None and (
            (self.top is not None and more + self.top <= self.rate * waited)
            or (
                waited > RETURN_MIN
                and since <= self.rate * waited
                and (more > 0 if self.level != 0 else more < self.rate * waited)
            )
        ):
            event = "undecided"
        if self.left is not None:
            self.since_left += more
        self.believe(one)
        return self.pay(more), event

    def pay(self, more: int) -> int:
        paid = min(self.debt, more)
        self.debt -= paid
        return more - paid

    def dip(self, new: int) -> tuple[int, str]:
        over = new > self.level
        fell = new < self.heard or over is not self.over
        self.heard, self.over = new, over
        if self.low is None and not over:
            self.low = new
        return 0, "jitter" if fell else "counted"

    def come_back(self, one: Report) -> tuple[int, str]:
        assert self.left is not None
        more = one.value - self.left[0] - self.since_left
        self.left = None
        self.believe(one)
        self.debt += max(-more, 0)
        return max(more, 0), "returned"

    def wrap(self, one: Report, across: int, waited: int) -> tuple[int, str]:
        assert self.top is not None
        again = self.rate is not None and across + self.top <= self.rate * waited
        self.left = None
        self.believe(one)
        return self.pay(across), "undecided" if again else "wrapped"

    def leave(self, one: Report, more: int, event: str) -> tuple[int, str]:
        self.remember(one)
        self.since_left += more
        self.believe(one)
        return more, event

    def remember(self, one: Report) -> None:
        if self.left is None or one.tick - self.left[1] > RETURN_MIN:
            self.left = self.level, self.at, abs(one.value - self.level)
            self.since_left = 0

    def fall(self, one: Report, across: int | None, waited: int) -> tuple[int, str]:
        new = one.value
        if self.low is not None and self.dips(new):
            grown = max(new - self.low, 0)
            if self.rate is None:
                return self.leave(one, grown, "undecided")
            if new > self.most(waited):
                return self.leave(one, grown, "restored")
        if self.rate is None:
            much = (new * 2 > self.level and new > 100) or new < 0 or self.dips(new)
            return self.leave(one, 0, "undecided") if much else self.leave(one, new, "reset")
        next_to_nothing = new <= 100 and new * 100 <= self.level
        if new >= 0 and (new <= self.most(waited) or next_to_nothing):
            return self.leave(one, new, "reset")
        if across is not None:
            return self.wrap(one, across, waited)
        return self.leave(one, 0, "implausible" if new < 0 else "restored")

    def believe(self, one: Report) -> None:
        self.at, self.level, self.heard = one.tick, one.value, one.value
        self.low, self.over = None, False

    def lowest(self, new: int) -> int:
        """Return the least value it can show: below zero only where it shows such values."""
        return -self.top // 2 if self.top is not None and min(self.level, new) < 0 else 0

    def since_zero(self, new: int) -> int:
        """Return what it counted at least since it was zero."""
        return new + self.top if self.top is not None and new < 0 else new

    def dips(self, new: int) -> bool:
        """Tell whether a value lies a little below the level, also back over the top."""
        lowest = self.lowest(new)
        over = new > self.level
        if over and (self.top is None or (new - self.level) * 2 <= self.top):
            return False
        if over and self.top is not None and new >= lowest + self.top:
            return False
        # Both counted from the lowest value, the level before it passed the top.
        height = self.level - lowest + (self.top or 0 if over else 0)
        shown = new - lowest
        fell = height - shown
        return fell > 0 and (fell <= 1 or fell * 100 <= height) and shown * 2 > height

    def is_near(self, level: int, new: int, minutes: int, away: int) -> bool:
        if new < level:
            return False
        if self.rate is None:
            return new - level <= 1 or (new - level) * 100 <= away
        return new - level <= self.most(minutes)

    def is_back(self, one: Report) -> bool:
        if self.left is None or one.tick - self.left[1] > RETURN_MIN:
            return False
        level, tick, away = self.left
        return self.is_near(level, one.value, one.tick - tick, away)

    def next_goes_on(self, one: Report, after: Report) -> bool:
        away = abs(one.value - self.level)
        above = self.rate is None and one.value > self.level
        if above and (after.value >= one.value or away <= 100):
            return False
        return self.is_near(self.level, after.value, after.tick - self.at, away)

    def across(self, one: Report) -> int | None:
        if self.top is None or one.value >= self.level:
            return None
        height = self.level - self.lowest(one.value)
        if height >= self.top or one.value < self.lowest(one.value):
            return None
        across = one.value - self.level + self.top
        if self.rate is None:
            near = height * 10 >= self.top * 9
            return across if near and across * 2 <= self.top else None
        return across if across <= self.most(one.tick - self.at) else None

    def reaches_top(self, new: int, waited: int) -> bool:
        assert self.top is not None
        if self.rate is None:
            return True
        height = self.level - self.lowest(new)
        return self.top - height <= self.rate * waited or height * 10 >= self.top * 9

    def next_goes_on_over_the_top(self, after: Report) -> bool:
        if self.top is None or self.rate is None or after.value >= self.level:
            return False
        over = after.value - self.level + self.top
        return over <= self.most(after.tick - self.at) and self.level < self.top
