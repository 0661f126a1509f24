"""Two simulated enterprises over many days, delivered without waiting: for tests and benches.

The simulators' machines make readings and ground truth; their readings, mixed up and repeated, go
through the delivery store in the order of arrival while analytics computes pass after pass, as the
services do it, but the plant's clock is moved by hand.
"""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from analytics.service import compute_pass
from analytics.settings import AnalyticsSettings
from plant.clock import from_microseconds
from plant.measurement import TEXT_ROLES, TagRole
from plant.settings import ClockSettings, DatabaseSettings
from simulators.pilot import Pilot, load_pilot
from simulators.settings import DisorderSettings
from simulators.truth.reading import TruthReader
from store import Connection, connect, load_plant
from store.delivery.row import NumberColumns, TextColumns
from store.delivery.store import PostgresDeliveryStore
from tests.plants.simulated_plants import ORIGIN, ORIGIN_US, simulate

PILOTS = ("co-khi-mau", "thuc-pham-mau")
HOUR = timedelta(hours=1)
HOUR_US = 3_600_000_000
_TABLES = {
    "state_interval": ("place.path, start_time", "work_unit_id"),
    "stop": ("place.path, start_time", "work_unit_id"),
    "failure": ("place.path, start_time", "work_unit_id"),
    "base_sum": ("place.path, slice_start", "work_unit_id"),
    "minute_sum": ("place.path, slice_start", "work_unit_id"),
    "oee_result": ("place.path, kind, window_start", "place_id"),
}


@dataclass(frozen=True)
class Arrivals:
    """Readings of one tag in the order of arrival; repeats included."""

    tag_id: int
    unit_id: int
    is_text: bool
    arrival_us: np.ndarray[Any, np.dtype[np.int64]]
    source_us: np.ndarray[Any, np.dtype[np.int64]]
    values: Sequence[Any]
    quality: np.ndarray[Any, np.dtype[np.int64]]


def record(folder: Path, days: float, seed: int = 7) -> list[Path]:
    """Simulate the enterprises with all disorder on; return their ground truths."""
    return [simulate(name, folder, days * 24, DisorderSettings(), seed=seed) for name in PILOTS]


