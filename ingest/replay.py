"""Rejections are tried again, once the cause is mended: what is accepted now is written once."""

from dataclasses import dataclass, replace
from functools import partial
from time import monotonic

import numpy as np

from ingest.commit.new_rows import NewRows, joined, row_rejections
from ingest.commit.refusal import CURABLE
from ingest.commit.unnumbered import write_rows
from ingest.settings import IngestSettings, LimitSettings
from ingest.validation.kept_file import KeptFile
from ingest.validation.registry import Registry
from ingest.validation.rejected import is_numbered, opened_rejection
from ingest.validation.validation import ACCEPTED, verdicts
from plant.clock import Clock
from plant.delivery.idset import IdSet
from plant.errors import DataError, TransientError
from store.delivery.row import LedgerKey, LedgerRow, OpenRejection
from store.delivery.store import PostgresDeliveryStore, PostgresDeliveryTransaction
from store.rejection.rejection import Rejection

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
    is. What waits in the file beside the ingest is put into the database first, as far as it takes
    it. An ingest may be running. Raises StoreUnavailableError when the database is away: what was
    done until then is done.
    """
    store = PostgresDeliveryStore(settings.database)
    total, after, limit = Replayed(), 0, _AT_ONCE
    kept_file = KeptFile(settings.kept_file)
    try:
        kept_file.drain(partial(_stored, store))
        while True:
            waiting: list[OpenRejection] = []
            try:
                with store.transaction() as transaction:
                    waiting = transaction.open_rejections(reason, after, limit)
                    if not waiting:
                        return total
                    replay = _Replay(transaction, settings.limits, settings.make_clock())
                    done = replay.apply(waiting)
            except (DataError, TransientError):
                # Out of locks, say, may be one rejection's doing, as it was before.
                if not waiting or store.obstacle() is not None:
                    raise
                # The database refuses one of them still: it must not hold up the others.
                if len(waiting) > 1:
                    limit = len(waiting) // 2
                    continue
                done = Replayed(examined=1)
            total = total.plus(done)
            after, limit = waiting[-1].rejection_id, _AT_ONCE
    finally:
        store.close()


def _stored(store: PostgresDeliveryStore, rejection: Rejection) -> bool:
    """Store what was kept in the file beside the ingest; return whether the database takes it."""
    try:
        with store.transaction() as transaction:
            transaction.write_rejections([rejection])
    except DataError:
        return False
    return True


class _Replay:
    """One transaction of a replay."""

    def __init__(
        self, transaction: PostgresDeliveryTransaction, limits: LimitSettings, clock: Clock
    ) -> None:
        self._transaction = transaction
        self._limits = limits
        self._tolerance_us = limits.future_tolerance_us
        self._now = clock()
        self._registry = Registry(monotonic, limits.require_enrolment, limits.max_tags)
        self._ledgers: dict[LedgerKey, LedgerRow] = {}

    def apply(self, waiting: list[OpenRejection]) -> Replayed:
        """Write what is accepted now, and mark its rejections."""
        edges = {edge.edge_id: edge for edge in self._transaction.edges()}
        opened = [(row, opened_rejection(row, edges, self._limits)) for row in waiting]
        known = [(row, data) for row, data in opened if data is not None]
        self._registry.refresh(self._transaction, {data.address for _, data in known})
        parts = [
            (row, NewRows(data, edge, [(data.ids.start, data.ids.stop)]))
            for row, data in known
            if (edge := self._registry.edge(data.address)) and self._registry.has_tags(edge)
        ]
        self._ledgers = self._transaction.lock_ledgers(
            {(part.edge.edge_id, part.parcel.epoch) for row, part in parts if is_numbered(row)}
        )
        for site_id in sorted(
            {part.edge.site_id for row, part in parts if self._compares(row, part)}
        ):
            self._transaction.lock_site(site_id)
        written, settled = 0, []
        for row, part in parts:
            count = self._write(row, part) if is_numbered(row) else self._write_device(row, part)
            if count is not None:
                written += count
                settled.append(row.rejection_id)
        self._transaction.save_ledgers(list(self._ledgers.values()), {})
        self._transaction.mark_replayed(settled, self._now)
        return Replayed(len(waiting), len(settled), written)

    def _compares(self, rejection: OpenRejection, part: NewRows) -> bool:
        """Tell whether the tables, not a ledger alone, say what is there already."""
        key = (part.edge.edge_id, part.parcel.epoch)
        # Another life of the outbox may have read the source again, and brought the same rows.
        return not is_numbered(rejection) or self._ledgers[key].has_others

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
        # The rejection, or the ledger, says that they are not there. But some ids of a message
        # refused for good may have come in another message before.
        may_repeat = not (_is_single(rejection) or curable) or ledger.has_others
        accepted, written = self._judge_and_write(
            rejection, part, may_repeat=may_repeat, settles_always=curable
        )
        if accepted is None:
            return None
        refused = len(part) - accepted
        # Of a message that was refused for some of its rows, the others are there.
        undone = accepted if _is_single(rejection) else written
        self._ledgers[key] = replace(
            ledger,
            committed=ledger.committed.union(IdSet.of(part.spans)),
            rejected_count=max(0, ledger.rejected_count + (refused if curable else -undone)),
        )
        return written

    def _write_device(self, rejection: OpenRejection, part: NewRows) -> int | None:
        accepted, written = self._judge_and_write(
            rejection, part, may_repeat=True, settles_always=False
        )
        return None if accepted is None else written

    def _judge_and_write(
        self, rejection: OpenRejection, part: NewRows, *, may_repeat: bool, settles_always: bool
    ) -> tuple[int | None, int]:
        """Return how many rows can be accepted now, None when all stay rejected, and are written.

        Of a whole message, the rows that are still refused become rejections of their own.
        """
        rows, tags = joined([part], self._registry), self._registry.columns
        verdict = verdicts(rows, tags, self._tolerance_us)
        accepted = verdict == ACCEPTED
        if not accepted.any() and not settles_always:
            return None, 0
        flags = np.full(len(part), may_repeat, np.bool_)
        written = write_rows(self._transaction, rows, accepted, flags, tags, self._now)
        if not _is_single(rejection):
            refused = list(row_rejections([part], rows, verdict, tags))
            self._transaction.write_rejections(refused)
        return int(np.count_nonzero(accepted)), int(np.count_nonzero(written))


def _is_single(rejection: OpenRejection) -> bool:
    """Tell whether one measurement was rejected, not a message."""
    return rejection.tag_name is not None
