"""Rejections are replayed exactly once after their cause is mended."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from ingest import IngestSettings, replay_rejected
from ingest.committer import Committer
from ingest.message import Message
from ingest.parcel import open_parcel
from ingest.selfstat import Selfstat
from ingest.settings import LimitSettings
from plant.settings import DatabaseSettings
from store import connect, load_plant
from store.delivery import PostgresDeliveryStore
from tests.deliveries import NOW, STATE, STRANGER, TEMPERATURE, birth, data, plant


def take(database: DatabaseSettings, messages: Sequence[Message], limits: LimitSettings) -> None:
    """Commit messages as the ingest does."""
    store = PostgresDeliveryStore(database)
    committer = Committer(store, Selfstat(), lambda: NOW, limits, threading.Event())
    for _ in committer.commit([open_parcel(message, limits) for message in messages]):
        pass
    store.close()


def fetched(database: DatabaseSettings, query: str) -> list[tuple[Any, ...]]:
    with connect(database) as connection:
        return connection.execute(query.encode()).fetchall()


@pytest.fixture
def loaded(each_database: DatabaseSettings) -> DatabaseSettings:
    load_plant(each_database, plant())
    return each_database


LIMITS = LimitSettings()
LEDGER = "select committed::text, rejected_count from delivery_ledger"
VALUES = "select value from measurement order by value"


def test_measurements_are_written_once_when_their_tag_is_announced_at_last(
    loaded: DatabaseSettings,
) -> None:
    late = [data(3, [30.0, 31.0]), data(5, ["EXECUTE"], tag=STATE.name)]
    known = data(1, [20.0, 21.0], tag="tien-1/khac")
    other = birth([msgspec.structs.replace(TEMPERATURE, name="tien-1/khac")])
    take(loaded, [other, known, *late], LIMITS)
    settings = IngestSettings(database=loaded)
    assert fetched(loaded, LEDGER) == [("{[1,6)}", 3)]
    assert replay_rejected(settings, "unknown_tag").settled == 0

    take(loaded, [birth()], LIMITS)
    first, again = (replay_rejected(settings, "unknown_tag") for _ in range(2))

    assert (first.examined, first.settled, first.written) == (3, 3, 3)
    assert again.examined == 0
    assert fetched(loaded, VALUES) == [(20.0,), (21.0,), (30.0,), (31.0,)]
    assert fetched(loaded, "select value from text_measurement") == [("EXECUTE",)]
    assert fetched(loaded, LEDGER) == [("{[1,6)}", 0)]
    assert fetched(loaded, "select count(*) > 0 from dirty_window") == [(True,)]


def test_a_whole_message_is_written_without_what_came_another_way(
    loaded: DatabaseSettings,
) -> None:
    values = [20 + k / 100 for k in range(100)]
    small = LimitSettings(max_payload_bytes=1_000)
    take(loaded, [birth(), data(1, values[:10])], LIMITS)
    take(loaded, [data(1, values)], small)
    settings = IngestSettings(database=loaded)

    first, again = (replay_rejected(settings, "too_large") for _ in range(2))

    assert (first.settled, first.written, again.examined) == (1, 90, 0)
    assert fetched(loaded, VALUES) == [(value,) for value in values]


def test_what_the_edge_sent_again_is_not_written_twice(loaded: DatabaseSettings) -> None:
    take(loaded, [data(1, [20.0, 21.0])], LIMITS)
    take(loaded, [data(3, [22.0])], LIMITS)
    take(loaded, [birth(), data(1, [20.0, 21.0])], LIMITS)
    settings = IngestSettings(database=loaded)

    first, again = (replay_rejected(settings, "no_birth") for _ in range(2))

    assert (first.settled, first.written, again.examined) == (2, 1, 0)
    assert fetched(loaded, VALUES) == [(20.0,), (21.0,), (22.0,)]
    assert fetched(loaded, LEDGER) == [("{[1,4)}", 0)]


def test_what_is_still_refused_stays(loaded: DatabaseSettings) -> None:
    take(loaded, [birth(), data(1, [1e6]), data(1, [1.0], edge=STRANGER)], LIMITS)
    damaged = replace(data(2, [1.0]), payload=b"{")
    take(loaded, [damaged], LIMITS)

    for reason in ("out_of_range", "unknown_edge", "malformed"):
        done = replay_rejected(IngestSettings(database=loaded), reason)
        assert (done.examined, done.settled, done.written) == (1, 0, 0)
    assert fetched(loaded, VALUES) == []
