"""What the ingest writes of edges and what is read of it: gaps and why, lags, configurations."""

import threading
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta

import pytest

from ingest.commit.committer import Committer
from ingest.decoding.message import Message
from ingest.decoding.opening import open_parcel
from ingest.selfstat import Selfstat
from ingest.settings import LimitSettings
from plant.delivery.gap import Gap, GapReason
from plant.delivery.lag import lag_quantile_s
from plant.settings import DatabaseSettings
from store import connect, load_plant
from store.delivery.store import PostgresDeliveryStore
from store.edge.configuration_book import configuration_page
from store.reading.fleet import FleetReading
from store.reading.fleet_row import DeliveryRow
from tests.plants.deliveries import EDGE, NOW, NOW_US, birth, data, plant, status

PATH = f"{EDGE.site_path}/{EDGE.edge}"


class Ingest:
    """Commits messages at NOW."""

    def __init__(self, database: DatabaseSettings) -> None:
        load_plant(database, plant())
        self.database = database

    def commit(self, *messages: Message) -> None:
        limits = LimitSettings()
        with closing(PostgresDeliveryStore(self.database)) as store:
            committer = Committer(store, Selfstat(), lambda: NOW, limits, threading.Event())
            parcels = [open_parcel(message, limits) for message in messages]
            assert sum(len(part) for part, _ in committer.commit(parcels)) == len(messages)

    def lives(self) -> dict[str | None, DeliveryRow]:
        with connect(self.database) as connection:
            rows = FleetReading(connection).deliveries()
        return {row.epoch: row for row in rows if row.edge == PATH}


@pytest.fixture
def ingest(each_database: DatabaseSettings) -> Ingest:
    return Ingest(each_database)


def test_every_missing_id_has_its_reason(ingest: Ingest) -> None:
    ingest.commit(
        birth(),
        data(1, [1.0] * 10),
        data(31, [2.0] * 10),
        status(issued_id=50, pending=12, dropped=5, dropped_ranges=[(21, 25)]),
    )
    life = ingest.lives()["e1"]
    assert life.present
    assert life.gaps == [
        Gap(11, 20, GapReason.UNKNOWN),
        Gap(21, 25, GapReason.DROPPED),
        Gap(26, 28, GapReason.UNKNOWN),
        Gap(29, 30, GapReason.WAITING),
        Gap(41, 50, GapReason.WAITING),
    ]
    # Its outbox is wiped: what it still had in it is lost, and says so.
    ingest.commit(data(1, [3.0], epoch="e2"), status(epoch="e2", issued_id=1, pending=0))
    lives = ingest.lives()
    assert [gap.reason for gap in lives["e1"].gaps] == [
        GapReason.LOST_LIFE,
        GapReason.DROPPED,
        GapReason.LOST_LIFE,
        GapReason.LOST_LIFE,
    ]
    assert lives["e2"].gaps == []


def test_lags_add_up_over_transactions(ingest: Ingest) -> None:
    def taken(lags_s: Sequence[float]) -> list[int]:
        return [NOW_US - round(lag * 1_000_000) for lag in lags_s]

    ingest.commit(birth(), data(1, [1.0] * 3, time_us=taken([0.1, 0.1, 30])))
    ingest.commit(data(4, [1.0] * 2, time_us=taken([0.1, 0.1])))
    # A repeat and a refused value are no measurements.
    ingest.commit(data(4, [1.0] * 2, time_us=taken([5, 5])), data(6, [9e9], time_us=taken([900])))
    with connect(ingest.database) as connection:
        fleet = FleetReading(connection)
        (counts,) = fleet.lags(NOW - timedelta(hours=24), NOW + timedelta(hours=1)).values()
        assert fleet.lags(NOW - timedelta(hours=24), NOW - timedelta(hours=2)) == {}
        (rejections,) = fleet.rejections()
    assert sum(counts.values()) == 5
    assert lag_quantile_s(counts, 0.5) == pytest.approx(0.1, rel=0.1)
    assert lag_quantile_s(counts, 0.95) == pytest.approx(30, rel=0.1)
    assert (rejections.edge, rejections.reason, rejections.count) == (PATH, "out_of_range", 1)


def test_heartbeats_settle_what_was_pushed(ingest: Ingest) -> None:
    for version in (1, 2, 3):
        with configuration_page(ingest.database, PATH) as page:
            assert page.version == version
            page.write("sources: {}", "0" * 64, NOW, "kỹ thuật", "thử")

    def states() -> list[tuple[int, str, str | None]]:
        with connect(ingest.database) as connection:
            rows = FleetReading(connection).configurations(PATH)
        return [(row.version, row.state, row.said) for row in reversed(rows)]

    ingest.commit(birth(), status(config_version=1, config_on_trial=True))
    assert states() == [(1, "trial", None), (2, "pushed", None), (3, "pushed", None)]
    ingest.commit(status(config_version=1))
    ingest.commit(status(config_version=1, config_refused=2, config_error="version 2: no"))
    ingest.commit(status(config_version=1, config_rolled_back=3, config_error="version 3: \0"))
    assert states() == [
        (1, "applied", None),
        (2, "refused", "version 2: no"),
        (3, "rolled_back", "version 3: \ufffd"),
    ]
    with connect(ingest.database) as connection:
        (latest,) = FleetReading(connection).latest_configurations()
        # A version that the edge has, pushed by somebody else, is never given again.
        connection.execute("update edge_status set config_version = 9")
    assert latest.version == 3
    with configuration_page(ingest.database, PATH) as page:
        assert page.version == 10
