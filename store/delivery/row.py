"""What the ingest reads and writes: edges, tags, ledgers, heartbeats, measurements, rejections."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from plant.delivery.idset import EMPTY, IdSet
from plant.delivery.lag import Counts
from plant.measurement import Tag
from store.rejection.rejection import Rejection

LedgerKey = tuple[int, str]
"""Edge id and epoch."""


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """An enrolled edge."""

    edge_id: int
    site_id: int
    site_path: str
    code: str
    online: bool
    """As its last heartbeat or Last Will said."""
    revoked: bool = False
    """An administrator has turned it out."""
    certified: bool = False
    """It has a certificate that is neither revoked nor expired."""


@dataclass(frozen=True, slots=True)
class TagRow:
    """A stored tag."""

    tag_id: int
    edge_id: int
    work_unit_id: int
    tag: Tag
    is_meter: bool = False
    """Whether the document of a meter names it: then figures depend on it without a role, too."""


@dataclass(frozen=True, slots=True)
class TagChange:
    """A tag to store: new, or with a changed definition."""

    edge_id: int
    site_id: int
    work_unit_id: int
    tag: Tag
    restates: bool = False
    """Figures that exist for its work unit depend on what changed."""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """Which ids of one epoch of an edge are committed, given up, rejected or were repeated."""

    edge_id: int
    epoch: str
    committed: IdSet = EMPTY
    dropped: IdSet = EMPTY
    rejected_count: int = 0
    duplicate_count: int = 0
    issued_id: int = 0
    others_until: datetime | None = None
    """When other epochs of the edge last brought something; None when none did.

    Of those that were committed when the ledger was locked: sure only under the lock of the site.
    """
    set_back: IdSet = EMPTY
    """Of the dropped ids, those that the platform had once and lost."""
    damaged: IdSet = EMPTY
    """Of the dropped ids, those that a damaged outbox lost."""
    has_others: bool = False
    """Whether the edge has other epochs. Sure: one that is opened waits for this transaction."""

    @property
    def contiguous_to(self) -> int:
        """Highest id up to which every id from 1 is committed or given up."""
        return self.committed.union(self.dropped).contiguous_to()

    def taking(self, ids: IdSet, repeated: int) -> "LedgerRow":
        """Return the ledger with new ids committed, and some more found to be repeated."""
        return LedgerRow(
            self.edge_id,
            self.epoch,
            self.committed.union(ids),
            self.dropped,
            self.rejected_count,
            self.duplicate_count + repeated,
            self.issued_id,
            self.others_until,
            self.set_back,
            self.damaged,
            self.has_others,
        )


@dataclass(frozen=True, slots=True)
class StatusRow:
    """An edge's heartbeat; times are aware UTC."""

    edge_id: int
    online: bool
    epoch: str
    reported_at: datetime
    full: bool
    """False for a Last Will, which tells nothing but that the edge is gone."""
    issued_id: int | None = None
    pending: int | None = None
    oldest_pending_time: datetime | None = None
    sampled_time: datetime | None = None
    dropped: int | None = None
    buffer_hours_left: float | None = None
    clock_offset_ms: float | None = None
    unreachable: Sequence[str] = ()
    config_version: int | None = None
    config_error: str | None = None
    config_on_trial: bool | None = None
    config_refused: int | None = None
    config_rolled_back: int | None = None

    @property
    def speaks_of_configuration(self) -> bool:
        """Whether it says anything of a pushed configuration."""
        versions = self.config_version, self.config_refused, self.config_rolled_back
        return any(version is not None for version in versions)


@dataclass(frozen=True, slots=True)
class OpenRejection:
    """A stored rejection that was not replayed."""

    rejection_id: int
    received_time: datetime
    topic: str
    edge_id: int | None
    epoch: str | None
    row_id: int | None
    tag_name: str | None
    reason: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class NumberColumns:
    """Rows of `measurement`, one array element each."""

    tag_id: NDArray[np.int64]
    source_us: NDArray[np.int64]
    """Microseconds since 1970."""
    received_us: NDArray[np.int64]
    value: NDArray[np.float64]
    """NaN where there is no value."""
    quality: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.tag_id)

    def by_tag(self) -> "NumberColumns":
        """Return the rows tag by tag, a tag's in the order they have.

        Rows that are neighbours in the index cost the database a third less.
        """
        return self.only(np.argsort(self.tag_id, kind="stable"))

    def only(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "NumberColumns":
        """Return the chosen rows, in the order in which they are chosen."""
        return NumberColumns(
            self.tag_id[chosen],
            self.source_us[chosen],
            self.received_us[chosen],
            self.value[chosen],
            self.quality[chosen],
        )


@dataclass(frozen=True, slots=True)
class TextColumns:
    """Rows of `text_measurement`; `value` has None where there is none."""

    tag_id: NDArray[np.int64]
    source_us: NDArray[np.int64]
    received_us: NDArray[np.int64]
    value: Sequence[str | None]
    quality: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.tag_id)

    def only(self, chosen: NDArray[np.bool_]) -> "TextColumns":
        """Return the chosen rows."""
        return TextColumns(
            self.tag_id[chosen],
            self.source_us[chosen],
            self.received_us[chosen],
            [self.value[k] for k in np.flatnonzero(chosen).tolist()],
            self.quality[chosen],
        )


