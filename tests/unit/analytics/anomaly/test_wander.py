"""What a model sees, and whether that has become less than what was approved."""

import numpy as np
import pytest

from analytics.anomaly.detector import Detector
from analytics.anomaly.model.reach import least_steps
from analytics.anomaly.wander import BOUND, WanderChart
from analytics.anomaly.watch.scorer import Scorer, ScorerSettings
from tests.unit.analytics.anomaly.test_detector import machine

APPROVED = {"a": np.array([1.0, 2.0])}


@pytest.mark.parametrize("sensor", range(6))
def test_the_least_step_of_each_sensor_brings_the_charts_to_their_limit_and_no_farther(
    sensor: int,
) -> None:
    detector = Detector(6)
    detector.score(machine(1500))
    live = detector.live
    assert live is not None
    model = live.model
    steps = least_steps(model)

    # Rows of nothing but the step, charted as `Live.judge` does.
    row = np.eye(6)[sensor] * steps[sensor]
    means = np.zeros((2, 6))
    smoothing = np.array(live.settings.smoothing)[:, None]
    for _ in range(400):
        residual = row - np.tile(row, model.order) @ model.weights
        means = means + smoothing * (residual - means)
    assert np.abs(means @ model.whitening / model.limits).max() == pytest.approx(1, rel=1e-9)


def test_an_event_opens_above_the_bound_and_closes_well_below_it() -> None:
    chart = WanderChart()
    assert chart.take(1, {"a": np.array([BOUND, 2.0])}, APPROVED) is None

    opened = chart.take(2, {"a": np.array([1.0, 2.5 * BOUND])}, APPROVED)
    assert opened is not None
    assert (opened.column, opened.since_ms, opened.factor, opened.over) == (1, 2, 5.0, False)
    assert (opened.least, opened.approved) == (10.0, 2.0)

    # The other one meanwhile is farther: still one event, of the one that it began with.
    lasting = chart.take(3, {"a": np.array([9.0, 2 * 0.9 * BOUND])}, APPROVED)
    assert lasting is not None
    assert (lasting.column, lasting.peak, lasting.over) == (1, 5.0, False)
    over = chart.take(4, {"a": np.array([1.0, 2.0])}, APPROVED)
    assert over is not None
    assert over.over
    assert chart.take(5, {"a": np.array([1.0, 2.0])}, APPROVED) is None


def test_a_sensor_that_is_watched_no_more_has_wandered_and_a_new_one_or_regime_has_not() -> None:
    gone = WanderChart().take(1, {"a": np.array([np.nan, 2.0])}, APPROVED)
    assert gone is not None
    assert (gone.column, gone.factor) == (0, 1000.0)

    new = {"a": np.array([1.0, np.nan])}
    assert WanderChart().take(1, {"a": np.array([1.0, 2.0])}, new) is None
    assert WanderChart().take(1, {"b": np.array([99.0, 99.0])}, APPROVED) is None


def test_an_open_event_survives_a_restart() -> None:
    settings = ScorerSettings(learn_rows=400)
    scorer = Scorer(2, settings)
    scorer.wander.take(7, {"a": np.array([1.0, 2.5 * BOUND])}, APPROVED)

    again = Scorer.from_bytes(scorer.to_bytes(), 2, settings)
    told = again.wander.take(9, {"a": np.array([1.0, 2.0])}, APPROVED)
    assert told is not None
    assert (told.column, told.since_ms, told.peak, told.over) == (1, 7, 5.0, True)
