"""Counts, state durations and OEE per machine and shift, against the truth."""

import math
from typing import Any

from plant.measurement import TagRole
from plant.state import PRODUCING_STATES, SETUP_MODES, TimeElement
from simulators.check.client import ApiClient, instant, time_us
from simulators.check.report import Row, exact, near, told
from simulators.truth.figures import TrueFigures, UnitTruth
from simulators.truth.reading import PlannedWindow, StateInterval, TruthReader

RATIO_TOLERANCE = 0.005
_SLACK_S = 0.01
"""Per transition: times are whole milliseconds in the figures."""
_COUNTS = {
    "produced": "produced_quantity",
    "good": "good_quantity",
    "scrap": "scrap_quantity",
    "rework": "rework_quantity",
}


def figure_rows(truth: TruthReader, api: ApiClient, start_us: int, end_us: int) -> list[Row]:
    """Return the comparisons of one plant's figures in `[start_us, end_us)`."""
    rows: list[Row] = []
    for work_unit in truth.work_units:
        unit = UnitTruth(truth, work_unit)
        window = {"place": work_unit, "start": instant(start_us), "end": instant(end_us)}
        hours = _of(work_unit, api.listing("/api/v1/oee", kind="hour", **window))
        shifts = _of(work_unit, api.listing("/api/v1/oee", kind="shift", **window))
        states = api.listing("/api/v1/states", **window)
        has_rework = truth.tag_of(work_unit, TagRole.REWORK_COUNT) is not None
        rows += _count_rows(unit, hours, start_us, end_us, has_rework)
        rows += _duration_rows(unit, states, start_us, end_us)
        for shift in truth.planned:
            if shift.kind == "shift" and shift.start_us < end_us and shift.end_us > start_us:
                rows += _shift_rows(truth, unit, shift, shifts, (start_us, end_us), has_rework)
    return rows


def _count_rows(
    unit: UnitTruth,
    hours: list[dict[str, Any]],
    start_us: int,
    end_us: int,
    has_rework: bool,
) -> list[Row]:
    """The hours of the API tile the time; together they must hold every part that was shown."""
    first = min((time_us(hour["start"]) for hour in hours), default=start_us)
    true = _counts(unit.figures(min(first, start_us), end_us))
    rows = []
    for what, key in _COUNTS.items():
        if what != "rework" or has_rework:
            counted = [hour[key] for hour in hours if hour[key] is not None]
            found = sum(counted) if counted else None
            rows.append(exact(f"{what} parts", unit.work_unit, None, true[what], found))
    within = [shown for shown in unit.shown if start_us <= shown.part.time_us < end_us]
    never = sum(shown.shown_us is None or shown.shown_us >= end_us for shown in within)
    if never:
        note = "made after the last reading before a reset, or before the first or after the last"
        rows.append(told("parts no reading showed", unit.work_unit, never, note))
    return rows


def _duration_rows(
    unit: UnitTruth, states: list[dict[str, Any]], start_us: int, end_us: int
) -> list[Row]:
    # Before the first reading of all there is nothing to be told.
    start_us = max(start_us, min(unit.first_seen_us, end_us))
    true = unit.elements(start_us, end_us)
    found = dict.fromkeys(TimeElement, 0.0)
    for state in states:
        begin = max(start_us, time_us(state["start"]))
        end = min(end_us, time_us(state["end"]))
        found[TimeElement(state["element"])] += max(0, end - begin) / 1_000_000
    tolerance = round(_sampling_s(unit, start_us, end_us), 3)
    rows = [
        near(
            f"{element} s", unit.work_unit, None, true[element] / 1000, found[element], tolerance, 1
        )
        for element in TimeElement
        if true[element] or found[element]
    ]
    gaps = [(max(a, start_us), min(b, end_us)) for a, b in unit.unobserved]
    unseen = sum(b - a for a, b in gaps if b > a) / 1_000_000
    if unseen:
        note = "no trustworthy state could be read: unknown is right"
        rows.append(told("unobservable s", unit.work_unit, round(unseen, 1), note))
    return rows


def _shift_rows(
    truth: TruthReader,
    unit: UnitTruth,
    shift: PlannedWindow,
    results: list[dict[str, Any]],
    window: tuple[int, int],
    has_rework: bool,
) -> list[Row]:
    start_us, end_us = window
    name = f"{instant(shift.start_us)[:10]} {shift.shift}"
    result = next((r for r in results if time_us(r["start"]) == shift.start_us), None)
    if result is None:
        return [Row("shift result", unit.work_unit, name, "present", "absent", None, False)]
    true = unit.figures(shift.start_us, min(shift.end_us, end_us))
    counts = _counts(true)
    rows = [
        exact(f"{what} parts", unit.work_unit, name, counts[what], result[key])
        for what, key in _COUNTS.items()
        if what != "rework" or has_rework
    ]
    begun_before = shift.start_us < start_us
    ratios = {"quality_ratio": true.quality_ratio}
    if not begun_before:
        ratios |= {
            "availability": true.availability,
            "effectiveness": true.effectiveness,
            "oee": true.oee,
        }
    recorded = (max(shift.start_us, start_us), min(shift.end_us, end_us))
    widths = _ratio_widths(unit, true, recorded)
    rows += [
        near(what, unit.work_unit, name, expected, result[what], widths.get(what, RATIO_TOLERANCE))
        for what, expected in ratios.items()
    ]
    return rows


def _ratio_widths(
    unit: UnitTruth, true: TrueFigures, recorded: tuple[int, int]
) -> dict[str, float]:
    """Return by how much the ratios of production time may differ from the truth.

    A reading shows that production began or ended when it is taken, and production time is
    shorter and longer by that. Quality and OEE do not depend on it.
    """
    running_us = true.elements_ms[TimeElement.PRODUCTION] * 1000
    if not running_us:
        return {}
    shift_us = 0
    for one in unit.transitions(*recorded):
        shift_us += one.late_us * (_produces(one.before) - _produces(one.after))
    share = abs(shift_us) / running_us
    return {
        what: RATIO_TOLERANCE + math.ceil((ratio or 0.0) * share * 10_000) / 10_000
        for what, ratio in (
            ("availability", true.availability),
            ("effectiveness", true.effectiveness),
        )
    }


def _produces(state: StateInterval) -> bool:
    return state.state in PRODUCING_STATES and state.mode not in SETUP_MODES


def _counts(figures: TrueFigures) -> dict[str, int]:
    return {
        "produced": figures.produced,
        "good": figures.good,
        "scrap": figures.scrap,
        "rework": figures.rework,
    }


def _of(work_unit: str, results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [result for result in results if result["place"] == work_unit]


def _sampling_s(unit: UnitTruth, start_us: int, end_us: int) -> float:
    """Return how much the readings of a window may shift its transitions, all together."""
    late_us = [one.late_us for one in unit.transitions(start_us, end_us)]
    return sum(late_us) / 1_000_000 + _SLACK_S * (len(late_us) + 1)
