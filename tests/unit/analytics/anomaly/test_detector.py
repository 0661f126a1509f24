"""The live detector on rows whose truth is known by construction."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.anomaly.detector import Detector, RowStatus, Scores
from analytics.anomaly.settings import DetectorSettings
from analytics.anomaly.state import VERSION, from_arrays, load, save, to_arrays
from plant.errors import DataError

Rows = NDArray[np.float64]
GROWN = 4000
"""Rows after which no model is new any more."""


def machine(rows: int, sensors: int = 6, seed: int = 1) -> Rows:
    """Return rows of sensors that share a load, each with an inertia and a noise of its own."""
    draw = np.random.default_rng(seed)
    load = np.zeros(rows)
    for place in range(1, rows):
        load[place] = 0.9 * load[place - 1] + draw.normal()
    gains = draw.uniform(0.3, 1.0, sensors)
    noise = draw.normal(size=(rows, sensors))
    return np.asarray(50 + 10 * np.arange(sensors) + load[:, None] * gains + noise)


def judged(rows: Rows, **settings: float) -> Scores:
    return Detector(rows.shape[1], DetectorSettings(**settings)).score(rows)  # type: ignore[arg-type]


def columns(scores: Scores) -> Iterator[NDArray[np.generic]]:
    yield from (scores.score, scores.status, scores.contribution)
    yield from (scores.deviation, scores.expected)


def test_learns_first_and_stays_calm_when_all_is_well() -> None:
    scores = judged(machine(4000))

    assert (scores.status[:400] == RowStatus.LEARNING).all()
    assert np.isnan(scores.score[:400]).all()
    assert (scores.status[400:] == RowStatus.NORMAL).all()


@pytest.mark.parametrize("sensor", range(6))
def test_names_the_sensor_when_its_level_moves(sensor: int) -> None:
    rows = machine(GROWN + 500)
    rows[GROWN:, sensor] += 6

    scores = judged(rows)

    opened = int(np.flatnonzero(scores.alarm)[0])
    assert GROWN <= opened < GROWN + 30
    assert scores.contribution[opened + 5].argmax() == sensor
    assert np.nansum(scores.contribution[opened + 5]) == pytest.approx(1)
    assert scores.deviation[opened + 5 : opened + 15, sensor].mean() > 0
    assert scores.expected[opened + 5, sensor] == pytest.approx(50 + 10 * sensor, abs=2)


def test_one_sensor_alone_has_to_deviate_farther_while_the_model_is_new() -> None:
    alone, together = machine(1500), machine(1500)
    alone[1000:1100, 4] += 4
    together[1000:1100, [2, 3, 4]] += np.array([4, -4, 4])

    assert not judged(alone).alarm.any()
    assert judged(alone, alone=0.0).alarm[1000:1100].any()
    assert judged(together).alarm[1000:1100].any()


def test_where_there_is_but_one_sensor_nobody_could_bear_it_out() -> None:
    rows = np.random.default_rng(3).normal(size=(1500, 1))
    rows[1000:1100] += 3

    scores = judged(rows)

    assert scores.alarm[1000:1100].any()
    assert (scores.alarm == judged(rows, alone=0.0).alarm).all()


def test_names_the_sensor_when_its_noise_grows() -> None:
    rows = machine(1500)
    rows[1000:, 2] += np.random.default_rng(5).normal(size=500) * 6

    scores = judged(rows)

    opened = int(np.flatnonzero(scores.alarm)[0])
    assert 1000 <= opened < 1060
    assert scores.contribution[opened + 5].argmax() == 2


def test_finds_a_broken_correlation_though_every_value_stays_in_its_range() -> None:
    rows = machine(2000)
    twin = rows[:, 0] + np.random.default_rng(2).normal(size=2000) * 0.1
    rows = np.column_stack((rows, twin))
    rows[1200:, 6] = rows[1200:, 6][::-1]

    scores = judged(rows)

    opened = int(np.flatnonzero(scores.alarm)[0])
    assert 1200 <= opened < 1230
    assert scores.contribution[opened + 5].argmax() in {0, 6}


def test_a_drift_that_opened_an_alarm_does_not_hold_it() -> None:
    rows = machine(8000)
    rows[1000:, 1] += np.minimum(np.arange(7000) * 0.02, 30)

    scores = judged(rows, alone=0.0)

    assert scores.alarm[400:].mean() < 0.25
    assert not scores.alarm[-3000:].any()
    assert (scores.status == RowStatus.RELEARNED).any()


def test_going_back_to_a_known_level_is_no_new_alarm_but_for_the_way_there() -> None:
    rows = machine(6000)
    rows[1000:3000, 3] += 8

    scores = judged(rows)

    assert scores.alarm[1000:1500].any()
    assert not scores.alarm[1700:3000].any()
    assert scores.alarm[3000:].sum() < 20


def test_learns_again_when_everything_stays_different() -> None:
    rows = machine(6000)
    rows[1000:] = rows[1000:] * 1000

    scores = judged(rows)

    assert scores.alarm[1000:1010].all()
    assert (scores.status[1010:] == RowStatus.LEARNING).sum() == 400
    assert not scores.alarm[-1000:].any()
    assert np.isfinite(scores.score[scores.status == RowStatus.NORMAL]).all()


def test_same_bits_in_blocks_of_any_size_and_after_every_restart() -> None:
    rows = machine(2200)
    rows[900:1300, 2] += 5
    rows[1500:1510, 4] = np.nan
    whole = judged(rows)
    detector = Detector(6)
    parts: list[Scores] = []
    for start in range(0, len(rows), 37):
        parts.append(detector.score(rows[start : start + 37]))
        detector = load(save(detector))

    for place, column in enumerate(columns(whole)):
        together = np.concatenate([list(columns(part))[place] for part in parts])
        assert np.array_equal(column, together, equal_nan=True)


def test_state_is_plain_arrays_and_of_a_version() -> None:
    detector = Detector(6)
    detector.score(machine(1000))
    arrays = to_arrays(detector)

    assert all(array.dtype != object for array in arrays.values())
    assert int(arrays["version"]) == VERSION
    arrays["version"] = np.array(VERSION + 1)
    with pytest.raises(DataError, match="another version"):
        from_arrays(arrays)


def test_a_row_is_judged_without_those_that_follow() -> None:
    rows = machine(1200)
    other = rows.copy()
    other[1000:] = 0

    first, second = judged(rows), judged(other)

    assert np.array_equal(first.score[:1000], second.score[:1000], equal_nan=True)


def test_a_missing_sensor_leaves_the_score_and_disturbs_nobody() -> None:
    rows = machine(2000)
    rows[1000:1400, 2] = np.nan
    rows[1400:1450, 3] = np.inf
    rows[1450:1500, 4] = -np.inf

    scores = judged(rows)

    assert (scores.status[400:] == RowStatus.NORMAL).all()


def test_a_fault_is_found_while_another_sensor_is_missing() -> None:
    rows = machine(2000)
    rows[1000:, 2] = np.nan
    rows[1200:, 4] += 8

    scores = judged(rows)

    opened = int(np.flatnonzero(scores.alarm)[0])
    assert 1200 <= opened < 1230
    assert np.nanargmax(scores.contribution[opened + 5]) == 4


def test_no_verdict_when_most_sensors_are_missing() -> None:
    rows = machine(1000)
    rows[600:700, :4] = np.nan

    scores = judged(rows)

    assert (scores.status[600:700] == RowStatus.NO_DATA).all()
    assert np.isnan(scores.score[600:700]).all()
    assert (scores.status[700:] == RowStatus.NORMAL).all()


def test_constant_and_silent_columns_are_left_out_with_the_reason() -> None:
    rows = machine(1500)
    rows[:, 1] = 7.0
    rows[:, 4] = np.nan
    detector = Detector(6)
    rows[1000:, 2] += 8

    scores = detector.score(rows)

    assert detector.left_out == {1: "constant", 4: "silent"}
    assert np.isnan(scores.contribution[1010, [1, 4]]).all()
    assert np.nanargmax(scores.contribution[1010]) == 2


def test_nothing_is_learned_from_columns_that_are_all_constant() -> None:
    scores = judged(np.full((900, 3), 5.0))

    assert (scores.status == RowStatus.LEARNING).all()


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_few_rows_are_taken_without_a_verdict(rows: int) -> None:
    scores = judged(machine(rows))

    assert len(scores.score) == rows
    assert (scores.status == RowStatus.LEARNING).all()


def test_too_few_rows_make_no_model() -> None:
    detector = Detector(6)
    detector.learn(machine(50))

    assert detector.live is None
    assert detector.learning == 1


def test_a_hundred_sensors_and_identical_ones() -> None:
    rows = machine(GROWN + 500, sensors=100)
    rows[:, 50] = rows[:, 49]
    rows[GROWN:, 17] += 10

    scores = judged(rows)

    assert not scores.alarm[:GROWN].any()
    opened = int(np.flatnonzero(scores.alarm)[0])
    assert opened < GROWN + 60
    assert scores.contribution[opened + 5].argmax() == 17


def test_huge_values_overflow_nothing() -> None:
    rows = machine(1000)
    rows[700, 0] = 1e308
    rows[701, 1] = -1e308

    scores = judged(rows)

    assert np.isfinite(scores.score[400:]).all()
    assert scores.alarm[700]
