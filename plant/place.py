"""Places by ISA-95: enterprise, site, area, work centre (line), work unit (machine)."""

import re
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
