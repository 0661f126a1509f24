"""What is known of a counter, what may be said of its readings, and the limits of the rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType

JITTER_US = 600_000_000
"""How long after it was last at its level a counter may dip below it and still be jittering."""
RETURN_US = 3_600_000_000
"""Within what time a counter that showed something else may come back to where it was, and the
next reading tell of the one before."""
JITTER_SHARE = 0.01
JITTER_COUNTS = 1.0
NEAR_TOP = 0.9
# The plausible rate is somebody's estimate: a counter that shows next to nothing was set to zero.
NEAR_ZERO_SHARE = 0.01
NEAR_ZERO_COUNTS = 100.0
# Readings are not taken exactly when parts are made, so twice the plausible rate is allowed; and
# parts may be told several at once, so a counter that stood still may make up for up to a minute.
RATE_SLACK = 2.0
AT_ONCE_US = 60_000_000
FAR_COUNTS = 100.0
"""Without a rate, how far a reading must leave the others to look like none of them."""
AWAY_US = 3_600_000_000
"""After such a gap a counter may have been reset without showing it."""


class CounterEvent(IntEnum):
    """What happened between two readings of a counter."""

    COUNTED = 0
    """It stood still or grew."""
    JITTER = 1
    """It dipped by at most 1 % or one count, also back over its modulus: nothing was counted."""
    WRAPPED = 2
    """It passed its modulus and began again at its lowest value."""
    RESET = 3
    """It was set to zero; what it shows now was counted since."""
    RESTORED = 4
    """It fell back to an older value: too high to have been counted since a reset, and not near
    zero."""
    CORRECTED = 5
    """A person said what it was, or booked it later."""
    IMPLAUSIBLE = 6
    """It shows what cannot have been counted in the time: a misreading, not production."""
    RETURNED = 7
    """It came back to where it was before it showed something else."""
    UNDECIDED = 8
    """No rule can decide: the least that fits was counted, and the judgement says how much more
    may be."""


class Verdict(StrEnum):
    """What a person says of a reading."""

    IGNORE = "ignore"
    """It is a misreading."""
    COUNT = "count"
    """The difference to the reading before was really made."""
    RESET = "reset"
    """The counter was set to zero: what it shows was counted since."""
    WRAP = "wrap"
    """It passed its modulus once."""
    NOTHING = "nothing"
    """Nothing was made; it goes on from here."""


NO_VERDICTS: Mapping[int, Verdict] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Counter:
    """What is known of a counter: where it wraps and how fast it can grow."""

    modulus: float | None = None
    max_rate_per_s: float | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was decided of a reading that is no plain growth; values as the counter showed them."""

    time_us: int
    event: CounterEvent
    before: float
    """The level it is compared with."""
    shown: float
    counted: float
    doubt: float = 0.0
    """By how much another reading of the same rules differs: more or less may have been counted."""
    next_us: int | None = None
    """The reading that was looked at as the next one; None while there is none in time."""
