"""Commits Sparkplug deliveries: tries again during outages, isolates what the database refuses."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Event
from time import monotonic

import structlog

from ingest.outcome import Outcome
from ingest.registry import Registry
from ingest.selfstat import Selfstat
from ingest.settings import LimitSettings
from ingest.sparkplug.delivery import Delivery, Refusal
from ingest.sparkplug.transaction import SparkplugTransaction
from plant.clock import Clock, microseconds
from plant.errors import DataError, TransientError
from store.delivery_row import DeliveryStore

log = structlog.get_logger()

_LONGEST_PAUSE_S = 5.0


class SparkplugCommitter:
    """Turns deliveries into committed transactions, in order."""

    def __init__(
        self,
        store: DeliveryStore,
        selfstat: Selfstat,
        clock: Clock,
        limits: LimitSettings,
        abandon: Event,
        on_outage: Callable[[float], None] = lambda _: None,
        first_pause_s: float = 0.1,
    ) -> None:
        """Remember where to write to.

        Once `abandon` is set, nothing is tried a second time. `on_outage` is told, after each
        failure, for how many seconds the database has been away.
        """
        self._store = store
        self._selfstat = selfstat
        self._clock = clock
        self._future_tolerance_us = int(limits.future_tolerance_s * 1_000_000)
        self._abandon = abandon
        self._on_outage = on_outage
        self._first_pause_s = first_pause_s
        self._registry = Registry(monotonic, limits.require_enrolment)

    def commit(self, deliveries: Sequence[Delivery]) -> bool:
        """Commit everything; return False when it was abandoned before that.

        A group that the database refuses is halved until the one message is found, which is
        rejected with the database's words.
        """
        waiting = [deliveries] if deliveries else []
        pause_s = self._first_pause_s
        since: float | None = None
        while waiting:
            part = waiting.pop()
            try:
                outcome = self._transact(part)
            except DataError as exc:
                waiting += _smaller(part, exc)
            except TransientError as exc:
                # It may be committed all the same, with only the answer lost.
                waiting.append([delivery.repeated_in_doubt() for delivery in part])
                if since is None:
                    since = monotonic()
                    log.warning("database unavailable", reason=str(exc), by="sparkplug")
                self._selfstat.retried()
                self._on_outage(monotonic() - since)
                if self._abandon.wait(pause_s):
                    return False
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            else:
                if since is not None:
                    log.info("database available again", by="sparkplug")
                    since, pause_s = None, self._first_pause_s
                self._selfstat.settled(outcome.messages, outcome.measurements, outcome.rejections)
        return True

    def _transact(self, deliveries: Sequence[Delivery]) -> Outcome:
        try:
            with self._store.transaction() as transaction:
                group = SparkplugTransaction(
                    transaction, self._registry, self._clock(), self._future_tolerance_us
                )
                outcome = group.apply(deliveries)
                now = self._clock()
                transaction.add_lags(group.lags.counts(microseconds(now)), now)
                return outcome
        except (DataError, TransientError):
            # Tags read or announced within it may not be there.
            self._registry.forget()
            raise


def _smaller(deliveries: Sequence[Delivery], exc: DataError) -> list[Sequence[Delivery]]:
    """Return the parts to try instead, the first to be tried last in the list."""
    if len(deliveries) > 1:
        middle = len(deliveries) // 2
        return [deliveries[middle:], deliveries[:middle]]
    (delivery,) = deliveries
    if delivery.refused_whole:
        raise exc
    refusal = Refusal(exc.reason, exc.detail, delivery.rows)
    return [
        [replace(delivery, refusals=(refusal,), data=None, may_repeat=(), tags=(), presence=None)]
    ]
