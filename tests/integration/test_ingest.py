"""The ingest between a real broker and a real database, with either of them or itself failing."""

import queue
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from pydantic import SecretStr
from structlog.testing import capture_logs

from ingest import IngestSettings, run
from ingest.settings import GroupSettings, QueueSettings, WorkerSettings
from plant.clock import microseconds, system_clock
from plant.errors import ConfigurationError
from plant.native import SCHEMA, Ack, DataBatch, EdgeAddress, Leaf, decode_ack, encode
from plant.settings import BrokerSettings, DatabaseSettings, LogSettings
from store import connect, load_plant
from tests.damage import damaged_messages
from tests.deliveries import EDGE, STATE, TEMPERATURE, birth, plant, status
from tests.integration.ingests import fetched, outage, running, start_process, write_settings
from tests.services import BrokerFactory, MosquittoBroker, free_port
from tests.waiting import wait_until

ROWS = 40
"""Measurements in a message."""


class FakeEdge:
    """An edge agent reduced to its side of the contract: it repeats what is not acknowledged."""

    def __init__(self, port: int, address: EdgeAddress = EDGE, epoch: str = "e1") -> None:
        self.address = address
        self.epoch = epoch
        self.committed_to = 0
        self.answered = threading.Event()
        self.acks: queue.Queue[Ack] = queue.Queue()
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=address.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = self._on_connect
        self.client.on_message = self._on_message
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def _on_connect(self, *_: Any) -> None:
        self.client.subscribe(self.address.topic(Leaf.ACK), qos=1)

    def _on_message(self, _client: paho.Client, _userdata: Any, message: paho.MQTTMessage) -> None:
        ack = decode_ack(bytes(message.payload))
        if ack.epoch == self.epoch:
            self.committed_to = max(self.committed_to, ack.committed_to)
            self.answered.set()
        self.acks.put(ack)

    def announce(self) -> None:
        """Publish the birth, and heartbeats until the ingest is there to answer one."""
        self.client.publish(self.address.topic(Leaf.BIRTH), birth().payload, qos=1, retain=True)
        self.answered.clear()
        wait_until(self._beat, timeout_s=30, what="an answer to a heartbeat")

    def _beat(self) -> bool:
        beat = status(epoch=self.epoch, pending=0, sent_us=microseconds(system_clock()))
        self.client.publish(beat.topic, beat.payload, qos=1)
        return self.answered.wait(0.2)

    def publish(self, first_message: int, messages: int) -> None:
        """Publish data messages; message m has the ids after `m * ROWS`."""
        for number in range(first_message, first_message + messages):
            first = number * ROWS + 1
            now_us = microseconds(system_clock())
            batch = DataBatch(
                SCHEMA,
                self.epoch,
                first,
                first + ROWS - 1,
                now_us,
                [TEMPERATURE.name, STATE.name],
                [0] * (ROWS - 1) + [1],
                [now_us + k for k in range(ROWS)],
                [*((first + k) / 1e6 for k in range(ROWS - 1)), "EXECUTE"],
            )
            self.client.publish(self.address.topic(Leaf.DATA), encode(batch), qos=1)

    def deliver(self, messages: int, timeout_s: float = 40) -> None:
        """Repeat what is not acknowledged until all is."""
        deadline = time.monotonic() + timeout_s
        while self.committed_to < messages * ROWS:
            assert time.monotonic() < deadline, f"acknowledged only to {self.committed_to}"
            try:
                self.acks.get(timeout=2)
            except queue.Empty:
                first = self.committed_to // ROWS
                self.publish(first, messages - first)

    def close(self) -> None:
        """Leave."""
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def edge(broker: MosquittoBroker) -> Iterator[FakeEdge]:
    with closing(FakeEdge(broker.port)) as edge:
        yield edge


def settings_of(
    mosquitto: MosquittoBroker, database: DatabaseSettings, **changed: Any
) -> IngestSettings:
    content = {
        "broker": BrokerSettings(port=mosquitto.port),
        "database": database,
        "group": GroupSettings(max_wait_s=0.02),
        "log": LogSettings(level="error"),
    }
    return IngestSettings(**(content | changed))


