"""Half-open time windows as requests give them: defaults, limits, and clear words when wrong."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Query
from pydantic import AwareDatetime, BeforeValidator

from api.http.problems import bad_option, bad_window
from plant.calendar import Window

_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
_BLANK_FOR_PLUS = re.compile(r"^(\S+) (\d{2}:\d{2})$")


def _restore_plus(value: Any) -> Any:
    # In an address `+` means a blank, so an offset that was not escaped arrives with one.
    return (
        _BLANK_FOR_PLUS.sub(r"\1+\2", value) if isinstance(value, str) and "T" in value else value
    )


Moment = Annotated[AwareDatetime, BeforeValidator(_restore_plus)]
Start = Annotated[
    Moment | None, Query(description="Start of the window, RFC 3339 with a time zone.")
]
End = Annotated[
    Moment | None,
    Query(description="End of the window, not itself part of it; the present by default."),
]
AsOf = Annotated[
    Moment | None,
    Query(
        description="What was final at that moment, as it was; what was not yet final then is "
        "left out. Without it everything as it is."
    ),
]


def window(
    start: datetime | None,
    end: datetime | None,
    *,
    now: datetime,
    default: timedelta,
    longest: timedelta,
) -> Window:
    """Return the asked window in UTC.

    Without an end it ends now, without a start it is `default` long. Raises the problem
    `bad-window` when it is empty, longer than `longest`, or not of this age.
    """
    for moment in (start, end):
        if moment is not None and not _EARLIEST <= moment <= _LATEST:
            raise bad_window(f"{moment.isoformat()} is not between 1990 and 2200.")
    last = end.astimezone(UTC) if end is not None else now
    first = start.astimezone(UTC) if start is not None else last - default
    if first >= last:
        raise bad_window(f"The start {first.isoformat()} is not before the end {last.isoformat()}.")
    if last - first > longest:
        raise bad_window(
            f"The window is {(last - first) / timedelta(days=1):g} days long; "
            f"at most {longest / timedelta(days=1):g} are served at once."
        )
    return Window(first, last)


def known_then(as_of: datetime | None, now: datetime) -> datetime | None:
    """Return the moment in UTC; raises the problem `bad-option` when it is yet to come."""
    if as_of is None:
        return None
    if as_of > now:
        raise bad_option("as_of", f"not after the plant's present, {now.isoformat()}")
    return as_of.astimezone(UTC)
