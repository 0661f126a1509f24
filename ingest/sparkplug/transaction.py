"""One transaction: what a group of Sparkplug deliveries changes, and what became of each.

There are no outbox ids, so no ledger: what may be a repetition is compared with what is stored, by
tag, source time and value.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from ingest.birth import Site, tag_changes
from ingest.new_rows import (
    NewRows,
    dirty_hours,
    joined,
    number_columns,
    readable,
    row_rejections,
    text_columns,
)
from ingest.registry import Registry, TagColumns
from ingest.selfstat import Tally
from ingest.sparkplug.delivery import Delivery, Presence, Refusal
from ingest.transaction import Outcome
from ingest.validation import ACCEPTED, Rows, verdicts
from plant.measurement import Value
from plant.native import TagDeclaration
from store.delivery_row import DeliveryTransaction, EdgeRow, Rejection, StatusRow

_KEPT_BYTES = 65_536
"""Bytes kept of a message that is refused."""
_ONCE_ROW = 0


class SparkplugTransaction:
    """Applies deliveries within an open database transaction."""

    def __init__(
        self,
        transaction: DeliveryTransaction,
        registry: Registry,
        now: datetime,
        future_tolerance_us: int,
    ) -> None:
        self._transaction = transaction
        self._registry = registry
        self._now = now
        self._future_tolerance_us = future_tolerance_us
        self._rejections: list[Rejection] = []
        self._outcome = Outcome()

    def apply(self, deliveries: Sequence[Delivery]) -> Outcome:
        """Write everything and return what is to be counted once it is committed."""
        self._registry.refresh(
            self._transaction, (one.address for one in deliveries if one.address)
        )
        parts: list[tuple[NewRows, Sequence[bool]]] = []
        for delivery in deliveries:
            edge = self._registry.edge(delivery.address) if delivery.address else None
            if edge is None and not delivery.refused_whole:
                self._refuse_stranger(delivery)
                continue
            for refusal in delivery.refusals:
                self._refuse(delivery, refusal, edge)
            if edge is not None:
                parts += self._take(delivery, edge)
            self._count_message(delivery)
        if parts:
            self._write(parts)
        if self._rejections:
            self._transaction.write_rejections(self._rejections)
        return self._outcome

    def _take(self, delivery: Delivery, edge: EdgeRow) -> Iterator[tuple[NewRows, Sequence[bool]]]:
        if delivery.presence is not None:
            self._transaction.save_status(_status(edge, delivery.epoch, delivery.presence))
        if delivery.tags:
            self._declare(delivery, edge, delivery.tags)
        if delivery.data is not None:
            ids = delivery.data.ids
            yield NewRows(delivery.data, edge, [(ids.start, ids.stop)]), delivery.may_repeat

    def _declare(
        self, delivery: Delivery, edge: EdgeRow, declarations: Sequence[TagDeclaration]
    ) -> None:
        self._transaction.lock_site(edge.site_id)
        site = Site(
            self._transaction.work_units(edge.site_id),
            self._transaction.tags(edge.site_id),
            frozenset(row.edge_id for row in self._transaction.edges() if row.online),
        )
        changes, refusals = tag_changes(edge, declarations, site, live=True)
        self._transaction.save_tags(changes, self._now)
        if changes or not self._registry.has_tags(edge):
            self._registry.reread(self._transaction, edge.site_id)
        for refusal in refusals:
            self._reject(
                Rejection(
                    received_time=delivery.message.received_time,
                    topic=readable(delivery.message.topic),
                    reason=refusal.reason,
                    detail=readable(refusal.detail),
                    raw=refusal.raw,
                    edge_id=edge.edge_id,
                    epoch=delivery.epoch,
                    row_id=refusal.index,
                    tag_name=readable(refusal.name),
                    once=True,
                )
            )

    def _refuse_stranger(self, delivery: Delivery) -> None:
        assert delivery.address is not None
        objection = self._registry.objection(delivery.address)
        assert objection is not None, "the registry knows no edge only if it objects to it"
        refusal = Refusal(objection.reason, objection.detail, delivery.rows, once=True)
        self._refuse(delivery, refusal, None)
        if delivery.counted:
            self._count(Tally(rejected=1))

    def _refuse(self, delivery: Delivery, refusal: Refusal, edge: EdgeRow | None) -> None:
        message = delivery.message
        self._count_rows(Tally(rejected=refusal.rows))
        if not delivery.counted:
            return
        self._reject(
            Rejection(
                received_time=message.received_time,
                topic=readable(message.topic),
                reason=refusal.reason,
                detail=readable(refusal.detail),
                raw=message.payload[:_KEPT_BYTES],
                edge_id=edge.edge_id if edge else None,
                epoch=delivery.epoch or None,
                row_id=_ONCE_ROW if refusal.once else None,
                once=refusal.once,
            )
        )

    def _count_message(self, delivery: Delivery) -> None:
        if not delivery.counted:
            return
        if delivery.refused_whole:
            self._count(Tally(rejected=1))
        else:
            self._count(Tally(duplicate=1) if delivery.repeated else Tally(written=1))

    def _write(self, parts: Sequence[tuple[NewRows, Sequence[bool]]]) -> None:
        new_rows = [part for part, _ in parts]
        rows = joined(new_rows, self._registry)
        tags = self._registry.columns
        verdict = verdicts(rows, tags, self._future_tolerance_us)
        for rejection in row_rejections(new_rows, rows, verdict, tags):
            self._count_rows(Tally(rejected=1))
            self._reject(rejection)
        accepted = verdict == ACCEPTED
        may_repeat = np.array([flag for _, flags in parts for flag in flags], np.bool_)
        fresh = accepted & ~self._repeated(rows, accepted, may_repeat, tags)
        self._count_rows(Tally(duplicate=int(accepted.sum() - fresh.sum())))
        numbers = number_columns(rows, fresh, tags)
        if len(numbers):
            self._transaction.write_numbers(numbers)
        texts = text_columns(rows, fresh, tags)
        if len(texts):
            self._transaction.write_texts(texts)
        self._count_rows(Tally(written=len(numbers) + len(texts)))
        hours = dirty_hours(rows, fresh, tags)
        if hours:
            self._transaction.mark_dirty(hours, self._now)

    def _repeated(
        self,
        rows: Rows,
        accepted: NDArray[np.bool_],
        may_repeat: NDArray[np.bool_],
        tags: TagColumns,
    ) -> NDArray[np.bool_]:
        """Tell which rows that may be repetitions are: shape (n,).

        Of equal rows within the group the first one stays, if none is stored.
        """
        repeated = np.zeros(len(rows), np.bool_)
        suspect = accepted & may_repeat
        if not suspect.any():
            return repeated
        is_text = tags.is_text[rows.position]
        numbers = self._transaction.stored_numbers(number_columns(rows, suspect, tags))
        repeated[np.flatnonzero(suspect & ~is_text)] = numbers
        texts = self._transaction.stored_texts(text_columns(rows, suspect, tags))
        repeated[np.flatnonzero(suspect & is_text)] = texts
        seen: set[tuple[int, int, Value]] = set()
        for k in np.flatnonzero(accepted & ~repeated).tolist():
            key = (int(rows.position[k]), int(rows.source_us[k]), rows.value[k])
            if key in seen and may_repeat[k]:
                repeated[k] = True
            seen.add(key)
        return repeated

    def _reject(self, rejection: Rejection) -> None:
        self._rejections.append(rejection)
        self._outcome.rejections[rejection.reason] += 1

    def _count(self, tally: Tally) -> None:
        self._outcome.messages = self._outcome.messages.plus(tally)

    def _count_rows(self, tally: Tally) -> None:
        self._outcome.measurements = self._outcome.measurements.plus(tally)


def _status(edge: EdgeRow, epoch: str, presence: Presence) -> StatusRow:
    return StatusRow(
        edge_id=edge.edge_id,
        online=presence.online,
        epoch=epoch,
        reported_at=presence.at,
        full=presence.online,
        # A node has no outbox that we know of: nothing is issued, nothing pending.
        issued_id=0,
        pending=0,
        sampled_time=presence.sampled,
    )
