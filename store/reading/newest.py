"""The newest measurement of tags, looked for from where it was found last.

Measurements are only added, so the newest is never older than it was: the parts of the table from
there on are a few, and all that is planned and opened. The view that looks through every part
(`measurement_latest`) takes milliseconds to open a year, tens of them to plan it.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from store.engine.connection import Connection
from store.engine.queries import queries

_Q = queries("reading/newest")
_MOST = 50
"""Of more tags at once the view is quicker."""
_TOGETHER = timedelta(hours=1)
"""Tags whose newest are further apart are asked for apart: a quiet one would widen all windows."""
_ASKED_LATELY_S = 600.0
"""Afterwards there may be many rows since."""

Newest = tuple[datetime, datetime, Any, int]
"""Source time, received time, value, quality."""


class NewestReading:
    """What is newest, for one reader's whole life; any thread may ask."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[int, tuple[float, datetime]] = {}

    def of(self, connection: Connection, tags: Sequence[tuple[int, str]]) -> dict[int, Newest]:
        """Return the newest measurement of tags (id, value type); those without one are left out.

        Of several with the same source time it is the one that was received last.
        """
        now = self._clock()
        found: dict[int, Newest] = {}
        for name in ("number", "text"):
            seen = {
                tag: known[1]
                for tag, value_type in tags
                if value_type == name
                and (known := self._seen.get(tag)) is not None
                and now - known[0] < _ASKED_LATELY_S
                and len(tags) <= _MOST
            }
            latest = max(seen.values(), default=None)
            near = [tag for tag, at in seen.items() if latest and latest - at <= _TOGETHER]
            if near:
                asked = {"tags": near, "since": min(seen[tag] for tag in near)}
                # Planned each time, for the parts that these moments leave.
                found |= _rows(connection.execute(_Q[f"newest_{name}"], asked, prepare=False))
        others = [tag for tag, _ in tags if tag not in found]
        if others:
            found |= _rows(connection.execute(_Q["newest_of_all"], {"tags": others}))
        self._seen |= {tag: (now, newest[0]) for tag, newest in found.items()}
        return found


def _rows(rows: Iterable[Any]) -> dict[int, Newest]:
    return {
        tag: (source, received, value, quality) for tag, source, received, value, quality in rows
    }
