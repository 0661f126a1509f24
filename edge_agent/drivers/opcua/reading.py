"""From OPC UA data values to readings: quality, time, and the value by stated rules."""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from uuid import UUID

from asyncua import ua

from edge_agent.drivers.contract import Reading
from plant.clock import microseconds
from plant.measurement import Quality

_SEVERITIES = (Quality.GOOD, Quality.UNCERTAIN, Quality.BAD, Quality.BAD)
_WAITING = 0x80320000
"""BadWaitingForInitialData: the server itself has not seen a value yet."""
_OVERFLOW = 0x0480
"""InfoType DataValue with the overflow bit (OPC UA part 4, 7.39): the queue lost values."""
_FIRST_YEAR = 1971
"""A time before is none: 1601 is OPC UA's zero, 1970 that of many clocks that were never set."""

Step = str | tuple[int, ...]


class UnreadableError(Exception):
    """A value that the tag cannot take; the words say why."""


@dataclass(frozen=True, slots=True)
class Form:
    """How the value of a tag's node is read."""

    is_text: bool
    steps: tuple[Step, ...] = ()
    names: dict[int, str] | None = None
    """Names of an enumeration's numbers, for a tag of text."""
    opened: Callable[[Any], object] = lambda value: value
    """Turns a structure of the server's own types into its fields by name."""


def quality_of(status: ua.StatusCode | None) -> Quality:
    """Return the quality of a status code by its two severity bits; no code means good."""
    return Quality.GOOD if status is None else _SEVERITIES[status.value >> 30]


def overflowed(value: ua.DataValue) -> bool:
    """Return whether the server says that values before this one were lost from its queue."""
    status = value.StatusCode
    return status is not None and status.value & _OVERFLOW == _OVERFLOW


def is_waiting(value: ua.DataValue) -> bool:
    """Return whether the server still waits for a first value: then this is no reading."""
    return value.StatusCode is not None and value.StatusCode.value == _WAITING


def time_us_of(value: ua.DataValue) -> int | None:
    """Return the source time in microseconds; None where there is none, or one before 1971."""
    moment: datetime | None = value.SourceTimestamp
    if moment is None or moment.year < _FIRST_YEAR:
        return None
    return microseconds(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))


def reading_of(tag: str, value: ua.DataValue, form: Form) -> Reading:
    """Return a data value as a reading; without a usable source timestamp it has no time.

    Raises UnreadableError, with words, for a value that the tag cannot take.
    """
    quality = quality_of(value.StatusCode)
    raw = value.Value.Value if value.Value is not None else None
    if quality is Quality.BAD and (raw is None or form.steps):
        # Without a value there is no part of it either.
        raw = None
    elif (
        not isinstance(raw, (float, int, str)) or form.names or form.steps or isinstance(raw, Enum)
    ):
        raw = _taken(raw, form)
    return Reading(tag, raw, time_us_of(value), quality)


def bad_reading(tag: str, value: ua.DataValue) -> Reading:
    """Return the reading of a value that could not be read: bad, without value, at its time."""
    return Reading(tag, None, time_us_of(value), Quality.BAD)


def _taken(raw: object, form: Form) -> object:
    found = form.opened(raw)
    for step in form.steps:
        found = form.opened(_part(found, step))
    if form.names is not None and isinstance(found, int) and not isinstance(found, bool):
        return form.names.get(int(found), int(found))
    return _text(found) if form.is_text else _number(found)


def _part(value: object, step: Step) -> object:
    if isinstance(step, str):
        if is_dataclass(value) and hasattr(value, step):
            return getattr(value, step)
        if isinstance(value, dict) and step in value:
            return value[step]
        have = ", ".join(_field_names(value)) or "none"
        raise UnreadableError(f"its value has no field {step}; it has {have}")
    for index in step:
        if not isinstance(value, (list, tuple, bytes)):
            raise UnreadableError(f"its value is no array, so there is no [{index}]")
        if index >= len(value):
            raise UnreadableError(f"its array has {len(value)} elements, so there is no [{index}]")
        value = value[index]
    return value


def _field_names(value: object) -> list[str]:
    if isinstance(value, dict):
        return [str(key) for key in value]
    if is_dataclass(value):
        return [field.name for field in fields(value)]
    return []


def _number(value: object) -> object:
    """A number: dates are seconds since 1970, status codes their code."""
    match value:
        case Enum():
            return int(value.value)
        case None | bool() | int() | float() | str():
            return value
        case ua.LocalizedText() | ua.QualifiedName():
            return _text(value)
        case datetime():
            return value.replace(tzinfo=value.tzinfo or UTC).timestamp()
        case ua.StatusCode():
            return int(value.value)
        case ua.Variant():
            return _number(value.Value)
        case ua.DataValue():
            return _number(value.Value)
        case list() | tuple():
            raise UnreadableError(
                f"its value is an array of {len(value)}: say which by path, as [0]"
            )
        case ua.ExtensionObject():
            return _plain(value)
        case _ if names := _field_names(value):
            raise UnreadableError(
                f"its value is a structure: say which by path: {', '.join(names)}"
            )
        case _:
            raise UnreadableError(f"a value of {type(value).__name__} is no number")


def _text(value: object) -> object:
    """Text: of one thing its plain words; arrays and structures as JSON."""
    plain = _plain(value)
    if isinstance(plain, dict | list):
        return json.dumps(plain, ensure_ascii=False)
    return plain


_PLAIN: tuple[tuple[type | tuple[type, ...], Callable[[Any], object]], ...] = (
    (Enum, lambda value: value.name),
    ((str, bool, int, float, type(None)), lambda value: value),
    (ua.LocalizedText, lambda value: value.Text),
    (ua.QualifiedName, lambda value: value.Name),
    (ua.StatusCode, lambda value: value.name),
    (ua.NodeId, lambda value: value.to_string()),
    (ua.XmlElement, lambda value: value.Value),
    ((ua.Variant, ua.DataValue), lambda value: _plain(value.Value)),
    (datetime, lambda value: value.replace(tzinfo=value.tzinfo or UTC).isoformat()),
    (bytes, lambda value: value.hex()),
    (UUID, str),
    (dict, lambda value: {str(key): _plain(part) for key, part in value.items()}),
    ((list, tuple), lambda value: [_plain(part) for part in value]),
)
"""What each type is in text; the first that fits counts."""


def _plain(value: object) -> object:
    for types, plain in _PLAIN:
        if isinstance(value, types):
            return plain(value)
    if isinstance(value, ua.ExtensionObject):
        raise UnreadableError(f"a structure of unknown form ({value.TypeId.to_string()})")
    if names := _field_names(value):
        return {name: _plain(getattr(value, name)) for name in names}
    raise UnreadableError(f"a value of {type(value).__name__} is not read")
