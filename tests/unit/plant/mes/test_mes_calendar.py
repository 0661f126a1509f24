"""Calendars with versions, rotations and days off: their shifts, and what a change touches."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from plant.calendar import Break, DayOff, DayRules, Rotation, ShiftPattern, expand_shifts
from plant.mes.site_calendar import SiteCalendar, changed_hours, circle

SAIGON = ZoneInfo("Asia/Ho_Chi_Minh")
EVERY_DAY = frozenset(range(7))
FIRST = ShiftPattern("Ca 1", time(6), time(14), EVERY_DAY)
SECOND = ShiftPattern("Ca 2", time(14), time(22), EVERY_DAY)
NIGHT = ShiftPattern("Ca 3", time(22), time(6), EVERY_DAY)
MONDAY = date(2026, 3, 2)


def names(patterns: list[ShiftPattern], rules: DayRules, days: int = 7) -> list[str]:
    """Return the shifts that begin on each of the days from a Monday on."""
    start = datetime(2026, 3, 1, 17, tzinfo=UTC)
    shifts = expand_shifts(patterns, SAIGON, start, start + timedelta(days=days), rules)
    found = {MONDAY + timedelta(days=n): "" for n in range(days)}
    for shift in shifts:
        if shift.business_date in found:
            found[shift.business_date] += shift.name[-1]
    return list(found.values())


def off(day: date, works_as: int | None = None, *keeps: str) -> DayRules:
    return DayRules(days_off={day: DayOff(day, works_as, frozenset(keeps))})


def test_no_shift_begins_on_a_holiday_and_the_night_before_runs_on() -> None:
    assert names([FIRST, NIGHT], off(date(2026, 3, 4))) == ["13", "13", "", "13", "13", "13", "13"]
    start = datetime(2026, 3, 3, 17, tzinfo=UTC)  # midnight that begins the holiday
    (night,) = expand_shifts(
        [FIRST, NIGHT], SAIGON, start, start + timedelta(days=1), off(date(2026, 3, 4))
    )
    assert night.business_date == date(2026, 3, 3)


def test_a_holiday_may_keep_a_shift() -> None:
    assert names([FIRST, SECOND], off(MONDAY, None, "Ca 2"), 1) == ["2"]


def test_a_working_day_made_up_for_runs_as_another_weekday() -> None:
    weekdays = ShiftPattern("Ca 1", time(6), time(14), frozenset(range(5)))

    assert names([weekdays], off(date(2026, 3, 7), 4)) == ["1", "1", "1", "1", "1", "1", ""]


def test_a_rotation_chooses_the_shifts_of_each_day() -> None:
    rotation = Rotation(
        "đảo",
        MONDAY,
        date.max,
        (frozenset({"Ca 1", "Ca 2"}), frozenset({"Ca 1"}), frozenset()),
    )
    workdays = ShiftPattern("Văn phòng 9", time(8), time(17), frozenset(range(5)))

    found = names([FIRST, SECOND, workdays], DayRules((rotation,)))

    assert found == ["192", "19", "9", "192", "19", "", "12"]


def test_the_rotation_that_began_last_governs_and_ends_by_itself() -> None:
    always = Rotation("a", date(2020, 1, 1), date.max, (frozenset({"Ca 1"}),))
    pause = Rotation("b", date(2026, 3, 4), date(2026, 3, 6), (frozenset(), frozenset({"Ca 1"})))

    assert names([FIRST], DayRules((pause, always))) == ["1", "1", "", "1", "1", "1", "1"]


def test_a_holiday_outranks_a_rotation() -> None:
    always = Rotation("a", date(2020, 1, 1), date.max, (frozenset({"Ca 1"}),))
    rules = DayRules((always,), off(MONDAY).days_off)

    assert names([FIRST], rules, 2) == ["", "1"]


def test_a_later_version_holds_while_it_is_valid_and_the_older_one_after_it() -> None:
    short = ShiftPattern(
        "Ca 1", time(7), time(11), EVERY_DAY, (), date(2026, 3, 3), date(2026, 3, 5)
    )
    start = datetime(2026, 3, 1, 17, tzinfo=UTC)

    shifts = expand_shifts([FIRST, short], SAIGON, start, start + timedelta(days=4))

    assert [shift.window.duration.total_seconds() / 3600 for shift in shifts] == [8, 4, 4, 8]


def test_overlaps_are_found_where_a_rule_begins_to_hold() -> None:
    late = ShiftPattern("Ca 4", time(13), time(15), EVERY_DAY, (), date(2031, 5, 5))
    calendar = SiteCalendar(SAIGON, (FIRST, SECOND, late))

    one, other = next(calendar.overlaps())

    assert (one.business_date, one.name, other.name) == (date(2031, 5, 5), "Ca 1", "Ca 4")
    assert list(SiteCalendar(SAIGON, (FIRST, SECOND, NIGHT)).overlaps()) == []


def test_overlaps_are_found_when_only_a_rotation_brings_them_together() -> None:
    odd = ShiftPattern("X", time(13), time(15), frozenset())
    cycle = (*[frozenset({"Ca 1"})] * 29, frozenset({"Ca 1", "X"}))
    rules = DayRules((Rotation("a", MONDAY, date.max, cycle),))

    assert list(SiteCalendar(SAIGON, (FIRST, odd), rules).overlaps())
    assert not list(SiteCalendar(SAIGON, (FIRST, odd)).overlaps())


def test_only_hours_of_which_something_else_is_said_are_touched() -> None:
    start = datetime(2026, 3, 1, 17, tzinfo=UTC)
    hours = [start + timedelta(hours=n) for n in range(72)]
    before = SiteCalendar(SAIGON, (FIRST, SECOND))
    paused = ShiftPattern(
        "Ca 2",
        time(14),
        time(22),
        EVERY_DAY,
        (Break("x", time(16), time(17)),),
        date(2026, 3, 3),
        date(2026, 3, 4),
    )
    after = SiteCalendar(SAIGON, (FIRST, SECOND, paused))

    touched = changed_hours(before, after, hours)

    assert touched == [start + timedelta(hours=24 + n) for n in range(14, 22)]
    assert changed_hours(before, before, hours) == []
    assert changed_hours(before, after, []) == []


def test_every_hour_is_touched_when_there_was_no_calendar() -> None:
    hours = [datetime(2026, 3, 2, hour, tzinfo=UTC) for hour in range(24)]

    assert changed_hours(SiteCalendar(SAIGON), SiteCalendar(SAIGON, (FIRST,)), hours) == hours


def test_circles_of_parents_are_found() -> None:
    assert circle({"a": None, "b": "a", "c": "b"}) == []
    assert sorted(circle({"a": "c", "b": "a", "c": "b", "d": "a"})) == ["a", "b", "c"]
    assert circle({"a": "missing"}) == []
