"""What counters showed that is no plain growth, and what people say of such readings."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from uuid import UUID

from plant.errors import DataError
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


@dataclass(frozen=True, slots=True)
class VerdictSaid:
    """What a person says of a reading of a counter."""

    unit_id: int
    tag: str
    """Name of the tag."""
    moment: datetime
    """Source time of the reading."""
    verdict: str
    """`ignore`, `count`, `reset`, `wrap`, `nothing`, or `rules` to take back what was said."""
    comment: str
    role: str
    client_id: UUID
    said_at: datetime


def keep_verdict(connection: Connection, said: VerdictSaid) -> bool:
    """Keep what a person says of a reading and mark its hour, in one transaction of its own.

    Returns whether it is new. Raises DataError `not_judged` for a reading that was not judged.
    """
    with connection.transaction():
        asked = {"unit": said.unit_id, "tag": said.tag, "moment": said.moment}
        row = connection.execute(_Q["judged_tag"], asked).fetchone()
        if row is None:
            raise DataError("not_judged", f"no reading of {said.tag} at {said.moment} was judged")
        columns = {
            "tag_id": row[0],
            "moment": said.moment,
            "verdict": said.verdict,
            "comment": said.comment,
            "role": said.role,
            "client_id": said.client_id,
            "said_at": said.said_at,
        }
        kept = connection.execute(_Q["insert_verdict"], columns).fetchone() is not None
        if kept:
            connection.execute(_Q["mark_judged_dirty"], columns)
        return kept


_COLUMNS = tuple(field.name for field in fields(JudgementRow))
_values = attrgetter(*_COLUMNS)
