"""S7 addresses and types, and the few grouped reads that cover them."""

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

LONGEST_STRING = 254
"""Characters of an S7 STRING at most."""

_DATA_BLOCK = re.compile(r"DB(\d{1,5})\.DB([XBWD])(\d{1,5})(?:\.(\d))?")
_PROCESS = re.compile(r"([MIEQA])([XBWD]?)(\d{1,5})(?:\.(\d))?")
_STRING = re.compile(r"string(?:\[(\d{1,3})\]|(\d{1,3}))?")
_NUMBERS = {
    "byte": "B",
    "usint": "B",
    "sint": "b",
    "word": "H",
    "uint": "H",
    "int": "h",
    "dword": "I",
    "udint": "I",
    "dint": "i",
    "ulint": "Q",
    "lint": "q",
    "real": "f",
    "lreal": "d",
}
_USUAL = {"X": "bool", "B": "byte", "W": "word", "D": "dword"}
_WIDTHS = {"B": 1, "W": 2, "D": 4}


class Area(StrEnum):
    """The memory areas of an S7 controller that are read."""

    DATA_BLOCK = "DB"
    """Data blocks; they must not be optimised."""
    MERKER = "M"
    """Flags."""
    INPUT = "I"
    """Inputs of the process image (E in German)."""
    OUTPUT = "Q"
    """Outputs of the process image (A in German)."""


_AREAS = {"M": Area.MERKER, "I": Area.INPUT, "E": Area.INPUT, "Q": Area.OUTPUT, "A": Area.OUTPUT}


@dataclass(frozen=True, slots=True)
class Cell:
    """One value: where it lies and how it is coded."""

    area: Area
    block: int
    """Number of the data block; 0 in the other areas."""
    start: int
    """Its first byte."""
    kind: str
    """`bool`, `string`, or the name of a number type."""
    size: int
    """Bytes that it takes."""
    bit: int = 0

    @classmethod
    def parse(cls, address: str, kind: str | None) -> Self:
        """Return the cell of an address and a type; raise ValueError for what cannot be."""
        area, block, letter, start, bit = _located(address)
        name = (kind or _USUAL[letter]).lower()
        if name == "bool":
            if bit is None:
                raise ValueError(f"{address!r}: a bit is written DB1.DBX0.0 or M0.0")
            return cls(area, block, start, name, 1, bit)
        if bit:
            raise ValueError(f"{address!r} is a bit: its type is bool")
        size = _size(name)
        plain = "string" if name.startswith("string") else name
        # X with bit 0 is where anything may begin; B also begins what has no letter of its own.
        width = size if plain != "string" and size in _WIDTHS.values() else _WIDTHS["B"]
        if letter != "X" and _WIDTHS[letter] != width:
            raise ValueError(
                f"{address!r} does not fit {name}: write it with "
                f"{next(key for key, one in _WIDTHS.items() if one == width)}, or with X and bit 0"
            )
        if start + size > 65_536:
            raise ValueError(f"{address!r} with {size} bytes passes byte 65535")
        return cls(area, block, start, plain, size)

    @property
    def end(self) -> int:
        """The first byte after it."""
        return self.start + self.size

    def decode(self, raw: bytes, encoding: str) -> float | int | str | bool:
        """Return the value of this cell's bytes.

        Raises ValueError for bytes that are no such value.
        """
        if self.kind == "bool":
            return bool(raw[0] >> self.bit & 1)
        if self.kind == "string":
            return _text(raw, encoding)
        if len(raw) != self.size:
            raise ValueError(f"{len(raw)} bytes are no {self.kind}")
        value: float | int = struct.unpack(f">{_NUMBERS[self.kind]}", raw)[0]
        return value


@dataclass(frozen=True, slots=True)
class Group:
    """One request: neighbouring cells of one area or data block."""

    area: Area
    block: int
    start: int
    size: int
    cells: tuple[tuple[int, Cell], ...]
    """Each cell with the number its owner gave it."""

    def bytes_of(self, cell: Cell, raw: bytes) -> bytes:
        """Return a cell's bytes out of the group's."""
        return raw[cell.start - self.start : cell.end - self.start]


def grouped(cells: Iterable[tuple[int, Cell]], max_gap: int, max_bytes: int) -> list[Group]:
    """Return the reads that cover all cells, in the order of their addresses.

    Cells share a read while no more than `max_gap` unused bytes lie between them and the read
    stays within `max_bytes`. No cell is split: one that is longer has a read of its own.
    """
    groups: list[Group] = []
    ordered = sorted(cells, key=lambda item: (item[1].area, item[1].block, item[1].start, item[0]))
    for key, cell in ordered:
        last = groups[-1] if groups else None
        if last is not None and (last.area, last.block) == (cell.area, cell.block):
            end = last.start + last.size
            size = max(end, cell.end) - last.start
            if cell.start <= end + max_gap and size <= max_bytes:
                groups[-1] = Group(
                    last.area, last.block, last.start, size, (*last.cells, (key, cell))
                )
                continue
        groups.append(Group(cell.area, cell.block, cell.start, cell.size, ((key, cell),)))
    return groups


def _located(address: str) -> tuple[Area, int, str, int, int | None]:
    """Return area, block, size letter, byte and bit of an address."""
    text = address.strip().upper()
    match = _DATA_BLOCK.fullmatch(text)
    if match is not None:
        area, block, letter = Area.DATA_BLOCK, int(match[1]), match[2]
    else:
        match = _PROCESS.fullmatch(text)
        if match is None:
            raise ValueError(
                f"{address!r} is no address such as DB1.DBX0.0, DB1.DBW2, DB1.DBD4, M0.1 or IW64"
            )
        area, block, letter = _AREAS[match[1]], 0, match[2] or "X"
    bit = int(match[4]) if match[4] else None
    if (letter == "X") != (bit is not None):
        raise ValueError(f"{address!r}: X goes with a bit (.0 to .7), B, W and D without")
    if bit is not None and bit > 7:
        raise ValueError(f"{address!r}: bits go from 0 to 7")
    start = int(match[3])
    if start > 65_535 or block > 65_535:
        raise ValueError(f"{address!r}: blocks and bytes go to 65535")
    return area, block, letter, start, bit


def _size(name: str) -> int:
    if name in _NUMBERS:
        return struct.calcsize(f">{_NUMBERS[name]}")
    match = _STRING.fullmatch(name)
    characters = int(match[1] or match[2] or LONGEST_STRING) if match else 0
    if not 1 <= characters <= LONGEST_STRING:
        known = ", ".join(("bool", *_NUMBERS, "string[n]"))
        raise ValueError(f"{name!r} is no type; known: {known} with n from 1 to {LONGEST_STRING}")
    return characters + 2


def _text(raw: bytes, encoding: str) -> str:
    """An S7 STRING: its declared length, its present length, its characters."""
    if len(raw) < 2 or raw[1] > raw[0] or raw[1] > len(raw) - 2:
        raise ValueError("the bytes are no STRING: its length does not fit")
    return raw[2 : 2 + raw[1]].decode(encoding)
