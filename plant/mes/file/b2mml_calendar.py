"""Work calendars of B2MML: shifts, days off, planned maintenance."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from xml.etree.ElementTree import Element

from plant.description import WEEKDAYS
from plant.mes.file.b2mml_element import (
    Named,
    child_text,
    local_name,
    named_place,
    parsed,
    scope_path,
    with_offset,
)
from plant.mes.file.table import TableOptions
from plant.mes.parsing import Parsed
from plant.mes.problem import Problem, Reason

ENTRIES = frozenset({"WorkCalendarDefinitionEntry", "WorkCalendarEntry"})


_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


_ICAL_DAYS = dict(zip(("MO", "TU", "WE", "TH", "FR", "SA", "SU"), WEEKDAYS, strict=True))


def calendar_entry(
    element: Element, scope: str, origin: Named, options: TableOptions
) -> Iterator[Parsed]:
    """Yield what an entry of a work calendar becomes, or what is wrong with it."""
    kind = child_text(element, "EntryType", "WorkCalendarEntryType").lower()
    place = named_place(scope_path(element), options) or scope
    site = "/".join(place.split("/")[:2])
    start, end = _bounds(element)
    common = {"site": site, "number": child_text(element, "ID")}
    if kind == "shift":
        yield _shift(element, site, origin)
    elif kind in {"holiday", "nonworkingday"}:
        yield from _holidays(element, site, start, end, origin)
    elif kind in {"maintenance", "plannedmaintenance"}:
        said = {"start": with_offset(start, options), "end": with_offset(end, options)}
        description = {"description": child_text(element, "Description")}
        yield parsed("planned-maintenance", common | {"place": place} | said | description, origin)
    else:
        words = f"the entry type {kind!r} is none of Shift, Holiday, Maintenance"
        yield [Problem(origin.name, "", Reason.WRONG_VALUE, words)]


def _shift(element: Element, site: str, origin: Named) -> Parsed:
    first, begins = _start_rule(child_text(element, "StartRule", "StartDateTime"))
    length = _duration(child_text(element, "DurationRule", "Duration"))
    rule = child_text(
        element, "RecurrenceTimeIntervalRule", "RecurrenceTimeInterval", "RecurrenceTime"
    )
    weekdays = _weekdays(rule, first)
    for value, what, example in (
        (begins, "StartRule", "2026-01-05T06:00:00"),
        (length, "DurationRule", "PT8H"),
        (weekdays, "RecurrenceTimeIntervalRule", "R/P1D, R/P1W or FREQ=WEEKLY;BYDAY=MO,TU"),
    ):
        if value is None:
            words = f"{what} is missing or not understood; write {example}"
            return [Problem(origin.name, what, Reason.WRONG_VALUE, words)]
    assert begins is not None
    assert length is not None
    breaks = []
    for child in element:
        if local_name(child) in ENTRIES and child_text(child, "EntryType").lower() == "break":
            _, at = _start_rule(child_text(child, "StartRule", "StartDateTime"))
            lasts = _duration(child_text(child, "DurationRule", "Duration"))
            if at is None or lasts is None:
                words = "a break needs a StartRule such as T11:30:00 and a DurationRule"
                return [Problem(origin.name, "breaks", Reason.WRONG_VALUE, words)]
            breaks.append({"name": child_text(child, "ID"), "start": at, "end": _later(at, lasts)})
    values = {
        "site": site,
        "name": child_text(element, "ID"),
        "start": begins,
        "end": _later(begins, length),
        "weekdays": weekdays,
        "breaks": breaks,
        "valid_from": first,
    }
    return parsed("shifts", values, origin)


def _holidays(element: Element, site: str, start: str, end: str, origin: Named) -> Iterator[Parsed]:
    try:
        first = date.fromisoformat(start[:10])
        last = date.fromisoformat(end[:10]) if end else first
    except ValueError:
        words = f"StartDateTime {start!r} and FinishDateTime {end!r} are no dates"
        yield [Problem(origin.name, "day", Reason.WRONG_VALUE, words)]
        return
    if end[10:].lstrip("T").startswith("00:00") and last > first:
        # A half-open interval that ends at midnight ends with the day before.
        last -= timedelta(days=1)
    if not timedelta(0) <= last - first < timedelta(days=62):
        words = f"{first} to {last} is no span of 1 to 62 days"
        yield [Problem(origin.name, "day", Reason.WRONG_VALUE, words)]
        return
    name = child_text(element, "Description") or child_text(element, "ID")
    for n in range((last - first).days + 1):
        day = (first + timedelta(days=n)).isoformat()
        yield parsed("holidays", {"site": site, "day": day, "name_vi": name}, origin)


def _bounds(element: Element) -> tuple[str, str]:
    return (
        child_text(element, "StartDateTime", "StartTime", "StartRule"),
        child_text(element, "FinishDateTime", "EndDateTime", "EndTime"),
    )


def _start_rule(text: str) -> tuple[str | None, str | None]:
    """Return the first day, if there is one, and the local time of `2026-01-05T06:00:00`."""
    day, _, at = text.rpartition("T")
    try:
        begins = time.fromisoformat(at).isoformat() if at else None
        return (date.fromisoformat(day).isoformat() if day else None), begins
    except ValueError:
        return None, None


def _weekdays(rule: str, first: str | None) -> list[str] | None:
    plain = rule.upper().removeprefix("R/").removeprefix("RRULE:")
    if plain in {"P1D", "FREQ=DAILY"}:
        return list(WEEKDAYS)
    if plain in {"P1W", "P7D", "FREQ=WEEKLY"} and first is not None:
        return [WEEKDAYS[date.fromisoformat(first).weekday()]]
    head, _, days = plain.partition(";BYDAY=")
    named = [_ICAL_DAYS.get(day, "") for day in days.split(",")]
    if head == "FREQ=WEEKLY" and all(named):
        return named
    return None


def _duration(text: str) -> timedelta | None:
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    try:
        length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        return None
    return length if timedelta(0) < length <= timedelta(days=1) else None


def _later(at: str, length: timedelta) -> str:
    moment = datetime.combine(date(2000, 1, 1), time.fromisoformat(at), UTC)
    return (moment + length).time().isoformat()
