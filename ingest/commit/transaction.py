"""One transaction: what a group of messages changes in the database, and what became of each.

What holds when it is committed, and what a change here must keep:

- An id is settled together with its row or with the rejection that tells why there is none. Nothing
  else makes a repeat harmless: the tables themselves take any row twice.
- A row is written only under an id that this transaction found new and, where another epoch may
  have brought it, after a comparison with the tables (`ingest.commit.overlap`).
- An hour with a new row is marked dirty here: marked later, a crash in between would leave a figure
  that nobody computes again; marked before, analytics could compute it without the row.
- All of it is in the database or nothing: tags read or announced within a transaction that failed
  are forgotten (`Committer.transact`).
- Locks are taken in one order, ledgers, then sites, each sorted: workers that took them otherwise
  could wait for one another.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from ingest.commit.announcement import announce
from ingest.commit.device import DeviceGroup
from ingest.commit.heartbeat import MOST_SPANS, ClockOffsets, status_row, with_status
from ingest.commit.lag import Lags
from ingest.commit.ledgers import Ledgers
from ingest.commit.many_refused import each_or_whole, refused_whole, with_many_refused
from ingest.commit.new_rows import (
    NewRows,
    dirty_hours,
    joined,
    number_columns,
    portions,
    readable,
    row_rejections,
    text_columns,
)
from ingest.commit.outcome import Outcome
from ingest.commit.refusal import CURABLE, Refusals, Untold, refusals_of_birth, rejection_of
from ingest.decoding.parcel import (
    BirthParcel,
    DataParcel,
    DeviceParcel,
    Parcel,
    RefusedParcel,
    StatusParcel,
    refused,
)
from ingest.validation.registry import Registry, stranger
from ingest.validation.validation import ACCEPTED, Rows, verdicts
from plant.clock import microseconds
from plant.errors import DataError
from plant.native.message import MAX_REFUSALS, SCHEMA, Ack, Leaf, Limits, Refusal, encode
from store.delivery.row import (
    DeliveryTransaction,
    EdgeRow,
    LedgerKey,
    LedgerRow,
    NumberColumns,
    TextColumns,
)
from store.rejection.rejection import Rejection

_NO_BIRTH = "no_birth"


class GroupTransaction:
    """Applies a group of messages within an open database transaction."""

    def __init__(
        self,
        transaction: DeliveryTransaction,
        registry: Registry,
        offsets: ClockOffsets,
        now: datetime,
        future_tolerance_us: int,
        limits: Limits | None = None,
        untold: Untold | None = None,
        meanwhile: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._transaction = transaction
        self._limits = limits
        self._unborn: set[LedgerKey] = set()
        """Whose birth is missing."""
        self._refusals = Refusals()
        self._untold = {} if untold is None else untold
        self._told: set[int] = set()
        self._registry = registry
        self._offsets = offsets
        self._now = now
        self._future_tolerance_us = future_tolerance_us
        self._meanwhile = meanwhile
        """What to do while the database takes in so many rows."""
        self._ledgers = Ledgers(transaction, registry, future_tolerance_us)
        self._overlapping: dict[LedgerKey, list[NewRows]] = {}
        """Rows that other epochs of their edge may have brought."""
        self._outcome = Outcome()
        self.lags = Lags()
        """How old what is written is."""

    def apply(self, parcels: Sequence[Parcel]) -> Outcome:
        """Write everything and return what is to be counted and published once it is committed.

        Heartbeats come first, as they tell which edges are online and which ids were given up, then
        births, as data need their tags; the order among the messages of one kind is kept.
        """
        # Before the ledgers are locked: these go by edge ids, which only the registry knows.
        self._registry.refresh(
            self._transaction, (parcel.address for parcel in parcels if parcel.address)
        )
        self._ledgers.lock(parcels)
        devices = DeviceGroup(
            self._transaction,
            self._registry,
            self._outcome,
            self.lags,
            self._now,
            self._future_tolerance_us,
        )
        self._lock_sites(parcels)
        for parcel in parcels:
            if isinstance(parcel, StatusParcel):
                self._apply_status(parcel)
        for parcel in parcels:
            if isinstance(parcel, BirthParcel):
                self._apply_birth(parcel)
        # Behind births, whose tags are known by then, and before rows: COPY has the connection to
        # itself, so nothing can be looked up while a stream is open.
        self._know_tags(parcels)
        self._write(parcels)
        for refused_parcel in devices.write(parcels):
            self._refuse(refused_parcel)
        if self._outcome.rejected:
            self._transaction.write_rejections(self._outcome.rejected)
        # Last, as every step before may settle ids or count rows that turn out to be refused or
        # stored.
        self._ledgers.save()
        # They promise what is durable, so they are sent once this is committed, and not before.
        self._outcome.acks = [self._ack(key, ledger) for key, ledger in self._ledgers]
        return self._outcome

    def forget_told(self) -> None:
        """Forget what the acks tell of births: they are sent, as the transaction is committed."""
        for edge_id in self._told:
            self._untold.pop(edge_id, None)

    def _lock_sites(self, parcels: Sequence[Parcel]) -> None:
        """Keep other workers from the sites of births and of devices, before anything is written.

        Two births of one site could take the same tag, and two workers would each find a device's
        repetition new. Sorted, as workers that lock two sites one after the other would wait for
        one another.
        """
        edges = [
            self._registry.edge(parcel.address)
            for parcel in parcels
            if isinstance(parcel, BirthParcel | DeviceParcel)
        ]
        for site_id in sorted({edge.site_id for edge in edges if edge is not None}):
            self._transaction.lock_site(site_id)

    def _ack(self, key: LedgerKey, ledger: LedgerRow) -> tuple[str, bytes]:
        ack = Ack(
            SCHEMA,
            key[1],
            ledger.contiguous_to,
            microseconds(self._now),
            limits=self._limits,
            birth_wanted=key in self._unborn,
            rejected=ledger.rejected_count,
            refused=self._refused(key),
        )
        # Also of a ledger to which nothing was added: who repeats rows has missed the ack for them.
        return self._ledgers.addresses[key].topic(Leaf.ACK), encode(ack)

    def _refused(self, key: LedgerKey) -> list[Refusal] | None:
        """Return what to tell: of this group, and of a birth since the ack before."""
        told = [*self._untold.get(key[0], ()), *(self._refusals.of(key) or ())]
        self._told.add(key[0])
        return told[:MAX_REFUSALS] or None

    def _apply_status(self, parcel: StatusParcel) -> None:
        edge = self._registry.edge(parcel.address)
        if edge is None:
            self._refuse(stranger(parcel, self._registry))
            return
        try:
            row = status_row(parcel, edge.edge_id, self._offsets)
            key = (edge.edge_id, row.epoch)
            ledger = with_status(self._ledgers[key], parcel.status)
        except DataError as exc:
            self._refuse(refused(parcel, exc.reason, exc.detail))
            return
        self._transaction.save_status(row)
        self._ledgers[key] = ledger
        self._outcome.count_message(written=1)

    def _apply_birth(self, parcel: BirthParcel) -> None:
        edge = self._registry.edge(parcel.address)
        if edge is None:
            self._refuse(stranger(parcel, self._registry))
            return
        rejections = announce(
            self._transaction,
            self._registry,
            edge,
            parcel.birth.tags,
            parcel.message,
            parcel.epoch,
            self._now,
        )
        payload, tags = parcel.message.payload, len(parcel.birth.tags)
        for rejection in each_or_whole(rejections, payload, tags):
            self._outcome.reject(rejection)
        # A birth has no ids, so no ack answers it: the one for the heartbeat behind it tells.
        self._untold[edge.edge_id] = refusals_of_birth(rejections)
        self._transaction.save_agent(
            edge.edge_id, parcel.epoch, readable(parcel.birth.agent_version), self._now
        )
        self._outcome.count_message(written=1)

    def _refuse(self, parcel: RefusedParcel) -> None:
        """Reject a whole message; its ids are settled, so that it need not come again.

        They stay open where the cause is not in the message (`CURABLE`): settled, the edge would
        delete rows that the platform may take tomorrow.
        """
        edge = self._registry.edge(parcel.address) if parcel.address else None
        ids = None if edge is None or parcel.reason in CURABLE else parcel.ids
        if edge is not None and ids and self._ledgers.scatters((edge.edge_id, ids.epoch), ids):
            ids = None
        if edge is not None and ids:
            key = (edge.edge_id, ids.epoch)
            new = self._ledgers.take(key, ids, parcel.message.received_time)
            if not new:
                self._outcome.count_message(duplicate=1)
                self._outcome.count_rows(duplicate=parcel.rows)
                return
            self._ledgers.count(key, rejected=sum(stop - start for start, stop in new))
        self._outcome.count_message(rejected=1)
        self._outcome.count_rows(rejected=parcel.rows)
        if edge is not None and parcel.epoch is not None:
            self._tell(edge.edge_id, parcel)
        if not parcel.kept:
            # Without settled ids it comes again; births and heartbeats repeat with their epoch.
            once = parcel.epoch is not None and ids is None
            self._outcome.reject(rejection_of(parcel, edge.edge_id if edge else None, once=once))

    def _tell(self, edge_id: int, parcel: RefusedParcel) -> None:
        """Have the edge told what became of its message, by its next ack."""
        key = (edge_id, parcel.epoch or "")
        if parcel.reason == _NO_BIRTH:
            self._unborn.add(key)
        elif parcel.reason not in CURABLE:
            self._refusals.note(key, parcel.reason, max(1, parcel.rows), None, parcel.detail)

    def _new_rows(self, parcel: Parcel) -> Iterator[NewRows]:
        if isinstance(parcel, RefusedParcel):
            self._refuse(parcel)
        if not isinstance(parcel, DataParcel):
            return
        edge = self._registry.edge(parcel.address)
        # The edge knows messages, not parcels: each is refused, repeated or written by itself.
        if parcel.more and not (edge and self._is_plain(edge, parcel)):
            for message in parcel.apart():
                yield from self._new_rows(message)
            return
        if edge is None:
            self._refuse(stranger(parcel, self._registry))
            return
        if not self._registry.has_tags(edge):
            detail = "the edge has not announced any tag yet; it is to send this again"
            self._refuse(refused(parcel, "no_birth", detail))
            return
        key = (edge.edge_id, parcel.ids.epoch)
        if self._ledgers.scatters(key, parcel.ids):
            detail = f"{MOST_SPANS} gaps are open; the edge is to send what is missing first"
            self._refuse(refused(parcel, "scattered_ids", detail))
            return
        # From here on these ids count as settled. Every path below has to write their rows or
        # reject them: what is only skipped is lost, and the edge deletes it with the next ack.
        spans = self._ledgers.take(key, parcel.ids, parcel.messages[-1].received_time)
        part = NewRows(parcel, edge, spans)
        self._outcome.count_rows(duplicate=parcel.rows - len(part))
        if not spans:
            self._outcome.count_message(duplicate=1)
            return
        self._outcome.count_message(written=len(parcel.messages))
        if self._may_be_stored(part):
            self._overlapping.setdefault(key, []).append(part)
        else:
            yield part

    def _is_plain(self, edge: EdgeRow, parcel: DataParcel) -> bool:
        """Tell whether all messages of the parcel are new, and nothing is against any of them."""
        key, ids = (edge.edge_id, parcel.ids.epoch), parcel.ids
        return (
            self._registry.has_tags(edge)
            and self._ledgers[key].committed.missing(ids.start, ids.stop) == [(ids.start, ids.stop)]
            and not self._ledgers.scatters(key, ids)
        )

    def _may_be_stored(self, part: NewRows) -> bool:
        """Tell whether another epoch of the edge may have brought some of these rows."""
        key = (part.edge.edge_id, part.parcel.ids.epoch)
        if not self._ledgers.has_other_epochs(key):
            return False
        # Both lives, also the one that was first: the stream writes texts after everything else, so
        # the other would be compared with tables that do not have them yet.
        if self._ledgers.meet(key):
            return True
        common = self._ledgers.overlap(key)
        return common is not None and bool(common.suspects(part.parcel.time_us).any())

    def _know_tags(self, parcels: Sequence[Parcel]) -> None:
        """Look up the tags that data name and that are not known.

        They may have been announced to another worker since the others were read.
        """
        strange: dict[int, set[str]] = {}
        for parcel in parcels:
            if isinstance(parcel, DataParcel):
                edge = self._registry.edge(parcel.address)
                if edge and self._registry.has_strange(edge, parcel.tags):
                    names = self._registry.strange(edge, parcel.tags)
                    strange.setdefault(edge.site_id, set()).update(names)
        for site_id, wanted in strange.items():
            self._registry.look_up(self._transaction, site_id, sorted(wanted))

    def _write(self, parcels: Sequence[Parcel]) -> None:
        texts: list[TextColumns] = []
        hours: set[tuple[int, int]] = set()
        # Messages are opened while this draws on them, so refusals and ledgers change within COPY
        # as well; that is only arithmetic. What needs the database waits in `_overlapping` and
        # `texts`.
        self._transaction.stream_numbers(self._stream(parcels, texts, hours))
        for key, parts in self._overlapping.items():
            self._write_overlapping(key, parts, hours)
        for columns in texts:
            self._transaction.write_texts(columns)
        if hours:
            # Sorted, as another worker may mark the same hours: nobody then waits in a circle.
            self._transaction.mark_dirty(sorted(hours), self._now)

    def _stream(
        self, parcels: Sequence[Parcel], texts: list[TextColumns], hours: set[tuple[int, int]]
    ) -> Iterator[NumberColumns]:
        for portion in portions(part for parcel in parcels for part in self._new_rows(parcel)):
            columns = self._judged(portion, texts, hours)
            yield columns
            # Asked for more, so these are with the database, and it is busy for a while.
            self._meanwhile(len(columns))

    def _judged(
        self, parts: Sequence[NewRows], texts: list[TextColumns], hours: set[tuple[int, int]]
    ) -> NumberColumns:
        """Return the numbers to write; add the texts and the hours that all of it changes.

        Runs while the database takes in the portion before, so it may not ask it anything.
        """
        rows, accepted = self._judge(parts)
        self.lags.note(parts, rows.source_us, accepted)
        return self._accepted(rows, accepted, texts, hours)

    def _write_overlapping(
        self, key: LedgerKey, parts: Sequence[NewRows], hours: set[tuple[int, int]]
    ) -> None:
        """Write what other epochs have not brought of one; the rest counts as repeated."""
        rows, accepted = self._judge(parts)
        common = self._ledgers.overlap(key)
        if common is not None:
            tags = self._registry.columns
            stored = common.stored(self._transaction, rows, accepted, tags)
            repeated = int(stored.sum())
            self._ledgers.count(key, duplicate=repeated)
            self._outcome.count_rows(duplicate=repeated)
            accepted &= ~stored
        self.lags.note(parts, rows.source_us, accepted)
        # At once: the next epoch is compared with it.
        texts: list[TextColumns] = []
        self._transaction.write_numbers(self._accepted(rows, accepted, texts, hours))
        for columns in texts:
            self._transaction.write_texts(columns)

    def _judge(self, parts: Sequence[NewRows]) -> tuple[Rows, NDArray[np.bool_]]:
        """Return the rows and which are accepted; the others are rejected."""
        tags = self._registry.columns
        rows = joined(parts, self._registry)
        verdict = verdicts(rows, tags, self._future_tolerance_us)
        singly = verdict.copy()
        for part, own in with_many_refused(parts, verdict):
            self._refuse_many(part, verdict[own])
            singly[own] = ACCEPTED
        for rejection in row_rejections(parts, rows, singly, tags):
            self._reject_row(rejection)
        return rows, verdict == ACCEPTED

    def _refuse_many(self, part: NewRows, verdict: NDArray[np.int8]) -> None:
        key = (part.edge.edge_id, part.parcel.ids.epoch)
        rejection, told = refused_whole(part, verdict)
        for reason, count, tag, detail in told:
            self._refusals.note(key, reason, count, tag, detail)
            self._ledgers.count(key, rejected=count)
            self._outcome.count_rows(rejected=count)
        self._outcome.reject(rejection)

    def _accepted(
        self,
        rows: Rows,
        accepted: NDArray[np.bool_],
        texts: list[TextColumns],
        hours: set[tuple[int, int]],
    ) -> NumberColumns:
        tags = self._registry.columns
        # In the order of the index of measurements: a row then costs the database about a third
        # less than in the order of arrival, where each looks for its place anew
        # (docs/decisions/0015).
        numbers = number_columns(rows, accepted, tags).by_tag()
        written = len(numbers)
        if written < len(rows):
            columns = text_columns(rows, accepted, tags)
            written += len(columns)
            if len(columns):
                texts.append(columns)
        self._outcome.count_rows(written=written)
        hours.update(dirty_hours(rows, accepted, tags))
        return numbers

    def _reject_row(self, rejection: Rejection) -> None:
        assert rejection.edge_id is not None
        assert rejection.epoch is not None
        key = (rejection.edge_id, rejection.epoch)
        self._ledgers.count(key, rejected=1)
        self._outcome.count_rows(rejected=1)
        self._refusals.note(key, rejection.reason, 1, rejection.tag_name, rejection.detail)
        self._outcome.reject(rejection)
