"""Faults of the data by rules."""

import numpy as np

from analytics.anomaly.data.quality import Fault, QualityRules, QualitySettings


def noise(rows: int, sensors: int = 2) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(rows, sensors))


def seconds(rows: int) -> np.ndarray:
    return np.arange(rows, dtype=np.int64) * 1000


def test_nothing_is_told_when_all_is_well() -> None:
    clean, events = QualityRules(2).take(seconds(2000), noise(2000))

    assert events == []
    assert np.isfinite(clean).all()


def test_a_stuck_sensor_is_told_and_hidden_from_the_model() -> None:
    rows = noise(2000)
    rows[1000:1200, 1] = rows[1000, 1]

    clean, events = QualityRules(2).take(seconds(2000), rows)

    begun, ended = events
    assert (begun.fault, begun.sensor, begun.end_ms) == (Fault.STUCK, 1, None)
    assert begun.start_ms == 1_060_000
    assert ended.end_ms == 1_200_000
    assert np.isnan(clean[1060:1200, 1]).all()
    assert np.isfinite(clean[:, 0]).all()


def test_a_sensor_that_often_stands_still_is_not_stuck() -> None:
    rows = noise(3000)
    rows[:, 0] = np.arange(3000) // 100

    _, events = QualityRules(2).take(seconds(3000), rows)

    assert events == []


def test_a_sensor_that_never_moved_is_not_stuck() -> None:
    rows = noise(2000)
    rows[:, 0] = 4.0

    assert QualityRules(2).take(seconds(2000), rows)[1] == []


def test_values_outside_of_the_range_are_told_and_hidden() -> None:
    rows = noise(100)
    rows[50:53, 0] = 400
    settings = QualitySettings(ranges=((-40, 120), (-np.inf, np.inf)))

    clean, events = QualityRules(2, settings).take(seconds(100), rows)

    assert [(one.fault, one.sensor, one.start_ms, one.end_ms) for one in events] == [
        (Fault.RANGE, 0, 50_000, None),
        (Fault.RANGE, 0, 50_000, 53_000),
    ]
    assert np.isnan(clean[50:53, 0]).all()


def test_a_gap_is_told_after_ten_missing_rows_whatever_the_blocks_and_restarts() -> None:
    rows = noise(100)
    rows[20:60, 1] = np.inf
    rules = QualityRules(2)

    events = []
    for start in range(0, 100, 7):
        part = slice(start, start + 7)
        events += rules.take(seconds(100)[part], rows[part])[1]
        arrays = rules.to_arrays()
        rules = QualityRules(2)
        rules.restore(arrays)

    assert [(one.fault, one.start_ms, one.end_ms) for one in events] == [
        (Fault.GAP, 30_000, None),
        (Fault.GAP, 30_000, 60_000),
    ]
