"""Which windows a result is for, when it is final, and why a final one was restated."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from analytics.oee.base_sum import FORMULA_VERSION
from analytics.oee.schedule import site_schedule
from analytics.readings.interval import HOUR_MS, instant
from analytics.recomputation.result import (
    PlaceFigures,
    restatements,
    result_row,
    settled_until,
    windows,
)
from plant.calendar import ShiftPattern
from plant.kpi import BaseSums, ResultWindow
from plant.kpi.fault import Figures
from store.figure.result import PublishedFigures, ResultRow

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
WINDOW = ResultWindow("", "hour", instant(0), instant(HOUR_MS))
SUMS = BaseSums(
    calendar_ms=HOUR_MS,
    pot_ms=HOUR_MS,
    pbt_ms=HOUR_MS,
    apt_ms=HOUR_MS,
    pri_pq_ms=100.0,
    pri_gq_ms=100.0,
    produced_quantity=10.0,
    good_quantity=10.0,
)


def row(sums: BaseSums = SUMS, policy: int = 1) -> ResultRow:
    return result_row(1, PlaceFigures(Figures(sums), frozenset()), WINDOW, policy, NOW, final=True)


def published(**changes: Any) -> PublishedFigures:
    values: dict[str, float | None] = {
        "availability": 1.0,
        "effectiveness": 100 / HOUR_MS,
        "quality_ratio": 1.0,
        "oee": 100 / HOUR_MS,
        "produced_quantity": 10.0,
        "good_quantity": 10.0,
        "pbt_ms": HOUR_MS,
        "apt_ms": HOUR_MS,
        "inspected_parts": 0,
        "good_at_first_parts": 0,
    }
    return PublishedFigures(values | changes.pop("values", {}), 1, FORMULA_VERSION)


def test_nothing_is_restated_when_nothing_was_published_or_changed() -> None:
    assert restatements(row(), None) == []
    assert restatements(row(), published()) == []


@pytest.mark.parametrize(
    ("values", "policy", "cause"),
    [
        ({"produced_quantity": 9.0}, 1, "late_data"),
        ({"oee": 0.5}, 1, "master_data"),
        ({"pbt_ms": 5}, 1, "calendar"),
        ({"oee": 0.5}, 2, "policy"),
    ],
)
def test_cause_of_a_restatement_is_told_by_what_changed(
    values: dict[str, float], policy: int, cause: str
) -> None:
    trail = restatements(row(policy=policy), published(values=values))
    assert [(each.figure, each.cause) for each in trail] == [(next(iter(values)), cause)]
    assert trail[0].old_value == next(iter(values.values()))


def test_a_restatement_keeps_old_new_and_when_for_each_figure_that_changed() -> None:
    (change,) = restatements(row(), published(values={"good_quantity": None}))
    assert (change.old_value, change.new_value) == (None, 10.0)
    assert (change.restated_at, change.window_start, change.kind) == (NOW, WINDOW.start, "hour")
    both = restatements(row(), published(values={"good_quantity": 9.0, "oee": 0.5}))
    assert {each.figure for each in both} == {"good_quantity", "oee"}


@pytest.mark.parametrize(
    ("told", "changed", "cause"),
    [
        ("correction", {"good_quantity": 9.0}, "correction"),
        ("recomputation", {"pbt_ms": 5}, "recomputation"),
        ("master_data", {"oee": 0.5}, "master_data"),
        ("master_data", {"pbt_ms": 5}, "calendar"),
        (None, {"apt_ms": 5, "oee": 0.5}, "late_data"),
    ],
)
def test_cause_is_the_one_that_was_told_where_it_says_enough(
    told: str | None, changed: dict[str, float], cause: str
) -> None:
    trail = restatements(row(), published(values=changed), told)
    assert {each.cause for each in trail} == {cause}


def test_a_change_of_formula_is_told_before_anything_else() -> None:
    before = replace(published(values={"pbt_ms": 5}), formula_version="0")
    assert {each.cause for each in restatements(row(), before)} == {"formula"}


def test_figures_are_final_only_up_to_the_slowest_edge_and_after_the_grace() -> None:
    grace = timedelta(milliseconds=10)
    assert settled_until([95, 80], 100, grace, stopped=False) == 80
    assert settled_until([100], 100, grace, stopped=False) == 90
    assert settled_until([100], 100, grace, stopped=True) == 100


def test_figures_are_never_final_when_an_edge_does_not_tell_how_far_it_is() -> None:
    assert settled_until([95, None], 100, timedelta(), stopped=True) is None
    assert settled_until([], 100, timedelta(), stopped=True) is None


def test_an_hour_touches_its_own_window_and_every_shift_over_it() -> None:
    days = frozenset(range(7))
    patterns = [
        ShiftPattern("a", time(6), time(14), days),
        ShiftPattern("b", time(14), time(22), days),
    ]
    schedule = site_schedule(patterns, ZoneInfo("UTC"), 13 * HOUR_MS, 15 * HOUR_MS)
    found = windows(schedule, [13 * HOUR_MS, 14 * HOUR_MS])
    assert [(window.kind, window.start.hour) for window in found] == [
        ("hour", 13),
        ("hour", 14),
        ("shift", 6),
        ("shift", 14),
    ]
    lengths = {window.end - window.start for window in found if window.kind == "hour"}
    assert lengths == {timedelta(hours=1)}
    assert len(windows(schedule, [13 * HOUR_MS])) == 2
