"""The ingest between a real broker and a real database, with either of them or itself failing."""

import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from ingest.settings import GroupSettings, QueueSettings, WorkerSettings
from plant.native.message import EdgeAddress
from plant.settings import BrokerSettings, DatabaseSettings
from store import load_plant
from tests.damage import damaged_messages
from tests.integration.fake_edge import (
    ROWS,
    FakeEdge,
    assert_committed,
    assert_exactly_once,
    settings_of,
)
from tests.integration.ingests import fetched, outage, running, start_process, write_settings
from tests.peers.services import BrokerFactory, MosquittoBroker, free_port
from tests.plants.deliveries import plant
from tests.waiting import HANG_S, wait_until


@pytest.fixture
def edge(broker: MosquittoBroker) -> Iterator[FakeEdge]:
    with closing(FakeEdge(broker.port)) as edge:
        yield edge


@pytest.mark.vital
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
    with capture_logs() as logged, running(settings_of(broker, each_database)):
        edge.announce()
        edge.publish(0, 30)
        wait_until(lambda: edge.committed_to > 0)
        with outage(each_database):
            edge.publish(30, 60)
            wait_until(lambda: "database unavailable" in events(logged), what="the outage")
        edge.deliver(90)

    assert_exactly_once(each_database, 90)


def events(logged: Sequence[Mapping[str, Any]]) -> list[str]:
    """What an ingest has logged."""
    return [line["event"] for line in logged]


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
            # It leaves the broker for a while.
            wait_until(lambda: "intake paused" in events(logged), what="a pause of the intake")
        edge.deliver(105)

    assert_exactly_once(plain_database, 105)


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
    mosquitto: BrokerFactory, plain_database: DatabaseSettings
) -> None:
    load_plant(plain_database, plant())
    # As many unconfirmed as in the compose stack: with fewer, none may be left for the queue.
    broker = mosquitto(settings=["max_inflight_messages 4000"])
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
    with (
        running(settings),
        closing(FakeEdge(broker.port)) as edge,
        closing(FakeEdge(broker.port, stranger)) as flood,
    ):
        edge.announce()
        with outage(plain_database):
            edge.publish(0, 5)
            flood.publish(0, 400)
            wait_until(lambda: metrics(port)["nhipmay_ingest_messages_shed_total"] > 100)
        edge.deliver(5)
        read = metrics(port)

    broker.remove()
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
            assert edge.answered.wait(HANG_S)
            process.kill()
            process.wait()
            process = start_process(file)
        # One more, so that the last process works before it is asked to end.
        edge.deliver(121)
    finally:
        process.terminate()
        assert process.wait(HANG_S) == 0

    assert_exactly_once(each_database, 121)


def metrics(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=HANG_S) as answer:
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
        wait_until(settled, what="every message to be settled")
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