def assert_exactly_once(database: DatabaseSettings, messages: int) -> None:
    """Every number that was sent is there, once, and so is every text; nothing was refused."""
    assert_committed(database, messages)
    assert fetched(database, "select count(*) from rejection") == [(0,)]


def assert_committed(database: DatabaseSettings, messages: int) -> None:
    values = [
        round(value * 1e6)
        for (value,) in fetched(database, "select value from measurement order by value")
    ]
    assert values == [m * ROWS + k + 1 for m in range(messages) for k in range(ROWS - 1)]
    assert fetched(database, "select count(*) from text_measurement") == [(messages,)]
    assert fetched(database, "select committed::text, rejected_count from delivery_ledger") == [
        (f"{{[1,{messages * ROWS + 1})}}", 0)
    ]


def test_everything_is_committed_once_and_acknowledged(
    broker: MosquittoBroker, each_database: DatabaseSettings, edge: FakeEdge
) -> None:
    load_plant(each_database, plant())
    with running(settings_of(broker, each_database)):
        edge.announce()
        edge.publish(0, 25)
        edge.deliver(25)

    assert_exactly_once(each_database, 25)
    ((online, version, pending, offset_ms),) = fetched(
        each_database, "select online, agent_version, pending, clock_offset_ms from edge_status"
    )
    assert (online, version, pending) == (True, "0.1", 0)
    assert -5_000 < offset_ms <= 0
    assert fetched(each_database, "select count(*) > 0 from dirty_window") == [(True,)]


def test_an_edge_that_comes_later_finds_what_is_committed(
    broker: MosquittoBroker, plain_database: DatabaseSettings, edge: FakeEdge
) -> None:
    load_plant(plain_database, plant())
    with running(settings_of(broker, plain_database)):
        edge.announce()
        edge.publish(0, 2)
        edge.deliver(2)
        edge.close()
        with closing(FakeEdge(broker.port)) as later:
            wait_until(lambda: later.committed_to == 2 * ROWS)


def test_nothing_is_lost_or_twice_when_the_broker_is_killed(
    broker: MosquittoBroker, plain_database: DatabaseSettings, edge: FakeEdge
) -> None:
    load_plant(plain_database, plant())
    with running(settings_of(broker, plain_database)):
        edge.announce()
        edge.publish(0, 60)
        wait_until(lambda: edge.committed_to > 0)
        broker.kill()
        edge.publish(60, 20)
        broker.start()
        edge.deliver(80)

    assert_exactly_once(plain_database, 80)


def test_nothing_is_lost_or_twice_when_the_database_goes_away(
    broker: MosquittoBroker, each_database: DatabaseSettings, edge: FakeEdge
) -> None:
    load_plant(each_database, plant())
    with running(settings_of(broker, each_database)):
        edge.announce()
        edge.publish(0, 30)
        wait_until(lambda: edge.committed_to > 0)
        with outage(each_database):
            edge.publish(30, 60)
            time.sleep(1)
        edge.deliver(90)

    assert_exactly_once(each_database, 90)


def test_a_full_queue_stops_the_reading_and_loses_nothing(
    broker: MosquittoBroker, plain_database: DatabaseSettings, edge: FakeEdge
) -> None:
    load_plant(plain_database, plant())
    settings = settings_of(
        broker,
        plain_database,
        queue=QueueSettings(max_messages=3),
        group=GroupSettings(max_rows=ROWS, max_wait_s=0.02),
        broker=BrokerSettings(port=broker.port, keepalive_s=5),
    )
    with capture_logs() as logged, running(settings):
        edge.announce()
        edge.publish(0, 5)
        edge.deliver(5)
        with outage(plain_database):
            edge.publish(5, 100)
            # Longer than the wait for room, so the ingest leaves the broker for a while.
            time.sleep(3)
        edge.deliver(105)

    assert_exactly_once(plain_database, 105)
    assert "intake paused" in [line["event"] for line in logged]


