"""Where lists in the order of time go on: behind a row, whatever has come meanwhile."""

import re
from datetime import datetime
from typing import Annotated

from fastapi import Query

from api.http.problems import bad_cursor
from plant.clock import from_microseconds, microseconds

_CURSOR = re.compile(r"(-?\d{1,18})-([^\0]{1,400})")
After = Annotated[str | None, Query(max_length=500, description="`next` of the page before.")]


def cursor(moment: datetime, name: str) -> str:
    """Return what leads behind a row of a moment; `name` tells rows of one moment apart."""
    return f"{microseconds(moment)}-{name}"


def read_cursor(after: str | None) -> tuple[datetime, str] | None:
    """Return moment and name of the last row that was told; None at the beginning.

    Raises the problem `bad-cursor`.
    """
    if not after:
        return None
    match = _CURSOR.fullmatch(after)
    if match is None:
        raise bad_cursor()
    try:
        return from_microseconds(int(match[1])), match[2]
    except OverflowError as exc:
        raise bad_cursor() from exc
