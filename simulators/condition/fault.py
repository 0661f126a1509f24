"""Faults with a known beginning, end and sensor, put into recordings that were normal."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from simulators.condition.machine import STEP_S, Recording, press_curve

Array = NDArray[np.float64]


class Kind(Enum):
    """What goes wrong."""

    BIAS = "bias"
    """A sensor says a constant too much."""
    DRIFT = "drift"
    """A sensor says more and more, over an hour."""
    STUCK = "stuck"
    """A sensor repeats its last value."""
    NOISE = "noise"
    """A sensor becomes noisy."""
    CORRELATION = "correlation"
    """A sensor keeps its distribution, but no longer goes with the others."""
    DEGRADATION = "degradation"
    """A bearing wears over days: vibration rises slowly."""
    CYCLE_SHAPE = "cycle-shape"
    """The press reaches its highest force later in the cycle."""


@dataclass(frozen=True, slots=True)
class Injected:
    """The truth about a fault."""

    kind: Kind
    sensor: int
    start_ms: int
    end_ms: int


def inject(
    recording: Recording, kind: Kind, rng: np.random.Generator, first: int, past: int
) -> Injected:
    """Change rows [first, past) in place and tell how."""
    values = recording.values
    part = slice(first, past)
    length = past - first
    sensor = int(rng.integers(values.shape[1]))
    usual = _scatter(values[:first], recording.regimes[:first])
    quick = _short_term(values[:first], recording.regimes[:first])
    sign = float(rng.choice([-1, 1]))
    if kind is Kind.BIAS:
        values[part, sensor] += sign * rng.uniform(3, 6) * usual[sensor]
    elif kind is Kind.DRIFT:
        rise = np.minimum(np.arange(length) / (3600 / STEP_S), 1.0)
        values[part, sensor] += sign * rng.uniform(4, 8) * usual[sensor] * rise
    elif kind is Kind.STUCK:
        values[part, sensor] = values[first, sensor]
    elif kind is Kind.NOISE:
        values[part, sensor] += rng.normal(size=length) * rng.uniform(4, 8) * quick[sensor]
    elif kind is Kind.CORRELATION:
        sensor = int(rng.integers(2))
        where = np.flatnonzero(recording.regimes[part] != "") + first
        values[where, sensor] = values[np.roll(where, len(where) // 2), sensor]
    elif kind is Kind.DEGRADATION:
        sensor = int(rng.integers(2, 4))
        rise = np.arange(length) / length
        values[part, sensor] *= 1 + rng.uniform(0.6, 1.0) * rise
    else:
        sensor = 0
        _move_peak(recording, first, past)
    return Injected(kind, sensor, int(recording.times_ms[first]), int(recording.times_ms[past - 1]))


def _scatter(values: Array, regimes: NDArray[np.str_]) -> Array:
    """Return how far each sensor usually is from its median of a product: 1.4826 · MAD."""
    spreads = []
    for regime in np.unique(regimes[regimes != ""]):
        part = values[regimes == regime]
        spreads.append(1.4826 * np.median(np.abs(part - np.median(part, axis=0)), axis=0))
    return np.asarray(np.mean(spreads, axis=0))


def _short_term(values: Array, regimes: NDArray[np.str_]) -> Array:
    """Return what each sensor moves from row to row while it works: 1.4826 · MAD / √2."""
    working = regimes != ""
    steps = np.diff(values, axis=0)[working[1:] & working[:-1]]
    return np.asarray(1.4826 * np.median(np.abs(steps), axis=0) / np.sqrt(2))


def _move_peak(recording: Recording, first: int, past: int) -> None:
    part = recording.signal[first:past]
    begins = np.flatnonzero(np.diff(recording.signal)) + 1
    cycle = np.searchsorted(begins, np.arange(first, past), side="right") - 1
    start = begins[np.maximum(cycle, 0)]
    after = np.append(begins, begins[-1] + 30)[np.maximum(cycle, 0) + 1]
    phase = (np.arange(first, past) - start) / (after - start)
    before, later = press_curve(phase, 0.55), press_curve(phase, 0.60)
    recording.values[first:past, 0] += 50 * (later - before) * np.isfinite(part)
