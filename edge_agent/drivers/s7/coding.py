"""How values lie in the memory of an S7 controller: its types, and what they become.

Durations and times of day (`time`, `s5time`, `ltime`, `tod`, `ltod`) become milliseconds. Dates,
also with a time (`date`, `dt`, `dtl`, `ldt`), become text in ISO 8601, without an offset: by the
controller's own clock.
"""

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Self

LONGEST_STRING = 254
"""Characters of an S7 STRING at most."""
LONGEST_WIDE_STRING = 16_382
"""Characters of a WSTRING at most."""

Value = float | int | str | bool

_STRING = re.compile(r"(w?string)(?:\[(\d{1,5})\]|(\d{1,5}))?")
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
    "lword": "Q",
    "ulint": "Q",
    "lint": "q",
    "real": "f",
    "lreal": "d",
    "time": "i",
    "tod": "I",
}
_LONG_NAMES = {
    "x": "bool",
    "b": "byte",
    "w": "word",
    "d": "dword",
    "i": "int",
    "di": "dint",
    "r": "real",
    "s": "string",
    "float": "real",
    "double": "lreal",
    "time_of_day": "tod",
    "date_and_time": "dt",
    "ltime_of_day": "ltod",
    "date_and_ltime": "ldt",
}
_S5_BASES_MS = (10, 100, 1000, 10_000)


@dataclass(frozen=True, slots=True)
class Coding:
    """A type, and how many bytes it takes."""

    name: str
    size: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the coding that a type names; raise ValueError for what is no type."""
        name = text.strip().lower()
        name = _LONG_NAMES.get(name, name)
        if name == "bool":
            return cls(name, 1)
        if name in _NUMBERS:
            return cls(name, struct.calcsize(f">{_NUMBERS[name]}"))
        if name in _OTHERS:
            return cls(name, _OTHERS[name][0])
        match = _STRING.fullmatch(name)
        if match is not None:
            longest = LONGEST_WIDE_STRING if match[1] == "wstring" else LONGEST_STRING
            characters = int(match[2] or match[3] or LONGEST_STRING)
            if 1 <= characters <= longest:
                size = 2 * characters + 4 if match[1] == "wstring" else characters + 2
                return cls(match[1], size)
        known = ", ".join(
            (
                "bool",
                *_NUMBERS,
                *(one for one in _OTHERS if one != "wstring"),
                "string[n]",
                "wstring[n]",
            )
        )
        raise ValueError(
            f"{text!r} is no type; known: {known} with n from 1 to {LONGEST_STRING}"
            f" ({LONGEST_WIDE_STRING} for wstring)"
        )

    def decode(self, raw: bytes, encoding: str) -> Value:
        """Return the value of some bytes; raise ValueError for bytes that are no such value."""
        if len(raw) != self.size:
            raise ValueError(f"{len(raw)} bytes are no {self.name}")
        if self.name == "string":
            return _string(raw, encoding)
        if self.name == "char":
            return raw.decode(encoding).rstrip("\0")
        if self.name == "wstring":
            return _wide_string(raw)
        if self.name in _OTHERS:
            return _OTHERS[self.name][1](raw)
        value: float | int = struct.unpack(f">{_NUMBERS[self.name]}", raw)[0]
        return value


def is_text(kind: object) -> bool:
    """Return whether a type's values are text."""
    name = str(kind).strip().lower()
    name = _LONG_NAMES.get(name, name)
    return name in {"char", "wchar", "date", "dt", "dtl", "ldt"} or bool(_STRING.fullmatch(name))


def _string(raw: bytes, encoding: str) -> str:
    """A STRING: its declared length, its present length, its characters."""
    if raw[1] > raw[0] or raw[1] > len(raw) - 2:
        raise ValueError("the bytes are no STRING: its length does not fit")
    return raw[2 : 2 + raw[1]].decode(encoding)


def _wide_string(raw: bytes) -> str:
    declared, present = struct.unpack_from(">HH", raw)
    if present > declared or 2 * present > len(raw) - 4:
        raise ValueError("the bytes are no WSTRING: its length does not fit")
    return raw[4 : 4 + 2 * present].decode("utf-16-be")


def _date(raw: bytes) -> str:
    return (date(1990, 1, 1) + timedelta(days=int.from_bytes(raw, "big"))).isoformat()


def _s5_time(raw: bytes) -> int:
    """Three decimal digits of a time base (in the two bits above them)."""
    digits = f"{raw[0] & 0x0F:x}{raw[1]:02x}"
    if not digits.isdecimal():
        raise ValueError(f"{raw.hex()} is no S5TIME")
    return int(digits) * _S5_BASES_MS[raw[0] >> 4 & 3]


def _date_and_time(raw: bytes) -> str:
    """Seven bytes of decimal digits; the milliseconds share the last with the weekday."""
    digits = raw.hex()
    if not digits[:15].isdecimal():
        raise ValueError(f"{digits} is no DATE_AND_TIME")
    year, month, day, hour, minute, second = (int(digits[n : n + 2]) for n in range(0, 12, 2))
    century = 1900 if year >= 90 else 2000
    micros = int(digits[12:15]) * 1000
    # A controller's time has no zone.
    return _iso(datetime(century + year, month, day, hour, minute, second, micros))  # noqa: DTZ001


def _dtl(raw: bytes) -> str:
    year, month, day, _, hour, minute, second, nanos = struct.unpack(">H6BI", raw)
    return _iso(datetime(year, month, day, hour, minute, second, nanos // 1000))  # noqa: DTZ001


def _ldt(raw: bytes) -> str:
    nanos = int.from_bytes(raw, "big", signed=True)
    return _iso(datetime(1970, 1, 1) + timedelta(microseconds=nanos // 1000))  # noqa: DTZ001


def _iso(moment: datetime) -> str:
    return moment.isoformat()


_OTHERS: dict[str, tuple[int, Callable[[bytes], Value]]] = {
    "char": (1, lambda raw: raw.decode("latin-1")),
    "wchar": (2, lambda raw: raw.decode("utf-16-be").rstrip("\0")),
    "s5time": (2, _s5_time),
    "ltime": (8, lambda raw: int.from_bytes(raw, "big", signed=True) / 1_000_000),
    "ltod": (8, lambda raw: int.from_bytes(raw, "big") / 1_000_000),
    "date": (2, _date),
    "dt": (8, _date_and_time),
    "dtl": (12, _dtl),
    "ldt": (8, _ldt),
}
"""Size and reader of the types that are no plain numbers."""
