"""Keeping what could not be accepted, within the transaction of whoever refused it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from store.engine.connection import Connection
from store.engine.queries import queries

_Q = queries("rejection/rejection")


@dataclass(frozen=True, slots=True)
class Rejection:
    """What could not be accepted, with its raw form; texts are free of NUL characters."""

    received_time: datetime
    topic: str
    reason: str
    detail: str
    raw: bytes
    edge_id: int | None = None
    epoch: str | None = None
    row_id: int | None = None
    """Outbox id of the measurement, or the first one of a whole message."""
    tag_name: str | None = None
    once: bool = False
    """Not written again while the same topic, reason, epoch and id are there: it will repeat."""


def write_rejections(connection: Connection, rejections: Sequence[Rejection]) -> None:
    """Append to `rejection`, within the transaction of a connection."""
    once = [asdict(rejection) for rejection in rejections if rejection.once]
    if once:
        columns = {name: [row[name] for row in once] for name in once[0]}
        connection.execute(_Q["insert_rejections_once"], columns, prepare=False)
    plain = [rejection for rejection in rejections if not rejection.once]
    if not plain:
        return
    with connection.cursor() as cursor, cursor.copy(_Q["copy_rejections"]) as copy:
        for row in plain:
            copy.write_row(
                (
                    row.received_time,
                    row.topic,
                    row.edge_id,
                    row.epoch,
                    row.row_id,
                    row.tag_name,
                    row.reason,
                    row.detail,
                    row.raw,
                )
            )
