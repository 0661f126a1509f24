"""Where a value lies in a JSON message: JSON pointers (RFC 6901) and dotted paths with selections.

A step in brackets selects among the entries of a list: `[0]` one by its place, `[id=Line1.Speed]`
those with this value under a key, `[*]` all of them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard


@dataclass(frozen=True, slots=True)
class Selection:
    """The entries of a list that have a value under a key; without a key, all."""

    key: str = ""
    value: str = ""

    def takes(self, entry: object) -> bool:
        """Return whether an entry is meant; numbers are compared as they are written."""
        if not self.key:
            return True
        if not isinstance(entry, Mapping):
            return False
        present = entry.get(self.key)
        if isinstance(present, bool):
            return self.value == str(present).lower()
        return isinstance(present, str | int | float) and str(present) == self.value


Path = tuple[str | Selection, ...]

_INDEX = re.compile(r"0|[1-9]\d{0,8}")
_BAD_ESCAPE = re.compile(r"~(?![01])")
_STEP = re.compile(
    r"""\.?(?:
        (?P<name>[^.\[\]]+)
      | \[(?P<place>\d+|\*)\]
      | \[(?P<key>[^=\[\]]+)=(?:"(?P<quoted>[^"]*)"|(?P<value>[^\]]*))\]
    )""",
    re.VERBOSE,
)
_EXAMPLES = "data.temperature, /data/temperature or values[id=Line1.Speed].v"


class AbsentError(Exception):
    """The message has nothing at this place."""


def parse_path(text: str) -> Path:
    """Return the steps of a path; raise ValueError for what is none.

    Text that begins with `/` is a JSON pointer, any other is names joined by dots, and selections.
    """
    if not text:
        return ()
    if text.startswith("/"):
        if _BAD_ESCAPE.search(text):
            raise ValueError(f"{text!r}: in a JSON pointer ~ is written ~0 and / within a name ~1")
        return tuple(step.replace("~1", "/").replace("~0", "~") for step in text[1:].split("/"))
    steps: list[str | Selection] = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        # Names are joined by dots; brackets follow at once.
        if match is None or (text[at] == ".") != bool(at and match["name"]):
            raise ValueError(f"{text!r} is no path such as {_EXAMPLES}")
        if match["name"]:
            steps.append(match["name"])
        elif match["place"]:
            steps.append(Selection() if match["place"] == "*" else match["place"])
        else:
            value = match["value"] if match["quoted"] is None else match["quoted"]
            steps.append(Selection(match["key"].strip(), value.strip()))
        at = match.end()
    return tuple(steps)


def found(message: object, path: Path) -> object:
    """Return the first of what lies at a path; raise AbsentError when nothing does."""
    for value, _ in selected(message, path):
        return value
    raise AbsentError


def selected(message: object, path: Path) -> Iterator[tuple[object, object]]:
    """Yield all that lies at a path, each with the entry that the last selection took.

    Without a selection that entry is the whole message.
    """
    yield from _selected(message, path, message)


def _selected(here: object, path: Path, entry: object) -> Iterator[tuple[object, object]]:
    for place, step in enumerate(path):
        if isinstance(step, Selection):
            if _is_list(here):
                for one in here:
                    if step.takes(one):
                        yield from _selected(one, path[place + 1 :], one)
            elif isinstance(here, Mapping) and not step.key:
                for one in here.values():
                    yield from _selected(one, path[place + 1 :], one)
            return
        if isinstance(here, Mapping) and step in here:
            here = here[step]
        elif _is_list(here) and _INDEX.fullmatch(step) and int(step) < len(here):
            here = here[int(step)]
        else:
            return
    yield here, entry


def _is_list(here: object) -> TypeGuard[Sequence[object]]:
    return isinstance(here, Sequence) and not isinstance(here, str | bytes)
