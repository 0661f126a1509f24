"""Events and what people say of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from plant.errors import DataError
from store.engine.connection import Connection
from store.engine.queries import queries

_Q = queries("anomaly/event")


@dataclass(frozen=True, slots=True)
class EventRow:
    """What is written of an event; found again, it is written again under the same name."""

    event_id: str
    work_unit_id: int
    model_id: int | None
    kind: str
    tag_id: int | None
    start_time: datetime
    opened_at: datetime
    end_time: datetime | None
    peak: float
    severity: float
    relearned: bool
    trial: bool
    causes: list[dict[str, Any]]
    context: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """An event with the words of people on it, as it is shown."""

    event_id: str
    work_unit_id: int
    place: str
    model_id: int | None
    kind: str
    tag_id: int | None
    tag: str | None
    tag_unit: str | None
    start_time: datetime
    opened_at: datetime
    end_time: datetime | None
    peak: float
    severity: float
    relearned: bool
    trial: bool
    causes: list[dict[str, Any]]
    """{tag, name, unit, share, deviation, actual, expected}"""
    context: dict[str, Any]
    final: bool
    """Late data cannot change it any more."""
    verdict: str | None
    """The last word: acknowledged, snoozed, not_anomaly, confirmed, or none."""
    snoozed_until: datetime | None
    cause: str | None
    stop_start: datetime | None
    said_at: datetime | None
    said_by: str | None


@dataclass(frozen=True, slots=True)
class Remark:
    """What somebody says of an event."""

    client_id: UUID
    event_id: str
    verdict: str
    said_at: datetime
    said_by: str
    snoozed_until: datetime | None = None
    cause: str = ""
    stop_start: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lesson:
    """A span that somebody called normal, learned from `learned_from` on; None: not yet."""

    remark_id: int
    start_time: datetime
    end_time: datetime
    learned_from: datetime | None


@dataclass(frozen=True, slots=True)
class Precision:
    """How right events of a machine were, by those that somebody judged."""

    work_unit_id: int
    place: str
    events: int
    confirmed: int
    false: int
    lead_median_s: float | None
    """From the event to the stop it led to."""


def write_events(connection: Connection, events: Sequence[EventRow]) -> None:
    """Write events, new or changed."""
    with connection.cursor() as cursor:
        cursor.executemany(
            _Q["write"],
            [
                {
                    "event_id": one.event_id,
                    "unit": one.work_unit_id,
                    "model": one.model_id,
                    "kind": one.kind,
                    "tag": one.tag_id,
                    "start_time": one.start_time,
                    "opened_at": one.opened_at,
                    "end_time": one.end_time,
                    "peak": one.peak,
                    "severity": one.severity,
                    "relearned": one.relearned,
                    "trial": one.trial,
                    "causes": Jsonb(one.causes),
                    "context": Jsonb(one.context),
                }
                for one in events
            ],
        )


def forget_events(connection: Connection, model_id: int, after: datetime) -> None:
    """Drop what a model found after a moment: it is looked for again."""
    connection.execute(_Q["forget"], {"model": model_id, "after": after})


def told_events(
    connection: Connection,
    units: Sequence[int],
    start: datetime,
    end: datetime,
    *,
    trial: bool | None = False,
    open_only: bool = False,
    event_id: str | None = None,
    limit: int = 200,
    behind: tuple[datetime, str] | None = None,
) -> list[ToldEvent]:
    """Return events that overlap `[start, end)`, newest first; `trial` None: of both kinds.

    With `behind`, those that come behind an event: when it began, and its id.
    """
    before, event_behind = behind or (end, "")
    asked = {
        "units": list(units),
        "start": start,
        "end": end,
        "trial": trial,
        "open_only": open_only,
        "event": event_id,
        "before": before,
        "behind": event_behind,
        "limit": limit,
    }
    with connection.cursor(row_factory=class_row(ToldEvent)) as cursor:
        return cursor.execute(_Q["told"], asked).fetchall()


def remark(connection: Connection, said: Remark) -> bool:
    """Keep a remark; return False when its `client_id` was there before.

    Raises DataError `unknown_event` when there is no such event.
    """
    row = connection.execute(
        _Q["remark"],
        {
            "client_id": said.client_id,
            "event": said.event_id,
            "verdict": said.verdict,
            "snoozed_until": said.snoozed_until,
            "cause": said.cause,
            "stop_start": said.stop_start,
            "said_at": said.said_at,
            "said_by": said.said_by,
        },
    ).fetchone()
    if row is not None:
        return True
    # Nothing was inserted: either it is a repetition, or there is no such event.
    known = connection.execute(_Q["known_remark"], {"client_id": said.client_id}).fetchone()
    if known is None:
        raise DataError("unknown_event", f"there is no event {said.event_id}")
    return False


def lessons(connection: Connection, model_id: int) -> list[Lesson]:
    """Return what people called normal of a model's events, in the order it was said."""
    with connection.cursor(row_factory=class_row(Lesson)) as cursor:
        return cursor.execute(_Q["lessons"], {"model": model_id}).fetchall()


def models_with_lessons(connection: Connection) -> set[int]:
    """Return the models of which people called an event normal."""
    return {row[0] for row in connection.execute(_Q["models_with_lessons"])}


def mark_learned(connection: Connection, remark_id: int, moment: datetime) -> None:
    """Keep from which moment on a lesson counts, so that a repetition learns it there again."""
    connection.execute(_Q["mark_learned"], {"remark": remark_id, "moment": moment})


def precisions(
    connection: Connection, units: Sequence[int], start: datetime, end: datetime
) -> list[Precision]:
    """Return precision and lead time of machines by events that began in `[start, end)`."""
    asked = {"units": list(units), "start": start, "end": end}
    with connection.cursor(row_factory=class_row(Precision)) as cursor:
        return cursor.execute(_Q["precision"], asked).fetchall()


@dataclass(frozen=True, slots=True)
class OpenEvent:
    """An event that no model follows, and that still lasts."""

    event_id: str
    work_unit_id: int
    tag_id: int | None
    context: dict[str, Any]


def open_events(connection: Connection, kind: str) -> list[OpenEvent]:
    """Return the events of a kind that still last."""
    rows = connection.execute(_Q["open_events"], {"kind": kind})
    return [OpenEvent(*row) for row in rows]


def end_events(connection: Connection, model_id: int, end: datetime) -> None:
    """Close what a model had found and follows no more."""
    connection.execute(_Q["end_all"], {"model": model_id, "end_time": end})


def end_event(connection: Connection, event_id: str, end: datetime) -> None:
    """Close an event that no model follows."""
    connection.execute(_Q["end"], {"event": event_id, "end_time": end})
