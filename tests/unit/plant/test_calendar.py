from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from plant.calendar import Break, ShiftPattern, expand_shifts, overlapping, utc_instant

SAIGON = ZoneInfo("Asia/Ho_Chi_Minh")
BERLIN = ZoneInfo("Europe/Berlin")
EVERY_DAY = frozenset(range(7))
NIGHT = ShiftPattern("C3", time(22), time(6), EVERY_DAY, (Break("ăn ca", time(1, 30), time(2)),))


def test_night_shift_keeps_the_date_of_its_start_when_it_crosses_midnight() -> None:
    start = datetime(2026, 3, 28, 12, tzinfo=UTC)
    (shift,) = expand_shifts([NIGHT], SAIGON, start, start + timedelta(hours=12))
    assert shift.business_date == date(2026, 3, 28)
    assert shift.window.start == datetime(2026, 3, 28, 15, tzinfo=UTC)
    assert shift.window.duration == timedelta(hours=8)
    assert shift.breaks[0].start == datetime(2026, 3, 28, 18, 30, tzinfo=UTC)
    assert shift.breaks[0].duration == timedelta(minutes=30)


def test_night_shift_is_an_hour_short_when_clocks_go_forward() -> None:
    start = datetime(2026, 3, 28, 20, tzinfo=UTC)
    (shift,) = expand_shifts([NIGHT], BERLIN, start, start + timedelta(hours=12))
    assert shift.window.duration == timedelta(hours=7)


def test_night_shift_is_an_hour_long_when_clocks_go_back() -> None:
    start = datetime(2026, 10, 24, 18, tzinfo=UTC)
    (shift,) = expand_shifts([NIGHT], BERLIN, start, start + timedelta(hours=12))
    assert shift.window.duration == timedelta(hours=9)


def test_the_first_of_two_instants_is_meant_when_a_local_time_occurs_twice() -> None:
    assert utc_instant(date(2026, 10, 25), time(2, 30), BERLIN) == datetime(
        2026, 10, 25, 0, 30, tzinfo=UTC
    )


def test_a_skipped_local_time_lies_as_much_later_when_clocks_go_forward() -> None:
    assert utc_instant(date(2026, 3, 29), time(2, 30), BERLIN) == datetime(
        2026, 3, 29, 1, 30, tzinfo=UTC
    )


def test_what_lies_in_the_skipped_hour_does_not_take_place() -> None:
    within = ShiftPattern("C4", time(2, 30), time(3), EVERY_DAY)
    night = ShiftPattern("C3", time(22), time(6), EVERY_DAY, (Break("b", time(2, 30), time(3)),))
    start = datetime(2026, 3, 28, 12, tzinfo=UTC)
    end = start + timedelta(days=1)
    assert expand_shifts([within], BERLIN, start, end) == []
    assert [len(shift.breaks) for shift in expand_shifts([night], BERLIN, start, end)] == [0]
    assert len(expand_shifts([within], SAIGON, start, end)) == 1


def test_no_shift_starts_when_the_day_is_not_in_its_pattern() -> None:
    weekdays = ShiftPattern("C1", time(6), time(14), frozenset(range(5)))
    saturday = datetime(2026, 11, 21, tzinfo=UTC)
    assert expand_shifts([weekdays], SAIGON, saturday, saturday + timedelta(days=1)) == []


def test_a_pattern_ends_when_its_validity_does() -> None:
    old = ShiftPattern("C1", time(6), time(14), EVERY_DAY, valid_to=date(2026, 11, 2))
    new = ShiftPattern("C1", time(7), time(15), EVERY_DAY, valid_from=date(2026, 11, 2))
    start = datetime(2026, 10, 31, 17, tzinfo=UTC)
    shifts = expand_shifts([old, new], SAIGON, start, start + timedelta(days=2))
    assert [shift.window.start.hour for shift in shifts] == [23, 0]
    assert not overlapping(shifts)


def test_overlapping_names_the_pair_when_shifts_collide() -> None:
    early = ShiftPattern("C1", time(6), time(14), EVERY_DAY)
    late = ShiftPattern("C2", time(13), time(21), EVERY_DAY)
    start = datetime(2026, 11, 1, 17, tzinfo=UTC)
    shifts = expand_shifts([early, late], SAIGON, start, start + timedelta(hours=20))
    assert [(one.name, other.name) for one, other in overlapping(shifts)] == [("C1", "C2")]
