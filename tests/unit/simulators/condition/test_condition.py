"""Simulated machines with known faults."""

from pathlib import Path

import numpy as np
import pytest

from simulators.condition.fault import Kind, inject
from simulators.condition.floor import write_recordings
from simulators.condition.machine import Recording, press_of, run_of


def recording(kind: Kind) -> Recording:
    make = press_of if kind is Kind.CYCLE_SHAPE else run_of
    return make(np.random.default_rng(4), 0.5)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_fault_changes_its_sensor_in_its_time_and_nothing_else(kind: Kind) -> None:
    whole, broken = recording(kind), recording(kind)
    first, past = 2000, 3000

    truth = inject(broken, kind, np.random.default_rng(1), first, past)

    differs = whole.values != broken.values
    assert differs[first:past, truth.sensor].any()
    differs[first:past, truth.sensor] = False
    assert not differs.any()
    assert truth.start_ms == whole.times_ms[first]
    assert truth.end_ms == whole.times_ms[past - 1]


def test_recordings_are_the_same_for_the_same_seed(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_recordings(tmp_path / name, days=0.2, faults=0, seed=5, progress=lambda _: None)

    (first,), (second,) = (list((tmp_path / name).glob("*.npz")) for name in ("one", "two"))
    with np.load(first) as one, np.load(second) as two:
        assert np.array_equal(one["values"], two["values"], equal_nan=True)
        assert set(np.unique(one["regimes"])) <= {"", "A", "B", "C"}
        assert np.isnan(one["values"]).any()
        assert len(one["fault_kind"]) == 0
