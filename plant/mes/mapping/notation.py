"""Numbers and dates as people and ERPs write them, read by a notation that somebody stated.

What two notations read differently is never decided here: `1.500` and `01/11/2026` are refused
with the question, unless the mapping answers it.
"""

import re
from dataclasses import dataclass
from datetime import datetime, time
from math import isfinite
from typing import Literal

DecimalMark = Literal["", ".", ","]
DateOrder = Literal["", "dmy", "mdy", "ymd"]

_GROUPED = re.compile(r"[1-9]\d{0,2}([.,])\d{3}(?:\1\d{3})*")
_BLANKS = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2019": "'"})
_APART = re.compile(r"[1-9]\d{0,2}(?:([ '])\d{3})(?:\1\d{3})*(?:[.,]\d*)?")
"""A number whose digits are grouped by threes by blanks or apostrophes."""
_SIGNED = re.compile(r"([+-]?) ?(.*?) ?([+-]?)", re.DOTALL)
_NUMBER = re.compile(r"(\d[\d.,]*|[.,]\d+)(?:[eE]([+-]?\d{1,3}))?")
_DATE = re.compile(
    r"(\d{1,4})\s*([./-])\s*(\d{1,2})\s*\2\s*(\d{1,4})"
    r"(?:[T ,]+(\d{1,2})\s*[:hg.]\s*(\d{2})(?:\s*[:.]\s*(\d{2}))?(?:[.,]\d+)?\s*([A-Za-z]{2})?)?"
)
_CLOCK_FIRST = re.compile(r"(\d{1,2}[:hg]\d{2}(?::\d{2})?)\s+(\d{1,4}[./-]\d{1,2}[./-]\d{1,4})")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[T ]?(\d{2}):?(\d{2}):?(\d{2})?)?")
_CLOCK = re.compile(r"(\d{1,2})\s*[:hg.]\s*(\d{2})?(?:\s*[:.]\s*(\d{2}))?\s*([A-Za-z]{2})?")
_MIDNIGHT = re.compile(r"24\s*[:hg.]\s*(?:00(?:[:.]00)?)?|240000|2400")
_COMPACT_CLOCK = re.compile(r"(\d{2})(\d{2})(\d{2})?")
_AFTERNOON = {"am": 0, "sa": 0, "pm": 12, "ch": 12}


class NotationError(ValueError):
    """A text that a notation does not read, or that two notations read differently."""


@dataclass(frozen=True, slots=True)
class Notation:
    """What a source's numbers and dates look like; empty where nobody has said it."""

    decimal_mark: DecimalMark = ""
    date_order: DateOrder = ""


def ambiguous_number(text: str) -> bool:
    """Tell whether a text is two different numbers to two readers, as `1.500` is."""
    return _GROUPED.fullmatch(text.strip().lstrip("+-")) is not None


def read_number(text: str, notation: Notation) -> float:
    """Return the number that a text writes; raises NotationError with what to do about it.

    The mark that is not the decimal one groups digits by three, as blanks and apostrophes do. A
    minus may stand behind, as SAP writes it.
    """
    signed = _SIGNED.fullmatch(text.translate(_BLANKS).strip())
    assert signed is not None, "it matches whatever there is"
    sign, plain, behind = signed.groups()
    if (" " in plain or "'" in plain) and _APART.fullmatch(plain) is None:
        raise NotationError(f"{text!r} is no number, or two: blanks divide digits by threes")
    match = _NUMBER.fullmatch(plain.replace(" ", "").replace("'", ""))
    if match is None or (sign and behind):
        raise NotationError(f"{text!r} is no number; a unit has its own column")
    digits, exponent = match.groups()
    mark = notation.decimal_mark or _decimal_mark(text, digits)
    grouping = "," if mark == "." else "."
    whole, _, fraction = digits.partition(mark)
    if not re.fullmatch(rf"\d*|[1-9]\d{{0,2}}(?:\{grouping}\d{{3}})+", whole) or not re.fullmatch(
        r"\d*", fraction
    ):
        raise NotationError(f"{text!r} is no number whose decimals begin with '{mark}'")
    number = float(f"{whole.replace(grouping, '') or 0}.{fraction or 0}e{exponent or 0}")
    if not isfinite(number):
        raise NotationError(f"{text!r} is larger than any number here")
    return -number if "-" in (sign, behind) else number


