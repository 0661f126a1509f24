"""Which window a page is about: hours up to now, two moments, a day, a shift of it, or an order."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Depends, Query

from api.http.places import PlaceTree
from api.http.problems import bad_option
from api.http.windows import End, Start, window
from plant.calendar import Window
from plant.place import Level
from store.reading.board_row import OrderRow, ShiftRow
from store.reading.reading import Reading
from store.reading.row import PlaceRow

CHOICES_WITHIN = timedelta(days=31)
MOST_ORDERS = 50
_YEARS = (1990, 2200)
_TEXT = r"^[^\x00]*$"


@dataclass(frozen=True, slots=True)
class Pick:
    """What an address asks for; the first of order, day, start and hours that is there counts."""

    hours: int | None = None
    start: datetime | None = None
    end: datetime | None = None
    day: date | None = None
    shift: str | None = None
    order: str | None = None


async def _pick(
    hours: Annotated[
        int | None, Query(ge=1, le=24 * 3660, description="So many hours, up to `end` or now.")
    ] = None,
    start: Start = None,
    end: End = None,
    day: Annotated[
        str | None,
        Query(max_length=10, description="A business day (YYYY-MM-DD): all of its shifts."),
    ] = None,
    shift: Annotated[
        str | None, Query(max_length=200, pattern=_TEXT, description="A shift of `day`.")
    ] = None,
    order: Annotated[
        str | None, Query(max_length=200, pattern=_TEXT, description="While it was executed.")
    ] = None,
) -> Pick:
    # An empty field of a form chooses nothing.
    try:
        chosen = date.fromisoformat(day) if day else None
    except ValueError as exc:
        raise bad_option("day", "a date such as 2026-03-02") from exc
    if chosen is not None and not _YEARS[0] <= chosen.year < _YEARS[1]:
        raise bad_option("day", "a date between 1990 and 2200")
    return Pick(hours, start, end, chosen, shift or None, order or None)


PickDep = Annotated[Pick, Depends(_pick)]


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to choose from at a place."""

    shifts: tuple[str, ...]
    """Names of the shifts of late, in their order within a day."""
    orders: tuple[OrderRow, ...]
    """Orders executed of late, newest first."""


@dataclass(frozen=True, slots=True)
class Picked:
    """The window of a page, and the values of an address that name the same again."""

    window: Window
    query: Mapping[str, str]
    pick: Pick


def resolve(
    reading: Reading,
    tree: PlaceTree,
    place: PlaceRow,
    pick: Pick,
    *,
    now: datetime,
    default_hours: int,
    longest: timedelta,
) -> Picked:
    """Return the window that was picked at a place.

    A day without shifts is the day of the place's zone. Raises the problems `bad-option` when the
    place has not had the shift or the order, and `bad-window`.
    """
    if pick.order is not None:
        orders = reading.boards.orders(_units(tree, place), order=pick.order, limit=1)
        if not orders:
            raise bad_option("order", f"an order that was executed at {place.path}")
        found = Window(orders[0].start, orders[0].end)
        query = {"order": pick.order}
    elif pick.day is not None:
        found = _day(reading, tree, place, pick.day, pick.shift)
        query = {"day": pick.day.isoformat()} | ({"shift": pick.shift} if pick.shift else {})
    elif pick.start is not None:
        found = window(pick.start, pick.end, now=now, default=longest, longest=longest)
        return Picked(found, {"start": _stamp(found.start), "end": _stamp(found.end)}, pick)
    else:
        hours = pick.hours or default_hours
        query = {"hours": str(hours)} | ({"end": _stamp(pick.end)} if pick.end else {})
        span = timedelta(hours=hours)
        return Picked(window(None, pick.end, now=now, default=span, longest=longest), query, pick)
    window(found.start, found.end, now=now, default=longest, longest=longest)
    return Picked(found, query, pick)


def choices(reading: Reading, tree: PlaceTree, place: PlaceRow, now: datetime) -> Choices:
    """Return the shifts and orders of late at a place."""
    since = (now - CHOICES_WITHIN).date()
    shifts = reading.boards.shifts(_places(tree, place), since, (now + timedelta(days=1)).date())
    # By the time of day at which they begin in the newest days.
    names = dict.fromkeys(
        row.shift
        for row in sorted(shifts, key=lambda row: (-row.business_date.toordinal(), row.start))
    )
    orders = reading.boards.orders(
        _units(tree, place), since=now - CHOICES_WITHIN, limit=MOST_ORDERS
    )
    return Choices(tuple(names), tuple(orders))


def _day(
    reading: Reading, tree: PlaceTree, place: PlaceRow, day: date, shift: str | None
) -> Window:
    rows: list[ShiftRow] = [
        row
        for row in reading.boards.shifts(_places(tree, place), day, day)
        if shift is None or row.shift == shift
    ]
    if rows:
        return Window(min(row.start for row in rows), max(row.end for row in rows))
    if shift is not None:
        raise bad_option("shift", f"a shift of {day} at {place.path}")
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(tree.zone(place.path)))
    after = midnight + timedelta(days=1)
    return Window(midnight.astimezone(UTC), after.astimezone(UTC))


def _units(tree: PlaceTree, place: PlaceRow) -> list[int]:
    return tree.unit_ids(place.path)


def _places(tree: PlaceTree, place: PlaceRow) -> list[int]:
    lines = [line.place_id for line in tree.within(place.path, Level.WORK_CENTER)]
    return [place.place_id, *lines, *_units(tree, place)]


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
