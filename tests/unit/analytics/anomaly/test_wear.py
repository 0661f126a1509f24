"""The slow chart, tails and quantiles."""

import numpy as np
import pytest

from analytics.anomaly.quantile import false_alarms_per_day, student
from analytics.anomaly.wear import SlowChart, Wear

_HOURS = 120
_PER_HOUR = 180


def hours(rise: float, count: int = _HOURS) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows of two sensors, 180 an hour; the second rises from hour 40 on, per hour."""
    rows = np.random.default_rng(3).normal(size=(count * _PER_HOUR, 2))
    hour = np.arange(len(rows)) / _PER_HOUR
    rows[:, 1] += np.maximum(hour - 40, 0) * rise
    times = np.arange(len(rows), dtype=np.int64) * 20_000
    return times, rows, np.full(len(rows), "A")


def test_nothing_is_worn_when_nothing_moves() -> None:
    assert SlowChart(2).take(*hours(0.0)) == []


def test_a_sensor_that_rises_is_named_with_the_time_that_is_left() -> None:
    found = SlowChart(2).take(*hours(0.02))

    assert {one.sensor for one in found} == {1}
    assert all(one.rising for one in found)
    first = found[0]
    assert 42 <= first.moment_ms / 3_600_000 <= 80
    late = found[-1]
    assert late.score > first.score
    settled = next(one for one in found if one.remaining_h is not None and one.latest_h is not None)
    assert settled.earliest_h is not None
    assert settled.remaining_h is not None
    assert settled.latest_h is not None
    assert settled.earliest_h <= settled.remaining_h <= settled.latest_h


def test_a_silent_sensor_is_not_worn() -> None:
    times, rows, regimes = hours(0.0)
    rows[:, 0] = np.nan
    rows[50 * _PER_HOUR : 60 * _PER_HOUR, 1] = np.nan

    assert SlowChart(2).take(times, rows, regimes) == []


def test_products_are_compared_with_themselves() -> None:
    times, rows, regimes = hours(0.0)
    regimes[(np.arange(len(rows)) // (4 * _PER_HOUR)) % 2 == 1] = "B"
    rows[regimes == "B"] += 50

    assert SlowChart(2).take(times, rows, regimes) == []


def test_same_hours_in_blocks_of_any_size_and_after_restarts() -> None:
    times, rows, regimes = hours(0.02, 80)
    whole = SlowChart(2).take(times, rows, regimes)
    chart, parts = SlowChart(2), list[Wear]()
    for start in range(0, len(rows), 700):
        part = slice(start, start + 700)
        parts += chart.take(times[part], rows[part], regimes[part])
        arrays = chart.to_arrays()
        chart = SlowChart(2)
        chart.restore(arrays)

    assert parts == whole


@pytest.mark.parametrize(("freedom", "exact"), [(5, 5.51), (10, 3.96), (30, 3.27), (1000, 3.01)])
def test_quantiles_of_students_t_at_three_sigmas(freedom: int, exact: float) -> None:
    assert student(3, freedom) == pytest.approx(exact, rel=0.05)


def test_expected_false_alarms_follow_the_tail_of_the_peaks() -> None:
    peaks = np.random.default_rng(1).gumbel(0.5, 0.1, size=4000).tolist()

    expected = 96 * -np.expm1(-np.exp(-(1.2 - 0.5) / 0.1))
    assert false_alarms_per_day(peaks, 1.2, 96) == pytest.approx(expected, rel=0.3)
    assert np.isnan(false_alarms_per_day(peaks[:5], 1.2, 96))