class DeliveryTransaction(Protocol):
    """One transaction of the ingest: everything in it is committed, or nothing."""

    session: int
    """Which connection it is on: another one may lead to another database."""

    def edges(self) -> list[EdgeRow]:
        """Return all enrolled edges."""

    def tags(self, site_id: int, edge_ids: Collection[int]) -> list[TagRow]:
        """Return all tags of these edges of a site."""

    def tags_about(self, site_id: int, names: Sequence[str]) -> list[TagRow]:
        """Return the tags of a site that have one of the names, or a role."""

    def tags_named(self, site_id: int, names: Sequence[str]) -> list[TagRow]:
        """Return the tags of a site that have one of the names, each said once."""

    def tag_versions(self, site_ids: Collection[int]) -> dict[int, str]:
        """Return, by site, what differs once any of its tags does."""

    def work_units(self, site_id: int) -> dict[str, int]:
        """Return the ids of a site's work units by path."""

    def lock_site(self, site_id: int) -> None:
        """Keep other workers from changing the tags of a site until the end."""

    def save_tags(self, changes: Sequence[TagChange], now: datetime) -> None:
        """Store tags by their site and name; make figures that they restate dirty."""

    def save_agent(self, edge_id: int, epoch: str, version: str, now: datetime) -> None:
        """Remember which agent an edge runs."""

    def save_status(self, status: StatusRow) -> None:
        """Replace an edge's heartbeat."""

    def lock_ledgers(self, keys: Iterable[LedgerKey]) -> dict[LedgerKey, LedgerRow]:
        """Return the ledgers, new ones made, and keep other workers from them until the end.

        What they say of other epochs is sure once the site is locked, if it is asked again then.
        """

    def save_ledgers(
        self, ledgers: Sequence[LedgerRow], committed_at: Mapping[LedgerKey, datetime]
    ) -> None:
        """Store ledgers that `lock_ledgers` returned; times only for those with new data."""

    def write_numbers(self, rows: NumberColumns) -> None:
        """Append to `measurement`."""

    def stream_numbers(self, portions: Iterable[NumberColumns]) -> None:
        """Append to `measurement` while the portions are being made.

        Making them must not use this transaction.
        """

    def write_texts(self, rows: TextColumns) -> None:
        """Append to `text_measurement`."""

    def stored_numbers(
        self, rows: NumberColumns, received_until: datetime | None = None
    ) -> NDArray[np.bool_]:
        """Tell which rows `measurement` has already, by tag, source time and value: shape (n,).

        For sources without outbox ids, whose repetitions no ledger can know, and for rows that
        another epoch may have brought. Two different values of one moment are no repetition.
        With `received_until` only what had arrived by then counts as stored.
        """

    def stored_texts(
        self, rows: TextColumns, received_until: datetime | None = None
    ) -> NDArray[np.bool_]:
        """The same for `text_measurement`."""

    def write_rejections(self, rejections: Sequence[Rejection]) -> None:
        """Append to `rejection`."""

    def mark_dirty(self, hours: Sequence[tuple[int, int]], now: datetime) -> None:
        """Mark hours (work unit id, start in microseconds since 1970) as out of date."""

    def add_lags(self, lags: Mapping[int, Counts], now: datetime) -> None:
        """Add, by edge id, how long measurements took until now; see `plant.delivery.lag`."""


class DeliveryStore(Protocol):
    """Where the ingest writes to."""

    def transaction(self) -> AbstractContextManager[DeliveryTransaction]:
        """Open a transaction; it commits on a regular exit and rolls back on an exception.

        Raises StoreUnavailableError when trying again may help and DataError `store_refused` for
        any other refusal. Whether a message or the moment is to blame, `obstacle` tells.
        """

    def obstacle(self) -> str | None:
        """Return what keeps a harmless transaction from being committed; None when nothing does.

        Raises ConfigurationError when a person must mend it.
        """

    def close(self) -> None:
        """Give the connection back."""
