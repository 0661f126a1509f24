"""Devices without outbox ids: their messages of a group, written once though they may come twice.

The broker repeats what was not acknowledged, and devices repeat after a reconnect without saying
so. Every value is therefore compared with what is stored; for these few rows that is cheap.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from zlib import crc32

import numpy as np

from ingest.commit.heartbeat import sign_of_life
from ingest.commit.lag import Lags
from ingest.commit.new_rows import NewRows
from ingest.commit.outcome import Outcome
from ingest.commit.unnumbered import write_unnumbered
from ingest.decoding.parcel import DEVICE_EPOCH, DeviceParcel, Parcel, RefusedParcel, refused
from ingest.validation.registry import Registry, stranger
from ingest.validation.validation import Reason
from plant.clock import from_microseconds, microseconds
from plant.description import LONG_AGO
from store.delivery.row import DeliveryTransaction
from store.rejection.rejection import Rejection


class DeviceGroup:
    """Writes what devices sent within an open database transaction."""

    def __init__(
        self,
        transaction: DeliveryTransaction,
        registry: Registry,
        outcome: Outcome,
        lags: Lags,
        now: datetime,
        future_tolerance_us: int,
    ) -> None:
        self._transaction = transaction
        self._registry = registry
        self._outcome = outcome
        self._lags = lags
        self._now = now
        self._future_tolerance_us = future_tolerance_us

    def write(self, parcels: Sequence[Parcel]) -> Iterator[RefusedParcel]:
        """Write the devices' values, and yield the messages that cannot be accepted as a whole."""
        parts: list[NewRows] = []
        for parcel in parcels:
            if not isinstance(parcel, DeviceParcel):
                continue
            edge = self._registry.edge(parcel.address)
            if edge is None:
                yield from (stranger(one, self._registry) for one in parcel.apart())
            elif not self._registry.has_tags(edge):
                detail = "no tag of this device is announced yet; replay it once there are some"
                yield from (refused(one, "no_birth", detail) for one in parcel.apart())
            else:
                ids = parcel.data.ids
                parts.append(NewRows(parcel.data, edge, [(ids.start, ids.stop)]))
        if parts:
            self._write(parts)
            self._note_presence(parts)

    def _write(self, parts: Sequence[NewRows]) -> None:
        rows = sum(map(len, parts))
        news, rejections = write_unnumbered(
            self._transaction,
            self._registry,
            parts,
            np.ones(rows, np.bool_),
            self._lags,
            self._outcome,
            self._future_tolerance_us,
            self._now,
        )
        for rejection in map(_seldom, rejections):
            self._outcome.reject(rejection)
        lengths = [rows for part in parts for rows in part.parcel.lengths]
        starts = np.cumsum([0, *lengths[:-1]])
        told = int(np.logical_or.reduceat(news, starts).sum())
        self._outcome.count_message(written=told, duplicate=len(lengths) - told)

    def _note_presence(self, parts: Sequence[NewRows]) -> None:
        """Take a live message for a heartbeat: the device was there, and told all until then."""
        newest: dict[int, tuple[datetime, datetime]] = {}
        for part in parts:
            # A retained one may be months old, and the device long gone; it is by itself.
            message, rows = part.parcel.messages[-1], part.parcel.lengths[-1]
            if message.retained:
                continue
            received = message.received_time
            # A device whose clock is ahead has not told the future.
            last_us = min(int(part.parcel.time_us[-rows:].max()), microseconds(received))
            sampled = from_microseconds(max(last_us, microseconds(LONG_AGO)))
            newest[part.edge.edge_id] = (received, sampled)
        for edge_id, (received, sampled) in newest.items():
            self._transaction.save_status(sign_of_life(edge_id, DEVICE_EPOCH, received, sampled))


def _seldom(rejection: Rejection) -> Rejection:
    """Return a field that is no tag as one row for all the messages that will have it."""
    if rejection.reason != Reason.UNKNOWN_TAG or rejection.tag_name is None:
        return rejection
    # Rejections that are kept once are told apart by topic, reason, epoch and row; the last is
    # free, as a device has no ids.
    name = rejection.tag_name.encode("utf-8", "replace")
    return replace(rejection, once=True, row_id=crc32(name))
