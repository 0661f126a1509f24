"""Rows of sources without outbox ids: no ledger knows their repetitions, the tables do.

The caller keeps other workers from the same rows meanwhile.
"""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from ingest.commit.lag import Lags
from ingest.commit.new_rows import (
    NewRows,
    dirty_hours,
    joined,
    number_columns,
    row_rejections,
    text_columns,
)
from ingest.commit.stored import stored_rows
from ingest.validation.registry import Registry, TagColumns
from ingest.validation.validation import ACCEPTED, Rows, verdicts
from plant.measurement import Value
from store.delivery.row import DeliveryTransaction
from store.rejection.rejection import Rejection


def write_unnumbered(
    transaction: DeliveryTransaction,
    registry: Registry,
    parts: Sequence[NewRows],
    may_repeat: NDArray[np.bool_],
    lags: Lags,
    future_tolerance_us: int,
    now: datetime,
) -> tuple[NDArray[np.int8], NDArray[np.bool_], list[Rejection]]:
    """Write the rows that can be accepted and are not stored yet.

    `may_repeat` tells of each row, shape (n,), whether it may be stored already. What is
    written is noted in `lags`. Returns the verdict on each row, whether it was written, and what is
    to be stored of those refused.
    """
    rows, tags = joined(parts, registry), registry.columns
    verdict = verdicts(rows, tags, future_tolerance_us)
    accepted = verdict == ACCEPTED
    fresh = write_rows(transaction, rows, accepted, may_repeat, tags, now)
    lags.note(parts, rows.source_us, fresh)
    return verdict, fresh, list(row_rejections(parts, rows, verdict, tags))


def write_rows(
    transaction: DeliveryTransaction,
    rows: Rows,
    accepted: NDArray[np.bool_],
    may_repeat: NDArray[np.bool_],
    tags: TagColumns,
    now: datetime,
) -> NDArray[np.bool_]:
    """Write the accepted rows that are not stored yet; return which ones, shape (n,)."""
    fresh = accepted & ~_repeated(transaction, rows, accepted, may_repeat, tags)
    numbers = number_columns(rows, fresh, tags)
    if len(numbers):
        transaction.write_numbers(numbers.by_tag())
    texts = text_columns(rows, fresh, tags)
    if len(texts):
        transaction.write_texts(texts)
    hours = dirty_hours(rows, fresh, tags)
    if hours:
        transaction.mark_dirty(hours, now)
    return fresh


def _repeated(
    transaction: DeliveryTransaction,
    rows: Rows,
    accepted: NDArray[np.bool_],
    may_repeat: NDArray[np.bool_],
    tags: TagColumns,
) -> NDArray[np.bool_]:
    """Tell which accepted rows that may be repetitions are: shape (n,).

    Of equal rows among them the first one stays, if none is stored.
    """
    suspect = accepted & may_repeat
    found = stored_rows(transaction, rows, suspect, tags)
    if suspect.any():
        seen: set[tuple[int, int, Value]] = set()
        # All accepted rows, not only those that may repeat: one of these may repeat one that may
        # not.
        for k in np.flatnonzero(accepted & ~found).tolist():
            key = (int(rows.position[k]), int(rows.source_us[k]), rows.value[k])
            if key in seen and may_repeat[k]:
                found[k] = True
            seen.add(key)
    return found
