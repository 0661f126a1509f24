"""Shift calendars: patterns in a site's local time, expanded to half-open UTC instants.

Rules (see `docs/explanations/oee.md`): a shift is two UTC instants and a business date, the local
date on which it starts; it is never split at midnight. Local times are converted to UTC one by
one and only then subtracted, so a night shift in a spring DST night is as short as it really is.
A local time that occurs twice means the first; one that is skipped means as much later.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Break:
    """A planned break of a shift, in local time; it may lie past midnight of a night shift."""

    name: str
    start: time
    end: time


@dataclass(frozen=True, slots=True)
class ShiftPattern:
    """A shift that recurs on weekdays. An end not after the start lies on the next day."""

    name: str
    start: time
    end: time
    weekdays: frozenset[int]
    """Days on which it starts; Monday is 0."""
    breaks: tuple[Break, ...] = ()
    valid_from: date = date.min
    valid_to: date = date.max
    """First day on which it no longer starts."""


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open window `[start, end)` of aware UTC instants."""

    start: datetime
    end: datetime

    @property
    def duration(self) -> timedelta:
        """Its length; both ends are UTC, so the difference is elapsed time."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class ShiftInstance:
    """One shift of one day."""

    name: str
    business_date: date
    window: Window
    breaks: tuple[Window, ...]


def utc_instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the UTC instant of a local time; the module says what becomes of odd ones."""
    return datetime.combine(day, at, zone).replace(fold=0).astimezone(UTC)


def expand_shifts(
    patterns: Iterable[ShiftPattern], zone: ZoneInfo, start: datetime, end: datetime
) -> list[ShiftInstance]:
    """Return the shifts that overlap `[start, end)`, whole and unclipped, ordered by start."""
    first = start.astimezone(zone).date() - timedelta(days=2)
    last = end.astimezone(zone).date() + timedelta(days=1)
    found = [
        shift
        for pattern in patterns
        for day in _days(first, last)
        if _occurs(pattern, day)
        for shift in (_instance(pattern, day, zone),)
        if shift.window.start < end and shift.window.end > start
    ]
    return sorted(found, key=lambda shift: (shift.window.start, shift.name))


def overlapping(shifts: Sequence[ShiftInstance]) -> list[tuple[ShiftInstance, ShiftInstance]]:
    """Return neighbouring pairs of shifts that overlap; a usable calendar has none."""
    return [(one, other) for one, other in pairwise(shifts) if other.window.start < one.window.end]


def _occurs(pattern: ShiftPattern, day: date) -> bool:
    return day.weekday() in pattern.weekdays and pattern.valid_from <= day < pattern.valid_to


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _instance(pattern: ShiftPattern, day: date, zone: ZoneInfo) -> ShiftInstance:
    window = Window(
        utc_instant(day, pattern.start, zone),
        utc_instant(_day_after(day, pattern.end <= pattern.start), pattern.end, zone),
    )
    breaks = tuple(_break_window(pattern, pause, day, zone) for pause in pattern.breaks)
    return ShiftInstance(pattern.name, day, window, breaks)


def _break_window(pattern: ShiftPattern, pause: Break, day: date, zone: ZoneInfo) -> Window:
    start_day = _day_after(day, pause.start < pattern.start)
    end_day = _day_after(start_day, pause.end <= pause.start)
    return Window(utc_instant(start_day, pause.start, zone), utc_instant(end_day, pause.end, zone))


def _day_after(day: date, following: bool) -> date:
    return day + timedelta(days=1) if following else day
