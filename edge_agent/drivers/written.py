"""Numbers as devices and people write them, by stated rules; what these leave open stays text.

- A number may carry its unit behind it (`23.5 °C`, `12kW`), and spaces or apostrophes between its
  thousands.
- The last of two kinds of separators is the decimal one (`1.234,5`, `1,234.5`). A comma alone is
  the decimal one unless exactly three digits follow it: `1,234` may be either, and is left as it
  is until `decimal` says which. A point alone is the decimal one.
- `true`, `on`, `yes` are 1 and `false`, `off`, `no` are 0; a tag's `words` come before these.
- Nothing, `null`, `nan`, `none`, `n/a` and `-` are no value.
- Anything else (`1_000`, `12:30`, `7 of 9`) is no number.
"""

import math
import re
from collections.abc import Mapping
from typing import Literal

Decimal = Literal["auto", "point", "comma"]

_NUMBER = re.compile(
    r"(?P<sign>[+\-\u2212]?)(?P<digits>[0-9][0-9.,'’\u00a0\u202f ]*|[.,][0-9]+)"
    r"(?P<exponent>[eE][+\-]?[0-9]{1,3})?(?P<unit>\s*[^\W\d_°µ%‰/²³]*.*)"
)
_UNIT = re.compile(r"\s*(?:[°µμ%‰Ω\ufffd]|[^\W\d_])[^\s_]{0,15}")
_NO_UNIT = re.compile(r"[xX].*|[eE]")
"""Other forms of numbers: 0x1F, or one that was cut off."""
_SPACES = str.maketrans("", "", "'’\u00a0\u202f ")
_WORDS = {"true": 1, "on": 1, "yes": 1, "false": 0, "off": 0, "no": 0}
_NOTHING = frozenset({"", "null", "nan", "none", "n/a", "na", "-", "--", "---"})
_LONGEST = 100


def number_written(
    text: str, words: Mapping[str, float] | None = None, decimal: Decimal = "auto"
) -> float | int | str | None:
    """Return the number that a text is, None where it says that there is none.

    The text itself comes back when it is no number by the rules of this module.
    """
    stripped = text.strip(" \t\r\n\0\ufeff\u00a0")
    if words:
        for word, value in words.items():
            if word.casefold() == stripped.casefold():
                return value
    lowered = stripped.casefold()
    if lowered in _WORDS:
        return _WORDS[lowered]
    if lowered in _NOTHING:
        return None
    if len(stripped) > _LONGEST:
        return text
    match = _NUMBER.fullmatch(stripped)
    if match is None:
        return text
    unit = match["unit"]
    if unit and (not _UNIT.fullmatch(unit) or _NO_UNIT.fullmatch(unit)):
        return text
    digits = _plain(match["digits"].strip(), decimal)
    if digits is None:
        return text
    sign = "-" if match["sign"] in {"-", "\u2212"} else ""
    exponent = match["exponent"] or ""
    if "." not in digits and not exponent:
        return int(sign + digits)
    value = float(f"{sign}{digits}{exponent}")
    return value if math.isfinite(value) else text


def _plain(digits: str, decimal: Decimal) -> str | None:
    """Return digits with a point at most; None where the separators leave it open."""
    points, commas = digits.count("."), digits.count(",")
    if decimal == "auto":
        if points and commas:
            mark = max(".,", key=digits.rfind)
        elif commas:
            if commas == 1 and re.search(r",\d{3}$", digits) and not digits.startswith("0"):
                return None
            mark = "," if commas == 1 else "."
        else:
            mark = "." if points <= 1 else ","
    else:
        mark = "." if decimal == "point" else ","
    thousands = "," if mark == "." else "."
    whole, found, rest = digits.partition(mark)
    if mark in rest or thousands in rest or not _groups(whole, thousands):
        return None
    return _joined(whole, thousands) + (f".{rest.translate(_SPACES)}" if found else "")


def _groups(whole: str, mark: str) -> bool:
    """Return whether thousands are parted as thousands are: in threes."""
    parts = re.split(rf"[{re.escape(mark)}'’\u00a0\u202f ]", whole)
    return len(parts) == 1 or (1 <= len(parts[0]) <= 3 and all(len(p) == 3 for p in parts[1:]))


def _joined(whole: str, mark: str) -> str:
    return whole.replace(mark, "").translate(_SPACES) or "0"