class LongRun:
    """One database that receives what the simulated enterprises measured."""

    def __init__(self, database: DatabaseSettings, truths: Sequence[Path], days: float) -> None:
        self.database = database
        self.end = ORIGIN + timedelta(days=days)
        self._stack = ExitStack()
        self.readers = [self._stack.enter_context(TruthReader(path)) for path in truths]
        self.connection: Connection = self._stack.enter_context(connect(database, autocommit=True))
        self._store = PostgresDeliveryStore(database)
        self._stack.callback(self._store.close)
        pilots = [load_pilot(name) for name in PILOTS]
        for pilot in pilots:
            load_plant(database, pilot.plant)
        self._tags = [
            tag
            for pilot, reader in zip(pilots, self.readers, strict=True)
            for tag in self._add_tags(pilot, reader)
        ]

    def close(self) -> None:
        """Close every connection."""
        self._stack.close()

    def run(
        self, *, outage: tuple[datetime, datetime] | None = None, step: timedelta = HOUR
    ) -> None:
        """Deliver everything and compute as it comes; what is held back comes after the outage.

        At the end the clock stands still, and every window that is over becomes final.
        """
        arrivals = [self._arrivals(tag, outage) for tag in self._tags]
        settings = AnalyticsSettings(database=self.database)
        before = 0
        now = ORIGIN
        while now < self.end:
            now = min(now + step, self.end)
            until = _us(now)
            away = outage is not None and outage[0] < now < outage[1]
            self._deliver(arrivals, before, until)
            self._report(outage[0] if away and outage else now, online=not away)
            compute_pass(self.connection, settings, now)
            before = until
        self._deliver(arrivals, before, 1 << 62)
        clock = ClockSettings(wall_origin=ORIGIN, plant_origin=ORIGIN, until=self.end)
        settings = AnalyticsSettings(database=self.database, clock=clock)
        while not compute_pass(self.connection, settings, self.end).complete:
            pass
        while compute_pass(self.connection, settings, self.end).results:
            pass

    def figures(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return every row that analytics wrote, without when it was computed."""
        found = {}
        for table, (order, place) in _TABLES.items():
            rows = self.connection.execute(
                "select place.path,"
                f" (to_jsonb(t) - 'as_of' - 'final_since' - '{place}')::text from {table} t"
                f" join place on place.place_id = t.{place} order by {order}".encode()
            )
            found[table] = rows.fetchall()
        return found

    def shifts(self, work_unit: str) -> list[dict[str, Any]]:
        """Return the sums of each whole shift of a machine, by column name."""
        with self.connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            return cursor.execute(
                b"select r.*, s.unscheduled_ms from oee_result r join place using (place_id)"
                b" cross join lateral (select sum(unscheduled_production_ms)::bigint unscheduled_ms"
                b" from base_sum where work_unit_id = place_id and shift_start = window_start) s"
                b" where path = %s and kind = 'shift' and window_start >= %s and window_end <= %s"
                b" order by window_start",
                (work_unit, ORIGIN, self.end),
            ).fetchall()

    def _add_tags(self, pilot: Pilot, reader: TruthReader) -> Iterator[tuple[int, int, Any, Any]]:
        true = {tag.path: tag for tag in reader.tags}
        for tag in pilot.tags:
            if tag.role is TagRole.NONE:
                continue
            row = self.connection.execute(
                "insert into tag (site_id, work_unit_id, edge_id, name, value_type, role,"
                " counter_modulus, max_silence_s)"
                " select edge.site_id, unit.place_id, edge_id, %s, %s, %s, %s, %s"
                " from edge join place site on site.place_id = edge.site_id, place unit"
                " where site.path = %s and unit.path = %s returning tag_id, work_unit_id",
                (
                    tag.name,
                    "text" if tag.role in TEXT_ROLES else "number",
                    tag.role,
                    tag.counter_modulus,
                    tag.max_silence_s,
                    pilot.site_path,
                    pilot.unit_path(tag.machine),
                ),
            ).fetchone()
            assert row is not None
            yield row[0], row[1], reader, true[pilot.tag_path(tag)]

    def _arrivals(
        self, tag: tuple[int, int, Any, Any], outage: tuple[datetime, datetime] | None
    ) -> Arrivals:
        """Return the readings of a tag, some late and some twice, as they come in."""
        tag_id, unit_id, reader, true = tag
        readings = reader.readings(true)
        source = np.array([reading.source_us for reading in readings], dtype=np.int64)
        # The same in every run: an outage changes when things come, not what comes.
        rng = np.random.default_rng([11, tag_id])
        late = np.where(
            rng.random(source.size) < 0.02, rng.integers(0, 2 * HOUR_US, source.size), 0
        )
        arrival = source + rng.integers(0, 3_000_000, source.size) + late
        index = np.concatenate((np.arange(source.size), np.flatnonzero(late > HOUR_US)))
        arrival = arrival[index]
        if outage is not None:
            held = (arrival >= _us(outage[0])) & (arrival < _us(outage[1]))
            arrival[held] = _us(outage[1]) + rng.integers(0, HOUR_US, int(held.sum()))
        order = np.argsort(arrival, kind="stable")
        index = index[order]
        return Arrivals(
            tag_id,
            unit_id,
            true.is_text,
            arrival[order],
            source[index],
            [readings[number].value for number in index.tolist()],
            np.array([readings[number].quality for number in index.tolist()], dtype=np.int64),
        )

    def _deliver(self, arrivals: Sequence[Arrivals], start_us: int, end_us: int) -> None:
        """Write what arrives in a stretch, in one transaction, as the ingest does it."""
        dirty: set[tuple[int, int]] = set()
        with self._store.transaction() as transaction:
            for tag in arrivals:
                first, last = np.searchsorted(tag.arrival_us, [start_us, end_us])
                if first == last:
                    continue
                source = tag.source_us[first:last]
                count = np.full(source.size, tag.tag_id, dtype=np.int64)
                common = (count, source, tag.arrival_us[first:last])
                values, quality = tag.values[first:last], tag.quality[first:last]
                if tag.is_text:
                    texts = [None if value is None else str(value) for value in values]
                    transaction.write_texts(TextColumns(*common, texts, quality))
                else:
                    numbers = np.array(
                        [np.nan if value is None else float(value) for value in values]
                    )
                    transaction.write_numbers(NumberColumns(*common, numbers, quality))
                hours = np.unique(source - source % HOUR_US).tolist()
                dirty.update((tag.unit_id, hour) for hour in hours)
            transaction.mark_dirty(sorted(dirty), from_microseconds(start_us))

    def _report(self, sampled: datetime, *, online: bool) -> None:
        self.connection.execute("delete from edge_status")
        self.connection.execute("delete from delivery_ledger")
        self.connection.execute(
            "insert into edge_status (edge_id, online, epoch, reported_at, issued_id, pending,"
            " sampled_time) select edge_id, %s, 'e', %s, 9, 0, %s from edge",
            (online, sampled, sampled),
        )
        self.connection.execute(
            "insert into delivery_ledger (edge_id, epoch, committed, issued_id)"
            " select edge_id, 'e', '{[1,10)}', 9 from edge"
        )


def differing(
    one: dict[str, list[tuple[Any, ...]]], other: dict[str, list[tuple[Any, ...]]]
) -> dict[str, list[tuple[Any, ...]]]:
    """Return up to three rows per table that are not the same in both."""
    return {
        table: found
        for table in one
        if (found := list(itertools.islice(set(one[table]) ^ set(other[table]), 3)))
    }


def _us(moment: datetime) -> int:
    return ORIGIN_US + (moment - ORIGIN) // timedelta(microseconds=1)
