"""Commits Sparkplug deliveries in order, whatever the database does or one of them does to it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from threading import Event
from time import monotonic

from ingest.commit.outcome import Outcome
from ingest.decoding.sender import sender_of
from ingest.group.isolation import SET_ASIDE, Isolation
from ingest.selfstat import Selfstat
from ingest.settings import LimitSettings
from ingest.sparkplug.delivery import Delivery, Refusal
from ingest.sparkplug.transaction import SparkplugTransaction, rejection_of
from ingest.validation.kept_file import KeptFile, kept_outside
from ingest.validation.registry import Registry
from plant.clock import Clock, microseconds
from plant.errors import DataError, TransientError
from store.delivery.row import DeliveryStore

_MOST_ASIDE = 10_000
"""Messages of a node: they are not acknowledged, so the broker gives out more meanwhile."""


class SparkplugCommitter:
    """Turns deliveries into committed transactions; see `ingest.group.isolation`."""

    def __init__(
        self,
        store: DeliveryStore,
        selfstat: Selfstat,
        clock: Clock,
        limits: LimitSettings,
        abandon: Event,
        on_outage: Callable[[float], None] = lambda _: None,
        first_pause_s: float = 0.1,
        kept_file: KeptFile | None = None,
    ) -> None:
        """Remember where to write to.

        Once `abandon` is set, nothing is tried a second time. `on_outage` is told, after each
        failure, for how many seconds the database has been away.
        """
        self._store = store
        self._selfstat = selfstat
        self._clock = clock
        self._future_tolerance_us = limits.future_tolerance_us
        self._on_outage = on_outage
        self._kept_file = kept_file
        self._registry = Registry(monotonic, limits.require_enrolment, limits.max_tags)
        self._since: float | None = None
        """When the database was first found to be away."""
        self._unsettled = 0
        """How many deliveries are neither written nor kept elsewhere."""
        self._in_doubt: set[int] = set()
        """Which deliveries may be committed already, with only the answer lost."""
        self._isolation: Isolation[Delivery, Outcome] = Isolation(
            self,
            selfstat,
            abandon,
            by="sparkplug",
            first_pause_s=first_pause_s,
            sender=lambda delivery: sender_of(delivery.message.topic),
            weight=lambda delivery: 1 + len(delivery.more),
            apart=self._apart,
            most_aside=_MOST_ASIDE,
            on_outage=self._note_outage,
        )

    def commit(self, deliveries: Sequence[Delivery]) -> bool:
        """Commit everything; return False when it was abandoned before that."""
        self._unsettled += len(deliveries)
        self._count(self._isolation.settle(deliveries))
        return not self._unsettled

    def turn(self, deliveries: Sequence[Delivery]) -> None:
        """Commit what can be now, and for a moment of nodes that are put aside."""
        self._unsettled += len(deliveries)
        self._count(self._isolation.turn(deliveries))

    def pause_s(self) -> float | None:
        """Return in how many seconds to take another turn; None when nothing is put aside."""
        return self._isolation.pause_s()

    def close(self) -> None:
        """Keep raw what is still put aside: nobody sends it again."""
        for member in self._isolation.rest():
            error = DataError(SET_ASIDE, "the ingest ended before it could be written")
            if (outcome := self.given_up(member, error)) is not None:
                self._count([([member], outcome)])

    def _count(self, settled: Iterable[tuple[Sequence[Delivery], Outcome]]) -> None:
        for part, outcome in settled:
            self._since = None
            self._unsettled -= len(part)
            self._selfstat.settled(outcome.messages, outcome.measurements, outcome.rejections)
        if self._isolation.pause_s() is None:
            # By identity, so it may not outlive the objects: another delivery would get the id of
            # one of them.
            self._in_doubt.clear()

    def transact(self, group: Sequence[Delivery]) -> Outcome:
        """Write a group in one transaction."""
        try:
            with self._registry.learning(), self._store.transaction() as transaction:
                written = SparkplugTransaction(
                    transaction, self._registry, self._clock(), self._future_tolerance_us
                )
                outcome = written.apply(
                    [one.repeated_in_doubt() if id(one) in self._in_doubt else one for one in group]
                )
                now = self._clock()
                transaction.add_lags(written.lags.counts(microseconds(now)), now)
        except TransientError:
            # A connection lost at the commit does not say whether it took place. Without ids only
            # the tables know, so the next try compares all of it.
            self._in_doubt |= {id(one) for one in group}
            raise
        return outcome

    def obstacle(self) -> str | None:
        """Return what keeps a harmless transaction from working now."""
        return self._store.obstacle()

    def lessened(self, member: Delivery, error: DataError) -> Delivery | None:
        """Return the message as refused, then only its raw form; None when it was that."""
        if error.reason == SET_ASIDE and (member.refused_whole or not member.counted):
            return member
        refusal = Refusal(error.reason, error.detail, member.rows)
        # Neither tags nor presence: whatever made the transaction fail may be in any of them.
        bare = replace(member, data=None, may_repeat=(), tags=(), presence=None)
        if not member.refused_whole:
            self._selfstat.noted("isolated")
            return replace(bare, refusals=(refusal,))
        if member.address is None:
            return None
        return replace(bare, address=None, epoch="", refusals=(refusal,))

    def given_up(self, member: Delivery, error: DataError) -> Outcome | None:
        """Keep a message in the file beside the ingest."""
        outcome = Outcome()
        outcome.count_rows(rejected=member.rows)
        if not member.counted:
            return outcome
        outcome.count_message(rejected=1)
        outcome.rejections[error.reason] += 1
        refusal = Refusal(error.reason, error.detail)
        # Where that fails, too, nobody has it: it does not come again.
        rejection = rejection_of(member, refusal, None)
        kept_outside(self._kept_file, rejection, self._selfstat, error.detail)
        return outcome

    def _apart(self, delivery: Delivery) -> Sequence[Delivery]:
        """Return the messages of a delivery, each as one; what is in doubt of it is of each."""
        if not delivery.more:
            return [delivery]
        each = list(delivery.apart())
        self._unsettled += len(each) - 1
        if id(delivery) in self._in_doubt:
            self._in_doubt |= set(map(id, each))
        return each

    def _note_outage(self) -> None:
        if self._since is None:
            self._since = monotonic()
        self._on_outage(monotonic() - self._since)
