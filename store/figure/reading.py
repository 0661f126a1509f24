"""The readings that figures are computed from, as columns, and how far they reach."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import numpy as np
from numpy.typing import NDArray

from plant.clock import microseconds
from plant.measurement import Quality
from store.engine.array_column import array_cursor
from store.engine.connection import Connection
from store.engine.queries import queries
from store.figure.source import RoleTag

_Q = queries("figure/reading")

# How far around a window neighbouring readings are sought first.
_NEAR = timedelta(days=1)
_HOUR = timedelta(hours=1)
_AHEAD = timedelta(hours=1)
"""How far after a window the next reading may tell of the last one in it."""
_HOURS_FROM = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class NumberColumns:
    """Readings of a number tag in columns of shape (n,), in no particular order."""

    time_us: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TextColumns:
    """Readings of a text tag in columns of n rows, in no particular order."""

    time_us: NDArray[np.int64]
    values: list[str | None]
    quality: NDArray[np.int64]

    def with_earlier(self, time_us: int, value: str) -> "TextColumns":
        """Return the readings with a good one more."""
        return TextColumns(
            np.append(self.time_us, np.int64(time_us)),
            [*self.values, value],
            np.append(self.quality, np.int64(Quality.GOOD)),
        )


def extents(
    connection: Connection,
    tags: Sequence[RoleTag],
    computed: Collection[tuple[datetime, datetime]] = (),
) -> dict[int, tuple[datetime, datetime]]:
    """Return first and last source time by tag id; tags without readings are left out.

    They are sought first near the ends of what is `computed`: a hypertable looks into every chunk
    that may hold them.
    """
    found = {}
    near = (
        min(first for first, _ in computed) + _NEAR if computed else "infinity",
        max(last for _, last in computed) - _NEAR if computed else "-infinity",
    )
    for query, is_text in (("number_extent", False), ("text_extent", True)):
        wanted = [tag.tag_id for tag in tags if tag.is_text == is_text]
        for first_before, last_from in (near, ("infinity", "-infinity")):
            if wanted:
                asked = {"tags": wanted, "first_before": first_before, "last_from": last_from}
                for tag_id, first, last in _planned(connection, _Q[query], asked):
                    if first is not None and last is not None:
                        found[tag_id] = (first, last)
            wanted = [tag_id for tag_id in wanted if tag_id not in found]
    return found


def next_readings(
    connection: Connection, asked: Sequence[tuple[RoleTag, datetime]]
) -> dict[tuple[int, datetime], datetime]:
    """Return the first usable reading at or after each moment, by tag id and moment."""
    found: dict[tuple[int, datetime], datetime] = {}
    for query, is_text in (("next_numbers", False), ("next_texts", True)):
        chosen = [(tag.tag_id, moment) for tag, moment in asked if tag.is_text == is_text]
        for reach in (_NEAR, None):
            chosen = [each for each in chosen if each not in found]
            if not chosen:
                break
            moments = [moment for _, moment in chosen]
            parameters = {
                "tags": [tag_id for tag_id, _ in chosen],
                "moments": moments,
                "earliest": min(moments),
                "latest": "infinity" if reach is None else max(moments) + reach,
            }
            for tag_id, moment, after in _planned(connection, _Q[query], parameters):
                if after is not None:
                    found[tag_id, moment] = after
    return found


def numbers(
    connection: Connection, tag_ids: Sequence[int], start: datetime, end: datetime
) -> dict[int, NumberColumns]:
    """Return the usable readings that counts in `[start, end)` depend on, by tag id.

    They are those of the whole hours that the window touches, before them those since the hour of
    the last one, and after the window the next one within `_AHEAD`.
    """
    # Whole hours, whatever the window: counters are judged hour by hour, and have to be judged the
    # same however much is read (docs/decisions/0027).
    hour = _hour_of(start)
    before: dict[int, datetime] = {}
    for earliest in (hour - _NEAR, "-infinity"):
        wanted = [tag_id for tag_id in tag_ids if tag_id not in before]
        asked = {"tags": wanted, "start": hour, "earliest": earliest}
        rows_before = _planned(connection, _Q["last_numbers"], asked) if wanted else ()
        before |= {tag_id: _hour_of(last) for tag_id, last in rows_before if last is not None}
    froms = [before.get(tag_id, hour) for tag_id in tag_ids]
    parameters = {
        "tags": list(tag_ids),
        "froms": froms,
        "earliest": min(froms, default=hour),
        "end": end,
        "ahead": end + _AHEAD,
    }
    with array_cursor(connection) as cursor:
        row = cursor.execute(_Q["numbers"], parameters, prepare=False).fetchone()
    assert row is not None, "an aggregate returns a row"
    tags, time_us, value, quality = row
    found = {}
    for tag_id in tag_ids:
        own = tags == tag_id
        found[tag_id] = NumberColumns(time_us[own], value[own], quality[own])
    return found


def texts(
    connection: Connection, tag_ids: Sequence[int], start: datetime, end: datetime
) -> dict[int, TextColumns]:
    """Return readings in `[start, end)`, the last and the last usable one before, by tag id.

    After the window comes the next usable one within `_AHEAD`.
    """
    parameters = {"start": start, "end": end, "ahead": end + _AHEAD}
    rows: list[tuple[int, int, str | None, int]] = []
    wanted = list(tag_ids)
    start_us = microseconds(start)
    with connection.cursor(binary=True) as cursor:
        for earliest in (start - _NEAR, "-infinity"):
            asked = parameters | {"tags": wanted, "earliest": earliest}
            found = cursor.execute(_Q["texts"], asked, prepare=False).fetchall() if wanted else []
            preceded = {
                tag_id
                for tag_id, time_us, _, quality in found
                if time_us < start_us and quality < Quality.BAD
            }
            last_try = earliest == "-infinity"
            # The other tags' rows come once more with the second look.
            rows += [row for row in found if last_try or row[0] in preceded]
            wanted = [tag_id for tag_id in wanted if tag_id not in preceded]
    by_tag: dict[int, tuple[list[int], list[str | None], list[int]]] = {
        tag_id: ([], [], []) for tag_id in tag_ids
    }
    for tag_id, time_us, value, quality in rows:
        columns = by_tag[tag_id]
        columns[0].append(time_us)
        columns[1].append(value)
        columns[2].append(quality)
    return {
        tag_id: TextColumns(
            np.array(time_us, dtype=np.int64), values, np.array(quality, dtype=np.int64)
        )
        for tag_id, (time_us, values, quality) in by_tag.items()
    }


def last_telling(
    connection: Connection,
    tag_ids: Sequence[int],
    start: datetime,
    state_map: Mapping[str, str],
    standard: Collection[str],
) -> dict[int, tuple[int, str]]:
    """Return the last reading of state tags before a window that is one of some standard states.

    Microsecond and value by tag id; `state_map` are the machine's names for them.
    """
    found: dict[int, tuple[int, str]] = {}
    names = _names(state_map, standard)
    for earliest in (start - _NEAR, "-infinity"):
        wanted = [tag_id for tag_id in tag_ids if tag_id not in found]
        if wanted:
            asked = names | {"tags": wanted, "start": start, "earliest": earliest}
            for tag_id, time_us, value in _planned(connection, _Q["last_telling"], asked):
                found[tag_id] = (time_us, value)
    return found


def next_telling(
    connection: Connection,
    tag_ids: Sequence[int],
    start: datetime,
    state_map: Mapping[str, str],
    standard: Collection[str],
) -> datetime | None:
    """Return the moment of the first such reading of any of the tags from a moment on."""
    names = _names(state_map, standard)
    for latest in (start + _NEAR, "infinity"):
        asked = names | {"tags": list(tag_ids), "start": start, "latest": latest}
        found: list[datetime] = [row[1] for row in _planned(connection, _Q["next_telling"], asked)]
        if found:
            return min(found)
    return None


def _names(state_map: Mapping[str, str], standard: Collection[str]) -> dict[str, Any]:
    own = [name for name, meant in state_map.items() if meant.strip().upper() in standard]
    return {"own": own, "mapped": list(state_map), "standard": list(standard)}


def _hour_of(moment: datetime) -> datetime:
    return moment - (moment - _HOURS_FROM) % _HOUR


def _planned(
    connection: Connection, query: LiteralString, parameters: dict[str, Any]
) -> list[tuple[Any, ...]]:
    """Return the rows of a query that is planned for its own bounds, every time.

    A plan kept for any bounds holds every chunk of a hypertable, and costs as much to make and to
    begin.
    """
    return connection.execute(query, parameters, prepare=False).fetchall()
