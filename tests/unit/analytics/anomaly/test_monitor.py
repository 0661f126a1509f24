"""One machine with several products."""

import numpy as np

from analytics.anomaly.detector import RowStatus, Scores
from analytics.anomaly.monitor import Monitor, MonitorSettings
from analytics.anomaly.monitor_state import load_monitor, save_monitor
from analytics.anomaly.settings import DetectorSettings
from tests.unit.analytics.anomaly.test_detector import columns, machine

SHORT = MonitorSettings(detector=DetectorSettings())


def plan(*spans: tuple[str, int]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return times, rows and regimes: each product has a level of its own."""
    regimes = [name for name, rows in spans for _ in range(rows)]
    levels = {name: 40.0 * place for place, name in enumerate(sorted(set(regimes)))}
    rows = machine(len(regimes)) + np.array([levels[name] for name in regimes])[:, None]
    return np.arange(len(regimes), dtype=np.int64) * 1000, rows, regimes


def test_products_have_models_of_their_own_and_changes_are_no_alarm() -> None:
    scores = Monitor(6, SHORT).take(
        *plan(("a", 1000), ("", 50), ("b", 1000), ("a", 600), ("b", 600))
    )

    assert not scores.alarm.any()
    assert (scores.status[1000:1050] == RowStatus.IDLE).all()
    assert (scores.status[1050:1110] == RowStatus.GUARD).all()
    assert (scores.status[2110:2650] == RowStatus.NORMAL).all()


def test_a_fault_in_a_known_product_is_an_alarm() -> None:
    times, rows, regimes = plan(("a", 1000), ("b", 1000), ("a", 1000))
    rows[2500:, 2] += 8

    scores = Monitor(6, SHORT).take(times, rows, regimes)

    assert not scores.alarm[:2500].any()
    opened = int(np.flatnonzero(scores.alarm)[0])
    assert opened < 2530
    assert np.nanargmax(scores.contribution[opened + 5]) == 2


def test_a_new_product_is_scored_by_the_model_of_all_without_an_alarm() -> None:
    scores = Monitor(6, SHORT).take(*plan(("a", 900), ("b", 900), ("c", 900)))

    new = scores.status[1800:]
    assert (new[60:260] == RowStatus.LEARNING).all()
    assert (new[260:460] == RowStatus.FALLBACK).all()
    assert (new[460:] == RowStatus.NORMAL).all()
    assert not scores.alarm.any()


def test_the_charts_start_anew_after_a_month() -> None:
    times, rows, regimes = plan(("a", 2000))
    times[1000:] += 30 * 86_400_000
    rows[990:1000, 0] += 9

    scores = Monitor(6, SHORT).take(times, rows, regimes)

    assert scores.alarm[995:1000].any()
    assert (scores.status[1000:1060] == RowStatus.GUARD).all()
    assert (scores.status[1060:] == RowStatus.NORMAL).all()


def test_models_are_bounded() -> None:
    monitor = Monitor(6, MonitorSettings(most_regimes=2))
    monitor.take(*plan(("a", 500), ("b", 500), ("c", 500), ("b", 100)))

    assert list(monitor.detectors) == ["c", "b"]
    assert len(monitor.samples) == 2


def test_same_bits_in_blocks_of_any_size_and_after_every_restart() -> None:
    times, rows, regimes = plan(("a", 700), ("", 30), ("b", 700), ("a", 300), ("c", 500))
    whole = Monitor(6, SHORT).take(times, rows, regimes)
    monitor = Monitor(6, SHORT)
    parts: list[Scores] = []
    for start in range(0, len(rows), 53):
        part = slice(start, start + 53)
        parts.append(monitor.take(times[part], rows[part], regimes[part]))
        monitor = load_monitor(save_monitor(monitor), SHORT)

    for place, column in enumerate(columns(whole)):
        together = np.concatenate([list(columns(part))[place] for part in parts])
        assert np.array_equal(column, together, equal_nan=True)


def test_no_rows_are_no_scores() -> None:
    scores = Monitor(6, SHORT).take(*plan())

    assert len(scores.score) == 0


def test_waits_for_a_machine_that_warms_up_and_follows_what_wandered_meanwhile() -> None:
    times, rows, regimes = plan(("a", 1500), ("", 50), ("a", 1500))
    heat = np.full(3050, 30.0)
    heat[1500:] = 10 + np.minimum(np.arange(1550) * 0.1, 16)
    wander = np.cumsum(np.random.default_rng(8).normal(size=3050)) * 0.1
    rows[:, 5] = 60 + heat + wander + rows[:, 5] * 0.1

    scores = Monitor(6, SHORT).take(times, rows, regimes)

    assert (scores.status[1550:1640] == RowStatus.GUARD).all()
    assert not scores.alarm[1550:].any()
