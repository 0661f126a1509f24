"""What counters showed that is no plain growth, and what people say of such readings."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter

from store.engine.connection import Connection
from store.engine.queries import queries

_Q = queries("figure/counter_judgement")


@dataclass(frozen=True, slots=True)
class JudgementRow:
    """A row of `counter_judgement` of one work unit; values in the unit of the counter."""

    source_time: datetime
    tag_id: int
    event: str
    level: float
    shown: float
    counted: float
    doubt: float
    next_time: datetime | None


def replace_judgements(
    connection: Connection,
    unit_id: int,
    window: tuple[datetime, datetime],
    rows: Sequence[JudgementRow],
) -> None:
    """Replace the judgements of a work unit in whole hours."""
    span = {"unit": unit_id, "start": window[0], "end": window[1]}
    connection.execute(_Q["delete_judgements"], span)
    if rows:
        columns = zip(*map(_values, rows), strict=True)
        named = dict(zip(_COLUMNS, map(list, columns), strict=True))
        connection.execute(_Q["insert_judgements"], {"unit": unit_id} | named)


def verdicts(
    connection: Connection, tag_ids: Sequence[int]
) -> dict[int, list[tuple[datetime, str]]]:
    """Return what people say of readings, by tag id: when it was taken, and what it was."""
    found: dict[int, list[tuple[datetime, str]]] = {}
    for tag_id, moment, verdict in connection.execute(_Q["verdicts"], {"tags": list(tag_ids)}):
        found.setdefault(tag_id, []).append((moment, verdict))
    return found


def looking_ahead(
    connection: Connection, asked: Sequence[tuple[int, datetime]]
) -> set[tuple[int, datetime]]:
    """Return the work units and hours that may tell the hour before differently."""
    if not asked:
        return set()
    rows = connection.execute(
        _Q["looking_ahead"],
        {"units": [unit for unit, _ in asked], "hours": [hour for _, hour in asked]},
    )
    return {(unit, hour) for unit, hour in rows}


_COLUMNS = tuple(field.name for field in fields(JudgementRow))
_values = attrgetter(*_COLUMNS)
