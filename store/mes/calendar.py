"""The calendars of the sites that an import touches, before and after."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from plant.calendar import DayOff, DayRules, Rotation
from plant.mes.document import MesDocument
from plant.mes.kinds.shift import Holiday, Shift, ShiftRotation
from plant.mes.parsing import Located, Origin
from plant.mes.problem import Problem, Reason
from plant.mes.site_calendar import SiteCalendar, changed_hours
from store.engine.connection import Connection
from store.engine.queries import queries
from store.place.stored import rotation, shift_pattern

_Q = queries("mes/mes")


class TouchedCalendars:
    """Remembers what the calendar of a site said before it was touched."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._before: dict[str, SiteCalendar] = {}
        self._origins: dict[tuple[str, str], Origin] = {}
        """Where a shift, a rotation or a day off of a site was touched last, and any of them."""

    def touch(self, one: Located) -> None:
        """Take note of a site before a document changes its calendar."""
        site = one.document.scope
        if site not in self._before:
            self._before[site] = site_calendar(self._connection, site)
        self._origins[site, _name(one.document)] = self._origins[site, ""] = one.origin

    def problems(self) -> Iterator[Problem]:
        """Yield what does not hold together now, each where a document has to do with it."""
        for site in self._before:
            calendar = site_calendar(self._connection, site)
            for one, other in calendar.overlaps():
                origin = self._origin(site, f"shift {other.name}", f"shift {one.name}")
                words = f"shift '{one.name}' of {one.business_date} overlaps shift '{other.name}'"
                yield Problem(origin.of(""), "", Reason.OVERLAPPING_SHIFTS, f"{site}: {words}")
            for rule, shift in calendar.unknown_shifts():
                names = [f"shift {shift}"]
                if isinstance(rule, Rotation):
                    field, words = "cycle", f"rotation '{rule.name}'"
                    names.insert(0, f"rotation {rule.name}")
                else:
                    field, words = "keeps", f"the holiday of {rule.day}"
                    names.insert(0, f"holiday {rule.day}")
                origin = self._origin(site, *names)
                words = f"{site}: {words} names shift '{shift}', which does not exist"
                yield Problem(origin.of(field), field, Reason.UNKNOWN_REFERENCE, words)

    def _origin(self, site: str, *names: str) -> Origin:
        return next(origin for name in (*names, "") if (origin := self._origins.get((site, name))))

    def changed_hours(self) -> dict[str, list[datetime]]:
        """Return by site the hours with figures for which its calendar says something else now."""
        found = {}
        for site, before in self._before.items():
            hours = [row[0] for row in self._connection.execute(_Q["site_hours"], {"site": site})]
            found[site] = changed_hours(before, site_calendar(self._connection, site), hours)
        return found


def _name(document: MesDocument) -> str:
    match document:
        case ShiftRotation():
            return f"rotation {document.name}"
        case Holiday():
            return f"holiday {document.day}"
        case Shift():
            return f"shift {document.name}"
    return ""


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
