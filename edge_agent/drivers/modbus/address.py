"""Modbus addresses, and the few grouped reads that cover them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from edge_agent.drivers.modbus.coding import MAX_REGISTERS, Coding, Order

MAX_BITS = 2000
"""Most coils or discrete inputs that one request may read (6.1)."""

_ADDRESS = re.compile(r"(hr|ir|co|di):(0x[0-9a-f]{1,4}|\d{1,6})(?:\.(\d{1,2}))?")
_TABLE_NUMBER = re.compile(r"(\d)(\d{4,5})(?:\.(\d{1,2}))?")
_EXAMPLES = "hr:10, ir:5, co:1, di:2, hr:10.3, or 40011 as manuals number holding registers"


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


_TABLES = {
    "0": Space.COIL,
    "1": Space.DISCRETE_INPUT,
    "3": Space.INPUT_REGISTER,
    "4": Space.HOLDING_REGISTER,
}
"""The first digit of the numbers that manuals give, such as 40001."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One value: whose it is, where it begins and how it is coded."""

    space: Space
    number: int
    coding: Coding
    bit: int | None = None
    unit: int = 1
    """Unit identifier of the device that has it."""
    order: Order = Order.ABCD

    @classmethod
    def make(
        cls,
        space: Space,
        number: int,
        bit: int | None,
        coding: Coding,
        unit: int = 1,
        order: Order = Order.ABCD,
    ) -> Self:
        """Return the cell; raise ValueError when it does not fit its address space."""
        if space.holds_bits and (coding.name != "bit" or bit is not None):
            raise ValueError(f"{space}:{number} is a single bit: its type is 'bit'")
        if not space.holds_bits and (coding.name == "bit") != (bit is not None):
            raise ValueError(f"a bit of a register is written {space}:{number}.0 to .15, type bit")
        if number + coding.width > 65536:
            raise ValueError(f"{space}:{number} with {coding.width} registers passes 65535")
        return cls(space, number, coding, bit, unit, order)

    @property
    def end(self) -> int:
        """The first number after it."""
        return self.number + self.coding.width

    def decode(self, words: Sequence[int], encoding: str = "utf-8") -> float | int | str | bool:
        """Return the value of this cell's words (bits, in the bit spaces).

        Raises ValueError for words that are no such value.
        """
        if self.space.holds_bits:
            return bool(words[0])
        if self.bit is not None:
            word = int.from_bytes(self.order.bytes_of(words), "big")
            return bool(word >> self.bit & 1)
        return self.coding.decode(words, self.order, encoding)


def parse_address(text: str) -> tuple[Space, int, int | None]:
    """Return space, number from 0, and bit of an address such as `hr:10`, `hr:10.3` or `40011`.

    `hr:40011` is refused: one reader means the register that manuals number 40011, another the one
    with 40011 before it.
    """
    written = text.strip().lower()
    table = _TABLE_NUMBER.fullmatch(written)
    if table is not None and table[1] in _TABLES:
        space, number = _TABLES[table[1]], int(table[2]) - 1
        if not 0 <= number <= 65_535:
            raise ValueError(f"{text!r}: such numbers go from {table[1]}00001 to {table[1]}65536")
        return space, number, _bit(text, table[3])
    match = _ADDRESS.fullmatch(written)
    if match is None:
        raise ValueError(f"{text!r} is no address such as {_EXAMPLES}")
    space, number = Space(match[1]), int(match[2], 0 if match[2].startswith("0x") else 10)
    bit = _bit(text, match[3])
    if not match[2].startswith("0x"):
        _refuse_two_meanings(text, space, number)
    if number > 65535:
        raise ValueError(f"{text!r}: registers go to 65535")
    return space, number, bit


def _bit(text: str, digits: str | None) -> int | None:
    bit = int(digits) if digits else None
    if bit is not None and bit > 15:
        raise ValueError(f"{text!r}: bits go to 15")
    return bit


def _refuse_two_meanings(text: str, space: Space, number: int) -> None:
    digit = next(key for key, one in _TABLES.items() if one is space)
    if digit == "0":
        return
    for first in (int(digit) * 10_000, int(digit) * 100_000):
        if first < number <= first + (9999 if first < 100_000 else 65_536):
            meant = number - first - 1
            other = (
                f", {digit}{number + 1:05d} (or {space}:{number:#x}) for the one with number"
                f" {number} from 0"
                if number <= 65_535
                else ""
            )
            raise ValueError(
                f"{text!r} has two meanings: write {number} (or {space}:{meant}) for the register"
                f" that manuals number so{other}"
            )


def parse_type(
    text: str | None, space: Space = Space.HOLDING_REGISTER, bit: int | None = None
) -> Coding:
    """Return the coding that a type names; None means the usual one of the address."""
    if text is None:
        text = "bit" if space.holds_bits or bit is not None else "uint16"
    return Coding.parse(text)


@dataclass(frozen=True, slots=True)
class Group:
    """One request: neighbouring cells of one address space of one unit."""

    space: Space
    start: int
    count: int
    cells: tuple[tuple[int, Cell], ...]
    """Each cell with the number its owner gave it."""
    unit: int = 1

    @classmethod
    def of(cls, cells: Sequence[tuple[int, Cell]]) -> Self:
        """Return the one read that covers some cells, of one space and unit, in their order."""
        first = cells[0][1]
        count = max(cell.end for _, cell in cells) - first.number
        return cls(first.space, first.number, count, tuple(cells), first.unit)

    def words_of(self, cell: Cell, words: Sequence[int]) -> Sequence[int]:
        """Return a cell's words out of the group's."""
        first = cell.number - self.start
        return words[first : first + cell.coding.width]

    def halves(self) -> tuple["Group", "Group"]:
        """Return the two reads that together cover the cells of this one, which has several."""
        middle = len(self.cells) // 2
        return Group.of(self.cells[:middle]), Group.of(self.cells[middle:])


def grouped(
    cells: Iterable[tuple[int, Cell]],
    max_gap: int,
    max_registers: int = MAX_REGISTERS,
    max_bits: int = MAX_BITS,
) -> list[Group]:
    """Return the reads that cover all cells, in the order of their addresses.

    Cells of one space share a read while no more than `max_gap` unused addresses lie between
    them and the read stays within what one request may ask for. No cell is split.
    """
    groups: list[list[tuple[int, Cell]]] = []
    end = 0
    ordered = sorted(cells, key=lambda item: (item[1].unit, item[1].space, item[1].number, item[0]))
    for key, cell in ordered:
        limit = max_bits if cell.space.holds_bits else max_registers
        first = groups[-1][0][1] if groups else None
        if (
            first is not None
            and (first.unit, first.space) == (cell.unit, cell.space)
            and cell.number <= end + max_gap
            and max(end, cell.end) - first.number <= limit
        ):
            groups[-1].append((key, cell))
            end = max(end, cell.end)
        else:
            groups.append([(key, cell)])
            end = cell.end
    return [Group.of(group) for group in groups]
