"""Parts found bad later than they were made: what is booked now amends the hour of production."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from plant.errors import DataError
from store.connection import Connection
from store.queries import queries

_Q = queries("correction")


@dataclass(frozen=True, slots=True)
class QuantityCorrection:
    """Parts that were counted as good and are not."""

    unit_id: int
    kind: Literal["scrap", "rework"]
    quantity: float
    """Negative for parts that are good after all: so a wrong booking is taken back."""
    produced_at: datetime
    """When they were made: the figures of that moment change."""
    booked_at: datetime
    role: str
    """What the person or system is that books; never a name."""
    client_id: UUID
    """Given by whoever books: the same id again is the same booking."""
    reason_code: str | None = None
    comment: str = ""


def correct_quantity(connection: Connection, booked: QuantityCorrection) -> int:
    """Keep a correction and have its hour computed again; return its id, repeated or not.

    Raises DataError `produced_later` when the parts were made after they were booked and
    `client_id_reused` when the client id stands for another correction.
    """
    if booked.produced_at > booked.booked_at:
        raise DataError("produced_later", "parts cannot be booked before they are made")
    with connection.transaction():
        inserted = connection.execute(_Q["insert_correction"], asdict(booked)).fetchone()
        if inserted is not None:
            connection.execute(
                _Q["mark_hour"],
                {
                    "unit_id": booked.unit_id,
                    "produced_at": booked.produced_at,
                    "booked_at": booked.booked_at,
                },
            )
            return int(inserted[0])
        row = connection.execute(_Q["find_correction"], {"client_id": booked.client_id}).fetchone()
    assert row is not None, "the client id was refused because it is there"
    said = (booked.unit_id, booked.kind, booked.quantity, booked.produced_at)
    if tuple(row[1:]) != said:
        raise DataError("client_id_reused", f"client id {booked.client_id} stands for another one")
    return int(row[0])
