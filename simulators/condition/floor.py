"""Recordings on disk: normal machine-days and one fault per further recording, with the truth."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from simulators.condition.fault import Injected, Kind, inject
from simulators.condition.machine import STEP_S, Recording, press_of, run_of

DAYS_OF_A_MACHINE = 5.0
_PER_HOUR = 3600 // STEP_S


def write_recordings(
    folder: Path, days: float, faults: int, seed: int, progress: Callable[[str], None]
) -> None:
    """Write `days` normal machine-days and `faults` recordings of each kind of fault.

    Each is an npz without pickle: times_ms n, values n·d, regimes n, signal n, sensors d,
    fault_kind, fault_sensor, fault_start_ms, fault_end_ms (empty without a fault).
    """
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    left = days
    while left > 0:
        progress(f"normal machine {number}")
        rng = np.random.default_rng((seed, number))
        spent = min(left, 1.0 if number % 6 == 5 else DAYS_OF_A_MACHINE)
        recording = press_of(rng, spent) if number % 6 == 5 else run_of(rng, spent)
        _disorder(recording, rng)
        _write(folder / f"normal-{number:03}.npz", recording, [])
        left -= spent
        number += 1
    for kind in Kind:
        for place in range(faults):
            progress(f"{kind.value} {place}")
            rng = np.random.default_rng((seed, 1000 + number))
            number += 1
            recording, first, past = _before_fault(kind, rng)
            truth = inject(recording, kind, rng, first, past)
            _disorder(recording, rng)
            _write(folder / f"{kind.value}-{place:03}.npz", recording, [truth])


def _before_fault(kind: Kind, rng: np.random.Generator) -> tuple[Recording, int, int]:
    """Return a normal recording and where the fault goes: into work of a product known by then."""
    if kind is Kind.CYCLE_SHAPE:
        recording = press_of(rng, 0.5)
        first = 7 * 3600 + int(rng.integers(3600))
        return recording, first, first + 3600
    if kind is Kind.DEGRADATION:
        recording = run_of(rng, 7)
        return recording, 4 * 24 * _PER_HOUR, len(recording.times_ms)
    recording = run_of(rng, 2)
    working = recording.regimes != ""
    starts = np.arange(30 * _PER_HOUR, len(working) - 4 * _PER_HOUR)
    ahead = np.cumsum(np.concatenate(([0], working)))
    steady = starts[
        (ahead[starts + 2 * _PER_HOUR] - ahead[starts - _PER_HOUR // 4]) >= 2.2 * _PER_HOUR
    ]
    first = int(rng.choice(steady if len(steady) else starts))
    return recording, first, first + 2 * _PER_HOUR


def _disorder(recording: Recording, rng: np.random.Generator) -> None:
    """Lose single readings, and the whole edge for some minutes now and then."""
    lost = rng.random(recording.values.shape) < 0.002
    recording.values[lost] = np.nan
    for _ in range(int(rng.poisson(len(recording.times_ms) * STEP_S / 86_400))):
        first = int(rng.integers(len(recording.times_ms)))
        recording.values[first : first + int(rng.integers(20, 100))] = np.nan


def _write(file: Path, recording: Recording, faults: list[Injected]) -> None:
    np.savez_compressed(
        file,
        times_ms=recording.times_ms,
        values=recording.values.astype(np.float32),
        regimes=recording.regimes,
        signal=recording.signal,
        sensors=np.array(recording.sensors),
        fault_kind=np.array([one.kind.value for one in faults], dtype="U"),
        fault_sensor=np.array([one.sensor for one in faults], dtype=np.int64),
        fault_start_ms=np.array([one.start_ms for one in faults], dtype=np.int64),
        fault_end_ms=np.array([one.end_ms for one in faults], dtype=np.int64),
    )