def _decimal_mark(text: str, digits: str) -> str:
    marks = [character for character in digits if character in ".,"]
    if not marks:
        return "."
    if ambiguous_number(digits) and len(marks) == 1:
        read = digits.replace(",", ".")
        raise NotationError(
            f"{text!r} may be {float(read):g} or {digits.replace(marks[0], '')}; say which mark "
            "begins the decimals"
        )
    if len(set(marks)) == 1 and len(marks) > 1:
        return "." if marks[0] == "," else ","
    return marks[-1]


def read_day(text: str, notation: Notation) -> str:
    """Return the day that a text writes as `2026-02-28`; raises NotationError."""
    day, clock = _day_and_clock(text, notation)
    if clock is not None and clock != time():
        raise NotationError(f"{text!r} is a time of a day; write the day alone")
    return day


def read_moment(text: str, notation: Notation) -> tuple[str, bool]:
    """Return a text's moment without its zone, and whether it is a day alone; NotationError.

    A text that ISO 8601 reads with its offset is returned as it is.
    """
    try:
        if datetime.fromisoformat(text).tzinfo is not None:
            return text, False
    except ValueError:
        pass
    day, clock = _day_and_clock(text, notation)
    return (f"{day}T{(clock or time()).isoformat()}", clock is None)


def read_clock(text: str) -> str:
    """Return a time of day such as `06:00`, `6h30`, `2:00 PM` or `060000` as ISO writes it.

    Calendars end shifts at `24:00`: midnight.
    """
    clock = time() if _MIDNIGHT.fullmatch(text.strip()) else _clock(text.strip())
    if clock is None:
        raise NotationError(f"{text!r} is no time of day; write 06:00")
    return clock.isoformat()


def _day_and_clock(text: str, notation: Notation) -> tuple[str, time | None]:
    turned = _CLOCK_FIRST.fullmatch(text.strip())
    plain = f"{turned[2]} {turned[1]}" if turned else text.strip()
    compact = _COMPACT.fullmatch(plain)
    if compact is not None:
        told = plain[8:].lstrip("T ")
        return _iso_day(text, *compact.groups()[:3]), _clock(told) if told else None
    match = _DATE.fullmatch(plain)
    if match is None:
        raise NotationError(f"{text!r} is no date that is understood here; write 2026-02-28")
    first, _mark, second, third = match.groups()[:4]
    # Nobody writes the month first and points between.
    order = notation.date_order or ("dmy" if match[2] == "." else "")
    day = _in_order(text, first, second, third, order)
    if match[5] is None:
        return day, None
    clock = _clock(":".join(filter(None, match.groups()[4:7])) + (match[8] or ""))
    if clock is None:
        raise NotationError(f"{text!r} holds no time of day that is understood")
    return day, clock


def _in_order(text: str, first: str, second: str, third: str, order: DateOrder) -> str:
    if len(first) == 4:
        return _iso_day(text, first, second, third)
    if order == "ymd":
        return _iso_day(text, _year(first), second, third)
    if len(third) not in {2, 4}:
        raise NotationError(f"{text!r} is no date that is understood here; write 2026-02-28")
    if not order:
        if int(first) <= 12 and int(second) <= 12 and int(first) != int(second):
            raise NotationError(f"{text!r}: say whether the day or the month comes first")
        order = "dmy" if int(first) > 12 or first == second else "mdy"
    day, month = (first, second) if order == "dmy" else (second, first)
    return _iso_day(text, _year(third), month, day)


def _year(text: str) -> str:
    return f"20{text}" if len(text) == 2 else text


def _iso_day(text: str, year: str, month: str, day: str) -> str:
    try:
        return datetime(int(year), int(month), int(day)).date().isoformat()  # noqa: DTZ001 - a local day
    except ValueError as exc:
        raise NotationError(f"{text!r} is no day of the calendar in this order") from exc


def _clock(text: str) -> time | None:
    match = _COMPACT_CLOCK.fullmatch(text) or _CLOCK.fullmatch(text)
    if match is None:
        return None
    hour, minute, second = (int(part or 0) for part in match.groups()[:3])
    half = match[4].lower() if match.re is _CLOCK and match[4] else None
    if half is not None:
        if half not in _AFTERNOON or not 1 <= hour <= 12:
            return None
        hour = hour % 12 + _AFTERNOON[half]
    try:
        return time(hour, minute, second)
    except ValueError:
        return None
