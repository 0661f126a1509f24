"""How the ingest starts: what it waits for, what it tells in words, which MQTT it speaks."""

import os
import signal
import threading
import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from ingest import run
from ingest.ending import GRACE_S
from plant.errors import ConfigurationError
from plant.settings import BrokerSettings, DatabaseSettings
from store import connect, load_plant
from tests.integration.edge.old_broker import UNSUPPORTED_VERSION, OldBroker
from tests.integration.fake_edge import FakeEdge, assert_exactly_once, settings_of
from tests.integration.ingests import fetched, outage, running, start_process, write_settings
from tests.peers.services import BrokerFactory, MosquittoBroker
from tests.plants.deliveries import plant
from tests.waiting import wait_until


def test_it_waits_for_a_broker_and_a_database_that_are_not_there_yet(
    broker: MosquittoBroker, plain_database: DatabaseSettings
) -> None:
    load_plant(plain_database, plant())
    broker.stop()

    def said(event: str) -> bool:
        return event in [line["event"] for line in logged]

    with capture_logs() as logged, ExitStack() as stack:
        with outage(plain_database):
            stack.enter_context(running(settings_of(broker, plain_database)))
            wait_until(lambda: said("database unavailable"), what="the database to be missed")
        wait_until(lambda: said("broker unavailable"), what="the broker to be missed")
        broker.start()
        with closing(FakeEdge(broker.port)) as edge:
            edge.announce()
            edge.deliver(3)

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


@pytest.mark.parametrize(
    "answer",
    [bytes([0x20, 2, 0, 1]), UNSUPPORTED_VERSION, b""],
    ids=["refused as 3.1.1", "refused as 5", "hung up"],
)
def test_mqtt_3_is_spoken_when_the_broker_does_not_understand_5(
    answer: bytes, broker: MosquittoBroker, plain_database: DatabaseSettings
) -> None:
    with OldBroker(broker.port, answer) as old:
        to_old = BrokerSettings(port=old.port)
        with running(settings_of(broker, plain_database, broker=to_old)):
            wait_until(lambda: 4 in old.versions, what="a connection by MQTT 3.1.1")


def test_it_ends_within_its_grace_when_the_database_is_locked_and_the_broker_silent(
    broker: MosquittoBroker, plain_database: DatabaseSettings, tmp_path: Path
) -> None:
    load_plant(plain_database, plant())
    file = write_settings(tmp_path, settings_of(broker, plain_database))
    assert broker.process is not None
    with (
        closing(FakeEdge(broker.port)) as edge,
        connect(plain_database) as holder,
        start_process(file) as process,
    ):
        edge.announce()
        holder.execute("lock table measurement in access exclusive mode")
        edge.publish(0, 1)
        wait_until(lambda: waiting(plain_database), what="the ingest to wait for the table")
        os.kill(broker.process.pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            process.terminate()
            process.wait()
            took_s = time.monotonic() - began
        finally:
            os.kill(broker.process.pid, signal.SIGCONT)

    assert took_s < GRACE_S + 2


def waiting(database: DatabaseSettings) -> bool:
    query = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
    ((number,),) = fetched(database, query)
    return bool(number)
