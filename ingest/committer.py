"""Commits groups of messages: tries again while the database is away, isolates what it refuses."""

from collections.abc import Iterator, Sequence
from threading import Event
from time import monotonic

import structlog

from ingest.heartbeat import ClockOffsets
from ingest.outcome import Outcome
from ingest.parcel import Parcel, RefusedParcel, refused
from ingest.registry import Registry
from ingest.right_of_way import RightOfWay
from ingest.selfstat import Selfstat
from ingest.settings import LimitSettings
from ingest.transaction import GroupTransaction
from plant.clock import Clock, microseconds
from plant.errors import DataError, TransientError
from store.delivery_row import DeliveryStore

log = structlog.get_logger()

_LONGEST_PAUSE_S = 10.0

Committed = tuple[Sequence[Parcel], Outcome]


class Committer:
    """Turns groups of messages into committed transactions."""

    def __init__(
        self,
        store: DeliveryStore,
        selfstat: Selfstat,
        clock: Clock,
        limits: LimitSettings,
        abandon: Event,
        right_of_way: RightOfWay | None = None,
        first_pause_s: float = 0.1,
    ) -> None:
        """Remember where to write to; once `abandon` is set, nothing is tried a second time."""
        self._store = store
        self._selfstat = selfstat
        self._clock = clock
        self._future_tolerance_us = int(limits.future_tolerance_s * 1_000_000)
        self._registry = Registry(monotonic, limits.require_enrolment)
        self._offsets = ClockOffsets()
        self._abandon = abandon
        self._right_of_way = right_of_way or RightOfWay()
        self._first_pause_s = first_pause_s

    def commit(self, parcels: Sequence[Parcel]) -> Iterator[Committed]:
        """Yield what was committed, part by part, in order.

        A group that the database refuses is halved until the one message is found; that one is
        rejected with the database's words, the others are committed. While the database cannot
        be used the same part is tried again, until `abandon` is set.
        """
        waiting = [parcels]
        pause_s = self._first_pause_s
        available = True
        while waiting:
            part = waiting.pop()
            try:
                outcome = self._transact(part)
            except DataError as exc:
                waiting += self._smaller(part, exc)
            except TransientError as exc:
                waiting.append(part)
                if available:
                    log.warning("database unavailable", reason=str(exc))
                available = False
                self._selfstat.retried()
                if self._abandon.wait(pause_s):
                    return
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            else:
                if not available:
                    log.info("database available again")
                    available, pause_s = True, self._first_pause_s
                self._selfstat.settled(outcome.messages, outcome.measurements, outcome.rejections)
                yield part, outcome

    def _transact(self, parcels: Sequence[Parcel]) -> Outcome:
        try:
            with self._store.transaction() as transaction:
                group = GroupTransaction(
                    transaction,
                    self._registry,
                    self._offsets,
                    self._clock(),
                    self._future_tolerance_us,
                    self._right_of_way,
                )
                outcome = group.apply(parcels)
                # As late as can be: what took its time is already written.
                now = self._clock()
                transaction.add_lags(group.lags.counts(microseconds(now)), now)
                return outcome
        except (DataError, TransientError):
            # Tags read or announced within it may not be there.
            self._registry.forget()
            raise

    @staticmethod
    def _smaller(parcels: Sequence[Parcel], exc: DataError) -> list[Sequence[Parcel]]:
        """Return the parts to try instead, the first to be tried last in the list."""
        if len(parcels) > 1:
            middle = len(parcels) // 2
            return [parcels[middle:], parcels[:middle]]
        (parcel,) = parcels
        if not isinstance(parcel, RefusedParcel):
            return [[refused(parcel, exc.reason, exc.detail)]]
        if parcel.address is None:
            raise exc
        # Not even its rejection can be stored with what it says of itself; its raw form can.
        return [[RefusedParcel(parcel.message, exc.reason, exc.detail, rows=parcel.rows)]]
