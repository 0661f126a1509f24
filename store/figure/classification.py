"""What people say of stops: kept for ever, and given to the stops as they are derived anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

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
    whatever stop now lies in its time. One that begins within a stop to which a person gave a
    reason before divides the stop there: the first reason stays with the first part. Raises
    DataError `unknown_stop_reason` for a reason that the enterprise does not have,
    `client_id_reused` when the client id stands for another stop or reason.
    """
    with connection.transaction():
        unit = {"unit": said.unit_id}
        # Analytics takes the same lock to derive stops anew: a reason could else go to one that is
        # just being deleted, and nothing would give it to the next.
        connection.execute(_Q["lock_stops"], unit)
        row = connection.execute(_Q["reason_known"], unit | {"reason": said.reason_code}).fetchone()
        if row is None or not row[0]:
            raise DataError("unknown_stop_reason", f"there is no stop reason {said.reason_code}")
        divides = _divides(connection, said)
        inserted = connection.execute(
            _Q["insert_classification"],
            {
                "unit": said.unit_id,
                "divides": divides,
                "stop_start": said.stop_start,
                "reason": said.reason_code,
                "comment": said.comment,
                "role": said.role,
                "client_id": said.client_id,
                "classified_at": said.classified_at,
            },
        ).fetchone()
        found = inserted[0] if inserted else _earlier(connection, said)
        if divides and inserted:
            said_of_half = Division(
                said.unit_id, said.stop_start, "split", said.role, uuid4(), said.classified_at
            )
            _keep_division(connection, said_of_half)
        span = connection.execute(
            _Q["touched_span"],
            unit | {"stop_start": said.stop_start, "classification": found},
        ).fetchone()
        assert span is not None, "an aggregate returns a row"
        apply_classifications(connection, said.unit_id, span[0], span[1])
        holding = connection.execute(_Q["holding"], unit | {"classification": found}).fetchone()
        return ClassificationReceipt(found, inserted is None, holding[0] if holding else None)


@dataclass(frozen=True, slots=True)
class Division:
    """Where a person divides a stop, joins one to the stop before it, or takes either back."""

    unit_id: int
    moment: datetime
    kind: str
    """`split`, `merge` or `none`."""
    role: str
    client_id: UUID
    said_at: datetime


def divide_stops(connection: Connection, said: Division) -> bool:
    """Keep a division and mark its hour, in one transaction of its own; stops follow in a moment.

    Returns whether it is new. Raises DataError `no_stop_to_divide` where no stop goes on over the
    moment, `no_stops_to_join` where no stop begins there or none lies before it.
    """
    with connection.transaction():
        asked = {"unit": said.unit_id, "moment": said.moment}
        connection.execute(_Q["lock_stops"], asked)
        if said.kind == "split":
            holder = connection.execute(_Q["holder"], asked).fetchone()
            if holder is None:
                raise DataError("no_stop_to_divide", f"no stop goes on over {said.moment}")
        if said.kind == "merge":
            before = connection.execute(_Q["stop_before"], asked).fetchone()
            if before is None or before[0] is None:
                raise DataError("no_stops_to_join", f"no two stops meet at {said.moment}")
        return _keep_division(connection, said)


def _divides(connection: Connection, said: Classification) -> bool:
    """Tell whether a reason is for the second part of a stop that a person named before."""
    asked = {"unit": said.unit_id, "moment": said.stop_start}
    holder = connection.execute(_Q["holder"], asked).fetchone()
    return holder is not None and holder[0] < said.stop_start and bool(holder[1])


def _keep_division(connection: Connection, said: Division) -> bool:
    columns = {
        "unit": said.unit_id,
        "moment": said.moment,
        "kind": said.kind,
        "role": said.role,
        "client_id": said.client_id,
        "said_at": said.said_at,
    }
    kept = connection.execute(_Q["insert_division"], columns).fetchone() is not None
    if kept:
        connection.execute(_Q["mark_stop_dirty"], columns)
    return kept


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
