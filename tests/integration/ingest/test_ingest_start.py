"""How the ingest starts: what it waits for, what it tells in words, which MQTT it speaks."""

import threading
from contextlib import ExitStack, closing

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from ingest import run
from plant.errors import ConfigurationError
from plant.settings import BrokerSettings, DatabaseSettings
from store import connect, load_plant
from tests.integration.edge.old_broker import UNSUPPORTED_VERSION, OldBroker
from tests.integration.fake_edge import FakeEdge, assert_exactly_once, settings_of
from tests.integration.ingests import outage, running
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
