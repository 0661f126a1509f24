"""From readings to events: the same in any order, in any pieces, and across a restart."""

import numpy as np

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
        rows[start : start + 60, 2] += 3.0
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
                assert scorer.learn_normal(rows[995:1065], "a")
        return seen

    assert alarms(learned=False) == [True, True]
    assert alarms(learned=True) == [True, False]


def test_counts_tell_hours_apart() -> None:
    scorer = Scorer(1, SETTINGS)
    scorer.count(np.array([1, 3_600_000, 3_600_001, 7_200_000], dtype=np.int64))

    # An hour holds what lies behind its start and up to its end.
    assert scorer.hours == {0: 2, 1: 2}
    scorer.ends_before(3_600_000)
    assert scorer.hours == {1: 2}