def test_two_ingests_at_once_write_everything_once(
    broker: MosquittoBroker, each_database: DatabaseSettings, edge: FakeEdge
) -> None:
    load_plant(each_database, plant())
    first = settings_of(broker, each_database, instance="a")
    second = settings_of(
        broker,
        each_database,
        instance="b",
        broker=BrokerSettings(port=broker.port, protocol="3.1.1"),
    )
    with running(first), running(second):
        edge.announce()
        edge.publish(0, 60)
        edge.deliver(60)
        wait_until(
            lambda: fetched(each_database, "select from delivery_ledger where duplicate_count > 0")
        )

    assert_exactly_once(each_database, 60)


def test_workers_divide_the_sites_when_they_are_told_to(
    broker: MosquittoBroker, plain_database: DatabaseSettings, edge: FakeEdge
) -> None:
    load_plant(plain_database, plant())
    ports = [free_port(), free_port()]
    first, second = (
        settings_of(
            broker, plain_database, workers=WorkerSettings(index=index, count=2), metrics_port=port
        )
        for index, port in enumerate(ports)
    )
    with running(first), running(second):
        edge.announce()
        edge.publish(0, 30)
        edge.deliver(30)
        seen = [metrics(port) for port in ports]

    assert_exactly_once(plain_database, 30)
    # The other worker heard of the site, and was never sent its data.
    over = 'nhipmay_ingest_events_total{event="passed_over%s"}'
    assert [over % "" in each for each in seen].count(True) == 1
    assert not any(over % "_data" in each for each in seen)
    # One worker alone took them: a second one would have found repeats.
    assert fetched(plain_database, "select duplicate_count from delivery_ledger") == [(0,)]


def test_one_site_does_not_starve_another_when_it_floods(
    broker: MosquittoBroker, plain_database: DatabaseSettings, edge: FakeEdge
) -> None:
    load_plant(plain_database, plant())
    port = free_port()
    quota = QueueSettings(max_messages=10_000, site_max_messages=4)
    settings = settings_of(
        broker,
        plain_database,
        queue=quota,
        group=GroupSettings(max_rows=ROWS, max_wait_s=0.02),
        metrics_port=port,
    )
    # Nobody is enrolled there, which is all the same to the queue.
    stranger = EdgeAddress("co-khi-thu", "nguoi-la", "edge-1")
    with running(settings), closing(FakeEdge(broker.port, stranger)) as flood:
        edge.announce()
        with outage(plain_database):
            edge.publish(0, 5)
            flood.publish(0, 400)
            wait_until(lambda: metrics(port)["nhipmay_ingest_messages_shed_total"] > 100)
        edge.deliver(5)
        read = metrics(port)

    assert_committed(plain_database, 5)
    assert read["nhipmay_ingest_messages_received_total"] < 400


def test_nothing_is_lost_or_twice_when_the_ingest_is_killed(
    broker: MosquittoBroker, each_database: DatabaseSettings, edge: FakeEdge, tmp_path: Path
) -> None:
    load_plant(each_database, plant())
    file = write_settings(tmp_path, settings_of(broker, each_database))
    process = start_process(file)
    try:
        edge.announce()
        for first in (0, 40, 80):
            edge.answered.clear()
            edge.publish(first, 40)
            assert edge.answered.wait(30)
            process.kill()
            process.wait()
            process = start_process(file)
        edge.deliver(120)
    finally:
        process.terminate()
        assert process.wait(20) == 0

    assert_exactly_once(each_database, 120)


def metrics(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in lines
        if not line.startswith("#")
    }


