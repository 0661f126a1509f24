"""Places by ISA-95: enterprise, site, area, work centre (line), work unit (machine); and codes.

Codes of places go into topics and addresses and are ours to choose. Codes of products, reasons and
meters are what the system that made them writes: `FERT-1001`, `AB/1234.5`, `SP 001`, `TRỤC-A`. Of
these only what cannot be seen is made alike, so that the code in a document and the one in a
controller's memory are the same text.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from plant.errors import ConfigurationError

_CODE = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")


class Level(StrEnum):
    """The five levels of the equipment hierarchy, from the outside in."""

    ENTERPRISE = "enterprise"
    SITE = "site"
    AREA = "area"
    WORK_CENTER = "work_center"
    WORK_UNIT = "work_unit"


LEVELS = tuple(Level)


def checked_code(code: str) -> str:
    """Return `code` if it may name a place or an edge (lower-case ASCII, digits, `-` and `_`).

    Codes go into MQTT topics and addresses, so `/`, `+`, `#` and blanks are refused.
    """
    if not _CODE.fullmatch(code):
        raise ConfigurationError(
            f"{code!r} is not a usable code: write 1 to 64 of the characters a-z, 0-9, '-' and '_'"
        )
    return code


@dataclass(frozen=True, slots=True)
class Place:
    """A place of the plant, named by its path of codes: `enterprise/site/area/line/machine`."""

    path: str
    level: Level
    name_vi: str
    name_en: str

    @property
    def code(self) -> str:
        """The last element of the path."""
        return self.path.rpartition("/")[2]

    @property
    def parent_path(self) -> str | None:
        """The path of the place that holds this one, or None for an enterprise."""
        return self.path.rpartition("/")[0] or None


def level_of(path: str) -> Level:
    """Return the level that a path of codes stands for; its depth decides."""
    codes = path.split("/")
    if not 1 <= len(codes) <= len(LEVELS):
        raise ConfigurationError(f"{path!r} has {len(codes)} elements; a place has 1 to 5")
    for code in codes:
        checked_code(code)
    return LEVELS[len(codes) - 1]


LONGEST_CODE = 64
# Controllers fill up strings with blanks and zero bytes, spreadsheets with no-break spaces.
_AROUND = " \t\r\n\0\u00a0\u2007\u202f\u3000\ufeff"


def told_code(text: str) -> str:
    """Return a code as anybody told it, in the one form in which codes are compared."""
    plain = unicodedata.normalize("NFC", text.strip(_AROUND))
    return plain.replace("\u00a0", " ").replace("\u202f", " ")


def item_code(text: str) -> str:
    """Return a code in the form in which it is kept: trimmed, composed (NFC), case kept.

    Raises ConfigurationError for a code that is empty, too long or holds control characters.
    """
    code = told_code(text)
    if not code or len(code) > LONGEST_CODE:
        raise ConfigurationError(f"{text[:80]!r} is no code: write 1 to {LONGEST_CODE} characters")
    if not code.isprintable():
        raise ConfigurationError(
            f"{text[:80]!r} is no code: it holds a line break or a character that cannot be printed"
        )
    return code


def site_of(path: str) -> str:
    """Return the path of the site that a path lies in, or is."""
    return "/".join(path.split("/")[:2])
