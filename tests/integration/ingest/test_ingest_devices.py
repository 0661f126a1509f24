"""Devices that publish plain JSON, over a real broker, with the ingest killed in the middle."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from ingest import IngestSettings
from ingest.settings import GroupSettings, QueueSettings
from plant.native.message import Leaf
from plant.settings import BrokerSettings, DatabaseSettings, LogSettings
from store import connect, load_plant
from tests.integration.ingests import fetched, outage, running, start_process, write_settings
from tests.peers.mqtt import patient
from tests.peers.services import MosquittoBroker
from tests.plants.deliveries import EDGE, NOW_US, TEMPERATURE, birth, plant
from tests.waiting import HANG_S, wait_until

TAG = msgspec.structs.replace(TEMPERATURE, name="edge-1/nhiet-do", low=None, high=None)
SITE_LOCK = 7461003
"""The first number of the advisory lock that a transaction with devices' values takes."""


class Device:
    """A device that publishes once with QoS 1 and keeps nothing."""

    def __init__(self, port: int) -> None:
        self.client = patient(paho.Client(CallbackAPIVersion.VERSION2, client_id="device"))
        self.client.max_inflight_messages_set(20)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        self.client.publish(EDGE.topic(Leaf.BIRTH), birth([TAG]).payload, qos=1, retain=True)

    def publish(self, first: int, count: int) -> None:
        """Publish values; returns when the broker has all of them."""
        sent = [
            self.client.publish(
                EDGE.topic(Leaf.VALUES),
                msgspec.json.encode({"ts": NOW_US + k, "nhiet-do": k}),
                qos=1,
            )
            for k in range(first, first + count)
        ]
        for one in sent:
            one.wait_for_publish(HANG_S)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def device(broker: MosquittoBroker) -> Iterator[Device]:
    with closing(Device(broker.port)) as device:
        yield device


def settings_of(
    broker: MosquittoBroker, database: DatabaseSettings, queue: QueueSettings | None = None
) -> IngestSettings:
    return IngestSettings(
        broker=BrokerSettings(port=broker.port, keepalive_s=5),
        database=database,
        queue=queue or QueueSettings(),
        group=GroupSettings(max_wait_s=0.02),
        log=LogSettings(level="error"),
    )


def stored(database: DatabaseSettings) -> list[int]:
    return [int(v) for (v,) in fetched(database, "select value from measurement order by value")]


def announced(database: DatabaseSettings) -> bool:
    return fetched(database, "select count(*) from tag") == [(1,)]


@contextmanager
def no_commit(database: DatabaseSettings) -> Iterator[None]:
    """Let transactions with devices' values begin, and hold them up before they write."""
    with connect(database, autocommit=True) as holder:
        holder.execute(
            "select pg_advisory_lock(%s, site_id) from (select distinct site_id from edge) s",
            [SITE_LOCK],
        )
        yield


def held_up(database: DatabaseSettings) -> bool:
    waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
    return fetched(database, waiting) > [(0,)]


def test_nothing_is_lost_or_twice_when_the_ingest_is_killed_before_it_commits(
    broker: MosquittoBroker, each_database: DatabaseSettings, device: Device, tmp_path: Path
) -> None:
    load_plant(each_database, plant())
    file = write_settings(tmp_path, settings_of(broker, each_database))
    process = start_process(file)
    try:
        wait_until(lambda: announced(each_database))
        device.publish(0, 30)
        wait_until(lambda: len(stored(each_database)) == 30)
        with no_commit(each_database):
            device.publish(30, 50)
            wait_until(lambda: held_up(each_database))
            process.kill()
            process.wait()
        assert len(stored(each_database)) == 30
        device.publish(80, 20)
        process = start_process(file)
        wait_until(lambda: len(stored(each_database)) >= 100)
    finally:
        process.terminate()
        assert process.wait(HANG_S) == 0

    assert stored(each_database) == list(range(100))
    assert fetched(each_database, "select count(*) from rejection") == [(0,)]


def test_repetitions_are_left_out_when_a_device_or_two_ingests_repeat(
    broker: MosquittoBroker, plain_database: DatabaseSettings, device: Device
) -> None:
    load_plant(plain_database, plant())
    settings = settings_of(broker, plain_database)
    other = settings.model_copy(update={"instance": "by-mistake"})
    with running(settings), running(other):
        wait_until(lambda: announced(plain_database))
        device.publish(0, 60)
        device.publish(30, 60)
        device.publish(90, 1)
        wait_until(lambda: 90 in stored(plain_database))
        # Whoever comes second must have found nothing new, or it would be seen by then.
        wait_until(lambda: not held_up(plain_database))

    assert stored(plain_database) == list(range(91))


def test_values_are_never_shed_when_the_queue_is_full(
    broker: MosquittoBroker, plain_database: DatabaseSettings, device: Device
) -> None:
    load_plant(plain_database, plant())
    # Quotas count once there are several sites; what is left unread stays with the broker.
    quota = QueueSettings(max_messages=8, site_max_messages=2)
    with running(settings_of(broker, plain_database, quota)):
        wait_until(lambda: announced(plain_database))
        device.client.publish("nm/v1/co-khi-thu/nguoi-la/edge-1/status", b"{}", qos=1)
        with outage(plain_database):
            device.publish(0, 200)
        wait_until(lambda: len(stored(plain_database)) >= 200)

    assert stored(plain_database) == list(range(200))
