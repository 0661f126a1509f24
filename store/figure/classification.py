"""What people say of stops: kept for ever, and given to the stops as they are derived anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.rows import class_row

from plant.errors import DataError
from store.engine.connection import Connection
from store.engine.queries import queries

_Q = queries("figure/classification")


@dataclass(frozen=True, slots=True)
class Classification:
    """The reason that a person gave for a stop."""

    unit_id: int
    stop_start: datetime
    """When the stop began, as the person saw it."""
    reason_code: str
    role: str
    """What the person is, such as `operator`; never a name."""
    client_id: UUID
    """Given by the page: the same id again is the same classification."""
    classified_at: datetime
    comment: str = ""


@dataclass(frozen=True, slots=True)
class ClassificationReceipt:
    """What became of a classification."""

    classification_id: int
    repeated: bool
    """Whether it had been received before; then nothing changed."""
    stop_start: datetime | None
    """The stop it holds for now; None when no stop lies there, or a later word holds."""


@dataclass(frozen=True, slots=True)
class UnclassifiedStop:
    """A stop while executing an order of which nobody and no machine has said why."""

    place: str
    start: datetime
    end: datetime | None
    element: str
    state: str | None
    stop_kind: str | None


def classify_stop(connection: Connection, said: Classification) -> ClassificationReceipt:
    """Keep a classification and give the stop its reason, in one transaction of its own.

    A classification is accepted also when its stop was derived anew in the meantime: it holds for
    whatever stop now lies in its time. Raises DataError `unknown_stop_reason` for a reason that
    the enterprise does not have, `client_id_reused` when the client id stands for another stop or
    reason.
    """
    with connection.transaction():
        unit = {"unit": said.unit_id}
        connection.execute(_Q["lock_stops"], unit)
        row = connection.execute(_Q["reason_known"], unit | {"reason": said.reason_code}).fetchone()
        if row is None or not row[0]:
            raise DataError("unknown_stop_reason", f"there is no stop reason {said.reason_code}")
        inserted = connection.execute(
            _Q["insert_classification"],
            {
                "unit": said.unit_id,
                "stop_start": said.stop_start,
                "reason": said.reason_code,
                "comment": said.comment,
                "role": said.role,
                "client_id": said.client_id,
                "classified_at": said.classified_at,
            },
        ).fetchone()
        found = inserted[0] if inserted else _earlier(connection, said)
        span = connection.execute(
            _Q["touched_span"],
            unit | {"stop_start": said.stop_start, "classification": found},
        ).fetchone()
        assert span is not None, "an aggregate returns a row"
        apply_classifications(connection, said.unit_id, span[0], span[1])
        holding = connection.execute(_Q["holding"], unit | {"classification": found}).fetchone()
        return ClassificationReceipt(found, inserted is None, holding[0] if holding else None)


def apply_classifications(
    connection: Connection, unit_id: int, start: datetime, end: datetime
) -> None:
    """Give the stops of a work unit that begin in `[start, end)` the reasons people gave.

    Call it in the transaction that rewrote them, after `lock_stops`.
    """
    connection.execute(_Q["apply_classifications"], {"unit": unit_id, "start": start, "end": end})


def lock_stops(connection: Connection, unit_id: int) -> None:
    """Keep others from classifying stops of a work unit until the transaction ends."""
    connection.execute(_Q["lock_stops"], {"unit": unit_id})


def unclassified_stops(
    connection: Connection,
    unit_ids: Sequence[int],
    start: datetime,
    end: datetime,
    *,
    now: datetime,
    at_least: timedelta = timedelta(0),
    limit: int = 100,
) -> list[UnclassifiedStop]:
    """Return stops without a reason that overlap `[start, end)`, newest first.

    `at_least` leaves out shorter ones; a stop that lasts is as long as it has lasted by `now`.
    """
    with connection.cursor(row_factory=class_row(UnclassifiedStop)) as cursor:
        return cursor.execute(
            _Q["unclassified_stops"],
            {
                "units": list(unit_ids),
                "start": start,
                "end": end,
                "now": now,
                "at_least": at_least,
                "limit": limit,
            },
        ).fetchall()


def _earlier(connection: Connection, said: Classification) -> int:
    row = connection.execute(_Q["find_classification"], {"client_id": said.client_id}).fetchone()
    assert row is not None, "the client id was refused because it is there"
    if tuple(row[1:]) != (said.unit_id, said.stop_start, said.reason_code):
        raise DataError("client_id_reused", f"client id {said.client_id} stands for another stop")
    return int(row[0])
