"""The ingest's side of the database: measurements, ledger, rejections and tags."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import datetime
from sys import intern

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.types.multirange import Multirange
from psycopg.types.range import Range

from plant.delivery.idset import IdSet
from plant.delivery.lag import Counts
from plant.errors import DataError, StoreUnavailableError
from plant.measurement import Tag, TagRole, ValueType
from plant.settings import DatabaseSettings
from store.delivery.binary_copy import number_blocks, text_blocks
from store.delivery.history import recent_of
from store.delivery.rollup_mark import RollupMarks
from store.delivery.row import (
    EdgeRow,
    LedgerKey,
    LedgerRow,
    NumberColumns,
    OpenRejection,
    StatusRow,
    TagChange,
    TagRow,
    TextColumns,
)
from store.engine.connection import Connection, break_off, connect, message_errors, store_errors
from store.engine.harmless import Harmless
from store.engine.migration import check_migrated
from store.engine.queries import queries
from store.rejection.rejection import Rejection, write_rejections

_Q = queries("delivery/store")
_REPLAYED_BYTES = 16_000_000
"""Raw forms that are in memory at once."""


class PostgresDeliveryStore:
    """The real `DeliveryStore`: one connection, opened on use and again after it was lost."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._harmless = Harmless(settings)
        self._connection: Connection | None = None
        self._session = 0
        """How many connections were opened."""

    @contextmanager
    def transaction(self) -> Iterator["PostgresDeliveryTransaction"]:
        """Open a transaction, connecting first where needed; see `DeliveryStore`."""
        with store_errors(self._settings):
            connection = self._connected()
        with (
            message_errors(self._settings, connection),
            self._harmless.watching(),
            connection.transaction(),
        ):
            opened = PostgresDeliveryTransaction(connection, self._session)
            yield opened
            # Here, so that no caller forgets it, and last, as other writers wait for these rows
            # until the commit.
            opened.mark_rollups()

    def obstacle(self) -> str | None:
        """Return what keeps a harmless transaction from working now; see `DeliveryStore`."""
        try:
            with store_errors(self._settings):
                found = self._harmless.obstacle(self._connected())
        except (StoreUnavailableError, DataError) as exc:
            found = str(exc)
        if found is not None:
            # The next connection may lead to a server that does better.
            self.close()
        return found

    def break_off(self) -> None:
        """End, from another thread, whatever the connection waits for; the transaction fails."""
        connection = self._connection
        if connection is not None:
            break_off(connection)

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            # Kept first, so that it is closed with the store even if the check fails.
            self._connection = connect(self._settings, autocommit=True)
            self._session += 1
            check_migrated(self._connection)
            # Edges delete what is committed: it has to outlive a crash of this server.
            self._connection.execute(_Q["commit_to_disk"])
        return self._connection

    def close(self) -> None:
        """Close the connection; the next transaction opens another."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None


class PostgresDeliveryTransaction:
    """The real `DeliveryTransaction`, on an open transaction of a connection."""

    def __init__(self, connection: Connection, session: int) -> None:
        self._connection = connection
        self.session = session
        self._marks = RollupMarks()

    def edges(self) -> list[EdgeRow]:
        """Return all enrolled edges."""
        return [EdgeRow(*row) for row in self._connection.execute(_Q["edges"])]

    def tags(self, site_id: int, edge_ids: Collection[int]) -> list[TagRow]:
        """Return all tags of these edges of a site."""
        return self._tags("tags", site=site_id, edges=list(edge_ids))

    def tags_about(self, site_id: int, names: Sequence[str]) -> list[TagRow]:
        """Return the tags of a site that have one of the names, or a role."""
        return self._tags("tags_about", site=site_id, names=list(names))

    def tags_named(self, site_id: int, names: Sequence[str]) -> list[TagRow]:
        """Return the tags of a site that have one of the names, each said once."""
        return self._tags("tags_named", site=site_id, names=list(names))

    def _tags(self, query: str, **asked: object) -> list[TagRow]:
        # There may be very many, of few machines and units.
        return [
            TagRow(
                tag_id,
                edge_id,
                machine_id,
                Tag(name, intern(path), ValueType(kind), TagRole(role), intern(unit), *rest),
                is_meter,
            )
            for tag_id, edge_id, machine_id, is_meter, name, path, kind, role, unit, *rest in (
                self._connection.execute(_Q[query], asked)
            )
        ]

    def tag_versions(self, site_ids: Collection[int]) -> dict[int, str]:
        """Return, by site, what differs once any of its tags does."""
        rows = self._connection.execute(_Q["tag_versions"], {"sites": sorted(site_ids)})
        return dict(rows.fetchall())

    def work_units(self, site_id: int) -> dict[str, int]:
        """Return the ids of a site's work units by path."""
        return dict(self._connection.execute(_Q["work_units"], {"site": site_id}).fetchall())

    def lock_site(self, site_id: int) -> None:
        """Keep other workers from changing the tags of a site until the end."""
        self._connection.execute(_Q["lock_site"], {"site": site_id})

    def save_tags(self, changes: Sequence[TagChange], now: datetime) -> None:
        """Store tags by their site and name; make figures that they restate dirty."""
        # Before the tags change: the machine that a tag belonged to until now is marked, too.
        if restated := [change for change in changes if change.restates]:
            self._connection.execute(_Q["mark_units_dirty"], _columns(restated) | {"now": now})
        if changes:
            # Whoever says a name twice in one breath means the last.
            last = {(change.site_id, change.tag.name): change for change in changes}
            self._connection.execute(_Q["save_tags"], _columns(last.values()))

    def save_agent(self, edge_id: int, epoch: str, version: str, now: datetime) -> None:
        """Remember which agent an edge runs."""
        self._connection.execute(
            _Q["save_agent"], {"edge_id": edge_id, "epoch": epoch, "version": version, "now": now}
        )

    def save_status(self, status: StatusRow) -> None:
        """Replace an edge's heartbeat."""
        values = asdict(status) | {"unreachable": list(status.unreachable)}
        self._connection.execute(_Q["save_status" if status.full else "save_will"], values)
        if status.speaks_of_configuration:
            self._connection.execute(_Q["settle_configuration"], values)

    def lock_ledgers(self, keys: Iterable[LedgerKey]) -> dict[LedgerKey, LedgerRow]:
        """Return the ledgers, new ones made, and keep other workers from them until the end."""
        wanted = sorted(set(keys))
        if not wanted:
            return {}
        which = {
            "edges": [edge_id for edge_id, _ in wanted],
            "epochs": [epoch for _, epoch in wanted],
        }
        locked = self._connection.execute(_Q["lock_ledgers"], which).fetchone()
        found = self._ledgers(which)
        if locked != (len(wanted),):
            self._open_ledgers([key for key in wanted if key not in found], which)
            found = self._ledgers(which)
        return found

    def _ledgers(self, which: Mapping[str, object]) -> dict[LedgerKey, LedgerRow]:
        return {
            (row[0], row[1]): LedgerRow(
                *row[:2], *map(_id_set, row[2:4]), *row[4:8], *map(_id_set, row[8:10]), *row[10:]
            )
            for row in self._connection.execute(_Q["ledgers"], which)
        }

    def _open_ledgers(self, keys: Sequence[LedgerKey], which: Mapping[str, object]) -> None:
        """Make ledgers of new epochs, once nobody is writing to another epoch of their edges.

        A new ledger shows in no other transaction until it is committed, so two workers with two
        epochs could each find its own to be the only one, and write the same rows. Who opens one
        therefore waits for whoever opens another, and for who writes to the only one that there is:
        to an epoch that is known to have others nobody writes without the lock of the site. Two
        that open may wait in a circle; PostgreSQL ends one, and its group is tried again.
        """
        edges = {"edges": sorted({edge_id for edge_id, _ in keys})}
        self._connection.execute(_Q["lock_sites_of"], edges)
        self._connection.execute(_Q["lock_only_ledgers"], edges)
        self._connection.execute(_Q["open_ledgers"], which)
        # Another worker may have opened one of them meanwhile.
        self._connection.execute(_Q["lock_ledgers"], which)

    def save_ledgers(
        self, ledgers: Sequence[LedgerRow], committed_at: Mapping[LedgerKey, datetime]
    ) -> None:
        """Store ledgers that `lock_ledgers` returned; times only for those with new data."""
        if not ledgers:
            return
        with self._connection.cursor() as cursor:
            cursor.executemany(
                _Q["save_ledger"],
                [
                    {
                        "edge_id": ledger.edge_id,
                        "epoch": ledger.epoch,
                        "committed": _multirange(ledger.committed),
                        "dropped": _multirange(ledger.dropped),
                        "set_back": _multirange(ledger.set_back),
                        "damaged": _multirange(ledger.damaged),
                        "rejected_count": ledger.rejected_count,
                        "duplicate_count": ledger.duplicate_count,
                        "issued_id": ledger.issued_id,
                        "committed_at": committed_at.get((ledger.edge_id, ledger.epoch)),
                    }
                    for ledger in ledgers
                ],
            )

    def write_numbers(self, rows: NumberColumns) -> None:
        """Append to `measurement`."""
        self.stream_numbers([rows])

    def stream_numbers(self, portions: Iterable[NumberColumns]) -> None:
        """Append to `measurement` while the portions are being made; see `DeliveryTransaction`."""
        history: list[NumberColumns] = []
        self._copy("copy_numbers", number_blocks(recent_of(self._marks.noting(portions), history)))
        if history:
            with self._wide_chunks():
                self._copy("copy_numbers", number_blocks(history))

    def mark_rollups(self) -> None:
        """Mark the hours of what was appended to `measurement`: they have to be summed up again."""
        if self._marks:
            self._connection.execute(_Q["mark_rollups"], self._marks.columns())
            self._marks.clear()

    def write_texts(self, rows: TextColumns) -> None:
        """Append to `text_measurement`."""
        history: list[TextColumns] = []
        for recent in recent_of([rows], history):
            self._copy("copy_texts", text_blocks(recent))
        if history:
            with self._wide_chunks():
                for old in history:
                    self._copy("copy_texts", text_blocks(old))

    def _copy(self, query: str, blocks: Iterator[bytes]) -> None:
        # What holds no row at all opens no COPY.
        first = next(blocks, None)
        if first is None:
            return
        with self._connection.cursor() as cursor, cursor.copy(_Q[query]) as copy:
            copy.write(first)
            for block in blocks:
                copy.write(block)

    @contextmanager
    def _wide_chunks(self) -> Iterator[None]:
        """Let the parts of the tables that are made meanwhile be of half a year."""
        self._connection.execute(_Q["chunks_of_history"])
        # Nothing to put back after an error: the width is the transaction's, and undone with it.
        yield
        self._connection.execute(_Q["chunks_of_today"])

    def stored_numbers(
        self, rows: NumberColumns, received_until: datetime | None = None
    ) -> NDArray[np.bool_]:
        """Tell which rows `measurement` has already; see `DeliveryTransaction`."""
        return self._stored("numbers", rows, received_until)

    def stored_texts(
        self, rows: TextColumns, received_until: datetime | None = None
    ) -> NDArray[np.bool_]:
        """Tell which rows `text_measurement` has already; see `DeliveryTransaction`."""
        return self._stored("texts", rows, received_until)

    def _stored(
        self,
        what: str,
        rows: NumberColumns | TextColumns,
        received_until: datetime | None,
    ) -> NDArray[np.bool_]:
        found = np.zeros(len(rows), np.bool_)
        suspect = self._not_newer(what, rows) if len(rows) else found
        if suspect.any():
            few = rows.only(suspect)
            asked = {
                "tags": few.tag_id.tolist(),
                "times": few.source_us.tolist(),
                "values": _values(few),
                "first": int(few.source_us.min()),
                "last": int(few.source_us.max()),
                "received_until": received_until,
            }
            # Planned for its own lists, every time: a plan for lists of any length looks into each
            # part of the table for each row, which took eight times as long for 9,500 rows.
            known = self._connection.execute(_Q[f"stored_{what}"], asked, prepare=False).fetchall()
            found[np.flatnonzero(suspect)[[number - 1 for (number,) in known]]] = True
        return found

    def _not_newer(self, what: str, rows: NumberColumns | TextColumns) -> NDArray[np.bool_]:
        """Tell which rows are not newer than all that is stored of their tags: shape (n,)."""
        tags, place = np.unique(rows.tag_id, return_inverse=True)
        asked = {
            "tags": tags.tolist(),
            "first": int(rows.source_us.min()),
            "last": int(rows.source_us.max()),
        }
        found = self._connection.execute(_Q[f"newest_{what}"], asked, prepare=False).fetchall()
        newest: dict[int, int] = dict(found)
        nothing = np.iinfo(np.int64).min
        latest = np.array([newest.get(tag, nothing) for tag in tags.tolist()], np.int64)
        return rows.source_us <= latest[place]

    def open_rejections(self, reason: str, after: int, limit: int) -> list[OpenRejection]:
        """Return rejections that wait, by their ids, and keep other replays from them."""
        values = {"reason": reason, "after": after, "limit": limit, "bytes": _REPLAYED_BYTES}
        return [
            OpenRejection(*row) for row in self._connection.execute(_Q["open_rejections"], values)
        ]

    def mark_replayed(self, rejection_ids: Sequence[int], now: datetime) -> None:
        """Note that what these hold is written."""
        self._connection.execute(
            _Q["mark_replayed"], {"rejections": list(rejection_ids), "now": now}
        )

    def write_rejections(self, rejections: Sequence[Rejection]) -> None:
        """Append to `rejection`."""
        write_rejections(self._connection, rejections)

    def mark_dirty(self, hours: Sequence[tuple[int, int]], now: datetime) -> None:
        """Mark hours (work unit id, start in microseconds since 1970) as out of date."""
        self._connection.execute(
            _Q["mark_dirty"],
            {
                "units": [unit for unit, _ in hours],
                "hours": [hour // 1_000_000 for _, hour in hours],
                "now": now,
            },
        )

    def add_lags(self, lags: Mapping[int, Counts], now: datetime) -> None:
        """Add, by edge id, how long measurements took until now; see `plant.delivery.lag`."""
        rows = [
            (edge_id, bucket, number)
            for edge_id, counts in lags.items()
            for bucket, number in counts.items()
        ]
        if rows:
            edges, buckets, counts = zip(*rows, strict=True)
            self._connection.execute(
                _Q["add_lags"],
                {
                    "now": now,
                    "edges": list(edges),
                    "buckets": list(buckets),
                    "counts": list(counts),
                },
            )


def _columns(changes: Iterable[TagChange]) -> dict[str, list[object]]:
    """Return what is to be stored of tags, column by column."""
    rows = [
        {
            **asdict(change.tag),
            "site_id": change.site_id,
            "work_unit_id": change.work_unit_id,
            "edge_id": change.edge_id,
        }
        for change in changes
    ]
    return {name: [row[name] for row in rows] for name in rows[0]}


def _values(rows: NumberColumns | TextColumns) -> list[str | float | None]:
    if isinstance(rows, TextColumns):
        return list(rows.value)
    # No value is NaN here and null in the table, where NaN would equal nothing that is stored.
    return [None if math.isnan(value) else value for value in rows.value.tolist()]


def _id_set(ids: Multirange[int]) -> IdSet:
    return IdSet(tuple((span.lower, span.upper) for span in ids if span.lower and span.upper))


def _multirange(ids: IdSet) -> Multirange[int]:
    return Multirange([Range(start, stop) for start, stop in ids.spans])
