"""The readings that models learn from and judge, and what is known of their tags."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from psycopg.rows import class_row

from store.engine.array_column import array_cursor
from store.engine.connection import Connection
from store.engine.queries import queries

_Q = queries("anomaly/reading")


@dataclass(frozen=True, slots=True)
class Numbers:
    """n readings in no order: ids, microseconds since 1970, and values, NaN for bad ones."""

    tag_ids: NDArray[np.int64]
    time_us: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TextChange:
    """A reading of a text tag."""

    tag_id: int
    moment: datetime
    value: str


@dataclass(frozen=True, slots=True)
class SignalRow:
    """A number tag with what it said in a window: the base of suggestions."""

    tag_id: int
    name: str
    unit: str
    description: str
    role: str
    low: float | None
    high: float | None
    max_silence_s: float
    counter: bool
    readings: int
    first_time: datetime | None
    last_time: datetime | None
    least: float | None
    most: float | None
    rises: int | None
    """Steps upwards among its readings, and downwards."""
    falls: int | None


@dataclass(frozen=True, slots=True)
class TagName:
    """A tag of a work unit."""

    tag_id: int
    name: str
    unit: str


def number_tags(connection: Connection, units: Sequence[int]) -> list[TagName]:
    """Return the number tags of work units, by name."""
    return _tag_names(connection, units, "number")


def text_names(connection: Connection, units: Sequence[int]) -> list[TagName]:
    """Return the text tags of work units, by name."""
    return _tag_names(connection, units, "text")


def _tag_names(connection: Connection, units: Sequence[int], kind: str) -> list[TagName]:
    with connection.cursor(row_factory=class_row(TagName)) as cursor:
        return cursor.execute(_Q["tag_names"], {"units": list(units), "type": kind}).fetchall()


@dataclass(frozen=True, slots=True)
class StateRow:
    """A text tag with what it said in a window, most often first."""

    tag_id: int
    name: str
    said: list[str]


def text_tags(
    connection: Connection, units: Sequence[int], start: datetime, end: datetime, most: int
) -> list[StateRow]:
    """Return the text tags of work units with `most` of their values in `[start, end)`, by name."""
    asked = {"units": list(units), "start": start, "end": end, "most": most}
    with connection.cursor(row_factory=class_row(StateRow)) as cursor:
        return cursor.execute(_Q["text_tags"], asked).fetchall()


@dataclass(frozen=True, slots=True)
class TagFact:
    """What a model must know of a tag."""

    work_unit_id: int
    tag_id: int
    edge_id: int
    value_type: str
    role: str
    low: float | None
    high: float | None
    max_silence_s: float


def tag_facts(connection: Connection, units: Sequence[int]) -> list[TagFact]:
    """Return what is known of the tags of work units."""
    with connection.cursor(row_factory=class_row(TagFact)) as cursor:
        return cursor.execute(_Q["facts"], {"units": list(units)}).fetchall()


def maintained(connection: Connection, now: datetime) -> set[int]:
    """Return the work units that are under planned maintenance."""
    return {row[0] for row in connection.execute(_Q["maintained"], {"now": now})}


def numbers(
    connection: Connection, tags: Sequence[int], after: datetime, until: datetime
) -> Numbers:
    """Return the readings in `(after, until]`."""
    asked = {"tags": list(tags), "after": after, "until": until}
    with array_cursor(connection) as cursor:
        # Planned for these bounds: a plan for any bounds looks into every part of the table.
        row = cursor.execute(_Q["numbers"], asked, prepare=False).fetchone()
    assert row is not None, "an aggregate returns a row"
    return Numbers(*row)


def texts(
    connection: Connection, tags: Sequence[int], after: datetime, until: datetime
) -> list[TextChange]:
    """Return the readings in `(after, until]` in order, and of each tag the last one before."""
    asked = {"tags": list(tags), "after": after, "until": until}
    return [TextChange(*row) for row in connection.execute(_Q["texts"], asked)]


def counts(
    connection: Connection, tags: Sequence[int], start: datetime, end: datetime
) -> dict[datetime, int]:
    """Return how many readings the tags have in each hour of `(start, end]`, by its start."""
    asked = {"tags": list(tags), "start": start, "end": end}
    return dict(connection.execute(_Q["counts"], asked).fetchall())


def newest(connection: Connection, units: Sequence[int]) -> dict[int, datetime]:
    """Return the newest source time of the readings of work units that have any."""
    return dict(connection.execute(_Q["newest"], {"units": list(units)}).fetchall())


def signals(
    connection: Connection, unit_id: int, start: datetime, end: datetime
) -> list[SignalRow]:
    """Return the number tags of a machine with what they said in `[start, end)`."""
    asked = {"unit": unit_id, "start": start, "end": end}
    with connection.cursor(row_factory=class_row(SignalRow)) as cursor:
        return cursor.execute(_Q["signals"], asked).fetchall()


def alike(
    connection: Connection, tags: Sequence[int], start: datetime, end: datetime
) -> list[tuple[int, int]]:
    """Return pairs of tags of which one says all that the other does."""
    asked = {"tags": list(tags), "start": start, "end": end}
    return [(one, other) for one, other in connection.execute(_Q["alike"], asked)]


def small_charts(
    connection: Connection, tags: Sequence[int], start: datetime, end: datetime, points: int = 120
) -> dict[int, list[tuple[datetime, float]]]:
    """Return means of equal parts of a window, by tag."""
    step = max((end - start) / points, timedelta(seconds=1))
    asked = {"tags": list(tags), "start": start, "end": end, "step": step}
    found: dict[int, list[tuple[datetime, float]]] = {}
    for tag_id, moment, value in connection.execute(_Q["window"], asked):
        found.setdefault(tag_id, []).append((moment, value))
    return found


@dataclass(frozen=True, slots=True)
class EdgeClock:
    """How far the clock of an edge of a machine is ahead of this house's."""

    work_unit_id: int
    edge_id: int
    edge: str
    offset_ms: float


