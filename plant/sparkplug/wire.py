"""The protobuf wire format of Sparkplug payloads: bytes to messages and back.

Unknown fields are passed over, as protobuf demands; what cannot be read raises DataError. Work and
memory are bounded by the length of the payload, by `MAX_PARTS` and by `MAX_DEPTH`, whatever the
bytes are.

Wire format: https://protobuf.dev/programming-guides/encoding/
"""

import struct
from collections.abc import Callable
from typing import Any, NamedTuple

from plant.errors import DataError
from plant.sparkplug.datatype import ValueField, value_field
from plant.sparkplug.message import (
    CLASSES,
    TABLES,
    DataSet,
    Kind,
    Message,
    Metric,
    Parameter,
    Payload,
    PropertySet,
    PropertySetList,
    PropertyValue,
    Template,
)

MAX_PARTS = 300_000
"""Messages and list elements within one payload; two bytes can make one of them."""
MAX_DEPTH = 24
"""Messages within messages: a template within a template takes two levels."""

_VARINT, _FIXED64, _DELIMITED, _FIXED32 = 0, 1, 2, 5
_WIRE_TYPES = {
    Kind.UINT32: _VARINT,
    Kind.UINT64: _VARINT,
    Kind.BOOL: _VARINT,
    Kind.FLOAT: _FIXED32,
    Kind.DOUBLE: _FIXED64,
    Kind.STRING: _DELIMITED,
    Kind.BYTES: _DELIMITED,
    Kind.MESSAGE: _DELIMITED,
}
_UINT32, _UINT64, _BOOL, _FLOAT, _DOUBLE, _STRING, _BYTES, _MESSAGE = (int(kind) for kind in Kind)
_PACKED = -1
_MASK32 = 2**32 - 1
_MASK64 = 2**64 - 1
_float = struct.Struct("<f")
_double = struct.Struct("<d")


class _Entry(NamedTuple):
    """What becomes of a field: by its number and wire type."""

    slot: int
    kind: int
    repeated: bool
    message: str


class _Reader(NamedTuple):
    """How a message is read."""

    make: Callable[..., Message]
    defaults: list[Any]
    lists: tuple[int, ...]
    """Slots that hold a list."""
    entries: dict[int, _Entry]


def _reader(name: str) -> _Reader:
    cls = CLASSES[name]
    slots = cls.__struct_fields__
    entries = {}
    for field in TABLES[name]:
        # Plain numbers: comparing members of an enumeration takes several times as long.
        entry = _Entry(slots.index(field.attribute), int(field.kind), field.repeated, field.message)
        entries[field.number << 3 | _WIRE_TYPES[field.kind]] = entry
        if field.repeated and field.kind is Kind.UINT32:
            # Whole numbers in a list may come one by one or packed together.
            entries[field.number << 3 | _DELIMITED] = entry._replace(kind=_PACKED)
    lists = tuple({entry.slot for entry in entries.values() if entry.repeated})
    return _Reader(cls, [None] * len(slots), lists, entries)


_READERS = {name: _reader(name) for name in TABLES}


class _Budget:
    """How many parts may still be made."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_PARTS

    def spend(self, parts: int) -> None:
        self.left -= parts
        if self.left < 0:
            raise DataError("too_large", f"the payload has more than {MAX_PARTS} parts")


def decode(payload: bytes) -> Payload:
    """Return the payload that the bytes carry; raise DataError `malformed` or `too_large`."""
    try:
        decoded = _message("Payload", payload, 0, len(payload), _Budget(), MAX_DEPTH)
    except (IndexError, struct.error) as exc:
        raise DataError("malformed", "the payload ends within a value") from exc
    except UnicodeDecodeError as exc:
        raise DataError("malformed", f"a text is not UTF-8: {exc.reason}") from exc
    assert isinstance(decoded, Payload)
    return decoded


def _message(  # noqa: PLR0912, PLR0915 - one loop without calls is what makes it fast
    name: str, data: bytes, at: int, end: int, budget: _Budget, depth: int
) -> Message:
    make, defaults, lists, entries = _READERS[name]
    if depth == 0:
        raise DataError("too_large", f"the payload is nested more than {MAX_DEPTH} levels deep")
    budget.left -= 1
    if budget.left < 0:
        raise DataError("too_large", f"the payload has more than {MAX_PARTS} parts")
    slots: list[Any] = defaults.copy()
    for slot in lists:
        slots[slot] = []
    while at < end:
        key = data[at]
        at += 1
        if key > 127:
            key, at = varint(data, at - 1)
            if key > _MASK32:
                raise DataError("malformed", f"byte {at}: a field's number is too large")
        wire = key & 7
        start = at
        if not wire & 5:  # a varint, or the length of what follows
            number = data[at]
            at += 1
            if number > 127:
                number &= 127
                shift = 7
                byte = 128
                while byte > 127:
                    byte = data[at]
                    at += 1
                    number |= (byte & 127) << shift
                    shift += 7
                if shift > 70:
                    raise DataError("malformed", f"byte {at}: a number of more than ten bytes")
            if wire == _DELIMITED:
                start = at
                at += number
        elif wire == _FIXED64:
            number = 0
            at += 8
        elif wire == _FIXED32:
            number = 0
            at += 4
        else:
            raise DataError("malformed", f"byte {at - 1}: wire type {wire} is not in use")
        if at > end:
            raise DataError("malformed", "a value ends outside of its message")
        entry = entries.get(key)
        if entry is None:
            if key < 8:
                raise DataError("malformed", f"byte {start}: a field has no number")
            continue
        slot, kind, repeated, held = entry
        value: Any
        if kind == _UINT64:
            value = number & _MASK64
        elif kind == _DOUBLE:
            value = _double.unpack_from(data, start)[0]
        elif kind == _UINT32:
            value = number & _MASK32
        elif kind == _MESSAGE:
            value = _message(held, data, start, at, budget, depth - 1)
        elif kind == _STRING:
            value = data[start:at].decode()
        elif kind == _BOOL:
            value = number != 0
        elif kind == _FLOAT:
            value = _float.unpack_from(data, start)[0]
        elif kind == _BYTES:
            value = data[start:at]
        else:
            numbers = _packed(data, start, at)
            budget.spend(len(numbers))
            slots[slot].extend(numbers)
            continue
        if repeated:
            # A message has paid for itself when it was read.
            if held == "":
                budget.spend(1)
            slots[slot].append(value)
        else:
            slots[slot] = value
    return make(*slots)


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins at a position, and where it ends.

    Raises IndexError past the end, and DataError `malformed` for more than ten bytes.
    """
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 128:
            return number, at
        shift += 7
        if shift > 63:
            raise DataError("malformed", f"byte {at}: a number has more than ten bytes")


