"""Simulated process values: small objects with `advance` and `get`, put together by addition.

A signal owns no clock. Whoever owns it says how much plant time has passed and how hard the
machine works; the same sequence of calls and the same generator give the same values.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(slots=True)
class Load:
    """What a machine's signals depend on; the machine updates it in place."""

    running: float = 0.0
    """1 while it produces, 0 while it does not."""
    wear: float = 0.0
    """Wear of the tool, 0 when new to 1 when it is due for replacement."""
    day_fraction: float = 0.0
    """Local time of day, 0 at midnight to 1."""


class Signal(Protocol):
    """A value that develops in plant time."""

    def advance(self, seconds: float, load: Load) -> None:
        """Let so many plant seconds pass."""
        ...

    def get(self) -> float:
        """Return the present value; asking twice gives the same."""
        ...


class Constant:
    """Always the same value."""

    def __init__(self, value: float) -> None:
        self._value = value

    def advance(self, seconds: float, load: Load) -> None:
        """Change nothing."""

    def get(self) -> float:
        """Return the value."""
        return self._value


class Ramp:
    """Rises by `per_hour` and falls back to zero every `period_s`, like a filter that clogs."""

    def __init__(self, per_hour: float, period_s: float) -> None:
        self._per_second = per_hour / 3600
        self._period_s = period_s
        self._elapsed_s = 0.0

    def advance(self, seconds: float, load: Load) -> None:
        """Rise."""
        self._elapsed_s = (self._elapsed_s + seconds) % self._period_s

    def get(self) -> float:
        """Return the height above the start."""
        return self._elapsed_s * self._per_second


class Dip:
    """`depth` less for the last `lasts_s` of every `period_s`, like a pump that draws air."""

    def __init__(self, depth: float, period_s: float, lasts_s: float) -> None:
        self._depth = depth
        self._period_s = period_s
        self._lasts_s = lasts_s
        self._elapsed_s = 0.0

    def advance(self, seconds: float, load: Load) -> None:
        """Go on."""
        self._elapsed_s = (self._elapsed_s + seconds) % self._period_s

    def get(self) -> float:
        """Return what is missing."""
        return -self._depth if self._elapsed_s >= self._period_s - self._lasts_s else 0.0


class Noise:
    """Independent Gaussian noise of standard deviation `sigma`."""

    def __init__(self, sigma: float, rng: np.random.Generator) -> None:
        self._sigma = sigma
        self._rng = rng
        self._value = 0.0

    def advance(self, seconds: float, load: Load) -> None:
        """Draw anew."""
        self._value = self._sigma * self._rng.standard_normal()

    def get(self) -> float:
        """Return the last draw."""
        return self._value


class RandomWalk:
    """A random walk that is pulled back to zero (Ornstein-Uhlenbeck, exact discretisation).

    `sigma` is its standard deviation in the long run, `memory_s` the time it takes to forget.
    """

    def __init__(self, sigma: float, memory_s: float, rng: np.random.Generator) -> None:
        self._sigma = sigma
        self._memory_s = memory_s
        self._rng = rng
        self._value = 0.0

    def advance(self, seconds: float, load: Load) -> None:
        """Walk on."""
        kept = math.exp(-seconds / self._memory_s)
        step = self._sigma * math.sqrt(1 - kept * kept)
        self._value = kept * self._value + step * self._rng.standard_normal()

    def get(self) -> float:
        """Return the distance from zero."""
        return self._value


class Wear:
    """Grows with the square of the tool's wear, by `gain` until replacement."""

    def __init__(self, gain: float) -> None:
        self._gain = gain
        self._value = 0.0

    def advance(self, seconds: float, load: Load) -> None:
        """Follow the tool."""
        self._value = self._gain * load.wear * load.wear

    def get(self) -> float:
        """Return what the wear adds."""
        return self._value


class WorkLoad:
    """`gain` while the machine produces, else zero."""

    def __init__(self, gain: float) -> None:
        self._gain = gain
        self._value = 0.0

    def advance(self, seconds: float, load: Load) -> None:
        """Follow the machine."""
        self._value = self._gain * load.running

    def get(self) -> float:
        """Return what the work adds."""
        return self._value


class DailySwing:
    """A sine over the day, such as the temperature of the hall; highest at `peak_hour` local."""

    def __init__(self, amplitude: float, peak_hour: float) -> None:
        self._amplitude = amplitude
        self._peak = peak_hour / 24
        self._value = 0.0

    def advance(self, seconds: float, load: Load) -> None:
        """Follow the time of day."""
        self._value = self._amplitude * math.cos(math.tau * (load.day_fraction - self._peak))

    def get(self) -> float:
        """Return the distance from the day's mean."""
        return self._value


class Sum:
    """The sum of its parts."""

    def __init__(self, parts: Sequence[Signal]) -> None:
        self._parts = tuple(parts)

    def advance(self, seconds: float, load: Load) -> None:
        """Advance every part."""
        for part in self._parts:
            part.advance(seconds, load)

    def get(self) -> float:
        """Return the sum."""
        return sum(part.get() for part in self._parts)


class Lag:
    """Follows another signal like a mass that heats up: first order, `time_constant_s`."""

    def __init__(self, of: Signal, time_constant_s: float) -> None:
        self._of = of
        self._time_constant_s = time_constant_s
        self._value: float | None = None

    def advance(self, seconds: float, load: Load) -> None:
        """Come closer to the followed value; the first time, start from it."""
        self._of.advance(seconds, load)
        target = self._of.get()
        if self._value is None:
            self._value = target
        else:
            self._value += (target - self._value) * -math.expm1(-seconds / self._time_constant_s)

    def get(self) -> float:
        """Return the lagging value."""
        return 0.0 if self._value is None else self._value
