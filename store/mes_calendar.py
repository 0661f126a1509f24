"""The calendars of the sites that an import touches, before and after."""

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from plant.calendar import Break, DayOff, DayRules, Rotation, ShiftPattern
from plant.mes.site_calendar import SiteCalendar, changed_hours
from store.connection import Connection
from store.queries import queries

_Q = queries("mes")


class TouchedCalendars:
    """Remembers what the calendar of a site said before it was touched."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._before: dict[str, SiteCalendar] = {}
        self._where: dict[str, str] = {}

    def touch(self, site: str, where: str) -> None:
        """Take note of a site before a document changes its calendar."""
        if site not in self._before:
            self._before[site] = site_calendar(self._connection, site)
        self._where[site] = where

    def overlaps(self) -> dict[str, tuple[str, str]]:
        """Return by site where it was touched last and which of its shifts overlap now."""
        found = {}
        for site in self._before:
            pair = next(site_calendar(self._connection, site).overlaps(), None)
            if pair is not None:
                one, other = pair
                words = f"shift '{one.name}' of {one.business_date} overlaps shift '{other.name}'"
                found[site] = (self._where[site], words)
        return found

    def changed_hours(self) -> dict[str, list[datetime]]:
        """Return by site the hours with figures for which its calendar says something else now."""
        found = {}
        for site, before in self._before.items():
            hours = [row[0] for row in self._connection.execute(_Q["site_hours"], {"site": site})]
            found[site] = changed_hours(before, site_calendar(self._connection, site), hours)
        return found


def site_calendar(connection: Connection, site: str) -> SiteCalendar:
    """Return the calendar of a site as it is stored."""
    asked = {"site": site}
    row = connection.execute(_Q["site_zone"], asked).fetchone()
    return SiteCalendar(
        ZoneInfo(row[0] if row and row[0] else "UTC"),
        tuple(shift_pattern(*columns) for columns in connection.execute(_Q["site_shifts"], asked)),
        DayRules(
            tuple(
                rotation(*columns) for columns in connection.execute(_Q["site_rotations"], asked)
            ),
            {
                columns[0]: DayOff(columns[0], columns[1], frozenset(columns[2]))
                for columns in connection.execute(_Q["site_holidays"], asked)
            },
        ),
    )


def shift_pattern(
    name: str,
    start: time,
    end: time,
    weekdays: list[int],
    valid_from: date,
    valid_to: date,
    *breaks: list[Any],
) -> ShiftPattern:
    """Return a stored shift; `breaks` are columns of names, starts and ends."""
    return ShiftPattern(
        name=name,
        start=start,
        end=end,
        weekdays=frozenset(weekdays),
        breaks=tuple(Break(*parts) for parts in zip(*breaks, strict=True)),
        valid_from=valid_from,
        valid_to=valid_to,
    )


def rotation(name: str, valid_from: date, valid_to: date, cycle: list[list[str]]) -> Rotation:
    """Return a stored rotation."""
    return Rotation(name, valid_from, valid_to, tuple(frozenset(day) for day in cycle))
