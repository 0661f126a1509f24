"""Modbus addresses and types, and the few grouped reads that cover them."""

import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

MAX_REGISTERS = 125
"""Most registers that one request may read (Modbus application protocol 6.3)."""
MAX_BITS = 2000
"""Most coils or discrete inputs that one request may read (6.1)."""

_ADDRESS = re.compile(r"(hr|ir|co|di):(\d{1,5})(?:\.(\d{1,2}))?")
_STRING = re.compile(r"string(?:\[(\d{1,3})\]|(\d{1,3}))")
_NUMBERS = {
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}


class Space(StrEnum):
    """The four address spaces of a Modbus server."""

    HOLDING_REGISTER = "hr"
    """16-bit registers that can be written (function 3)."""
    INPUT_REGISTER = "ir"
    """16-bit registers that can only be read (function 4)."""
    COIL = "co"
    """Bits that can be written (function 1)."""
    DISCRETE_INPUT = "di"
    """Bits that can only be read (function 2)."""

    @property
    def holds_bits(self) -> bool:
        """Whether an address of this space is one bit instead of a register."""
        return self in {Space.COIL, Space.DISCRETE_INPUT}


@dataclass(frozen=True, slots=True)
class Coding:
    """How a value lies in registers: a number's struct code, a bit, or text."""

    name: str
    width: int
    """Registers (or bits, in the bit spaces) that it takes."""
    characters: int = 0


@dataclass(frozen=True, slots=True)
class Cell:
    """One value: where it begins and how it is coded."""

    space: Space
    number: int
    coding: Coding
    bit: int | None = None

    @classmethod
    def make(cls, space: Space, number: int, bit: int | None, coding: Coding) -> Self:
        """Return the cell; raise ValueError when it does not fit its address space."""
        if space.holds_bits and (coding.name != "bit" or bit is not None):
            raise ValueError(f"{space}:{number} is a single bit: its type is 'bit'")
        if not space.holds_bits and (coding.name == "bit") != (bit is not None):
            raise ValueError(f"a bit of a register is written {space}:{number}.0 to .15, type bit")
        if number + coding.width > 65536:
            raise ValueError(f"{space}:{number} with {coding.width} registers passes 65535")
        return cls(space, number, coding, bit)

    @property
    def end(self) -> int:
        """The first number after it."""
        return self.number + self.coding.width

    def decode(self, words: Sequence[int], word_order: str) -> float | int | str | bool:
        """Return the value of this cell's words (bits, in the bit spaces).

        Text ends at the first NUL; raises UnicodeDecodeError when it is not UTF-8.
        """
        if self.space.holds_bits:
            return bool(words[0])
        if self.bit is not None:
            return bool(words[0] >> self.bit & 1)
        if self.coding.characters:
            raw = struct.pack(f">{len(words)}H", *words)[: self.coding.characters]
            return raw.split(b"\0", 1)[0].decode("utf-8").rstrip()
        ordered = words if word_order == "big" else words[::-1]
        raw = struct.pack(f">{len(words)}H", *ordered)
        value: float | int = struct.unpack(f">{_NUMBERS[self.coding.name]}", raw)[0]
        return value


def parse_address(text: str) -> tuple[Space, int, int | None]:
    """Return space, number and bit of an address such as `hr:10` or `hr:10.3`."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no address such as hr:10, ir:5, co:1, di:2 or hr:10.3")
    number, bit = int(match[2]), int(match[3]) if match[3] else None
    if number > 65535 or (bit is not None and bit > 15):
        raise ValueError(f"{text!r}: registers go to 65535, bits to 15")
    return Space(match[1]), number, bit


def parse_type(
    text: str | None, space: Space = Space.HOLDING_REGISTER, bit: int | None = None
) -> Coding:
    """Return the coding that a type names; None means the usual one of the address."""
    if text is None:
        text = "bit" if space.holds_bits or bit is not None else "uint16"
    if text == "bit":
        return Coding("bit", 1)
    if text in _NUMBERS:
        return Coding(text, struct.calcsize(f">{_NUMBERS[text]}") // 2)
    match = _STRING.fullmatch(text)
    characters = int(match[1] or match[2]) if match else 0
    if not 1 <= characters <= 2 * MAX_REGISTERS:
        known = ", ".join((*_NUMBERS, "bit", "string[n]"))
        raise ValueError(f"{text!r} is no type; known: {known} with n from 1 to 250")
    return Coding("string", (characters + 1) // 2, characters)


@dataclass(frozen=True, slots=True)
class Group:
    """One request: neighbouring cells of one address space."""

    space: Space
    start: int
    count: int
    cells: tuple[tuple[int, Cell], ...]
    """Each cell with the number its owner gave it."""


def grouped(cells: Iterable[tuple[int, Cell]], max_gap: int) -> list[Group]:
    """Return the reads that cover all cells, in the order of their addresses.

    Cells of one space share a read while no more than `max_gap` unused addresses lie between
    them and the read stays within what one request may ask for. No cell is split.
    """
    groups: list[Group] = []
    for key, cell in sorted(cells, key=lambda item: (item[1].space, item[1].number, item[0])):
        last = groups[-1] if groups else None
        limit = MAX_BITS if cell.space.holds_bits else MAX_REGISTERS
        if last is not None and last.space is cell.space:
            end = last.start + last.count
            count = max(end, cell.end) - last.start
            if cell.number <= end + max_gap and count <= limit:
                groups[-1] = Group(last.space, last.start, count, (*last.cells, (key, cell)))
                continue
        groups.append(Group(cell.space, cell.number, cell.coding.width, ((key, cell),)))
    return groups
