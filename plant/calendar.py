"""Shift calendars: patterns in a site's local time, expanded to half-open UTC instants.

Rules (see `docs/explanations/oee.md`): a shift is two UTC instants and a business date, the local
date on which it starts; it is never split at midnight. Local times are converted to UTC one by
one and only then subtracted, so a night shift in a spring DST night is as short as it really is.
A local time that occurs twice means the first; one that is skipped means as much later, and a shift
or break that this would end before it begins does not take place.

Of several versions of a shift (the same name) the one that began last holds while it is valid. A
rotation chooses the shifts of a day by name, whatever their weekdays; a day off removes them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
class Rotation:
    """Days that follow one another in a cycle from `valid_from` on, each with its shifts."""

    name: str
    valid_from: date
    valid_to: date
    """First day on which it no longer holds."""
    cycle: tuple[frozenset[str], ...]
    """Names of the shifts that begin on each day of the cycle."""

    @property
    def governed(self) -> frozenset[str]:
        """The shifts that follow it instead of their weekdays."""
        return frozenset().union(*self.cycle)

    def runs(self, shift: str, day: date) -> bool:
        """Tell whether a shift begins on a day within its validity."""
        return shift in self.cycle[(day - self.valid_from).days % len(self.cycle)]


@dataclass(frozen=True, slots=True)
class DayOff:
    """A local date on which shifts do not begin as usual."""

    day: date
    works_as: int | None = None
    """Weekday whose shifts begin instead (0 is Monday); none at all if there is none."""
    keeps: frozenset[str] = frozenset()
    """Names of shifts that begin all the same."""


@dataclass(frozen=True, slots=True)
class DayRules:
    """What decides, beside their weekdays, on which days shifts begin."""

    rotations: tuple[Rotation, ...] = ()
    days_off: Mapping[date, DayOff] = field(default_factory=dict)

    def begins(self, pattern: "ShiftPattern", day: date) -> bool:
        """Tell whether a shift begins on a day on which it is valid."""
        weekday = day.weekday()
        off = self.days_off.get(day)
        if off is not None and pattern.name not in off.keeps:
            if off.works_as is None:
                return False
            weekday = off.works_as
        rotation = self._rotation(pattern.name, day)
        if rotation is not None:
            return rotation.runs(pattern.name, day)
        return weekday in pattern.weekdays

    def _rotation(self, shift: str, day: date) -> Rotation | None:
        """Return the rotation that governs a shift on a day: the one that began last."""
        valid = [
            rotation
            for rotation in self.rotations
            if rotation.valid_from <= day < rotation.valid_to and shift in rotation.governed
        ]
        return max(valid, key=lambda rotation: rotation.valid_from, default=None)


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


NO_RULES = DayRules()


def expand_shifts(
    patterns: Iterable[ShiftPattern],
    zone: ZoneInfo,
    start: datetime,
    end: datetime,
    rules: DayRules = NO_RULES,
) -> list[ShiftInstance]:
    """Return the shifts that overlap `[start, end)`, whole and unclipped, ordered by start."""
    first = start.astimezone(zone).date() - timedelta(days=2)
    last = end.astimezone(zone).date() + timedelta(days=1)
    versions: dict[str, list[ShiftPattern]] = {}
    for pattern in patterns:
        versions.setdefault(pattern.name, []).append(pattern)
    found = [
        shift
        for named in versions.values()
        for day in _days(first, last)
        for pattern in _in_force(named, day)
        if rules.begins(pattern, day)
        for shift in (_instance(pattern, day, zone),)
        if max(shift.window.start, start) < min(shift.window.end, end)
    ]
    return sorted(found, key=lambda shift: (shift.window.start, shift.name))


def is_valid_on(pattern: ShiftPattern, zone: ZoneInfo, start: datetime, end: datetime) -> bool:
    """Tell whether a shift is valid on some local day of `[start, end)`, or the night before."""
    first = (start.astimezone(zone) - timedelta(days=1)).date()
    last = end.astimezone(zone).date()
    return pattern.valid_from <= last and first < pattern.valid_to


def overlapping(shifts: Sequence[ShiftInstance]) -> list[tuple[ShiftInstance, ShiftInstance]]:
    """Return neighbouring pairs of shifts that overlap; a usable calendar has none."""
    return [(one, other) for one, other in pairwise(shifts) if other.window.start < one.window.end]


def _in_force(versions: Sequence[ShiftPattern], day: date) -> list[ShiftPattern]:
    """Return the versions of a shift that hold on a day: those that began last."""
    valid = [version for version in versions if version.valid_from <= day < version.valid_to]
    newest = max((version.valid_from for version in valid), default=None)
    return [version for version in valid if version.valid_from == newest]


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _instance(pattern: ShiftPattern, day: date, zone: ZoneInfo) -> ShiftInstance:
    window = Window(
        utc_instant(day, pattern.start, zone),
        utc_instant(_day_after(day, pattern.end <= pattern.start), pattern.end, zone),
    )
    breaks = tuple(_break_window(pattern, pause, day, zone) for pause in pattern.breaks)
    taken = tuple(pause for pause in breaks if pause.start < pause.end)
    return ShiftInstance(pattern.name, day, window, taken)


def _break_window(pattern: ShiftPattern, pause: Break, day: date, zone: ZoneInfo) -> Window:
    start_day = _day_after(day, pause.start < pattern.start)
    end_day = _day_after(start_day, pause.end <= pause.start)
    return Window(utc_instant(start_day, pause.start, zone), utc_instant(end_day, pause.end, zone))


def _day_after(day: date, following: bool) -> date:
    return day + timedelta(days=1) if following else day
