"""Commits groups of messages, whatever the database does and whatever one of them does to it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from threading import Event
from time import monotonic

from ingest.commit.heartbeat import ClockOffsets
from ingest.commit.outcome import Outcome
from ingest.commit.refusal import Untold, rejection_of
from ingest.commit.transaction import GroupTransaction
from ingest.decoding.parcel import Parcel, RefusedParcel, apart, messages_of, refused
from ingest.decoding.sender import sender_of
from ingest.group.isolation import SET_ASIDE, Isolation
from ingest.selfstat import Selfstat
from ingest.settings import LimitSettings
from ingest.validation.kept_file import KeptFile, kept_outside
from ingest.validation.registry import Registry
from plant.clock import Clock, microseconds
from plant.errors import DataError, NhipmayError
from plant.native.message import Limits
from store.delivery.row import DeliveryStore

_USUAL_BYTES = 4_000
"""Of a message that weighs twice as much as an empty one."""

Committed = tuple[Sequence[Parcel], Outcome]


class Committer:
    """Turns groups of messages into committed transactions; see `ingest.group.isolation`."""

    def __init__(
        self,
        store: DeliveryStore,
        selfstat: Selfstat,
        clock: Clock,
        limits: LimitSettings,
        abandon: Event,
        first_pause_s: float = 0.1,
        kept_file: KeptFile | None = None,
    ) -> None:
        """Remember where to write to; once `abandon` is set, nothing is tried a second time."""
        self._store = store
        self._selfstat = selfstat
        self._clock = clock
        self._future_tolerance_us = limits.future_tolerance_us
        self._limits = Limits(limits.max_payload_bytes, limits.max_rows)
        self._registry = Registry(monotonic, limits.require_enrolment, limits.max_tags)
        self._offsets = ClockOffsets()
        self._untold: Untold = {}
        self._meanwhile: Callable[[int], None] = lambda _: None
        self._kept_file = kept_file
        self._isolation: Isolation[Parcel, Outcome] = Isolation(
            self,
            selfstat,
            abandon,
            first_pause_s=first_pause_s,
            sender=lambda parcel: sender_of(parcel.message.topic),
            weight=_weight,
            apart=apart,
        )

    def commit(
        self, parcels: Sequence[Parcel], meanwhile: Callable[[int], None] = lambda _: None
    ) -> Iterator[Committed]:
        """Yield what was committed, part by part, until everything is.

        `meanwhile` is called while the database takes in rows, with how many these are.
        """
        self._meanwhile = meanwhile
        yield from self._counted(self._isolation.settle(parcels))

    def turn(
        self, parcels: Sequence[Parcel], meanwhile: Callable[[int], None] = lambda _: None
    ) -> Iterator[Committed]:
        """Yield what was committed of a group, and for a moment of senders that are put aside."""
        self._meanwhile = meanwhile
        yield from self._counted(self._isolation.turn(parcels))

    def pause_s(self) -> float | None:
        """Return in how many seconds to take another turn; None when nothing is put aside."""
        return self._isolation.pause_s()

    def held(self) -> frozenset[str]:
        """Return the senders of whom nothing more should come for now."""
        return self._isolation.held()

    def _counted(self, settled: Iterator[Committed]) -> Iterator[Committed]:
        for part, outcome in settled:
            self._selfstat.settled(outcome.messages, outcome.measurements, outcome.rejections)
            yield part, outcome

    def transact(self, group: Sequence[Parcel]) -> Outcome:
        """Write a group in one transaction."""
        # Around the transaction: leaving that is the commit, which may fail as well.
        with self._registry.learning(), self._store.transaction() as transaction:
            written = GroupTransaction(
                transaction,
                self._registry,
                self._offsets,
                self._clock(),
                self._future_tolerance_us,
                self._limits,
                self._untold,
                self._meanwhile,
            )
            outcome = written.apply(group)
            # As late as can be: what took its time is already written.
            now = self._clock()
            transaction.add_lags(written.lags.counts(microseconds(now)), now)
        written.forget_told()
        return outcome

    def obstacle(self) -> str | None:
        """Return what keeps a harmless transaction from working now."""
        return self._store.obstacle()

    def lessened(self, member: Parcel, error: DataError) -> Parcel | None:
        """Return the message as refused, then only its raw form; None when it was that."""
        if error.reason == SET_ASIDE and isinstance(member, RefusedParcel):
            return member
        if not isinstance(member, RefusedParcel):
            self._selfstat.noted("isolated")
            return refused(member, error.reason, error.detail)
        if member.origin is not None:
            return None
        return RefusedParcel(
            member.message, error.reason, error.detail, rows=member.rows, origin=member
        )

    def given_up(self, member: Parcel, error: DataError) -> Outcome | None:
        """Keep a message in the file beside the ingest, and settle its ids if that is possible."""
        assert isinstance(member, RefusedParcel)
        first = member.origin or member
        outcome = Outcome()
        rejection = rejection_of(member, None)
        if not kept_outside(self._kept_file, rejection, self._selfstat, error.detail):
            # Not acknowledged, it comes again with the next connection.
            return None
        try:
            # As it was first read, as only that names its ids: left open, the edge would send for
            # ever what the database takes in no form.
            outcome = self.transact([replace(first, kept=True)])
        except NhipmayError:
            # Its ids stay open, so it comes again; the file knows it by then (`KeptFile.keep`).
            outcome.count_message(rejected=1)
            outcome.count_rows(rejected=member.rows)
        outcome.rejections[member.reason] += 1
        return outcome


def _weight(parcel: Parcel) -> int:
    messages = messages_of(parcel)
    return len(messages) + sum(len(message.payload) for message in messages) // _USUAL_BYTES
