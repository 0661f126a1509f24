"""Whole messages that are refused: what is kept of them, and what their edges are told."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from ingest.commit.new_rows import readable
from ingest.decoding.parcel import RefusedParcel
from ingest.group.isolation import SET_ASIDE
from plant.native.message import MAX_REFUSALS, Refusal
from store.delivery.row import LedgerKey
from store.rejection.rejection import Rejection

# Refused for a cause outside the message, so the edge is to send it again: no id is settled.
CURABLE = frozenset(
    {"unknown_edge", "edge_revoked", "not_enrolled", "no_birth", "scattered_ids", SET_ASIDE}
)

_TOLD = 200
"""Characters of an example."""


def rejection_of(parcel: RefusedParcel, edge_id: int | None, *, once: bool = False) -> Rejection:
    """Return a refused message as it is stored, its raw form whole.

    One whose rejection the database refused once before may come again and again, so its content
    tells it apart.
    """
    message = parcel.message
    own = parcel.origin is not None
    return Rejection(
        received_time=message.received_time,
        topic=message.topic.replace("\0", "\ufffd"),
        reason=parcel.reason,
        detail=readable(parcel.detail),
        raw=message.payload,
        edge_id=edge_id,
        epoch=hashlib.sha256(message.payload).hexdigest()[:32] if own else parcel.epoch,
        row_id=parcel.ids.start if parcel.ids else 0,
        once=once or own,
    )


Untold = dict[int, list[Refusal]]
"""By edge, what was refused of its last birth and no ack has told yet."""


def refusals_of_birth(rejections: Sequence[Rejection]) -> list[Refusal]:
    """Return the refused tags of a birth as an ack tells them."""
    return [
        Refusal(rejection.reason, 1, rejection.tag_name, rejection.detail[:_TOLD])
        for rejection in rejections[:MAX_REFUSALS]
    ]


@dataclass(slots=True)
class Refusals:
    """What one transaction refused of each edge, summed up for its ack."""

    _of: dict[LedgerKey, dict[tuple[str, str | None], Refusal]] = field(default_factory=dict)

    def note(self, key: LedgerKey, reason: str, count: int, tag: str | None, detail: str) -> None:
        """Add refused measurements, or a message without any."""
        known = self._of.setdefault(key, {})
        former = known.get((reason, tag))
        if former is None and len(known) >= MAX_REFUSALS:
            return
        known[reason, tag] = Refusal(
            reason,
            count + (former.count if former else 0),
            tag,
            former.detail if former else detail[:_TOLD],
        )

    def of(self, key: LedgerKey) -> list[Refusal] | None:
        """Return what was refused of an edge's epoch; None for nothing."""
        known = self._of.get(key)
        return list(known.values()) if known else None
