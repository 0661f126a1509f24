"""From readings to events: the same in any order, in any pieces, and across a restart."""

import numpy as np
import pytest

from analytics.anomaly.watch.scorer import Found, Scorer, ScorerSettings
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


def test_a_press_is_judged_by_its_cycles() -> None:
    seconds = np.arange(30_000)
    phase = (seconds % 30) / 30
    rng = np.random.default_rng(2)
    centre = np.where((seconds > 24_000) & (seconds < 27_000), 0.62, 0.55)
    force = 50 * np.exp(-(((phase - centre) / 0.15) ** 2)) + rng.normal(size=30_000) * 0.4
    rows = np.stack((force, rng.normal(size=30_000), (seconds // 30).astype(float)), axis=1)
    settings = ScorerSettings(learn_rows=400, cyclic=True)

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


def odd(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Return times (ms) and rows that a machine should not say, and some does."""
    rows = machine(1200)
    times = np.arange(1, 1201, dtype=np.int64) * 1000
    if kind == "nothing finite":
        rows[:, 0] = np.nan
        rows[500:600] = np.inf
        rows[700, 3] = -np.inf
    elif kind == "constant":
        rows[:] = 4.0
    elif kind == "two samples":
        rows, times = rows[:2], times[:2]
    elif kind == "huge":
        rows[800:, 1] = 1e308
    elif kind == "a month away":
        times[600:] += 30 * 86_400_000
    elif kind == "clock backwards":
        times[600:700] -= 300_000
    elif kind == "another unit":
        rows[600:, 2] = rows[600:, 2] * 1.8 + 32
    return times, rows


@pytest.mark.parametrize(
    "kind",
    [
        "nothing finite",
        "constant",
        "two samples",
        "huge",
        "a month away",
        "clock backwards",
        "another unit",
    ],
)
def test_odd_readings_end_no_service_and_leave_a_state_that_goes_on(kind: str) -> None:
    times, rows = odd(kind)
    scorer = Scorer(6, SETTINGS)
    places = np.tile(np.arange(6), len(rows))
    half = len(rows) // 2
    for part in (slice(0, half), slice(half, None)):
        until = int(times[part].max())
        chosen = np.repeat(times[part], 6)
        scorer.take(chosen, places[: len(chosen)], rows[part].ravel(), REGIMES, until)
        scorer = Scorer.from_bytes(scorer.to_bytes(), 6, SETTINGS)
    again, well = int(times.max()), machine(300)
    chosen = np.repeat(again + 1000 * np.arange(1, 301), 6)
    scorer.take(chosen, np.tile(np.arange(6), 300), well.ravel(), REGIMES, again + 300_000)

    assert scorer.grid.final == (again + 300_000) // 1000


def test_a_hundred_sensors_are_watched() -> None:
    scorer = Scorer(100, ScorerSettings(learn_rows=400))
    rows = np.random.default_rng(3).normal(size=(500, 100))
    times = np.repeat(np.arange(1, 501) * 1000, 100)
    scorer.take(times, np.tile(np.arange(100), 500), rows.ravel(), REGIMES, 500_000)

    assert scorer.progress["regimes"] == {"a": 0.0}
