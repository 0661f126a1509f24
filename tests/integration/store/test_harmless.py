"""Whether a harmless transaction works: on a disk without room none does, whatever still fits."""

from collections.abc import Callable, Iterator
from contextlib import closing
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest

from ingest.commit.committer import Committer
from ingest.decoding.opening import open_parcel
from ingest.selfstat import Selfstat
from ingest.settings import LimitSettings
from plant.errors import StoreUnavailableError
from plant.settings import DatabaseSettings
from store import connect, load_plant, migrate
from store.delivery.row import NumberColumns
from store.delivery.store import PostgresDeliveryStore
from store.mes.store import MesStore
from store.rejection.rejection import Rejection
from tests.conftest import or_skip
from tests.faults.disk import SmallDisk
from tests.integration.ingests import fetched
from tests.peers.postgres import PostgresServer
from tests.plants.deliveries import NOW, NOW_US, birth, data, plant
from tests.waiting import HANG_S, wait_until

ROWS = 20_000


@pytest.fixture
def disk() -> SmallDisk:
    """What the database of this test's own lies on."""
    return SmallDisk()


@pytest.fixture
def small(disk: SmallDisk) -> Iterator[DatabaseSettings]:
    """A database whose disk can be full."""
    # Some log ahead of time: a server that cannot write its log ends, and so does the question.
    settings = {"min_wal_size": "64MB", "max_wal_size": "128MB"}
    with or_skip():
        started = PostgresServer.timescale(settings, disk.mount)
    with started as server:
        try:
            database = server.settings(server.create_database())
            migrate(database)
            load_plant(database, plant())
            with connect(database, autocommit=True) as connection:
                for table, value in (("measurement", "0"), ("text_measurement", "''")):
                    # So that a row of now has a place in a page that is there.
                    connection.execute(
                        f"insert into {table} (tag_id, source_time, received_time, value, quality)"
                        f" values (7, now(), now(), {value}, 0)".encode()
                    )
            yield database
        finally:
            server.kill()
            disk.unmount()


def rows() -> NumberColumns:
    """Return more rows than find a place in what the table has."""
    return NumberColumns(
        np.full(ROWS, 7),
        NOW_US + np.arange(ROWS),
        np.full(ROWS, NOW_US),
        np.zeros(ROWS),
        np.zeros(ROWS, int),
    )


def write_numbers(store: PostgresDeliveryStore) -> None:
    with store.transaction() as transaction:
        transaction.write_numbers(rows())


def write_raw(store: MesStore) -> None:
    raw = np.random.default_rng(1).bytes(4_000_000)
    store.reject([Rejection(NOW, "t", "malformed", "no", raw)])


@pytest.mark.parametrize(
    ("kind", "write"),
    [(PostgresDeliveryStore, write_numbers), (MesStore, write_raw)],
    ids=["measurements", "documents"],
)
def test_a_full_disk_is_an_obstacle_though_a_row_finds_a_place(
    small: DatabaseSettings, disk: SmallDisk, kind: Any, write: Callable[[Any], None]
) -> None:
    with closing(kind(small)) as store:
        disk.fill()
        with pytest.raises(StoreUnavailableError):
            write(store)
        assert "No space left" in store.obstacle()
        # It is asked again and again until there is room.
        assert store.obstacle() is not None
        disk.empty()
        assert store.obstacle() is None


class Asked(PostgresDeliveryStore):
    """A store that counts how often it is asked whether a harmless transaction works."""

    asked = 0

    def obstacle(self) -> str | None:
        self.asked += 1
        return super().obstacle()


def test_no_message_is_refused_for_want_of_room(small: DatabaseSettings, disk: SmallDisk) -> None:
    limits = LimitSettings()
    with closing(Asked(small)) as store:
        committer = Committer(store, Selfstat(), lambda: NOW, limits, Event(), 0.001)
        for _ in committer.commit([open_parcel(birth(), limits)]):
            pass
        message = data(1, [20.5] * 10_000)
        disk.fill()
        work = Thread(
            target=lambda: [None for _ in committer.commit([open_parcel(message, limits)])]
        )
        work.start()
        try:
            # More often than a message that is to blame is tried.
            wait_until(lambda: store.asked > 12 or not work.is_alive(), what="some tries")
        finally:
            disk.empty()
            work.join(HANG_S)

    assert fetched(small, "select count(*) from rejection") == [(0,)]
    assert fetched(small, "select count(*) from measurement") == [(10_001,)]
