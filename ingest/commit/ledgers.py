"""The ledgers of a group: which ids of which outbox are settled, locked until the transaction ends.

An outbox numbers its rows from 1, without gaps; an epoch is one life of an outbox, and each has a
ledger. What a ledger says decides everything else, by arithmetic alone: an id that is in it came
before and is left out, one that is not is new. So ids and the rows that they stand for must become
durable together, in one transaction, and the edge may forget a row only once its id is in a ledger
that was committed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from ingest.commit.heartbeat import MOST_SPANS
from ingest.commit.overlap import Overlap, overlap
from ingest.decoding.parcel import BirthParcel, Ids, Parcel
from ingest.validation.registry import Registry
from plant.delivery.idset import IdSet, Span
from plant.native.message import EdgeAddress
from store.delivery.row import DeliveryTransaction, LedgerKey, LedgerRow


class Ledgers:
    """The ledgers that a group of messages may change."""

    def __init__(
        self, transaction: DeliveryTransaction, registry: Registry, future_tolerance_us: int
    ) -> None:
        self._transaction = transaction
        self._registry = registry
        self._future_tolerance_us = future_tolerance_us
        self._rows: dict[LedgerKey, LedgerRow] = {}
        self._epochs: dict[int, dict[LedgerKey, LedgerRow]] = {}
        """By edge, the ledgers as they were locked."""
        self._addresses: dict[LedgerKey, EdgeAddress] = {}
        self._committed_at: dict[LedgerKey, datetime] = {}

    def __iter__(self) -> Iterator[tuple[LedgerKey, LedgerRow]]:
        """Yield every ledger as it is to be saved."""
        return iter(self._rows.items())

    def __getitem__(self, key: LedgerKey) -> LedgerRow:
        """Return a ledger as it is to be saved."""
        return self._rows[key]

    def __setitem__(self, key: LedgerKey, row: LedgerRow) -> None:
        self._rows[key] = row

    @property
    def addresses(self) -> Mapping[LedgerKey, EdgeAddress]:
        """To whom the ack of each ledger goes."""
        return self._addresses

    def lock(self, parcels: Sequence[Parcel]) -> None:
        """Take the ledgers of all messages with ids, before anything is read or written.

        All at once and in one order: two workers that took them message by message would wait for
        each other. From then on nobody else can find the same id new.
        """
        for parcel in parcels:
            edge = self._registry.edge(parcel.address) if parcel.address else None
            # A birth settles nothing, and the heartbeat behind it is what an ack answers. Retained,
            # it may also be of a life that is long over.
            has_ids = not isinstance(parcel, BirthParcel)
            if edge is not None and parcel.address and parcel.epoch is not None and has_ids:
                self._addresses[edge.edge_id, parcel.epoch] = parcel.address
        self._read()
        # Two epochs of an edge have two ledgers, so these locks do not keep two workers apart: each
        # would compare its rows with the tables before the other has written, and find them new.
        sites = sorted(set(self._sites_with_epochs()))
        for site_id in sites:
            self._transaction.lock_site(site_id)
        if sites:
            # What another worker brought while this one waited for the site is to be compared too.
            self._read()

    def _read(self) -> None:
        self._rows = self._transaction.lock_ledgers(self._addresses)
        self._epochs = {}
        for key, row in self._rows.items():
            self._epochs.setdefault(key[0], {})[key] = row

    def _sites_with_epochs(self) -> Iterator[int]:
        for key, address in self._addresses.items():
            edge = self._registry.edge(address)
            if edge is not None and self.has_other_epochs(key):
                yield edge.site_id

    def has_other_epochs(self, key: LedgerKey) -> bool:
        """Tell whether the edge has had another outbox, before or within this group."""
        return self._rows[key].has_others or self.meet(key)

    def meet(self, key: LedgerKey) -> bool:
        """Tell whether several epochs of the edge are in this group."""
        return len(self._epochs[key[0]]) > 1

    def overlap(self, key: LedgerKey) -> Overlap | None:
        """Return what an epoch has in common with others; None for the only one of its edge."""
        return overlap(key, self._epochs[key[0]], self._committed_at, self._future_tolerance_us)

    def take(self, key: LedgerKey, ids: Ids, received: datetime) -> list[Span]:
        """Settle ids and return those that are new; the others count as repeated.

        Settled is every id whose fate is known: stored, or refused for good with the reason kept.
        Whoever takes ids has to see to it within this transaction that their rows have one.
        """
        row = self._rows[key]
        new = row.committed.missing(ids.start, ids.stop)
        repeated = len(ids) - sum(stop - start for start, stop in new)
        self._rows[key] = row.taking(IdSet(tuple(new)), repeated)
        if new:
            # Not the clock of the write: what arrives later under another epoch is compared with
            # what had arrived until then (see `Overlap`).
            self._committed_at[key] = max(received, self._committed_at.get(key, received))
        return new

    def scatters(self, key: LedgerKey, ids: Ids) -> bool:
        """Tell whether a ledger in very many pieces would fall into one more.

        A ledger is read and written whole with each message of its edge: one that sends every other
        id would make each of its messages dearer than the one before.
        """
        known = self._rows[key].committed
        if len(known.spans) < MOST_SPANS:
            return False
        return len(known.union(IdSet(((ids.start, ids.stop),))).spans) > len(known.spans)

    def count(self, key: LedgerKey, *, rejected: int = 0, duplicate: int = 0) -> None:
        """Count rows that were refused or found to be stored, though their ids are new."""
        row = self._rows[key]
        self._rows[key] = replace(
            row,
            rejected_count=row.rejected_count + rejected,
            duplicate_count=row.duplicate_count + duplicate,
        )

    def save(self) -> None:
        """Write all of them, within the transaction."""
        self._transaction.save_ledgers(list(self._rows.values()), self._committed_at)
