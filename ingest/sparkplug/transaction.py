"""One transaction: what a group of Sparkplug deliveries changes, and what became of each.

There are no outbox ids, so no ledger: what may be a repetition is compared with what is stored, by
tag, source time and value.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np

from ingest.commit.announcement import announce
from ingest.commit.heartbeat import sign_of_life
from ingest.commit.lag import Lags
from ingest.commit.many_refused import each_or_whole
from ingest.commit.new_rows import NewRows, readable
from ingest.commit.outcome import Outcome
from ingest.commit.unnumbered import write_unnumbered
from ingest.sparkplug.delivery import Delivery, Flags, Refusal
from ingest.validation.registry import Registry
from store.delivery.row import DeliveryTransaction, EdgeRow
from store.rejection.rejection import Rejection

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
        self._outcome = Outcome()
        self.lags = Lags()
        """How old what is written is."""

    def apply(self, deliveries: Sequence[Delivery]) -> Outcome:
        """Write everything and return what is to be counted once it is committed."""
        self._registry.refresh(
            self._transaction, (one.address for one in deliveries if one.address)
        )
        parts: list[tuple[NewRows, Flags]] = []
        for delivery in deliveries:
            edge = self._registry.edge(delivery.address) if delivery.address else None
            if edge is None and not delivery.refused_whole:
                self._refuse_stranger(delivery)
                continue
            for refusal in delivery.refusals:
                self._refuse(delivery, refusal, edge)
            if edge is not None:
                news = not self._registry.knows(edge, delivery.tags)
                if news and parts:
                    # What waits is judged by the births before it.
                    self._write(parts)
                    parts = []
                parts += self._take(delivery, edge, news=news)
            self._count_message(delivery)
        if parts:
            self._write(parts)
        if self._outcome.rejected:
            self._transaction.write_rejections(self._outcome.rejected)
        return self._outcome

    def _take(
        self, delivery: Delivery, edge: EdgeRow, *, news: bool
    ) -> Iterator[tuple[NewRows, Flags]]:
        if (told := delivery.presence) is not None:
            self._transaction.save_status(
                sign_of_life(
                    edge.edge_id, delivery.epoch, told.at, told.sampled, online=told.online
                )
            )
        if news:
            # Retained births are refused before: whoever announces is there.
            live = delivery.message._replace(retained=False)
            rejections = announce(
                self._transaction,
                self._registry,
                edge,
                delivery.tags,
                live,
                delivery.epoch,
                self._now,
            )
            for rejection in each_or_whole(rejections, live.payload, len(delivery.tags)):
                self._outcome.reject(rejection)
        if delivery.data is not None:
            ids = delivery.data.ids
            yield NewRows(delivery.data, edge, [(ids.start, ids.stop)]), delivery.may_repeat

    def _refuse_stranger(self, delivery: Delivery) -> None:
        assert delivery.address is not None
        objection = self._registry.objection(delivery.address)
        assert objection is not None, "the registry knows no edge only if it objects to it"
        refusal = Refusal(objection.reason, objection.detail, delivery.rows, once=True)
        self._refuse(delivery, refusal, None)
        if delivery.counted:
            self._outcome.count_message(rejected=1)

    def _refuse(self, delivery: Delivery, refusal: Refusal, edge: EdgeRow | None) -> None:
        self._outcome.count_rows(rejected=refusal.rows)
        if delivery.counted:
            self._outcome.reject(rejection_of(delivery, refusal, edge))

    def _count_message(self, delivery: Delivery) -> None:
        messages = 1 + len(delivery.more)
        if not delivery.counted:
            return
        if delivery.refused_whole:
            self._outcome.count_message(rejected=messages)
        elif delivery.repeated:
            self._outcome.count_message(duplicate=messages)
        else:
            self._outcome.count_message(written=messages)

    def _write(self, parts: Sequence[tuple[NewRows, Flags]]) -> None:
        _, rejections = write_unnumbered(
            self._transaction,
            self._registry,
            [part for part, _ in parts],
            np.concatenate([np.asarray(flags, np.bool_) for _, flags in parts]),
            self.lags,
            self._outcome,
            self._future_tolerance_us,
            self._now,
        )
        for rejection in rejections:
            self._outcome.reject(rejection)


def rejection_of(delivery: Delivery, refusal: Refusal, edge: EdgeRow | None) -> Rejection:
    """Return a refused message, or one that is refused in part, as it is stored: whole."""
    message = delivery.message
    return Rejection(
        received_time=message.received_time,
        topic=message.topic.replace("\0", "\ufffd"),
        reason=refusal.reason,
        detail=readable(refusal.detail),
        raw=message.payload,
        edge_id=edge.edge_id if edge else None,
        epoch=delivery.epoch or None,
        row_id=_ONCE_ROW if refusal.once else None,
        once=refusal.once,
    )
