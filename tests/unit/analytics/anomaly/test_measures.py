"""Measures of an evaluation, against values worked out by hand."""

import numpy as np
import pytest

from analytics.anomaly.evaluation.nab_score import NabRun, changepoint_scores, window_scores
from analytics.anomaly.evaluation.pointwise import rates, runs
from analytics.anomaly.evaluation.ranking import auc_pr, softened, vus_pr
from analytics.anomaly.evaluation.tep import poisson_bound
from analytics.anomaly.evaluation.trivial import TRIVIAL, out_of_range


def flags(text: str) -> np.ndarray:
    return np.array([letter == "1" for letter in text])


def test_rates_pool_counts_before_ratios() -> None:
    found = rates([flags("1100"), flags("0")], [flags("1010"), flags("1")])

    assert found.f1 == pytest.approx(2 * 1 / (2 * 1 + 1 + 2))
    assert found.far == pytest.approx(1 / 2)
    assert found.mar == pytest.approx(2 / 3)


def test_rates_are_none_where_nothing_was_to_judge() -> None:
    found = rates([flags("00")], [flags("00")])

    assert (found.f1, found.far, found.mar) == (None, 0.0, None)


def test_runs_are_half_open() -> None:
    assert runs(flags("1101001")) == [(0, 2), (3, 4), (6, 7)]
    assert runs(flags("")) == []


def test_auc_pr_is_the_average_precision() -> None:
    score = np.array([4.0, 3.0, 2.0, 1.0])

    assert auc_pr(score, np.array([1.0, 0, 1, 0])) == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert auc_pr(np.ones(4), np.array([1.0, 0, 0, 0])) == pytest.approx(0.25)
    assert auc_pr(score, np.zeros(4)) is None


def test_labels_fade_to_both_sides() -> None:
    soft = softened(flags("0001000"), 2)

    fade = np.sqrt([1 / 3, 2 / 3])
    assert soft == pytest.approx([0, fade[0], fade[1], 1, fade[1], fade[0], 0])


def test_vus_pr_of_a_score_that_is_the_truth_is_high_and_of_its_opposite_low() -> None:
    true = flags("0" * 50 + "1" * 20 + "0" * 50)

    right = vus_pr(true.astype(float), true, 10)
    wrong = vus_pr(-true.astype(float), true, 10)
    assert right is not None
    assert wrong is not None
    assert right > 0.8
    assert wrong < 0.3


def test_nab_gives_nothing_for_silence_and_all_for_detection_at_the_start() -> None:
    windows = [(100.0, 160.0)]

    assert changepoint_scores([NabRun(np.array([]), windows)])["standard"] == pytest.approx(0)
    assert changepoint_scores([NabRun(np.array([100.0]), windows)])["standard"] == pytest.approx(
        100
    )
    late = changepoint_scores([NabRun(np.array([160.0, 500.0]), windows)])
    assert late["standard"] == pytest.approx(100 * (1 - 0.11 - 0.11) / 2)
    assert late["low_fp"] == pytest.approx(100 * (1 - 0.22 - 0.22) / 2)
    assert late["low_fn"] == pytest.approx(100 * (2 - 0.11 - 0.11) / 3)


def test_nabs_own_score_counts_by_its_sigmoid() -> None:
    windows = [(100.0, 200.0)]

    assert window_scores([NabRun(np.array([100.0]), windows)])["standard"] == pytest.approx(100)
    middle = 2 / (1 + np.exp(-2.5)) - 1
    first = 2 / (1 + np.exp(-5.0)) - 1
    found = window_scores([NabRun(np.array([150.0, 160.0]), windows)])["standard"]
    assert found == pytest.approx(100 * (middle / first + 1) / 2)
    before = window_scores([NabRun(np.array([50.0]), windows)])["standard"]
    assert before == pytest.approx(100 * (-0.11 - 1 + 1) / 2)


def test_poisson_bound_of_nothing_is_three() -> None:
    assert poisson_bound(0) == 3
    assert poisson_bound(10) == pytest.approx(16.96, abs=0.05)


def test_trivial_detectors_look_back_only() -> None:
    rows = np.array([[1.0], [2], [3], [2], [9], [0], [np.nan]])

    assert out_of_range(rows, 3).tolist() == [False] * 4 + [True, True, False]
    for trivial in TRIVIAL.values():
        assert not trivial(np.zeros((500, 2)), 400)[:400].any()
