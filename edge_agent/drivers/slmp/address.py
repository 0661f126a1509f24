"""MELSEC devices and types, and the few grouped reads that cover them."""

import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Self

MAX_WORDS: Final = 960
"""Most words of one read."""
MAX_BITS: Final = 3584
"""Most bits of one read that every series takes."""

Digits = Literal["hex", "octal"]


class Device(NamedTuple):
    """A kind of device."""

    code: int
    """Its number in a binary request."""
    is_bit: bool
    base: int = 10
    """Of its numbers, as GX Works writes them."""


DEVICES: Final = {
    "SM": Device(0x91, True),
    "SD": Device(0xA9, False),
    "X": Device(0x9C, True, 16),
    "Y": Device(0x9D, True, 16),
    "M": Device(0x90, True),
    "L": Device(0x92, True),
    "F": Device(0x93, True),
    "V": Device(0x94, True),
    "B": Device(0xA0, True, 16),
    "S": Device(0x98, True),
    "D": Device(0xA8, False),
    "W": Device(0xB4, False, 16),
    "TS": Device(0xC1, True),
    "TC": Device(0xC0, True),
    "TN": Device(0xC2, False),
    "STS": Device(0xC7, True),
    "STC": Device(0xC6, True),
    "STN": Device(0xC8, False),
    "CS": Device(0xC4, True),
    "CC": Device(0xC3, True),
    "CN": Device(0xC5, False),
    "SB": Device(0xA1, True, 16),
    "SW": Device(0xB5, False, 16),
    "DX": Device(0xA2, True, 16),
    "DY": Device(0xA3, True, 16),
    "Z": Device(0xCC, False),
    "R": Device(0xAF, False),
    "ZR": Device(0xB0, False),
}
_ADDRESS = re.compile(
    rf"({'|'.join(sorted(DEVICES, key=len, reverse=True))})([0-9A-F]+)(?:\.([0-9A-F]))?"
)
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
_DECIMALS = {"bcd16": 2, "bcd32": 4}


@dataclass(frozen=True, slots=True)
class Cell:
    """One value: where it begins and how it is coded."""

    device: Device
    number: int
    kind: str
    width: int
    """Words (or bits, of bit devices) that it takes."""
    bit: int | None = None
    characters: int = 0

    @classmethod
    def parse(cls, address: str, kind: str | None, x_y: Digits = "hex") -> Self:
        """Return the cell of an address such as `D100`, `M10`, `X1F`, `D100.A`.

        Raises ValueError for what cannot be.
        """
        match = _ADDRESS.fullmatch(address.strip().upper())
        if match is None:
            raise ValueError(f"{address!r} is no device such as D100, M10, X1F, W1A, ZR0 or D100.A")
        device = DEVICES[match[1]]
        base = 8 if match[1] in {"X", "Y"} and x_y == "octal" else device.base
        try:
            number = int(match[2], base)
        except ValueError:
            words = {8: "octal", 10: "decimal", 16: "hexadecimal"}[base]
            raise ValueError(f"{address!r}: numbers of {match[1]} are {words}") from None
        if number > 0xFFFFFF:
            raise ValueError(f"{address!r}: numbers go to {0xFFFFFF}")
        bit = int(match[3], 16) if match[3] else None
        name = (kind or ("bit" if device.is_bit or bit is not None else "int16")).lower()
        if (name == "bit") != (device.is_bit or bit is not None) or (device.is_bit and bit):
            raise ValueError(f"{address!r} as {name}: bits are M10 or D100.0 to D100.F")
        if name == "bit":
            return cls(device, number, name, 1, bit)
        if name in _NUMBERS:
            return cls(device, number, name, struct.calcsize(f"<{_NUMBERS[name]}") // 2)
        if name in _DECIMALS:
            return cls(device, number, name, _DECIMALS[name] // 2)
        text = _STRING.fullmatch(name)
        characters = int(text[1] or text[2]) if text else 0
        if not 1 <= characters <= 2 * MAX_WORDS:
            known = ", ".join((*_NUMBERS, *_DECIMALS, "bit", "string[n]"))
            raise ValueError(f"{kind!r} is no type; known: {known}")
        return cls(device, number, "string", (characters + 1) // 2, None, characters)

    @property
    def end(self) -> int:
        """The first number after it."""
        return self.number + self.width

    def decode(self, words: Sequence[int], encoding: str) -> float | int | str | bool:
        """Return the value of its words (bits, of bit devices); raise ValueError for no value.

        The low word, and the low byte, come first.
        """
        if self.device.is_bit:
            return bool(words[0])
        if self.bit is not None:
            return bool(words[0] >> self.bit & 1)
        raw = struct.pack(f"<{len(words)}H", *words)
        if self.characters:
            return raw[: self.characters].split(b"\0", 1)[0].decode(encoding).rstrip()
        if self.kind in _DECIMALS:
            digits = raw[::-1].hex()
            if not digits.isdecimal():
                raise ValueError(f"{digits} is no binary-coded decimal")
            return int(digits)
        value: float | int = struct.unpack(f"<{_NUMBERS[self.kind]}", raw)[0]
        return value


@dataclass(frozen=True, slots=True)
class Group:
    """One request: neighbouring cells of one kind of device."""

    device: Device
    start: int
    count: int
    cells: tuple[tuple[int, Cell], ...]
    """Each cell with the number its owner gave it."""


def grouped(cells: Iterable[tuple[int, Cell]], max_gap: int, max_words: int) -> list[Group]:
    """Return the reads that cover all cells, in the order of their devices; no cell is split."""
    groups: list[Group] = []
    for key, cell in sorted(cells, key=lambda item: (item[1].device, item[1].number, item[0])):
        limit = MAX_BITS if cell.device.is_bit else max_words
        last = groups[-1] if groups else None
        if last is not None and last.device == cell.device:
            count = max(last.start + last.count, cell.end) - last.start
            if cell.number <= last.start + last.count + max_gap and count <= limit:
                groups[-1] = Group(last.device, last.start, count, (*last.cells, (key, cell)))
                continue
        groups.append(Group(cell.device, cell.number, cell.width, ((key, cell),)))
    return groups
