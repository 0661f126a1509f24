"""What was found at a source, and the file of tags that it becomes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

import yaml

_CODE: Final = re.compile(r"[^\w./-]+")
_LONGEST_NAME: Final = 200
MOST: Final = 25_000
"""Tags that one edge may have."""


@dataclass(frozen=True, slots=True)
class Place:
    """One value that a source has."""

    path: str
    """Where it lies, in names joined by `/`."""
    tag: Mapping[str, Any]
    """Settings of a tag that is this value, but its name and machine."""
    value: str = ""
    """What it is at present, in words."""


@dataclass(slots=True)
class Browsed:
    """What a source has."""

    driver: str
    connection: Mapping[str, Any]
    """Settings of the source beside its tags."""
    places: list[Place] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    """What is there and was not taken, each with the reason."""

    def only(self, patterns: Sequence[str]) -> None:
        """Keep the places whose path matches one of these shell patterns, upper case or lower."""
        wanted = [pattern.lower() for pattern in patterns]
        self.places = [
            place
            for place in self.places
            if not wanted or any(fnmatchcase(place.path.lower(), one) for one in wanted)
        ]

    def tags(self, work_unit: str) -> list[dict[str, Any]]:
        """Return the places as settings of tags of a machine `area/line/machine`.

        What all paths begin with is left out of the names, and equal names are numbered.
        """
        common = _common([place.path for place in self.places])
        machine = work_unit.rpartition("/")[2]
        taken: set[str] = set()
        found = []
        for place in self.places:
            own = _CODE.sub("_", "/".join(place.path.split("/")[common:])).strip("_/") or "value"
            name = own if own.startswith(f"{machine}/") else f"{machine}/{own}"
            found.append({"name": _unlike(name, taken), **place.tag})
        return found

    def text(self, source: str, work_unit: str) -> str:
        """Return a file of sources, as the edge's settings and `push-config` take it."""
        content = {
            "driver": self.driver,
            **self.connection,
            "defaults": {"work_unit": work_unit},
            "tags": self.tags(work_unit),
        }
        return written({"sources": {source: content}})


class _Plain(yaml.SafeDumper):
    """Without anchors: a pushed text has none."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def written(content: Mapping[str, Any]) -> str:
    """Return settings as the text of a file."""
    text: str = yaml.dump(
        dict(content), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=1000
    )
    return text


def _common(paths: Sequence[str]) -> int:
    """Return how many first steps all paths share, the last step of each left alone."""
    split = [path.split("/")[:-1] for path in paths]
    count = 0
    while split and all(len(one) > count and one[count] == split[0][count] for one in split):
        count += 1
    return count


def _unlike(name: str, taken: set[str]) -> str:
    number, unlike = 1, name[:_LONGEST_NAME]
    while unlike in taken:
        number += 1
        unlike = f"{name[: _LONGEST_NAME - 8]}_{number}"
    taken.add(unlike)
    return unlike