def edge_clocks(connection: Connection, units: Sequence[int], since: datetime) -> list[EdgeClock]:
    """Return the clocks of edges that reported since a moment."""
    asked = {"units": list(units), "since": since}
    return [EdgeClock(*row) for row in connection.execute(_Q["edge_clocks"], asked)]


def refused_times(
    connection: Connection, units: Sequence[int], since: datetime, now: datetime
) -> list[tuple[int, int | None, datetime]]:
    """Return machines, tags if known, and since when times that are yet to come were refused."""
    asked = {"units": list(units), "since": since, "now": now}
    return connection.execute(_Q["refused_times"], asked).fetchall()


@dataclass(frozen=True, slots=True)
class TurnedBack:
    """A tag whose readings bear older times than one that came before them."""

    work_unit_id: int
    tag_id: int
    newest: datetime
    told: datetime
    """What the last to arrive bears."""
    received: datetime


def turned_back(
    connection: Connection, units: Sequence[int], tolerance: timedelta, since: datetime
) -> list[TurnedBack]:
    """Return machines whose times went back by more than a tolerance, and still do since a moment.

    Looks into a day of each tag: ask it for machines that seem to be silent only.
    """
    asked = {"units": list(units), "tolerance": tolerance, "since": since}
    return [TurnedBack(*row) for row in connection.execute(_Q["turned_back"], asked)]


def products_since(
    connection: Connection, unit_id: int, since: datetime
) -> list[tuple[str, datetime]]:
    """Return the products that a machine told after a moment, with when it first did."""
    asked = {"unit": unit_id, "since": since}
    return connection.execute(_Q["products_since"], asked).fetchall()


def maintenance_since(
    connection: Connection, unit_id: int, since: datetime, now: datetime
) -> list[tuple[str, datetime]]:
    """Return the number and end of planned maintenance that was over in `(since, now]`."""
    asked = {"unit": unit_id, "since": since, "now": now}
    return connection.execute(_Q["maintenance_since"], asked).fetchall()
