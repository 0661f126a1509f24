"""B2MML-shaped XML: production and operations schedules and performance, and work calendars.

Element names are those of B2MML (MESA), of any namespace; what it leaves to agreement is agreed in
`docs/reference/mes-documents.md`. No document type, no entities, no depth without end.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from plant.description import WEEKDAYS
from plant.mes.file.limits import FileLimits, too_large, whole_file
from plant.mes.file.table import TableOptions
from plant.mes.kind import KINDS
from plant.mes.parsing import Parsed, parse
from plant.mes.problem import Problem, Reason

_LIMITS = FileLimits()
_DEEPEST = 40
_REQUESTS = frozenset({"OperationsRequest", "ProductionRequest"})
_RESPONSES = frozenset({"OperationsResponse", "ProductionResponse"})
_ENTRIES = frozenset({"WorkCalendarDefinitionEntry", "WorkCalendarEntry"})
_UNDERSTOOD = _REQUESTS | _RESPONSES | _ENTRIES
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_ICAL_DAYS = dict(zip(("MO", "TU", "WE", "TH", "FR", "SA", "SU"), WEEKDAYS, strict=True))
_STATUS = {
    **dict.fromkeys(("forecast", "scheduled", "pending", "waiting", "created"), "planned"),
    **dict.fromkeys(("released", "ready", "dispatched"), "released"),
    **dict.fromkeys(("running", "held", "suspended"), "running"),
    **dict.fromkeys(("completed", "complete", "closed", "ended"), "finished"),
    **dict.fromkeys(("aborted", "cancelled", "canceled"), "cancelled"),
}


@dataclass(frozen=True, slots=True)
class Named:
    """One element, by its name and ID."""

    name: str

    def of(self, field: str) -> str:
        """Return `OperationsRequest LSX-1`, whatever the field."""
        return self.name


def read_b2mml(
    stream: BinaryIO, options: TableOptions, limits: FileLimits = _LIMITS
) -> Iterator[Parsed]:
    """Yield orders, their runs, shifts, days off and maintenance of an XML file, as they come.

    Moments without an offset need `options.zone`; `options.defaults["site"]` is the site where
    the file names none. A file that cannot be read on ends with the problem that says why.
    """
    large = too_large(stream, limits.xml)
    if large:
        yield large
        return
    try:
        yield from _documents(stream, options)
    except DefusedXmlException as exc:
        yield [whole_file(f"document types and entities are not taken ({type(exc).__name__})")]
    except (ParseError, ValueError, LookupError) as exc:
        # An unknown encoding is a LookupError.
        yield [whole_file(f"is no XML: {exc}")]


def _documents(stream: BinaryIO, options: TableOptions) -> Iterator[Parsed]:
    stack: list[Element] = []
    found = False
    for event, element in iterparse(stream, events=("start", "end"), forbid_dtd=True):
        if event == "start":
            stack.append(element)
            if len(stack) > _DEEPEST:
                yield [whole_file(f"elements are nested deeper than {_DEEPEST}")]
                return
            continue
        stack.pop()
        name = _local(element)
        inner = any(_local(outer) in _UNDERSTOOD for outer in stack)
        if inner or name not in _UNDERSTOOD:
            continue
        found = True
        origin = Named(f"{name} {_text(element, 'ID') or '(without ID)'}")
        site = _scope_of(stack) or options.defaults.get("site", "")
        if name in _REQUESTS:
            yield _order(element, site, origin, options)
        elif name in _RESPONSES:
            yield from _order_runs(element, site, origin, options)
        else:
            yield from _calendar_entry(element, site, origin, options)
        # What has been read is let go of, or a long file would fill the memory.
        element.clear()
        if stack:
            stack[-1].remove(element)
    if not found:
        wanted = ", ".join(sorted(_UNDERSTOOD))
        words = f"holds none of the elements that are understood: {wanted}"
        yield [whole_file(words, Reason.MISSING)]


def _order(element: Element, site: str, origin: Named, options: TableOptions) -> Parsed:
    state = _text(element, "RequestState", "State")
    status = _STATUS.get(state.lower()) if state else "released"
    if status is None:
        words = f"the state {state!r} is not understood; known: {', '.join(sorted(_STATUS))}"
        return [Problem(origin.name, "status", Reason.WRONG_VALUE, words)]
    produced = _produced(element)
    line = _path(element) or _equipment(element, "EquipmentRequirement")
    values: dict[str, Any] = {
        "site": site or "/".join(line.split("/")[:2]),
        "number": _text(element, "ID"),
        "product": _text(produced, "MaterialDefinitionID") if produced is not None else "",
        "planned_quantity": _deep_text(produced, "QuantityString") if produced is not None else "",
        "work_center": line if line.count("/") >= 3 or not site else f"{site}/{line}",
        "planned_start": _moment(_text(element, "StartTime", "EarliestStartTime"), options),
        "planned_end": _moment(_text(element, "EndTime", "LatestEndTime"), options),
        "status": status,
    }
    return _parsed("orders", values, origin)


def _order_runs(
    element: Element, site: str, origin: Named, options: TableOptions
) -> Iterator[Parsed]:
    """Yield an order run for each segment that has begun on a machine."""
    number = _text(element, "OperationsRequestID", "ProductionRequestID", "ID")
    begun = False
    for segment in element.iter():
        start = _text(segment, "ActualStartTime")
        if _local(segment) != "SegmentResponse" or not start:
            continue
        begun = True
        machine = _path(segment) or _equipment(segment, "EquipmentActual")
        made = _produced(segment)
        values = {
            "work_unit": machine if machine.count("/") >= 4 or not site else f"{site}/{machine}",
            "started_at": _moment(start, options),
            "ended_at": _moment(_text(segment, "ActualEndTime"), options),
            "order": number,
            "product": "" if made is None else _text(made, "MaterialDefinitionID"),
            "lot": "" if made is None else _text(made, "MaterialLotID"),
        }
        yield _parsed("order-runs", values, origin)
    if not begun:
        words = "holds no SegmentResponse with an ActualStartTime"
        yield [Problem(origin.name, "started_at", Reason.MISSING, words)]


def _calendar_entry(
    element: Element, scope: str, origin: Named, options: TableOptions
) -> Iterator[Parsed]:
    kind = _text(element, "EntryType", "WorkCalendarEntryType").lower()
    place = _path(element) or scope
    site = "/".join(place.split("/")[:2])
    start, end = _bounds(element)
    common = {"site": site, "number": _text(element, "ID")}
    if kind == "shift":
        yield _shift(element, site, origin)
    elif kind in {"holiday", "nonworkingday"}:
        yield from _holidays(element, site, start, end, origin)
    elif kind in {"maintenance", "plannedmaintenance"}:
        said = {"start": _moment(start, options), "end": _moment(end, options)}
        description = {"description": _text(element, "Description")}
        yield _parsed("planned-maintenance", common | {"place": place} | said | description, origin)
    else:
        words = f"the entry type {kind!r} is none of Shift, Holiday, Maintenance"
        yield [Problem(origin.name, "", Reason.WRONG_VALUE, words)]


def _shift(element: Element, site: str, origin: Named) -> Parsed:
    first, begins = _start_rule(_text(element, "StartRule", "StartDateTime"))
    length = _duration(_text(element, "DurationRule", "Duration"))
    rule = _text(element, "RecurrenceTimeIntervalRule", "RecurrenceTimeInterval", "RecurrenceTime")
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
        if _local(child) in _ENTRIES and _text(child, "EntryType").lower() == "break":
            _, at = _start_rule(_text(child, "StartRule", "StartDateTime"))
            lasts = _duration(_text(child, "DurationRule", "Duration"))
            if at is None or lasts is None:
                words = "a break needs a StartRule such as T11:30:00 and a DurationRule"
                return [Problem(origin.name, "breaks", Reason.WRONG_VALUE, words)]
            breaks.append({"name": _text(child, "ID"), "start": at, "end": _later(at, lasts)})
    values = {
        "site": site,
        "name": _text(element, "ID"),
        "start": begins,
        "end": _later(begins, length),
        "weekdays": weekdays,
        "breaks": breaks,
        "valid_from": first,
    }
    return _parsed("shifts", values, origin)


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
    name = _text(element, "Description") or _text(element, "ID")
    for n in range((last - first).days + 1):
        day = (first + timedelta(days=n)).isoformat()
        yield _parsed("holidays", {"site": site, "day": day, "name_vi": name}, origin)


def _parsed(kind: str, values: Mapping[str, Any], origin: Named) -> Parsed:
    given = {name: value for name, value in values.items() if value is not None and value != ""}
    return parse(KINDS[kind], given, origin)


def _produced(element: Element) -> Element | None:
    """Return what says what is or was made, of the first segment that has such an element."""
    for child in element.iter():
        name = _local(child)
        if name in {"MaterialProducedRequirement", "MaterialProducedActual"}:
            return child
        if name in {"MaterialRequirement", "OpMaterialRequirement", "MaterialActual"} and (
            _text(child, "MaterialUse").lower() in {"produced", "material produced"}
        ):
            return child
    return None


def _equipment(element: Element, name: str) -> str:
    for child in element.iter():
        if _local(child) == name:
            return _text(child, "EquipmentID")
    return ""


def _scope_of(stack: list[Element]) -> str:
    """Return the place that the innermost enclosing element is about."""
    for element in reversed(stack):
        path = _path(element)
        if path:
            return path
    return ""


def _path(element: Element) -> str:
    """Return the place of an element's HierarchyScope; nested scopes are joined from outside in."""
    codes = []
    current: Element | None = element
    while current is not None:
        current = next(
            (child for child in current if _local(child) in {"HierarchyScope", "Location"}), None
        )
        if current is not None:
            codes.append(_text(current, "EquipmentID"))
    return "/".join(code for code in codes if code)


def _bounds(element: Element) -> tuple[str, str]:
    return (
        _text(element, "StartDateTime", "StartTime", "StartRule"),
        _text(element, "FinishDateTime", "EndDateTime", "EndTime"),
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


def _moment(text: str, options: TableOptions) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    if moment.tzinfo is None and options.zone is not None:
        return moment.replace(tzinfo=options.zone).isoformat()
    return text


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(element: Element, *names: str) -> str:
    """Return the text of the first direct child of any of the names, empty without one."""
    for name in names:
        for child in element:
            if _local(child) == name and child.text and child.text.strip():
                return child.text.strip()
    return ""


def _deep_text(element: Element, name: str) -> str:
    for child in element.iter():
        if _local(child) == name and child.text:
            return child.text.strip()
    return ""
