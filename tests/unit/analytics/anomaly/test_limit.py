"""Alarm limits: deadband, delays, times at which they do not hold; the same in any pieces."""

import numpy as np
import pytest

from analytics.anomaly.notice.limit import Limit, Stand, Turn, judge

HIGH = Limit("high", 10.0, deadband=1.0, on_delay_ms=3000, off_delay_ms=2000)


def turns(
    limit: Limit, values: list[float], until: int | None = None
) -> list[tuple[bool, int, int]]:
    times = [1000 * place for place in range(len(values))]
    _, found = judge(limit, Stand(), times, values, until or times[-1])
    return [(turn.opened, turn.start_ms, turn.moment_ms) for turn in found]


def test_an_alarm_opens_after_its_delay_and_ends_well_within() -> None:
    values = [9.0, 11.0, 11.0, 11.0, 11.0, 9.5, 9.5, 8.0, 8.0, 8.0]

    assert turns(HIGH, values) == [(True, 1000, 4000), (False, 1000, 7000)]


def test_a_short_peak_and_chatter_around_the_limit_are_no_alarms() -> None:
    assert turns(HIGH, [9.0, 11.0, 11.0, 9.0, 9.0]) == []
    # Within the deadband it goes on as one.
    chatter = [11.0] * 4 + [9.5, 10.5] * 10 + [5.0] * 4
    assert [opened for opened, _, _ in turns(HIGH, chatter)] == [True, False]


def test_a_value_that_stands_opens_without_another_reading() -> None:
    assert turns(HIGH, [11.0], until=5000) == [(True, 0, 3000)]
    assert turns(HIGH, [11.0], until=2999) == []


def test_low_limits_are_the_mirror() -> None:
    low = Limit("low", 2.0, deadband=0.5)

    assert turns(low, [3.0, 1.0, 2.2, 2.5]) == [(True, 1000, 1000), (False, 1000, 3000)]


def test_nothing_opens_while_it_does_not_hold_and_what_was_open_ends() -> None:
    quick = Limit("high", 10.0)
    times = list(range(0, 10_000, 1000))

    _, found = judge(quick, Stand(), times, [11.0] * 10, 9000, lambda ms: not 3000 <= ms < 6000)

    assert [(turn.opened, turn.moment_ms) for turn in found] == [
        (True, 0),
        (False, 3000),
        (True, 5000),
    ]


@pytest.mark.parametrize("cuts", [1, 2, 7, 60])
def test_pieces_make_no_difference(cuts: int) -> None:
    rng = np.random.default_rng(4)
    values = 9 + np.cumsum(rng.normal(size=240)) * 0.7
    times = np.arange(240) * 1000
    _, whole = judge(HIGH, Stand(), times, values, 240_000)
    assert whole

    stand, found = Stand(), list[Turn]()
    for part in np.array_split(np.arange(240), cuts):
        stand, more = judge(HIGH, stand, times[part], values[part], int(times[part[-1]]))
        found += more
    _, more = judge(HIGH, stand, [], [], 240_000)
    found += more

    assert [(t.opened, t.start_ms, t.moment_ms) for t in found] == [
        (t.opened, t.start_ms, t.moment_ms) for t in whole
    ]
