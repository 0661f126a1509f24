"""Rows of sources without outbox ids: no ledger knows their repetitions, the tables do.

The caller keeps other workers from the same rows meanwhile.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from ingest.commit.lag import Lags
from ingest.commit.many_refused import few
from ingest.commit.new_rows import (
    NewRows,
    dirty_hours,
    joined,
    number_columns,
    row_rejections,
    text_columns,
)
from ingest.commit.outcome import Outcome
from ingest.commit.stored import stored_rows
from ingest.decoding.column import Kind
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
    outcome: Outcome,
    future_tolerance_us: int,
    now: datetime,
) -> tuple[NDArray[np.bool_], list[Rejection]]:
    """Write the rows that can be accepted and are not stored yet, and count all of them.

    `may_repeat` tells of each row, shape (n,), whether it may be stored already. What is
    written is noted in `lags`. Returns which rows are news, written or refused, shape (n,), and
    what is to be stored of those refused: of very many of one message, that message.
    """
    rows, tags = joined(parts, registry), registry.columns
    verdict = verdicts(rows, tags, future_tolerance_us)
    accepted = verdict == ACCEPTED
    fresh = write_rows(transaction, rows, accepted, may_repeat, tags, now)
    lags.note(parts, rows.source_us, fresh)
    allowed, written = int(accepted.sum()), int(fresh.sum())
    outcome.count_rows(
        written=written, duplicate=allowed - written, rejected=len(verdict) - allowed
    )
    if accepted.all():
        return fresh, []
    each = list(_with_refused_apart(parts, verdict))
    refused = list(row_rejections(each, rows, verdict, tags))
    return fresh | ~accepted, list(few(each, verdict, refused))


def _with_refused_apart(parts: Sequence[NewRows], verdict: NDArray[np.int8]) -> Iterator[NewRows]:
    """Yield the parts, but each message by itself where some are refused: ids are places in it."""
    start = 0
    for part in parts:
        own = verdict[start : start + len(part)]
        start += len(part)
        if (own == ACCEPTED).all():
            yield part
            continue
        for parcel in part.parcel.apart(numbered=False):
            yield NewRows(parcel, part.edge, [(parcel.ids.start, parcel.ids.stop)])


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
        # Among all accepted rows, not only those that may repeat: one of these may repeat one that
        # may not.
        found |= _again(rows, accepted & ~found) & may_repeat
    return found


def _again(rows: Rows, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which of the chosen rows equal one before them: shape (n,)."""
    found = np.zeros(len(rows), np.bool_)
    is_text = chosen & (rows.kind != Kind.NUMBER) & (rows.kind != Kind.NOTHING)
    (places,) = np.nonzero(chosen & ~is_text)
    # Nothing equals nothing, which NaN does not; and both zeros are one.
    value = np.where(rows.kind == Kind.NOTHING, 0.0, rows.number + 0.0)
    keys = [column[places] for column in (rows.position, rows.source_us, rows.kind, value)]
    # The sort is stable: the first of equal rows stays the first.
    order = np.lexsort(keys)
    same = np.ones(max(len(order) - 1, 0), np.bool_)
    for key in keys:
        same &= key[order][1:] == key[order][:-1]
    found[places[order[1:][same]]] = True
    seen: set[tuple[int, int, Value]] = set()
    for k in np.flatnonzero(is_text).tolist():
        one = (int(rows.position[k]), int(rows.source_us[k]), rows.value[k])
        found[k] = one in seen
        seen.add(one)
    return found
