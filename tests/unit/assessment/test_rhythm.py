"""Periods of the department end on the 14th; estimates stand apart from what was done."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assessment.programme.rhythm import Cadence, deadlines, period_of, progress


@pytest.mark.parametrize(
    ("cadence", "day", "code", "first", "last"),
    [
        (Cadence.MONTH, date(2026, 2, 14), "202602", date(2026, 1, 15), date(2026, 2, 14)),
        (Cadence.MONTH, date(2026, 2, 15), "202603", date(2026, 2, 15), date(2026, 3, 14)),
        (Cadence.QUARTER, date(2026, 3, 14), "20261", date(2025, 12, 15), date(2026, 3, 14)),
        (Cadence.QUARTER, date(2026, 3, 15), "20262", date(2026, 3, 15), date(2026, 6, 14)),
        (Cadence.HALF, date(2026, 6, 14), "2026H1", date(2025, 12, 15), date(2026, 6, 14)),
        (Cadence.YEAR, date(2025, 12, 15), "2026", date(2025, 12, 15), date(2026, 12, 14)),
    ],
)
def test_periods_by_hand(cadence: Cadence, day: date, code: str, first: date, last: date) -> None:
    found = period_of(cadence, day)
    assert (found.code, found.first, found.last) == (code, first, last)
    assert found.due.day == 10
    assert found.is_open_when_due


@given(st.dates(date(2020, 1, 1), date(2040, 12, 31)), st.sampled_from(Cadence))
def test_a_day_lies_in_one_period_and_periods_follow_each_other(
    day: date, cadence: Cadence
) -> None:
    found = period_of(cadence, day)
    following = period_of(cadence, found.last + timedelta(days=1))
    assert found.first <= day <= found.last
    assert following.first == found.last + timedelta(days=1)


def test_reminders_come_seven_three_and_one_day_before() -> None:
    (quarter,) = deadlines(date(2026, 3, 3), cadences=[Cadence.QUARTER])
    assert (quarter.days_left, quarter.remind, quarter.draft_is_open) == (7, True, True)
    (quarter,) = deadlines(date(2026, 2, 1), cadences=[Cadence.QUARTER])
    assert (quarter.remind, quarter.draft_is_open) == (False, False)


def test_on_the_tenth_the_quarter_is_open_and_its_estimate_stands_apart() -> None:
    quarter, year = (period_of(one, date(2026, 6, 10)) for one in (Cadence.QUARTER, Cadence.YEAR))
    days = [(date(2026, 1, 1) + timedelta(days=number), 1.0) for number in range(365)]
    found = progress(days, quarter, year, date(2026, 6, 10))
    ended = progress(days, quarter, year, date(2026, 7, 1))

    assert (found.done, found.cumulative, found.until) == (88, 161, date(2026, 6, 10))
    assert found.estimate == pytest.approx(92)
    assert (ended.done, ended.estimate) == (92, None)
