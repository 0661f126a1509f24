from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from plant.calendar import Break, ShiftInstance, ShiftPattern
from plant.clock import microseconds
from simulators.schedule import Schedule

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
MONDAY = datetime(2026, 11, 15, 17, 0, tzinfo=UTC)  # midnight in Vietnam
DAY = ShiftPattern(
    "day", time(6), time(14), frozenset(range(6)), (Break("meal", time(10), time(10, 30)),)
)


def working_minutes(
    share: float, days: int, seed: int = 1, start: datetime = MONDAY
) -> dict[str, bool]:
    noted: list[ShiftInstance] = []
    schedule = Schedule([DAY], ZONE, seed, "s/a/l", share, noted.extend)
    found = {}
    moment = start
    while moment < MONDAY + timedelta(days=days):
        found[moment.isoformat()] = schedule.works(microseconds(moment))
        moment += timedelta(minutes=1)
    assert noted
    return found


def test_line_rests_when_there_is_a_break_or_no_shift() -> None:
    works = working_minutes(share=0.0, days=7)

    assert sum(works.values()) == 6 * 450
    assert works["2026-11-15T23:00:00+00:00"], "the shift begins"
    assert not works["2026-11-16T03:00:00+00:00"], "the break begins"
    assert works["2026-11-16T03:30:00+00:00"], "the break is over"
    assert not works["2026-11-16T07:00:00+00:00"], "the shift is over"


def test_line_works_through_some_breaks_when_a_share_is_given() -> None:
    works = working_minutes(share=0.5, days=14)

    assert 12 * 450 < sum(works.values()) < 12 * 480


def test_worked_breaks_are_the_same_when_looked_at_from_another_day() -> None:
    whole = working_minutes(share=0.5, days=9)
    later = working_minutes(share=0.5, days=9, start=MONDAY + timedelta(days=3, minutes=7))

    assert later == {moment: whole[moment] for moment in later}


@pytest.mark.parametrize("seed", range(2, 6))
def test_worked_breaks_differ_when_the_seed_differs(seed: int) -> None:
    assert working_minutes(0.5, 14, seed=seed) != working_minutes(0.5, 14, seed=1)
