"""Rejections are replayed exactly once after their cause is mended."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event

import msgspec
import pytest

from ingest import IngestSettings, replay_rejected
from ingest.decoding.message import Message
from ingest.selfstat import Selfstat
from ingest.settings import LimitSettings
from ingest.sparkplug.committer import SparkplugCommitter
from ingest.sparkplug.delivery import Delivery, Sample, data_parcel
from ingest.validation.kept_file import KeptFile
from plant.measurement import Quality
from plant.native.message import Leaf
from plant.settings import DatabaseSettings
from store import connect, load_plant
from store.delivery.store import PostgresDeliveryStore
from store.rejection.rejection import Rejection
from tests.integration.ingests import fetched, take
from tests.plants.deliveries import (
    EDGE,
    NOW,
    NOW_US,
    STATE,
    STRANGER,
    TEMPERATURE,
    birth,
    data,
    message,
    plant,
)


@pytest.fixture
def loaded(each_database: DatabaseSettings) -> DatabaseSettings:
    load_plant(each_database, plant())
    return each_database


LEDGER = "select committed::text, rejected_count from delivery_ledger"
VALUES = "select value from measurement order by value"


def test_measurements_are_written_once_when_their_tag_is_announced_at_last(
    loaded: DatabaseSettings,
) -> None:
    late = [data(3, [30.0, 31.0]), data(5, ["EXECUTE"], tag=STATE.name)]
    known = data(1, [20.0, 21.0], tag="tien-1/khac")
    other = birth([msgspec.structs.replace(TEMPERATURE, name="tien-1/khac")])
    take(loaded, [other, known, *late])
    settings = IngestSettings(database=loaded)
    assert fetched(loaded, LEDGER) == [("{[1,6)}", 3)]
    assert replay_rejected(settings, "unknown_tag").settled == 0

    take(loaded, [birth()])
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
    take(loaded, [birth(), data(1, values[:10])])
    take(loaded, [data(1, values)], small)
    settings = IngestSettings(database=loaded)

    first, again = (replay_rejected(settings, "too_large") for _ in range(2))

    assert (first.settled, first.written, again.examined) == (1, 90, 0)
    assert fetched(loaded, VALUES) == [(value,) for value in values]


def test_what_the_edge_sent_again_is_not_written_twice(loaded: DatabaseSettings) -> None:
    take(loaded, [data(1, [20.0, 21.0])])
    take(loaded, [data(3, [22.0])])
    take(loaded, [birth(), data(1, [20.0, 21.0])])
    settings = IngestSettings(database=loaded)

    first, again = (replay_rejected(settings, "no_birth") for _ in range(2))

    assert (first.settled, first.written, again.examined) == (2, 1, 0)
    assert fetched(loaded, VALUES) == [(20.0,), (21.0,), (22.0,)]
    assert fetched(loaded, LEDGER) == [("{[1,4)}", 0)]


def test_what_another_life_of_the_outbox_brought_is_not_written_twice(
    loaded: DatabaseSettings,
) -> None:
    times = [NOW_US, NOW_US + 1]
    take(loaded, [data(1, [20.0, 21.0], time_us=times)])
    take(loaded, [birth(), data(1, [30.0], tag="tien-1/khac", time_us=times[:1])])
    both = birth([TEMPERATURE, msgspec.structs.replace(TEMPERATURE, name="tien-1/khac")])
    # The outbox is wiped, and the source read again.
    again = [
        data(1, [20.0, 21.0], epoch="e2", time_us=times),
        data(3, [30.0], tag="tien-1/khac", epoch="e2", time_us=times[:1]),
    ]
    take(loaded, [both, *again])
    settings = IngestSettings(database=loaded)

    for reason in ("no_birth", "unknown_tag"):
        replayed = replay_rejected(settings, reason)
        assert (replayed.settled, replayed.written) == (1, 0)
    assert fetched(loaded, VALUES) == [(20.0,), (21.0,), (30.0,)]


def test_what_is_still_refused_stays(loaded: DatabaseSettings) -> None:
    take(loaded, [birth(), data(1, [1e6]), data(1, [1.0], edge=STRANGER)])
    damaged = data(2, [1.0])._replace(payload=b"{")
    take(loaded, [damaged])

    for reason in ("out_of_range", "unknown_edge", "malformed"):
        done = replay_rejected(IngestSettings(database=loaded), reason)
        assert (done.examined, done.settled, done.written) == (1, 0, 0)
    assert fetched(loaded, VALUES) == []


def values(content: object) -> Message:
    return message(Leaf.VALUES, msgspec.json.encode(content))


OF_DEVICE = msgspec.structs.replace(TEMPERATURE, name="edge-1/nhiet-do")


def test_what_the_database_still_refuses_does_not_hold_up_the_others(
    loaded: DatabaseSettings,
) -> None:
    with connect(loaded, autocommit=True) as connection:
        connection.execute("alter table measurement add constraint bound check (value < 100)")
        take(loaded, [birth(), *(data(k, [100.0 + k]) for k in range(1, 6))])
        assert fetched(loaded, "select distinct reason from rejection") == [("store_refused",)]
        connection.execute("alter table measurement drop constraint bound")
        connection.execute("alter table measurement add constraint bound check (value <> 103)")

    done = replay_rejected(IngestSettings(database=loaded), "store_refused")

    assert (done.examined, done.settled, done.written) == (5, 4, 4)
    assert fetched(loaded, VALUES) == [(101.0,), (102.0,), (104.0,), (105.0,)]
    waiting = "select row_id from rejection where replayed_at is null"
    assert fetched(loaded, waiting) == [(3,)]


def test_messages_of_a_device_are_written_once_when_it_is_announced_at_last(
    loaded: DatabaseSettings,
) -> None:
    kept = [{"ts": NOW_US + k, "nhiet-do": 20 + k} for k in range(3)]
    take(loaded, [values(kept[:2]), values(kept[1:]), values({"ts": NOW_US, "nhiet-do": 999})])
    settings = IngestSettings(database=loaded)
    assert replay_rejected(settings, "no_birth").settled == 0
    take(loaded, [birth([OF_DEVICE]), values(kept[0])])

    first, again = (replay_rejected(settings, "no_birth") for _ in range(2))

    # The impossible value keeps its message, as nothing of that can be accepted.
    assert (first.examined, first.settled, first.written) == (3, 2, 2)
    assert again.settled == 0
    assert fetched(loaded, VALUES) == [(20.0,), (21.0,), (22.0,)]
    take(loaded, [birth([msgspec.structs.replace(OF_DEVICE, high=2_000)])])
    assert replay_rejected(settings, "no_birth").written == 1
    assert fetched(loaded, VALUES) == [(20.0,), (21.0,), (22.0,), (999.0,)]


def test_one_value_of_a_device_is_written_once_when_its_limit_is_mended(
    loaded: DatabaseSettings,
) -> None:
    take(loaded, [birth([OF_DEVICE]), values({"ts": NOW_US, "nhiet-do": 250, "rssi": -60})])
    take(loaded, [birth([msgspec.structs.replace(OF_DEVICE, high=300)])])
    settings = IngestSettings(database=loaded)

    first, again = (replay_rejected(settings, "out_of_range") for _ in range(2))

    assert (first.settled, first.written, again.examined) == (1, 1, 0)
    assert fetched(loaded, VALUES) == [(250.0,)]


def deliver(database: DatabaseSettings, samples: Sequence[Sample]) -> None:
    """Commit samples of a Sparkplug node as its host does."""
    came = Message("spBv1.0/g/NDATA/n", b"", NOW)
    store = PostgresDeliveryStore(database)
    limits = LimitSettings()
    committer = SparkplugCommitter(store, Selfstat(), lambda: NOW, limits, Event())
    parcel = data_parcel(came, EDGE, "sparkplug", samples, limits.max_text_length)
    repeats = [sample.may_repeat for sample in samples]
    assert committer.commit([Delivery(came, EDGE, "sparkplug", data=parcel, may_repeat=repeats)])
    store.close()


def test_measurements_of_a_sparkplug_node_are_written_once_when_the_cause_is_mended(
    loaded: DatabaseSettings,
) -> None:
    hot = Sample(TEMPERATURE.name, NOW_US, 250.0, Quality.GOOD)
    take(loaded, [birth()])
    deliver(loaded, [hot, replace(hot, time_us=NOW_US + 1, value=20.0)])
    settings = IngestSettings(database=loaded)
    assert replay_rejected(settings, "out_of_range").settled == 0
    take(loaded, [birth([msgspec.structs.replace(TEMPERATURE, high=300)])])
    # The node may tell its history again.
    deliver(loaded, [replace(hot, may_repeat=True)])

    first, again = (replay_rejected(settings, "out_of_range") for _ in range(2))

    assert (first.examined, first.settled, first.written) == (1, 1, 0)
    assert again.examined == 0
    assert fetched(loaded, VALUES) == [(20.0,), (250.0,)]
    assert fetched(loaded, "select count(*) from delivery_ledger") == [(0,)]


def test_what_was_kept_in_the_file_is_replayed_like_the_rest(
    each_database: DatabaseSettings, tmp_path: Path
) -> None:
    load_plant(each_database, plant())
    take(each_database, [birth()])
    message = data(1, [20.5])
    kept = KeptFile(tmp_path / "kept.jsonl")
    kept.keep(
        Rejection(message.received_time, message.topic, "store_refused", "no", message.payload)
    )
    settings = IngestSettings(database=each_database, kept_file=kept.path)

    done = replay_rejected(settings, "store_refused")

    assert (done.settled, done.written) == (1, 1)
    assert len(KeptFile(kept.path)) == 0
    assert fetched(each_database, "select value from measurement") == [(20.5,)]
