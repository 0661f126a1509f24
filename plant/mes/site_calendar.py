"""A site's whole calendar as a value: whether it holds together, and what a change touches."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from plant.calendar import (
    NO_RULES,
    DayOff,
    DayRules,
    Rotation,
    ShiftInstance,
    ShiftPattern,
    expand_shifts,
    is_valid_on,
    overlapping,
)

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_LEAST_DAYS = 15
_MOST_DAYS = 400
_FIRST, _LAST = date(1970, 1, 3), date(9990, 1, 1)


@dataclass(frozen=True, slots=True)
class SiteCalendar:
    """Zone, shifts and what decides on which days they begin."""

    zone: ZoneInfo
    patterns: tuple[ShiftPattern, ...] = ()
    rules: DayRules = NO_RULES

    def overlaps(self) -> Iterator[tuple[ShiftInstance, ShiftInstance]]:
        """Yield the first overlap of each two shifts, looked for wherever rules change."""
        # A cycle meets the same weekdays again after so many days at the latest, so whatever can
        # overlap does within them.
        length = max(
            (7 * len(rotation.cycle) for rotation in self.rules.rotations), default=_LEAST_DAYS
        )
        span = timedelta(days=min(max(length, _LEAST_DAYS), _MOST_DAYS))
        checked_until = _FIRST
        seen: set[tuple[str, str]] = set()
        for day in sorted(self._turns()):
            last = day + span
            # Two days back, as a shift that begins the day before may reach into what was not
            # looked at.
            first = max(day, checked_until - 2 * _DAY)
            checked_until = last
            shifts = expand_shifts(
                self.patterns,
                self.zone,
                datetime.combine(first, time(), UTC),
                datetime.combine(last, time(), UTC),
                self.rules,
            )
            for one, other in overlapping(shifts):
                if (one.name, other.name) not in seen:
                    seen.add((one.name, other.name))
                    yield one, other

    def unknown_shifts(self) -> Iterator[tuple[Rotation | DayOff, str]]:
        """Yield each shift that a rotation or a day off names and the site does not have."""
        known = {pattern.name for pattern in self.patterns}
        for rotation in self.rules.rotations:
            yield from ((rotation, name) for name in sorted(rotation.governed - known))
        for day_off in self.rules.days_off.values():
            yield from ((day_off, name) for name in sorted(day_off.keeps - known))

    def _turns(self) -> set[date]:
        """Return the days, less two, on which other rules begin to hold."""
        days = {day for pattern in self.patterns for day in (pattern.valid_from, pattern.valid_to)}
        for rotation in self.rules.rotations:
            days |= {rotation.valid_from, rotation.valid_to}
        days |= set(self.rules.days_off)
        return {min(max(day, _FIRST), _LAST) - 2 * _DAY for day in days}

    def plan_of(self, hours: Iterable[datetime]) -> dict[datetime, object]:
        """Return for each hour (its start) what the calendar says of it, to be compared."""
        wanted = sorted(hours)
        if not wanted:
            return {}
        shifts = expand_shifts(self.patterns, self.zone, wanted[0], wanted[-1] + _HOUR, self.rules)
        by_hour: dict[datetime, list[ShiftInstance]] = {}
        for shift in shifts:
            hour = shift.window.start.replace(minute=0, second=0, microsecond=0)
            while hour < shift.window.end:
                by_hour.setdefault(hour, []).append(shift)
                hour += _HOUR
        return {hour: (self._known(hour), by_hour.get(hour, [])) for hour in wanted}

    def _known(self, hour: datetime) -> bool:
        return any(is_valid_on(pattern, self.zone, hour, hour + _HOUR) for pattern in self.patterns)


def changed_hours(
    before: SiteCalendar, after: SiteCalendar, hours: Iterable[datetime]
) -> list[datetime]:
    """Return the hours of which the two calendars say different things."""
    wanted = sorted(hours)
    then, now = before.plan_of(wanted), after.plan_of(wanted)
    return [hour for hour in wanted if then[hour] != now[hour]]


def circle(parents: dict[str, str | None]) -> list[str]:
    """Return codes that are one another's ancestors, empty when there are none such."""
    sound: set[str] = set()
    for code in parents:
        path: list[str] = []
        current: str | None = code
        while current is not None and current not in sound:
            if current in path:
                return path[path.index(current) :]
            path.append(current)
            current = parents.get(current)
        sound.update(path)
    return []
