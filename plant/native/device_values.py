"""Plain JSON of a device without outbox ids, on `nm/v1/<enterprise>/<site>/<device>/values`.

An object of fields, or a list of such objects. One field tells the time; every other one is a
value, named by its path. So devices that are there already can be heard as they speak.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from plant.clock import microseconds
from plant.errors import DataError
from plant.measurement import Value

TIME_FIELDS = ("time", "timestamp", "ts")
"""The first of these that an object has is its time."""
MAX_VALUES = 10_000
"""In one message."""
MAX_DEPTH = 16

# A count of seconds, milliseconds, microseconds or nanoseconds since 1970 tells by its size which
# it is: each unit covers the years 1973 to 5138.
_UNITS = ((1e11, 1_000_000.0), (1e14, 1000.0), (1e17, 1.0), (1e20, 0.001))

_INNER = frozenset({dict, list})


@dataclass(slots=True)
class DeviceValues:
    """What a message says, one list element per value."""

    path: list[str] = field(default_factory=list)
    """Names from the outermost to the innermost field, joined by `/`."""
    time_us: list[int] = field(default_factory=list)
    value: list[Value] = field(default_factory=list)


def decode_device_values(payload: bytes) -> DeviceValues:
    """Return the values of a message.

    Raises DataError `malformed` (not this JSON), `no_time` (an object without a readable time: a
    moment that nobody measured is not made up) or `inconsistent` (too many values, or none).
    """
    try:
        content = msgspec.json.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise DataError("malformed", str(exc)) from exc
    values = DeviceValues()
    for element in content if isinstance(content, list) else [content]:
        if not isinstance(element, dict):
            raise DataError("malformed", "neither an object nor a list of objects")
        name = next((name for name in TIME_FIELDS if name in element), None)
        if name is None:
            raise DataError("no_time", f"none of the fields {', '.join(TIME_FIELDS)}")
        time_us = _time_us(element.pop(name))
        before = len(values.path)
        if _INNER.isdisjoint(map(type, element.values())):
            # Most devices say a flat object.
            values.path += element
            values.value += element.values()
        else:
            for path, value in _leaves(element):
                values.path.append(path)
                values.value.append(value)
        values.time_us += [time_us] * (len(values.path) - before)
        if len(values.path) > MAX_VALUES:
            raise DataError("inconsistent", f"more than {MAX_VALUES} values in one message")
    if not values.path:
        raise DataError("inconsistent", "a time, but no value")
    return values


def _leaves(element: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    waiting: list[tuple[str, Any, int]] = [("", element, 0)]
    while waiting:
        path, content, depth = waiting.pop()
        if not isinstance(content, dict | list):
            yield path, content
            continue
        if depth == MAX_DEPTH:
            raise DataError("malformed", f"fields within fields more than {MAX_DEPTH} deep")
        members: Sequence[tuple[object, Any]] = (
            list(content.items()) if isinstance(content, dict) else list(enumerate(content))
        )
        before = f"{path}/" if path else ""
        waiting += [(f"{before}{name}", inner, depth + 1) for name, inner in reversed(members)]


def _time_us(raw: object) -> int:
    """Return the microseconds since 1970 of a time in ISO 8601 with offset, or of a count."""
    if isinstance(raw, str):
        try:
            moment = datetime.fromisoformat(raw.strip())
        except ValueError as exc:
            raise DataError("no_time", f"{raw[:40]!r} is no time in ISO 8601") from exc
        if moment.tzinfo is None:
            raise DataError("no_time", f"{raw[:40]!r} does not say its offset from UTC")
        try:
            return microseconds(moment)
        except OverflowError as exc:
            raise DataError("no_time", f"{raw[:40]!r} is no moment") from exc
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        raise DataError("no_time", "the time is neither text in ISO 8601 nor a number")
    for limit, factor in _UNITS:
        if abs(raw) < limit:
            whole = isinstance(raw, int) and factor >= 1
            return int(raw) * int(factor) if whole else round(raw * factor)
    raise DataError("no_time", "the time is out of range")