def _packed(data: bytes, at: int, end: int) -> list[int]:
    numbers = []
    while at < end:
        number, at = varint(data, at)
        numbers.append(number & _MASK32)
    if at > end:
        raise DataError("malformed", "a list of numbers ends outside of its field")
    return numbers


def encode(payload: Payload) -> bytes:
    """Return the payload as bytes.

    Whole numbers must fit the unsigned field that carries them (see `plant.sparkplug.meaning`),
    or OverflowError is raised.
    """
    written = bytearray()
    _write("Payload", payload, written)
    return bytes(written)


class _Writer(NamedTuple):
    """How a field is written."""

    key: bytes
    kind: int
    name: str
    message: str


def _writers(name: str) -> list[tuple[str, bool, dict[str, _Writer]]]:
    """Return attribute, whether it is a list, and its alternatives by name; in field order."""
    found: dict[str, tuple[bool, dict[str, _Writer]]] = {}
    for field in TABLES[name]:
        key = _number(field.number << 3 | _WIRE_TYPES[field.kind])
        _, alternatives = found.setdefault(field.attribute, (field.repeated, {}))
        alternatives[field.name] = _Writer(key, int(field.kind), field.name, field.message)
    return [(attribute, repeated, ways) for attribute, (repeated, ways) in found.items()]


def _write(name: str, message: Message, written: bytearray) -> None:
    for attribute, repeated, ways in _WRITERS[name]:
        value = getattr(message, attribute)
        if value is None:
            continue
        writer = ways[attribute if attribute in ways else _chosen(message, value)]
        for one in value if repeated else (value,):
            _write_field(writer, one, written)


def _write_field(writer: _Writer, value: Any, written: bytearray) -> None:
    key, kind, name, message = writer
    written += key
    if kind in (_UINT64, _UINT32):
        if not 0 <= value <= (_MASK64 if kind == _UINT64 else _MASK32):
            raise OverflowError(f"{value} does not fit the field {name}")
        written += _number(value)
    elif kind == _DOUBLE:
        written += _double.pack(value)
    elif kind == _MESSAGE:
        inner = bytearray()
        _write(message, value, inner)
        written += _number(len(inner))
        written += inner
    elif kind == _BOOL:
        written.append(value)
    elif kind == _FLOAT:
        written += _float.pack(value)
    else:
        text = value.encode() if kind == _STRING else value
        written += _number(len(text))
        written += text


def _number(value: int) -> bytes:
    if value < 128:
        return _SMALL[value]
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    parts.append(value)
    return bytes(parts)


_SMALL = [bytes((value,)) for value in range(128)]
_WRITERS = {name: _writers(name) for name in TABLES}
_ALTERNATIVES: dict[type, str] = {
    bool: ValueField.BOOLEAN,
    str: ValueField.STRING,
    bytes: ValueField.BYTES,
    DataSet: ValueField.DATA_SET,
    Template: ValueField.TEMPLATE,
    PropertySet: "propertyset_value",
    PropertySetList: "propertysets_value",
}


def _chosen(message: Message, value: object) -> str:
    """Return the name of the alternative that carries a value: by what it is, then by its type."""
    name = _ALTERNATIVES.get(type(value))
    if name is not None:
        return name
    datatype = None
    if isinstance(message, Metric):
        datatype = message.datatype
    elif isinstance(message, PropertyValue | Parameter):
        datatype = message.type
    wanted = value_field(datatype) if datatype else ""
    if isinstance(value, float):
        return wanted if wanted == ValueField.FLOAT else ValueField.DOUBLE
    if wanted in {ValueField.LONG, ValueField.FLOAT, ValueField.DOUBLE}:
        return wanted
    assert isinstance(value, int)
    return ValueField.INT if value <= _MASK32 else ValueField.LONG
