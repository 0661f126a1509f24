"""How values lie in registers: types, the order of bytes and words, text, binary-coded decimals."""

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

MAX_REGISTERS = 125
"""Most registers that one request may read (Modbus application protocol 6.3)."""

_STRING = re.compile(r"string(?:\[(\d{1,3})\]|(\d{1,3}))")
_NUMBERS = {
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float16": "e",
    "float32": "f",
    "float64": "d",
}
_BYTES = {"int8": "b", "uint8": "B", "int8h": "b", "uint8h": "B"}
"""One byte of a register: the low one, or with `h` the high one."""
_DECIMALS = {"bcd16": 1, "bcd32": 2, "bcd64": 4}


class Order(StrEnum):
    """The order of bytes and registers within a value; A is the most significant byte."""

    ABCD = "ABCD"
    """As the standard has it: the high byte, and the high register, first."""
    CDAB = "CDAB"
    """The low register first."""
    BADC = "BADC"
    """The bytes of each register swapped."""
    DCBA = "DCBA"
    """Both: the least significant byte first."""

    @classmethod
    def parse(cls, text: object) -> Self:
        """Return the order that a text names; raise ValueError for what is none."""
        name = str(text).upper()
        known = {"BIG": "ABCD", "LITTLE": "CDAB", "AB": "ABCD", "BA": "BADC"} | _LONG
        try:
            return cls(known.get(name, name))
        except ValueError:
            raise ValueError(
                f"{text!r} is no order of bytes: ABCD (big), CDAB (little), BADC or DCBA"
            ) from None

    @property
    def swaps_bytes(self) -> bool:
        """Whether the low byte of each register comes first."""
        return self in {Order.BADC, Order.DCBA}

    @property
    def low_register_first(self) -> bool:
        """Whether the register with the least significant bytes comes first."""
        return self in {Order.CDAB, Order.DCBA}

    def bytes_of(self, words: Sequence[int], *, text: bool = False) -> bytes:
        """Return the bytes of some registers, the most significant first.

        The registers of a text stay in their order: only the two characters of each change places.
        """
        ordered = words[::-1] if self.low_register_first and not text else words
        return struct.pack(f"{'<' if self.swaps_bytes else '>'}{len(ordered)}H", *ordered)


_LONG = {
    "ABCDEFGH": "ABCD",
    "GHEFCDAB": "CDAB",
    "BADCFEHG": "BADC",
    "HGFEDCBA": "DCBA",
}
"""The same orders, as manuals write them for values of four registers."""


@dataclass(frozen=True, slots=True)
class Coding:
    """How a value lies in registers: a number, a bit, or text."""

    name: str
    width: int
    """Registers (or bits, in the bit spaces) that it takes."""
    characters: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the coding that a type names; raise ValueError for what is no type."""
        name = text.strip().lower()
        if name == "bit":
            return cls("bit", 1)
        if name in {"int8l", "uint8l"}:
            name = name[:-1]
        if name in _BYTES:
            return cls(name, 1)
        if name in _NUMBERS:
            return cls(name, struct.calcsize(f">{_NUMBERS[name]}") // 2)
        if name in _DECIMALS:
            return cls(name, _DECIMALS[name])
        match = _STRING.fullmatch(name)
        characters = int(match[1] or match[2]) if match else 0
        if not 1 <= characters <= 2 * MAX_REGISTERS:
            known = ", ".join((*_NUMBERS, *_BYTES, *_DECIMALS, "bit", "string[n]"))
            raise ValueError(f"{text!r} is no type; known: {known} with n from 1 to 250")
        return cls("string", (characters + 1) // 2, characters)

    def decode(
        self, words: Sequence[int], order: Order, encoding: str = "utf-8"
    ) -> float | int | str:
        """Return the value of some registers; raise ValueError for what is no such value.

        Text ends at the first NUL.
        """
        if self.characters:
            raw = order.bytes_of(words, text=True)[: self.characters]
            return raw.split(b"\0", 1)[0].decode(encoding).rstrip()
        raw = order.bytes_of(words)
        if self.name in _DECIMALS:
            return _decimal(raw)
        if self.name in _BYTES:
            raw = raw[:1] if self.name.endswith("h") else raw[1:]
        code = _BYTES.get(self.name) or _NUMBERS[self.name]
        value: float | int = struct.unpack(f">{code}", raw)[0]
        return value


def _decimal(raw: bytes) -> int:
    digits = raw.hex()
    if not digits.isdecimal():
        raise ValueError(f"{digits} is no binary-coded decimal")
    return int(digits)
