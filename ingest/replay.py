"""Rejections are tried again, once the cause is mended: what is accepted now is written once."""

from dataclasses import dataclass, replace
from time import monotonic

import msgspec
import numpy as np

from ingest.message import Message
from ingest.new_rows import (
    NewRows,
    dirty_hours,
    joined,
    number_columns,
    row_rejections,
    text_columns,
)
from ingest.parcel import DataParcel, Parcel, RefusedParcel, open_parcel
from ingest.registry import Registry
from ingest.settings import IngestSettings, LimitSettings
from ingest.transaction import CURABLE
from ingest.validation import ACCEPTED, Reason, verdicts
from plant.clock import Clock
from plant.errors import DataError
from plant.idset import IdSet
from plant.native import SCHEMA, DataBatch, EdgeAddress, encode, parse_topic
from store.delivery import PostgresDeliveryStore, PostgresDeliveryTransaction
from store.delivery_row import LedgerKey, LedgerRow, OpenRejection

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did."""

    examined: int = 0
    """Rejections."""
    settled: int = 0
    """Rejections whose cause is gone."""
    written: int = 0
    """Measurements."""

    def plus(self, other: "Replayed") -> "Replayed":
        """Return the sum."""
        return Replayed(
            self.examined + other.examined,
            self.settled + other.settled,
            self.written + other.written,
        )


def replay_rejected(settings: IngestSettings, reason: str) -> Replayed:
    """Try all waiting rejections of a reason again.

    What is accepted is written and its rejection marked in one transaction; the rest stays as it
    is. An ingest may be running. Raises StoreUnavailableError when the database is away: what was
    done until then is done.
    """
    store = PostgresDeliveryStore(settings.database)
    total, after = Replayed(), 0
    try:
        while True:
            with store.transaction() as transaction:
                waiting = transaction.open_rejections(reason, after, _AT_ONCE)
                if not waiting:
                    return total
                replay = _Replay(transaction, settings.limits, settings.make_clock())
                total = total.plus(replay.apply(waiting))
                after = waiting[-1].rejection_id
    finally:
        store.close()


class _Replay:
    """One transaction of a replay."""

    def __init__(
        self, transaction: PostgresDeliveryTransaction, limits: LimitSettings, clock: Clock
    ) -> None:
        self._transaction = transaction
        self._limits = limits
        self._now = clock()
        self._registry = Registry(monotonic, limits.require_enrolment)
        self._ledgers: dict[LedgerKey, LedgerRow] = {}

    def apply(self, waiting: list[OpenRejection]) -> Replayed:
        """Write what is accepted now, and mark its rejections."""
        opened = [(row, _opened(row, self._limits)) for row in waiting]
        readable = [(row, parcel) for row, parcel in opened if isinstance(parcel, DataParcel)]
        self._registry.refresh(self._transaction, {parcel.address for _, parcel in readable})
        parts = [
            (row, NewRows(parcel, edge, [(parcel.ids.start, parcel.ids.stop)]))
            for row, parcel in readable
            if (edge := self._registry.edge(parcel.address)) and self._registry.has_tags(edge)
        ]
        self._ledgers = self._transaction.lock_ledgers(
            {(part.edge.edge_id, part.parcel.epoch) for _, part in parts}
        )
        written, settled = 0, []
        for row, part in parts:
            count = self._write(row, part)
            if count is not None:
                written += count
                settled.append(row.rejection_id)
        self._transaction.save_ledgers(list(self._ledgers.values()), {})
        self._transaction.mark_replayed(settled, self._now)
        return Replayed(len(waiting), len(settled), written)

    def _write(self, rejection: OpenRejection, part: NewRows) -> int | None:
        """Return how many measurements were written; None when it stays rejected."""
        key = (part.edge.edge_id, part.parcel.epoch)
        ledger = self._ledgers[key]
        curable = rejection.reason in CURABLE
        if curable:
            # No id was settled, so the edge may have sent it again since.
            ids = part.parcel.ids
            part = replace(part, spans=ledger.committed.missing(ids.start, ids.stop))
            if not part.spans:
                return 0
        rows, tags = joined([part], self._registry), self._registry.columns
        tolerance_us = int(self._limits.future_tolerance_s * 1_000_000)
        verdict = verdicts(rows, tags, tolerance_us)
        accepted = verdict == ACCEPTED
        if not accepted.any() and not curable:
            return None
        numbers = number_columns(rows, accepted, tags)
        texts = text_columns(rows, accepted, tags)
        single = rejection.tag_name is not None
        if single or curable:
            # The rejection, or the ledger, says that they are not there.
            written = len(numbers) + len(texts)
            self._transaction.stream_numbers([numbers])
            if len(texts):
                self._transaction.write_texts(texts)
        else:
            # Some ids of a refused message may have come in another message before.
            written = self._transaction.write_new_numbers(numbers)
            written += self._transaction.write_new_texts(texts)
        if not single:
            self._transaction.write_rejections(list(row_rejections([part], rows, verdict, tags)))
        hours = dirty_hours(rows, accepted, tags)
        if hours:
            self._transaction.mark_dirty(hours, self._now)
        refused = int(np.count_nonzero(~accepted))
        self._ledgers[key] = replace(
            ledger,
            committed=ledger.committed.union(IdSet.of(part.spans)),
            rejected_count=max(
                0, ledger.rejected_count + (refused if curable else -int(accepted.sum()))
            ),
        )
        return written


def _opened(row: OpenRejection, limits: LimitSettings) -> Parcel:
    """Return what a rejection holds, as a message of its own."""
    message = Message(row.topic, row.raw, row.received_time)
    if row.reason not in set(Reason):
        return open_parcel(message, limits)
    try:
        address, _ = parse_topic(row.topic)
        content = _row_decoder.decode(row.raw)
    except (DataError, msgspec.MsgspecError) as exc:
        return RefusedParcel(message, "malformed", str(exc))
    return _single(message, address, row, content, limits)


class _Row(msgspec.Struct, frozen=True):
    """One rejected measurement, as `ingest.validation.raw_row` keeps it."""

    id: int
    tag: str
    time_us: int
    value: float | int | str | bool | None
    quality: int


_row_decoder = msgspec.json.Decoder(_Row)


def _single(
    message: Message, address: EdgeAddress, row: OpenRejection, content: _Row, limits: LimitSettings
) -> Parcel:
    batch = DataBatch(
        SCHEMA,
        row.epoch or "",
        content.id,
        content.id,
        0,
        [content.tag],
        [0],
        [content.time_us],
        [content.value],
        [content.quality],
    )
    parcel = open_parcel(replace(message, payload=encode(batch)), limits)
    assert isinstance(parcel, RefusedParcel) or parcel.address == address
    return parcel
