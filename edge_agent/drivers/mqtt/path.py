"""Where a value lies in a JSON message: JSON pointers (RFC 6901) and dotted paths."""

import re
from collections.abc import Mapping, Sequence

Path = tuple[str, ...]

_INDEX = re.compile(r"0|[1-9]\d{0,8}")
_BAD_ESCAPE = re.compile(r"~(?![01])")


class AbsentError(Exception):
    """The message has nothing at this place."""


def parse_path(text: str) -> Path:
    """Return the steps of a path; raise ValueError for what is none.

    Text that begins with `/` is a JSON pointer, any other is names joined by dots.
    """
    if not text:
        return ()
    if not text.startswith("/"):
        steps = text.split(".")
        if not all(steps):
            raise ValueError(f"{text!r} is no path such as data.temperature or /data/temperature")
        return tuple(steps)
    if _BAD_ESCAPE.search(text):
        raise ValueError(f"{text!r}: in a JSON pointer ~ is written ~0 and / within a name ~1")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in text[1:].split("/"))


def found(message: object, path: Path) -> object:
    """Return what lies at a path; raise AbsentError when nothing does."""
    for step in path:
        if isinstance(message, Mapping) and step in message:
            message = message[step]
        elif (
            isinstance(message, Sequence)
            and not isinstance(message, str | bytes)
            and _INDEX.fullmatch(step)
            and int(step) < len(message)
        ):
            message = message[int(step)]
        else:
            raise AbsentError
    return message
