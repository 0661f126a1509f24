"""Values in 16-bit Modbus registers: where each tag is, how it is encoded and decoded."""

import json
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plant.errors import ConfigurationError
from plant.measurement import Value
from simulators.pilot import ServedTag

CLOCK_REGISTERS = 4
_FORMATS = {
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "uint32": ">I",
    "int64": ">q",
    "uint64": ">Q",
    "float32": ">f",
    "float64": ">d",
}
_ADDRESS = re.compile(r"hr:(\d+)")
_STRING = re.compile(r"string\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class RegisterField:
    """One tag's place in the block of holding registers, and its encoding."""

    first: int
    """Register number from 0."""
    count: int
    type: str
    scale: float
    offset: float
    states: Mapping[int, str]

    def encode(self, value: Value, into: bytearray, base: int) -> None:
        """Write a value into the bytes of a block that begins at register `base`.

        A text without a code counts as code 0; a number beyond its type is clipped to it.
        """
        place = (self.first - base) * 2
        size = self.count * 2
        if self.type.startswith("string"):
            text = str(value).encode("utf-8")[:size]
            into[place : place + size] = text.ljust(size, b"\0")
            return
        into[place : place + size] = struct.pack(_FORMATS[self.type], self._raw(value))

    def decode(self, registers: bytes, base: int) -> Value:
        """Return the value as an edge that was told the same must read it."""
        place = (self.first - base) * 2
        part = registers[place : place + self.count * 2]
        if self.type.startswith("string"):
            return part.split(b"\0", 1)[0].decode("utf-8")
        raw = struct.unpack(_FORMATS[self.type], part)[0]
        if self.states:
            return self.states.get(raw, str(raw))
        return float(raw * self.scale + self.offset)

    def _raw(self, value: Value) -> float:
        if self.states:
            codes = {text: code for code, text in self.states.items()}
            return codes.get(str(value), 0)
        assert isinstance(value, (int, float))
        raw = (value - self.offset) / self.scale
        if self.type.startswith("float"):
            return raw
        bits = self.count * 16
        signed = self.type.startswith("int")
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        return min(max(round(raw), low), high)


def field_of(tag: ServedTag) -> RegisterField:
    """Return the registers of a tag; raise ConfigurationError for an unusable address or type."""
    address = _ADDRESS.fullmatch(tag.address)
    string = _STRING.fullmatch(tag.type)
    if address is None or not (string or tag.type in _FORMATS):
        raise ConfigurationError(
            f"tag {tag.name}: {tag.address!r} of type {tag.type!r} cannot be simulated; write an "
            f"address such as hr:10 and one of {', '.join(_FORMATS)}, string[n]"
        )
    count = (int(string[1]) + 1) // 2 if string else struct.calcsize(_FORMATS[tag.type]) // 2
    return RegisterField(int(address[1]), count, tag.type, tag.scale, tag.offset, tag.states)


def field_from_row(row: Mapping[str, Any]) -> RegisterField:
    """Return the registers of a tag as the ground truth records it."""
    states = {int(code): text for code, text in json.loads(row["states"]).items()}
    return RegisterField(
        row["first_register"],
        row["register_count"],
        row["type"],
        row["scale"],
        row["offset_value"],
        states,
    )


@dataclass(frozen=True, slots=True)
class RegisterBlock:
    """The block of holding registers that holds the clock and every tag."""

    first: int
    count: int
    clock: int
    """First of the clock's four registers."""
    fields: tuple[RegisterField, ...]
    """In the order of the tags."""

    def encode(self, source_us: int, values: Sequence[Value]) -> bytes:
        """Return the whole block, big-endian, with the clock in milliseconds."""
        block = bytearray(self.count * 2)
        place = (self.clock - self.first) * 2
        block[place : place + 8] = struct.pack(">Q", source_us // 1000)
        for field, value in zip(self.fields, values, strict=True):
            field.encode(value, block, self.first)
        return bytes(block)


def block_of(tags: Sequence[ServedTag], clock: int) -> RegisterBlock:
    """Lay the tags out; raise ConfigurationError when any two overlap."""
    fields = tuple(field_of(tag) for tag in tags)
    taken: dict[int, str] = dict.fromkeys(range(clock, clock + CLOCK_REGISTERS), "the clock")
    for tag, field in zip(tags, fields, strict=True):
        for register in range(field.first, field.first + field.count):
            if register in taken:
                raise ConfigurationError(
                    f"register {register} belongs to {taken[register]} and to {tag.name}"
                )
            taken[register] = tag.name
    first = min(taken)
    return RegisterBlock(first, max(taken) - first + 1, clock, fields)
