"""A machine's sensors for some days, all at once: what depends on product, tool, day and load."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SENSORS = (
    "current",
    "power",
    "vibration-x",
    "vibration-y",
    "bearing",
    "coolant",
    "pressure",
    "flow",
)
STEP_S = 10
START_MS = 1_767_571_200_000
"""2026-01-05 00:00 UTC, a Monday."""
_PRODUCTS = ("A", "B", "C")


@dataclass(slots=True)
class Recording:
    """n rows of d sensors; `regimes` empty while idle, `signal` counts parts or is all NaN."""

    times_ms: NDArray[np.int64]
    values: Array
    regimes: NDArray[np.str_]
    signal: Array
    sensors: tuple[str, ...]


def run_of(rng: np.random.Generator, days: float) -> Recording:
    """Return a machine without a fault, of its own gains, noises and order of products."""
    count = int(days * 86_400 / STEP_S)
    times = START_MS + np.arange(1, count + 1, dtype=np.int64) * STEP_S * 1000
    regimes = _schedule(rng, count)
    running = regimes != ""
    wear = _tool(rng, running)
    for change in np.flatnonzero(np.diff(wear) < 0):
        regimes[change + 1 : change + 1 + 600 // STEP_S] = ""
    running = regimes != ""
    load = _follow(rng.normal(size=count), 0.97) * np.sqrt(1 - 0.97**2)
    day = np.cos(2 * np.pi * (times / 86_400_000 - 7 / 24 - rng.uniform(0.3, 0.4)))
    product = {name: rng.uniform(0.6, 1.4, 3) for name in _PRODUCTS}
    force = np.array([product[name][0] if name else 0.0 for name in regimes])
    rough = np.array([product[name][1] if name else 0.0 for name in regimes])
    need = np.array([product[name][2] if name else 0.2 for name in regimes])
    work = np.where(running, force * (1 + 0.08 * load) + 0.08 * wear, 0.05)
    heat = _follow(work, 1 - STEP_S / 1500) * (STEP_S / 1500)
    gain = rng.uniform(0.8, 1.2, len(SENSORS))
    shake = np.where(running, rough * (1 + 0.3 * wear), 0.02)
    slow = _follow(rng.normal(size=(count, 2)), 0.9995) * np.sqrt(1 - 0.9995**2)
    values = np.stack(
        (
            10 * work,
            4 * work + 0.3,
            2 * shake + 0.3 * work,
            1.5 * shake + 0.2 * work,
            40 + 18 * heat + 3 * day + 0.3 * slow[:, 0],
            24 + 4 * heat + 3 * day + 0.3 * slow[:, 1],
            5 + 0.8 * need + 0.1 * load,
            20 * need + 1.5 * load,
        ),
        axis=1,
    )
    noise = np.array([0.15, 0.05, 0.08, 0.08, 0.1, 0.1, 0.04, 0.3])
    values = (values + rng.normal(size=values.shape) * noise) * gain
    return Recording(times, values, regimes, np.full(count, np.nan), SENSORS)


def press_of(rng: np.random.Generator, days: float) -> Recording:
    """Return a press that makes a part in some 30 s, sampled every second."""
    count = int(days * 86_400)
    times = START_MS + np.arange(1, count + 1, dtype=np.int64) * 1000
    lengths = np.clip(rng.normal(30, 0.5, size=count // 25 + 10), 27, 33)
    ends = np.cumsum(lengths)
    part = np.searchsorted(ends, np.arange(count), side="right")
    phase = (np.arange(count) - np.concatenate(([0.0], ends))[part]) / lengths[part]
    peak = (50 * (1 + 0.01 * rng.normal(size=len(lengths))))[part]
    force = peak * press_curve(phase, 0.55) + rng.normal(size=count) * 0.4
    position = 100 * np.sin(np.pi * phase) ** 2 + rng.normal(size=count) * 0.3
    oil = 45 + 2 * np.cos(2 * np.pi * times / 86_400_000) + rng.normal(size=count) * 0.1
    regimes = np.full(count, "press", dtype="U8")
    values = np.stack((force, position, oil), axis=1)
    return Recording(times, values, regimes, part.astype(float), ("force", "position", "oil"))


def press_curve(phase: Array, centre: float) -> Array:
    """Return the force over a cycle, 0 to 1, highest at `centre`."""
    return np.asarray(np.exp(-(((phase - centre) / 0.15) ** 2)))


def _schedule(rng: np.random.Generator, count: int) -> NDArray[np.str_]:
    """Products of 2 to 6 hours with a changeover of 10 to 30 minutes, short stops, a night off."""
    regimes = np.full(count, "", dtype="U8")
    per_hour = 3600 // STEP_S
    place, last = int(rng.integers(per_hour)), ""
    while place < count:
        product = str(rng.choice([name for name in _PRODUCTS if name != last]))
        past = place + int(rng.uniform(2, 6) * per_hour)
        regimes[place:past] = product
        for _ in range(int(rng.integers(3))):
            stop = int(rng.integers(place, past))
            regimes[stop : stop + int(rng.uniform(0.02, 0.3) * per_hour)] = ""
        place, last = past + int(rng.uniform(1 / 6, 1 / 2) * per_hour), product
    hour = (np.arange(count) // per_hour) % 24
    regimes[(hour >= 2) & (hour < 4)] = ""
    return regimes


def _tool(rng: np.random.Generator, running: NDArray[np.bool_]) -> Array:
    """Wear from 0 to 1 in 6 to 10 hours of work, then a new tool."""
    worked = np.cumsum(running) * STEP_S / 3600
    lives = np.cumsum(rng.uniform(6, 10, size=int(worked[-1] // 6) + 2))
    life = np.searchsorted(lives, worked, side="right")
    began = np.concatenate(([0.0], lives))[life]
    return np.asarray((worked - began) / (lives[life] - began))


def _follow(values: Array, keep: float) -> Array:
    """Return the recursion y = keep·y + x, row by row."""
    out = np.empty_like(values)
    last = np.zeros(values.shape[1:])
    for place, value in enumerate(values):
        last = keep * last + value
        out[place] = last
    return out
