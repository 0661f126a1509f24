"""S7 addresses and types, and the few grouped reads that cover them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from edge_agent.drivers.s7.coding import Coding, Value

_DATA_BLOCK = re.compile(r"DB(\d{1,5})\.DB([XBWD])(\d{1,5})(?:\.(\d))?")
_TYPED_BLOCK = re.compile(r"DB(\d{1,5})[.,]([A-Z_]+)(\d{1,5})(?:\.(\d{1,5}))?")
_PROCESS = re.compile(r"([MIEQA])([XBWD]?)(\d{1,5})(?:\.(\d))?")
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
    coding: Coding
    bit: int = 0

    @classmethod
    def parse(cls, address: str, kind: str | None) -> Self:
        """Return the cell of an address and a type; raise ValueError for what cannot be."""
        text = address.strip().upper().removeprefix("%")
        typed = _TYPED_BLOCK.fullmatch(text)
        if typed is not None and _DATA_BLOCK.fullmatch(text) is None:
            return cls._of_typed(address, typed, kind)
        area, block, letter, start, bit = _located(address, text)
        coding = Coding.parse(kind or _USUAL[letter])
        if coding.name == "bool":
            if bit is None:
                raise ValueError(f"{address!r}: a bit is written DB1.DBX0.0 or M0.0")
            return cls._within(address, area, block, start, coding, bit)
        if bit:
            raise ValueError(f"{address!r} is a bit: its type is bool")
        # X with bit 0 is where anything may begin; B also begins what has no letter of its own.
        plain = coding.name not in {"string", "wstring"} and coding.size in _WIDTHS.values()
        width = coding.size if plain else _WIDTHS["B"]
        if letter != "X" and _WIDTHS[letter] != width:
            raise ValueError(
                f"{address!r} does not fit {coding.name}: write it with "
                f"{next(key for key, one in _WIDTHS.items() if one == width)}, or with X and bit 0"
            )
        return cls._within(address, area, block, start, coding)

    @classmethod
    def _of_typed(cls, address: str, match: re.Match[str], kind: str | None) -> Self:
        """Addresses that carry their type, such as `DB1,REAL4`, `DB1,X0.3`, `DB1.STRING20.10`."""
        block, start, more = int(match[1]), int(match[3]), match[4]
        coding = Coding.parse(match[2])
        if coding.name in {"string", "wstring"}:
            coding = Coding.parse(f"{coding.name}{more or ''}")
        elif coding.name == "bool":
            if more is None or int(more) > 7:
                raise ValueError(f"{address!r}: a bit is written DB1,X0.0 to DB1,X0.7")
        elif more is not None:
            raise ValueError(f"{address!r}: only bits and strings have a second number")
        if kind is not None and Coding.parse(kind) != coding:
            raise ValueError(f"{address!r} says {match[2].lower()}, its type {kind}: give one")
        bit = int(more or 0) if coding.name == "bool" else 0
        return cls._within(address, Area.DATA_BLOCK, block, start, coding, bit)

    @classmethod
    def _within(
        cls, address: str, area: Area, block: int, start: int, coding: Coding, bit: int = 0
    ) -> Self:
        if start > 65_535 or block > 65_535:
            raise ValueError(f"{address!r}: blocks and bytes go to 65535")
        if start + coding.size > 65_536:
            raise ValueError(f"{address!r} with {coding.size} bytes passes byte 65535")
        return cls(area, block, start, coding, bit)

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return self.coding.size

    @property
    def end(self) -> int:
        """The first byte after it."""
        return self.start + self.size

    def decode(self, raw: bytes, encoding: str) -> Value:
        """Return the value of this cell's bytes.

        Raises ValueError for bytes that are no such value.
        """
        if self.coding.name == "bool":
            return bool(raw[0] >> self.bit & 1)
        return self.coding.decode(raw, encoding)


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


def _located(address: str, text: str) -> tuple[Area, int, str, int, int | None]:
    """Return area, block, size letter, byte and bit of an address."""
    match = _DATA_BLOCK.fullmatch(text)
    if match is not None:
        area, block, letter = Area.DATA_BLOCK, int(match[1]), match[2]
    else:
        match = _PROCESS.fullmatch(text)
        if match is None:
            raise ValueError(
                f"{address!r} is no address such as DB1.DBX0.0, DB1.DBW2, %DB1.DBD4, DB1,REAL4,"
                " M0.1 or IW64"
            )
        area, block, letter = _AREAS[match[1]], 0, match[2] or "X"
    bit = int(match[4]) if match[4] else None
    if (letter == "X") != (bit is not None):
        raise ValueError(f"{address!r}: X goes with a bit (.0 to .7), B, W and D without")
    if bit is not None and bit > 7:
        raise ValueError(f"{address!r}: bits go from 0 to 7")
    return area, block, letter, int(match[3]), bit
