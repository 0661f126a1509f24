"""A plant of hell: counters that show everything a counter can show, against what was really made.

One reading a minute for many days; now and then a fault, three hours or more after the last. What
was made is known to the part, so every hour in which the engine disagrees must be marked.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from analytics.readings.counter import Counter, CounterEvent
from analytics.readings.counting import increments
from analytics.readings.signal import number_readings

RATE_PER_S = 0.1
APART_MIN = 180
Shown = NDArray[np.float64]


@dataclass
class Course:
    """One counter minute by minute: what it shows, and what was made up to then."""

    shown: Shown
    made: Shown
    """Parts made up to each minute."""
    lost: NDArray[np.bool_]
    """Minutes without a reading."""
    modulus: float | None
    faults: list[tuple[int, str]] = field(default_factory=list)
    instead: dict[int, float] = field(default_factory=dict)
    """What is shown at some minutes in place of the count."""


def course(
    days: int,
    rng: np.random.Generator,
    modulus: float | None,
    *,
    signed: bool,
    running: NDArray[np.bool_] | None = None,
) -> Course:
    """Return a counter with random faults of every kind, three hours or more apart.

    It grows in the minutes that are `running`, of which there is one per minute; in all by default.
    """
    minutes = days * 1440
    steps = rng.integers(0, 6, minutes) * (rng.random(minutes) < 0.9)
    if running is not None:
        steps *= running
    made = np.cumsum(steps).astype(np.float64)
    low = -modulus / 2 if modulus is not None and signed else 0.0
    raw = made + float(rng.integers(0, 60_000))
    found = Course(raw, made, np.zeros(minutes, dtype=np.bool_), modulus)
    at = 200
    while at < minutes - 1000:
        kind = str(rng.choice(sorted(FAULTS)))
        FAULTS[kind](found, at, rng)
        found.faults.append((at, kind))
        at += APART_MIN + int(rng.integers(700, 1000)) * (kind in _LONG) + int(rng.integers(0, 300))
    if modulus is not None:
        wild = found.shown < 0
        found.shown = np.where(wild, found.shown, (found.shown - low) % modulus + low)
    for minute, value in found.instead.items():
        found.shown[minute] = value
    return found


_LONG = frozenset({"reset_while_away", "away"})


def _zero_once(found: Course, at: int, rng: np.random.Generator) -> None:
    found.instead[at] = 0.0


def _zeros(found: Course, at: int, rng: np.random.Generator) -> None:
    for minute in range(at, at + int(rng.integers(2, 6))):
        found.instead[minute] = 0.0


def _other_counter(found: Course, at: int, rng: np.random.Generator) -> None:
    base = float(rng.integers(10**8, 10**9))
    for minute in range(at, at + int(rng.integers(2, 45))):
        found.instead[minute] = base + found.made[minute] - found.made[at]


def _torn(found: Course, at: int, rng: np.random.Generator) -> None:
    found.instead[at] = float(found.shown[at]) + 65536.0 * int(rng.choice([1, 2, 3])) * 4


def _jitter(found: Course, at: int, rng: np.random.Generator) -> None:
    found.shown[at] = found.shown[at - 1] - 1 if found.shown[at - 1] > 2 else found.shown[at]


def _reset(found: Course, at: int, rng: np.random.Generator) -> None:
    found.shown[at:] -= found.shown[at - 1]


def _away(found: Course, at: int, rng: np.random.Generator) -> None:
    found.lost[at : at + int(rng.integers(70, 600))] = True


def _reset_while_away(found: Course, at: int, rng: np.random.Generator) -> None:
    length = int(rng.integers(70, 600))
    found.lost[at : at + length] = True
    inside = at + int(rng.integers(1, length))
    found.shown[inside:] -= found.shown[inside - 1]


FAULTS: dict[str, Callable[[Course, int, np.random.Generator], None]] = {
    "zero_once": _zero_once,
    "zeros": _zeros,
    "other_counter": _other_counter,
    "torn": _torn,
    "jitter": _jitter,
    "reset": _reset,
    "away": _away,
    "reset_while_away": _reset_while_away,
}


@dataclass(frozen=True)
class Verdict:
    """How far the engine agrees with what was made."""

    hours: int
    exact: int
    marked: int
    """Hours that disagree and say so."""
    unmarked: tuple[int, ...]
    """Hours that disagree and do not."""
    above: int
    """Hours up to which more was counted than made, beyond the doubt that is said."""


def judge(found: Course) -> Verdict:
    """Compare the engine's counts with what was made, hour by hour."""
    kept = np.flatnonzero(~found.lost)
    made = increments(
        number_readings(kept * 60_000_000, found.shown[kept]),
        Counter(found.modulus, RATE_PER_S),
    )
    hours = found.made.size // 60 + 1
    of_reading = made.times // 3_600_000
    counted = np.bincount(of_reading, made.amounts, hours)
    # What was made between two readings belongs to the later one, as for the engine.
    true = np.bincount(kept[1:] // 60, np.diff(found.made[kept]), hours)
    marked = np.zeros(hours, dtype=np.bool_)
    doubt = np.zeros(hours)
    for judged in made.judgements:
        assert judged.event is not CounterEvent.COUNTED
        marked[judged.time_us // 3_600_000_000] = True
        doubt[judged.time_us // 3_600_000_000] += judged.doubt
    assert (made.amounts >= 0).all()
    wrong = counted != true
    return Verdict(
        hours,
        int((~wrong).sum()),
        int((wrong & marked).sum()),
        tuple(np.flatnonzero(wrong & ~marked).tolist()),
        int((np.cumsum(counted) > np.cumsum(true + doubt) + 1e-6).sum()),
    )
