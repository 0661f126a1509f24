"""Cycles cut from rows."""

from collections.abc import Sequence

import numpy as np
import pytest

from analytics.anomaly.data.cycle import CycleCutter, Cycles, feature_names, sensor_of


def take(
    cutter: CycleCutter, signal: Sequence[float], values: Sequence[float], start: int = 0
) -> Cycles:
    times = (np.arange(len(signal), dtype=np.int64) + start) * 1000
    rows = np.array(values)[:, None]
    return cutter.take(times, rows, np.array(signal), ["A"] * len(signal))


def test_a_cycle_is_what_lies_between_two_counts() -> None:
    cycles = take(
        CycleCutter(1), [1] * 3 + [2] * 6 + [3] * 2, [9.0] * 3 + [0, 0, 6, 0, 0, 0] + [1, 1]
    )

    assert cycles.times_ms.tolist() == [9000]
    duration, mean, least, most, _, centre = cycles.rows[0]
    assert (duration, mean, least, most) == (6, 1, 0, 6)
    assert centre == pytest.approx(0.4)


def test_cycles_are_the_same_in_blocks_and_after_restarts() -> None:
    signal = [float(place // 7) for place in range(100)]
    values = [float(value) for value in np.random.default_rng(1).normal(size=100)]
    whole = take(CycleCutter(1), signal, values)
    cutter, parts = CycleCutter(1), []
    for start in range(0, 100, 9):
        parts.append(take(cutter, signal[start : start + 9], values[start : start + 9], start))
        arrays = cutter.to_arrays()
        cutter = CycleCutter(1)
        cutter.restore(arrays)

    assert len(whole.rows) == 13
    assert np.array_equal(whole.rows, np.concatenate([part.rows for part in parts]))


def test_a_state_begins_a_cycle_and_its_end_does_not() -> None:
    signal = [0.0] * 4 + ([1.0] * 3 + [0.0] * 5) * 3 + [1.0]
    values = np.arange(len(signal), dtype=float)
    cycles = take(CycleCutter(1, rising=True), signal, list(values))

    assert cycles.times_ms.tolist() == [12_000, 20_000, 28_000]
    assert cycles.rows[:, 0].tolist() == [8, 8, 8]
    # A state that was not told for a while goes on.
    signal[7] = np.nan
    again = take(CycleCutter(1, rising=True), signal, list(values))
    assert np.array_equal(again.rows, cycles.rows)


def test_short_cycles_and_lost_counts() -> None:
    nan = float("nan")
    cycles = take(CycleCutter(1), [1, 2, 2, 3, nan, nan, 3, 3, 3, 4], [1.0] * 10)

    assert cycles.times_ms.tolist() == [9000]


def test_columns_say_what_they_are_of() -> None:
    names = feature_names(["force", "heat"])

    assert names[0] == "duration"
    assert names[6] == "heat mean"
    assert (sensor_of(0), sensor_of(5), sensor_of(6)) == (None, 0, 1)
