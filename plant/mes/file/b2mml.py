"""B2MML-shaped XML: production and operations schedules and performance, and work calendars.

Element names are those of B2MML (MESA), of any namespace; what it leaves to agreement is agreed in
`docs/reference/mes-documents.md`. No document type, no entities, no depth without end.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from plant.mes.file.b2mml_calendar import ENTRIES, calendar_entry
from plant.mes.file.b2mml_element import (
    Named,
    child_text,
    deep_text,
    equipment_of,
    local_name,
    named_place,
    parsed,
    scope_path,
    with_offset,
)
from plant.mes.file.limits import FileLimits, too_large, whole_file
from plant.mes.file.table import TableOptions
from plant.mes.parsing import Parsed
from plant.mes.problem import Problem, Reason, Remark
from plant.mes.quantity_unit import known_units, pieces

_LIMITS = FileLimits()
_DEEPEST = 40
_REQUESTS = frozenset({"OperationsRequest", "ProductionRequest"})
_RESPONSES = frozenset({"OperationsResponse", "ProductionResponse"})
_UNDERSTOOD = _REQUESTS | _RESPONSES | ENTRIES
_STATUS = {
    **dict.fromkeys(("forecast", "scheduled", "pending", "waiting", "created"), "planned"),
    **dict.fromkeys(("released", "ready", "dispatched"), "released"),
    **dict.fromkeys(("running", "held", "suspended"), "running"),
    **dict.fromkeys(("completed", "complete", "closed", "ended"), "finished"),
    **dict.fromkeys(("aborted", "cancelled", "canceled"), "cancelled"),
}


_READ = frozenset(
    {
        *("ID", "Description", "HierarchyScope", "EquipmentID", "EquipmentElementLevel"),
        *("EquipmentLevel", "Location", "StartTime", "EndTime", "EarliestStartTime"),
        *("LatestEndTime", "RequestState", "State", "SegmentRequirement", "SegmentResponse"),
        *("EquipmentRequirement", "EquipmentActual", "MaterialRequirement", "MaterialActual"),
        *("OpMaterialRequirement", "MaterialProducedRequirement", "MaterialProducedActual"),
        *("MaterialDefinitionID", "MaterialLotID", "MaterialUse", "Quantity", "QuantityString"),
        *("DataType", "UnitOfMeasure", "OperationsRequestID", "ProductionRequestID"),
        *("ActualStartTime", "ActualEndTime", "EntryType", "WorkCalendarEntryType", "StartRule"),
        *("StartDateTime", "FinishDateTime", "EndDateTime", "DurationRule", "Duration"),
        *("RecurrenceTimeIntervalRule", "RecurrenceTimeInterval", "RecurrenceTime"),
    }
)
"""What is read within an element that is understood; whatever else is there is said."""
_AROUND = frozenset({"WorkCalendar", "WorkCalendarDefinition", "HierarchyScope", "Location"})
"""What is read of what stands around them: the place that they are about."""
_HEADER = frozenset({"Version", "PublishedDate", "PublishedDateTime"})
"""What a document says of itself and no reader needs."""


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
    around: dict[str, None] = {}
    held: list[Element] = []
    root = ""
    for event, element in iterparse(stream, events=("start", "end"), forbid_dtd=True):
        if event == "start":
            stack.append(element)
            if len(stack) > _DEEPEST:
                yield [whole_file(f"elements are nested deeper than {_DEEPEST}")]
                return
            continue
        stack.pop()
        name = local_name(element)
        root = name
        if any(local_name(outer) in _UNDERSTOOD for outer in stack):
            continue
        if name not in _UNDERSTOOD:
            beside = len(stack) == 1 or (stack and local_name(stack[-1]) in _AROUND)
            if beside and element not in held and name not in _READ | _HEADER | _AROUND:
                around[name] = None
            continue
        found = True
        held += [outer for outer in stack if outer not in held]
        origin = Named(f"{name} {child_text(element, 'ID') or '(without ID)'}")
        site = named_place(_scope_of(stack), options) or options.defaults.get("site", "")
        yield from _not_understood(element, origin)
        if name in _REQUESTS:
            yield _order(element, site, origin, options)
        elif name in _RESPONSES:
            yield from _order_runs(element, site, origin, options)
        else:
            yield from calendar_entry(element, site, origin, options)
        # What has been read is let go of, or a long file would fill the memory.
        element.clear()
        if stack:
            stack[-1].remove(element)
    if around and found:
        yield Remark(root, f"elements not understood: {', '.join(around)}")
    if not found:
        wanted = ", ".join(sorted(_UNDERSTOOD))
        words = f"holds none of the elements that are understood: {wanted}"
        yield [whole_file(words, Reason.MISSING)]


def _not_understood(element: Element, origin: Named) -> Iterator[Remark]:
    """Yield once what an element holds that is not read."""
    unknown: dict[str, None] = {}

    def look(outer: Element) -> None:
        for child in outer:
            name = local_name(child)
            if name in _READ or name in _UNDERSTOOD:
                look(child)
            else:
                # Whatever is within it is not read either; its own name says it all.
                unknown[name] = None

    look(element)
    if unknown:
        yield Remark(origin.name, f"elements not understood: {', '.join(unknown)}")


def _order(element: Element, site: str, origin: Named, options: TableOptions) -> Parsed:
    state = child_text(element, "RequestState", "State")
    status = _status(state, element, options)
    if status is None:
        words = (
            f"the state {state!r} is not understood; known: {', '.join(sorted(_STATUS))}, "
            "or what a mapping says under `status`"
        )
        return [Problem(origin.name, "status", Reason.WRONG_VALUE, words)]
    produced = _produced(element)
    line = _place_of(element, "EquipmentRequirement", options)
    quantity = _quantity(produced, origin)
    if isinstance(quantity, Problem):
        return [quantity]
    values: dict[str, Any] = {
        "site": site or "/".join(line.split("/")[:2]),
        "number": child_text(element, "ID"),
        "product": _product(produced, options),
        "planned_quantity": quantity,
        "work_center": line if line.count("/") >= 3 or not site else f"{site}/{line}",
        "planned_start": with_offset(
            child_text(element, "StartTime", "EarliestStartTime"), options
        ),
        "planned_end": with_offset(child_text(element, "EndTime", "LatestEndTime"), options),
        "status": status,
    }
    return parsed("orders", values, origin)


def _order_runs(
    element: Element, site: str, origin: Named, options: TableOptions
) -> Iterator[Parsed]:
    """Yield an order run for each segment that has begun on a machine."""
    number = child_text(element, "OperationsRequestID", "ProductionRequestID", "ID")
    begun = False
    for segment, outer in _segments(element, ()):
        start = child_text(segment, "ActualStartTime")
        if not start:
            words = "a SegmentResponse without ActualStartTime has not begun; passed over"
            yield Remark(f"{origin.name} {child_text(segment, 'ID')}".strip(), words)
            continue
        begun = True
        around = (segment, *outer)
        machine = next(
            filter(None, (_place_of(one, "EquipmentActual", options) for one in around)), ""
        )
        made = next((one for one in map(_produced, around) if one is not None), None)
        values = {
            "work_unit": machine if machine.count("/") >= 4 or not site else f"{site}/{machine}",
            "started_at": with_offset(start, options),
            "ended_at": with_offset(child_text(segment, "ActualEndTime"), options),
            "order": number,
            "product": _product(made, options),
            "lot": "" if made is None else child_text(made, "MaterialLotID"),
        }
        yield parsed("order-runs", values, origin)
    if not begun:
        words = "holds no SegmentResponse with an ActualStartTime"
        yield [Problem(origin.name, "started_at", Reason.MISSING, words)]


def _produced(element: Element) -> Element | None:
    """Return what says what is or was made, of the first segment that has such an element."""
    for child in element.iter():
        name = local_name(child)
        if name in {"MaterialProducedRequirement", "MaterialProducedActual"}:
            return child
        if name in {"MaterialRequirement", "OpMaterialRequirement", "MaterialActual"} and (
            child_text(child, "MaterialUse").lower().replace(" ", "") in _PRODUCED
        ):
            return child
    return None


def _segments(
    element: Element, outer: tuple[Element, ...]
) -> Iterator[tuple[Element, tuple[Element, ...]]]:
    """Yield the innermost segments, each with those around it, from inside out.

    A segment with segments in it is their frame: its times are theirs, its machine is the one of
    those that name none.
    """
    for child in element:
        if local_name(child) == "SegmentResponse":
            inner = list(_segments(child, (child, *outer)))
            yield from inner or [(child, outer)]


_PRODUCED = frozenset({"produced", "materialproduced", "yieldproduced", "productproduced"})
"""Uses of material that are what an order makes; by-products are not."""


def _product(produced: Element | None, options: TableOptions) -> str:
    if produced is None:
        return ""
    theirs = child_text(produced, "MaterialDefinitionID")
    return options.values.get("product", {}).get(theirs, theirs)


def _status(state: str, element: Element, options: TableOptions) -> str | None:
    if not state:
        return "released"
    # `Other` is a state whose name stands beside it.
    other = next(
        (child.get("OtherValue", "") for child in element if local_name(child) == "RequestState"),
        "",
    )
    for name in (other, state):
        if name and (ours := options.values.get("status", {}).get(name)):
            return ours
    return _STATUS.get((other or state).lower())


def _quantity(produced: Element | None, origin: Named) -> float | str | Problem:
    if produced is None:
        return ""
    text = deep_text(produced, "QuantityString")
    unit = deep_text(produced, "UnitOfMeasure")
    factor = pieces(unit)
    if factor is None:
        words = f"the unit {unit!r} counts no pieces that are known here: {known_units('quantity')}"
        return Problem(origin.name, "planned_quantity", Reason.WRONG_VALUE, words)
    try:
        # A number of XML Schema: a point begins the decimals, nothing groups.
        return float(text) * factor if text else ""
    except ValueError:
        return text


def _place_of(element: Element, equipment: str, options: TableOptions) -> str:
    scope, used = scope_path(element), equipment_of(element, equipment)
    # The narrower of both is meant: a line of the scope's site, a machine of the scope's line.
    for name in (f"{scope}/{used}" if scope and used else "", used, scope):
        ours = options.values.get("place", {}).get(name)
        if ours:
            return ours
    return scope or used


def _scope_of(stack: list[Element]) -> str:
    """Return the place that the innermost enclosing element is about."""
    for element in reversed(stack):
        path = scope_path(element)
        if path:
            return path
    return ""
