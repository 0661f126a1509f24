"""Readings on a fixed grid."""

import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.anomaly.data.grid import Grid, GridRows

Reading = tuple[int, int, float]


def take(grid: Grid, readings: list[Reading], until: int) -> GridRows:
    times, sensors, values = zip(*readings, strict=True) if readings else ((), (), ())
    return grid.take(
        np.array(times, dtype=np.int64),
        np.array(sensors, dtype=np.int64),
        np.array(values, dtype=np.float64),
        until,
    )


def same(values: NDArray[np.float64], expected: list[list[float]]) -> bool:
    return np.array_equal(values, np.array(expected).reshape(values.shape), equal_nan=True)


def test_a_row_holds_the_last_reading_of_its_step_and_the_ones_before() -> None:
    rows = take(Grid(2), [(100, 0, 1.0), (900, 0, 2.0), (1000, 1, 7.0), (1500, 0, 3.0)], 3000)

    assert rows.times_ms.tolist() == [1000, 2000]
    assert same(rows.values, [[2, 7], [3, 7]])


def test_holds_for_three_steps_and_no_longer() -> None:
    readings = [(1000, 1, 5.0)] + [(1000 * step, 0, float(step)) for step in range(1, 7)]

    assert same(take(Grid(2), readings, 9000).values[:, 1], [[5, 5, 5, 5, np.nan, np.nan]])


def test_a_bad_reading_ends_what_was_held() -> None:
    rows = take(Grid(2), [(1000, 0, 1.0), (1000, 1, 1.0), (2000, 0, np.nan), (3000, 1, 2.0)], 3000)

    assert same(rows.values, [[1, 1], [np.nan, 1], [np.nan, 2]])


def test_silence_is_no_row_and_a_month_is_no_rows() -> None:
    month = 30 * 86_400_000
    rows = take(Grid(1), [(1000, 0, 1.0), (month, 0, 2.0)], month)

    assert rows.times_ms.tolist() == [1000, month]
    assert same(rows.values, [[1], [2]])


@pytest.mark.parametrize("seed", range(5))
def test_same_rows_in_any_order_of_arrival_and_across_restarts(seed: int) -> None:
    draw = np.random.default_rng(seed)
    readings = [
        (int(draw.integers(0, 60_000)), int(draw.integers(3)), float(draw.integers(4)))
        for _ in range(300)
    ]
    whole = take(Grid(3), readings, 60_000)
    grid, parts = Grid(3), []
    for until in range(6000, 60_001, 6000):
        due = [reading for reading in readings if until - 6000 < reading[0] <= until]
        if until == 6000:
            due += [reading for reading in readings if reading[0] == 0]
        ahead = [reading for reading in readings if until < reading[0] <= until + 500]
        readings = [reading for reading in readings if reading not in ahead]
        draw.shuffle(due)
        parts.append(take(grid, due + ahead, until))
        arrays = grid.to_arrays()
        grid = Grid(3)
        grid.restore(arrays)

    assert np.array_equal(whole.times_ms, np.concatenate([part.times_ms for part in parts]))
    together = np.concatenate([part.values for part in parts])
    assert np.array_equal(whole.values, together, equal_nan=True)
    assert sum(part.late for part in parts) == 0


def test_what_comes_after_its_row_was_final_is_refused_and_counted() -> None:
    grid = Grid(1)
    take(grid, [(1000, 0, 1.0)], 5000)

    rows = take(grid, [(4000, 0, 9.0), (5500, 0, 2.0)], 6000)

    assert rows.late == 1
    assert same(rows.values, [[2]])


def test_no_readings_are_no_rows() -> None:
    rows = take(Grid(4), [], 10_000)

    assert rows.values.shape == (0, 4)
