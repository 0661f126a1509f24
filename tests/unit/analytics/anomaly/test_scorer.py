"""From readings to events: the same in any order, in any pieces, and across a restart."""

from dataclasses import replace

import numpy as np
import pytest

from analytics.anomaly.watch.scorer import Found, Scorer, ScorerSettings
from plant.errors import DataError
from tests.unit.analytics.anomaly.test_detector import machine

SETTINGS = ScorerSettings(learn_rows=400)
REGIMES = [(0, "a")]
ROWS = 2000


def columns(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the readings of rows a second apart: times, sensors, values."""
    count, sensors = rows.shape
    times = np.repeat(np.arange(1, count + 1, dtype=np.int64) * 1000, sensors)
    return times, np.tile(np.arange(sensors, dtype=np.int64), count), rows.ravel()


def broken() -> np.ndarray:
    rows = machine(ROWS)
    rows[1000:1100, 2] += 8
    rows[1500:1900, 4] = 1.25
    return rows


def newest(found: list[Found]) -> list[Found]:
    """Return the last word on each event."""
    return sorted(
        {(one.kind, one.sensor, one.start_ms): one for one in found}.values(),
        key=lambda one: (one.start_ms, one.kind),
    )


def run(pieces: int, restart_at: int | None = None, seed: int | None = None) -> list[Found]:
    times, sensors, values = columns(broken())
    scorer = Scorer(6, SETTINGS)
    found: list[Found] = []
    for number, until in enumerate(np.linspace(0, ROWS * 1000, pieces + 1).astype(int)[1:]):
        if number == restart_at:
            scorer = Scorer.from_bytes(scorer.to_bytes(), 6, SETTINGS)
        before = int(until) - ROWS * 1000 // pieces
        chosen = np.flatnonzero((times > before) & (times <= until))
        if seed is not None:
            chosen = np.random.default_rng(seed).permutation(chosen)
        found += scorer.take(times[chosen], sensors[chosen], values[chosen], REGIMES, int(until))
    return newest(found)


def test_events_name_what_is_wrong() -> None:
    found = run(1)

    first = next(one for one in found if one.kind == "model")
    assert 1000_000 < first.start_ms < 1030_000
    assert first.causes[0].sensor == 2
    assert [one.sensor for one in found if one.kind == "stuck"] == [4]


def test_events_are_the_same_in_any_order_in_pieces_and_across_restarts() -> None:
    expected = run(1)

    assert run(40) == expected
    assert run(40, seed=3) == expected
    for place in (4, 21, 33):
        assert run(40, restart_at=place) == expected, place


def test_what_somebody_calls_normal_is_no_alarm_when_it_comes_again() -> None:
    rows = machine(4000)
    for start in (1000, 2500):
        rows[start : start + 60, 2] += 6.0
    times, sensors, values = columns(rows)

    def alarms(learned: bool) -> list[bool]:
        scorer = Scorer(6, SETTINGS)
        seen = []
        for first, past in ((0, 2000), (2000, 4000)):
            chosen = (times > first * 1000) & (times <= past * 1000)
            found = scorer.take(
                times[chosen], sensors[chosen], values[chosen], REGIMES, past * 1000
            )
            seen.append(any(one.kind == "model" for one in found))
            if learned:
                assert scorer.learn_normal(np.arange(70) * 1000, rows[995:1065], "a")
        return seen

    assert alarms(learned=False) == [True, True]
    assert alarms(learned=True) == [True, False]


@pytest.mark.parametrize("by", ["counter", "state"])
def test_a_press_is_judged_by_its_cycles(by: str) -> None:
    seconds = np.arange(30_000)
    phase = (seconds % 30) / 30
    rng = np.random.default_rng(2)
    centre = np.where((seconds > 24_000) & (seconds < 27_000), 0.62, 0.55)
    force = 50 * np.exp(-(((phase - centre) / 0.15) ** 2)) + rng.normal(size=30_000) * 0.4
    rows = np.stack((force, rng.normal(size=30_000), (seconds // 30).astype(float)), axis=1)
    settings = ScorerSettings(learn_rows=400, cyclic=True)
    if by == "state":
        # Step 3 of a program opens the tool, and begins each cycle.
        rows[:, 2] = np.where(phase < 0.3, 3, 1 + (phase > 0.6))
        settings = replace(settings, cycle_begins=3.0)

    def run_in(pieces: int) -> list[Found]:
        scorer, found = Scorer(2, settings), list[Found]()
        for part in np.array_split(np.arange(30_000), pieces):
            times = np.repeat((part + 1) * 1000, 3)
            places = np.tile(np.arange(3), len(part))
            until = int(part[-1] + 1) * 1000
            found += scorer.take(times, places, rows[part].ravel(), REGIMES, until)
            scorer = Scorer.from_bytes(scorer.to_bytes(), 2, settings)
        return newest(found)

    (event,) = run_in(7)
    assert 24_000_000 < event.start_ms < 24_300_000
    # The centre of the force, the fifth feature of the first sensor.
    assert event.causes[0].sensor == 5
    assert run_in(1) == [event]


def test_counts_tell_hours_apart() -> None:
    scorer = Scorer(1, SETTINGS)
    scorer.count(np.array([1, 3_600_000, 3_600_001, 7_200_000], dtype=np.int64))

    # An hour holds what lies behind its start and up to its end.
    assert scorer.hours == {0: 2, 1: 2}
    scorer.ends_before(3_600_000)
    assert scorer.hours == {1: 2}


def judged(rows: np.ndarray, times_s: np.ndarray | None = None) -> tuple[Scorer, list[Found]]:
    """Return a scorer after rows, restarted halfway, and what it found."""
    sensors = rows.shape[1]
    moments = np.arange(1, len(rows) + 1) if times_s is None else times_s
    scorer, found = Scorer(sensors, SETTINGS), list[Found]()
    for part in np.array_split(np.arange(len(rows)), 2):
        if not len(part):
            continue
        times = np.repeat(moments[part] * 1000, sensors)
        places = np.tile(np.arange(sensors), len(part))
        until = max(int(times.max()), scorer.grid.final * 1000)
        found += scorer.take(times, places, rows[part].ravel(), REGIMES, until)
        scorer = Scorer.from_bytes(scorer.to_bytes(), sensors, SETTINGS)
    return scorer, newest(found)


def kinds(found: list[Found]) -> list[tuple[str, int | None]]:
    return [(one.kind, one.sensor) for one in found]


@pytest.mark.parametrize("nothing", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_a_gap_of_its_sensor_and_hides_no_fault(nothing: float) -> None:
    rows = machine(1600)
    rows[600:800, 3] = nothing
    rows[1200:1260, 1] += 9
    scorer, found = judged(rows)

    gap, fault = found
    assert (gap.kind, gap.sensor, gap.start_ms, gap.end_ms) == ("gap", 3, 611_000, 801_000)
    assert (fault.kind, fault.causes[0].sensor) == ("model", 1)
    assert scorer.progress == {"regimes": {"a": 0.0}, "left_out": {}}


@pytest.mark.parametrize("nothing", [np.nan, np.inf])
def test_a_sensor_that_never_says_a_number_is_left_out(nothing: float) -> None:
    rows = machine(1600)
    rows[:, 3] = nothing
    rows[1200:1260, 1] += 9
    scorer, found = judged(rows)

    assert kinds(found) == [("gap", 3), ("model", None)]
    assert scorer.progress["left_out"] == {"3": "silent"}


def test_constant_columns_are_left_out_and_all_of_them_make_no_model() -> None:
    rows = machine(1200)
    rows[:, 2] = -7.5
    scorer, found = judged(rows)
    assert scorer.progress["left_out"] == {"2": "constant"}
    assert found == []

    scorer, found = judged(np.full((1200, 6), 4.0))
    assert scorer.progress["regimes"]["a"] > 0
    assert found == []


def test_two_samples_are_learned_from_and_judged_by_nobody() -> None:
    scorer, found = judged(machine(2))

    assert found == []
    # The guard after a change of regime comes before learning.
    assert scorer.progress["regimes"] == {"a": 1.0}
    assert scorer.rows == 2


def test_a_hundred_sensors_name_the_one_that_is_wrong() -> None:
    rows = np.random.default_rng(3).normal(size=(900, 100))
    rows[700:760, 41] += 9
    _, found = judged(rows)

    (event,) = found
    assert event.causes[0].sensor == 41


def test_a_clock_that_goes_backwards_brings_no_row_twice_and_opens_nothing() -> None:
    rows = machine(1600)
    times = np.arange(1, 1601)
    # Five minutes back from second 800 on: what was judged stays judged, and is refused.
    times[800:] -= 300
    scorer, found = judged(rows, times)

    assert found == []
    assert scorer.rows == 1300
    assert scorer.grid.final == 1300


def test_after_a_month_the_model_is_kept_and_judges_again_behind_a_guard() -> None:
    rows = machine(2400)
    times = np.arange(1, 2401)
    times[1200:] += 30 * 86_400
    # Within the guard of 60 rows, and after it.
    rows[1210:1240, 2] += 9
    rows[2000:2060, 2] += 9
    scorer, found = judged(rows, times)

    (event,) = found
    assert event.start_ms > times[1990] * 1000
    assert event.causes[0].sensor == 2
    assert scorer.progress["regimes"] == {"a": 0.0}


def test_a_sensor_that_changes_its_unit_is_an_alarm_that_names_it_and_then_the_new_level() -> None:
    rows = machine(4000)
    rows[:, 2] += 60
    rows[1000:, 2] = rows[1000:, 2] * 1.8 + 32
    _, found = judged(rows)

    first = found[0]
    assert first.kind == "model"
    assert 1_000_000 < first.start_ms < 1_010_000
    assert first.causes[0].sensor == 2
    assert first.relearned
    assert all(one.end_ms is not None and one.end_ms < 3_000_000 for one in found)


def test_a_sensor_that_breaks_at_a_huge_value_is_told_and_then_left_out_as_stuck() -> None:
    rows = machine(4000)
    rows[1000:, 2] = 1e308
    rows[3000:3060, 4] += 9
    _, found = judged(rows)

    assert kinds(found) == [("model", None), ("stuck", 2), ("model", None)]
    assert [one.causes[0].sensor for one in found if one.kind == "model"] == [2, 4]


def test_wear_is_told_with_the_hours_that_are_left_and_goes_on_after_a_restart() -> None:
    per_hour, hours = 180, 80
    rows = np.random.default_rng(3).normal(size=(per_hour * hours, 2))
    rows[:, 1] += np.maximum(np.arange(len(rows)) / per_hour - 40, 0) * 0.02
    settings = ScorerSettings(step_ms=20_000, learn_rows=400)

    def run_in(pieces: int) -> list[Found]:
        scorer, found = Scorer(2, settings), list[Found]()
        for part in np.array_split(np.arange(len(rows)), pieces):
            times = np.repeat((part + 1) * 20_000, 2)
            places = np.tile(np.arange(2), len(part))
            found += scorer.take(times, places, rows[part].ravel(), REGIMES, int(times[-1]))
            scorer = Scorer.from_bytes(scorer.to_bytes(), 2, settings)
        return [one for one in newest(found) if one.kind == "wear"]

    (worn,) = run_in(1)
    assert worn.sensor == 1
    assert worn.remaining_h is not None
    remaining, earliest, latest = worn.remaining_h
    assert remaining is not None
    assert earliest is not None
    assert earliest < remaining
    assert latest is None or remaining < latest
    (cause,) = worn.causes
    assert cause.deviation > 1
    assert cause.actual - cause.expected == pytest.approx(0.8, abs=0.3)
    assert run_in(9) == [worn]


def test_a_state_that_is_damaged_or_of_something_else_is_refused_in_words() -> None:
    scorer = Scorer(2, SETTINGS)
    content = scorer.to_bytes()

    for damaged in (b"", b"nonsense", content[: len(content) // 2], content[:-40]):
        with pytest.raises(DataError, match="learn again"):
            Scorer.from_bytes(damaged, 2, SETTINGS)
    with pytest.raises(DataError, match="other signals"):
        Scorer.from_bytes(content, 3, SETTINGS)