def test_damaged_messages_are_counted_and_kept_while_good_ones_pass(
    broker: MosquittoBroker, each_database: DatabaseSettings, edge: FakeEdge
) -> None:
    load_plant(each_database, plant())
    port = free_port()
    damaged = list(damaged_messages(1_500, seed=7))
    edge.epoch = "good"

    def settled() -> bool:
        read = metrics(port)
        return (
            read["nhipmay_ingest_messages_received_total"] >= len(damaged) + 3
            and not (read["nhipmay_ingest_messages_queued"])
        )

    with running(settings_of(broker, each_database, metrics_port=port)):
        edge.announce()
        edge.publish(0, 1)
        for message in damaged:
            edge.client.publish(message.topic, message.payload, qos=1)
        edge.announce()
        edge.publish(1, 2)
        edge.deliver(3)
        wait_until(settled, timeout_s=30, what="every message to be settled")
        read = metrics(port)

    for what in ("messages", "measurements"):
        fates = [
            read[f'nhipmay_ingest_{what}_settled_total{{as="{fate}"}}']
            for fate in ("written", "duplicate", "rejected")
        ]
        assert sum(fates) == read[f"nhipmay_ingest_{what}_received_total"]
    written = read['nhipmay_ingest_measurements_settled_total{as="written"}']
    assert fetched(
        each_database,
        "select (select count(*) from measurement) + (select count(*) from text_measurement)",
    ) == [(written,)]
    assert fetched(each_database, "select count(*) > 100 from rejection") == [(True,)]


def test_it_waits_for_a_broker_and_a_database_that_are_not_there_yet(
    broker: MosquittoBroker, plain_database: DatabaseSettings
) -> None:
    load_plant(plain_database, plant())
    broker.stop()
    with outage(plain_database):
        waiting = running(settings_of(broker, plain_database))
        waiting.__enter__()
        time.sleep(0.5)
    try:
        broker.start()
        with closing(FakeEdge(broker.port)) as edge:
            edge.announce()
            edge.deliver(3)
    finally:
        waiting.__exit__(None, None, None)

    assert_exactly_once(plain_database, 3)


def test_a_wrong_broker_password_is_told_in_words(
    mosquitto: BrokerFactory, plain_database: DatabaseSettings
) -> None:
    guarded = mosquitto(passwords={"ingest": "right"})
    settings = settings_of(
        guarded,
        plain_database,
        broker=BrokerSettings(port=guarded.port, username="ingest", password=SecretStr("wrong")),
    )

    with pytest.raises(
        ConfigurationError, match=r"does not let this user in|user name or password"
    ):
        run(settings, threading.Event())


def test_a_database_without_our_tables_is_told_in_words(
    broker: MosquittoBroker, plain_database: DatabaseSettings
) -> None:
    with connect(plain_database) as connection:
        connection.execute("drop table schema_migration")

    with pytest.raises(ConfigurationError, match="nhipmay migrate"):
        run(settings_of(broker, plain_database), threading.Event())


def test_a_metrics_port_in_use_is_told_in_words(
    broker: MosquittoBroker, plain_database: DatabaseSettings
) -> None:
    settings = settings_of(broker, plain_database, metrics_port=broker.port)

    with pytest.raises(ConfigurationError, match="metrics_port"):
        run(settings, threading.Event())


@contextmanager
def old_broker(answer_to_five: Callable[[socket.socket], None]) -> Iterator[tuple[int, list[int]]]:
    """A broker that speaks MQTT 3.1.1 only: yields its port and the versions it was asked for."""
    asked: list[int] = []
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)

        def serve() -> None:
            kept = []
            while not done.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                # Fixed header (2 bytes), "MQTT" with its length (6), then the version.
                version = connection.recv(4096)[8]
                asked.append(version)
                if version == 5:
                    answer_to_five(connection)
                    connection.close()
                else:
                    connection.sendall(bytes([0x20, 2, 0, 0]))
                    kept.append(connection)
            for connection in kept:
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1], asked
        finally:
            done.set()
            thread.join()


@pytest.mark.parametrize(
    "answer",
    [
        lambda connection: connection.sendall(bytes([0x20, 2, 0, 1])),
        lambda connection: connection.sendall(bytes([0x20, 3, 0, 0x84, 0])),
        lambda connection: None,
    ],
    ids=["refused as 3.1.1", "refused as 5", "hung up"],
)
def test_mqtt_3_is_spoken_when_the_broker_does_not_understand_5(
    answer: Callable[[socket.socket], None], plain_database: DatabaseSettings
) -> None:
    with old_broker(answer) as (port, asked):
        settings = IngestSettings(
            broker=BrokerSettings(port=port),
            database=plain_database,
            log=LogSettings(level="error"),
        )
        with running(settings):
            wait_until(lambda: 4 in asked, what="a connection by MQTT 3.1.1")
