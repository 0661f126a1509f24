"""Rows of an edge that other epochs may have brought already: compared with what these brought.

An outbox that was wiped or set back to an old copy begins a new epoch, and its source may be read
again from where the copy ends. The ledger of an epoch knows its own ids only, so what lies in the
time of another epoch is compared with what is stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from ingest.commit.stored import stored_rows
from ingest.validation.registry import TagColumns
from ingest.validation.validation import Rows
from plant.clock import microseconds
from store.delivery.row import DeliveryTransaction, LedgerKey, LedgerRow


@dataclass(frozen=True, slots=True)
class Overlap:
    """What of an epoch may have come with others: what is not newer than their last commit."""

    until: datetime
    """When the other epochs of the edge last brought something."""
    future_tolerance_us: int
    """How far ahead of its arrival a source time may be."""

    def suspects(self, source_us: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which rows may be there, by their source times: shape (n,)."""
        # The tolerance, as `until` is a time of arrival: a row that had come by then may bear a
        # source time that far ahead of it.
        return source_us <= microseconds(self.until) + self.future_tolerance_us

    def stored(
        self,
        transaction: DeliveryTransaction,
        rows: Rows,
        accepted: NDArray[np.bool_],
        tags: TagColumns,
    ) -> NDArray[np.bool_]:
        """Tell which of the accepted rows the other epochs brought: shape (n,)."""
        suspect = accepted & self.suspects(rows.source_us)
        # What arrived after `until` is of this very epoch. Its repeats are the ledger's matter, and
        # two equal rows under two ids of one life are two measurements.
        return stored_rows(transaction, rows, suspect, tags, self.until)


def overlap(
    key: LedgerKey,
    ledgers: Mapping[LedgerKey, LedgerRow],
    committed_at: Mapping[LedgerKey, datetime],
    future_tolerance_us: int,
) -> Overlap | None:
    """Return what an epoch has in common with others; None for the only epoch of its edge.

    `ledgers` and `committed_at` are those of the present transaction, whose own epochs may meet.
    """
    edge_id, _ = key
    moments = [
        ledgers[key].others_until,
        *(committed_at.get(other) for other in ledgers if other[0] == edge_id and other != key),
    ]
    known = [moment for moment in moments if moment is not None]
    return Overlap(max(known), future_tolerance_us) if known else None
