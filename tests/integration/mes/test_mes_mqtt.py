"""Documents over MQTT: acknowledged once committed, refused with a row, apart from measurements."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from ingest import IngestSettings, run
from ingest.mes.settings import MesSettings
from plant.settings import BrokerSettings, DatabaseSettings
from store import connect
from tests.peers.mqtt import patient
from tests.peers.services import MosquittoBroker
from tests.plants.figure_plant import SITE, FigurePlant
from tests.plants.mes_documents import SAMPLES
from tests.waiting import HANG_S, wait_until


def settings_for(broker: MosquittoBroker, database: DatabaseSettings, **mes: Any) -> IngestSettings:
    return IngestSettings(
        broker=BrokerSettings(port=broker.port),
        database=database,
        mes=MesSettings(**mes),
    )


@contextmanager
def running(settings: IngestSettings) -> Iterator[None]:
    stop = Event()
    thread = Thread(target=run, args=(settings, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(HANG_S)
        assert not thread.is_alive()


def publish(broker: MosquittoBroker, *letters: tuple[str, Any]) -> None:
    """Publish messages (leaf of the topic, content) with QoS 1 and wait until they are taken."""
    client = patient(Client(CallbackAPIVersion.VERSION2))
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    for leaf, content in letters:
        payload = content if isinstance(content, bytes) else json.dumps(content).encode()
        client.publish(f"nm/v1/{leaf}", payload, qos=1).wait_for_publish(HANG_S)
    client.disconnect()
    client.loop_stop()


def await_listening(broker: MosquittoBroker, plant: FigurePlant) -> None:
    """Publish one thing again and again until the intake has subscribed and written it."""

    def heard() -> bool:
        publish(broker, (f"{SITE}/mes/scrap-reasons", SAMPLES["scrap-reasons"]))
        return count(plant, "quality_reason") == 1

    wait_until(heard, what="the intake to listen")


def execute(database: DatabaseSettings, statement: str) -> None:
    with connect(database, autocommit=True) as connection:
        connection.execute(statement.encode())


def count(plant: FigurePlant, table: str) -> int:
    return int(plant.rows(f"select count(*) as n from {table}")[0]["n"])


@pytest.fixture
def plant(each_database: DatabaseSettings) -> Iterator[FigurePlant]:
    plant = FigurePlant(each_database)
    yield plant
    plant.close()


@pytest.mark.vital
def test_documents_are_written_and_bad_messages_are_kept(
    broker: MosquittoBroker, plant: FigurePlant
) -> None:
    here = f"{SITE}/mes"
    good = {"documents": [SAMPLES["products"]], "who": "ERP", "reason": "đồng bộ"}
    with running(settings_for(broker, plant.database, max_payload_bytes=1_000)):
        await_listening(broker, plant)
        publish(
            broker,
            (f"{here}/products", good),
            (f"{here}/products", b"{"),
            (f"{here}/orders", [SAMPLES["orders"], SAMPLES["orders"] | {"planned_quantity": -1}]),
            (f"{here}/order", {}),
            ("khac/bien-hoa/mes/products", SAMPLES["products"]),
            (f"{here}/products", [SAMPLES["products"]] * 20),
            (f"{here}/products", b"{"),
            (f"{here}/orders", SAMPLES["orders"]),
        )
        wait_until(lambda: count(plant, "production_order") == 1, what="the last message")

    (product,) = plant.rows(
        "select who, source, reason from master_data_event where kind = 'products'"
    )
    assert product == {"who": "ERP", "source": f"nm/v1/{here}/products", "reason": "đồng bộ"}
    # Sites take turns, so the order between them is not the order of sending.
    rejected = {
        row["reason"]: row for row in plant.rows("select reason, detail, raw from rejection")
    }
    assert sorted(rejected) == [
        "bad_topic",
        "malformed",
        "outside_scope",
        "too_large",
        "wrong_value",
    ]
    assert count(plant, "rejection") == len(rejected)
    assert "documents[1].planned_quantity" in rejected["wrong_value"]["detail"]
    assert bytes(rejected["malformed"]["raw"]) == b"{"


def test_a_message_of_the_time_without_a_database_is_written_later(
    broker: MosquittoBroker, plant: FigurePlant
) -> None:
    settings = settings_for(broker, plant.database)
    with running(settings):
        await_listening(broker, plant)
    # Its session lives on while the ingest does not.
    publish(broker, (f"{SITE}/mes/stop-reasons", SAMPLES["stop-reasons"]))

    with running(settings):
        wait_until(lambda: count(plant, "stop_reason") == 1, what="what came meanwhile")


def test_a_connection_lost_in_the_middle_is_made_again(
    broker: MosquittoBroker, plant: FigurePlant
) -> None:
    with running(settings_for(broker, plant.database)):
        await_listening(broker, plant)
        plant.connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        publish(broker, (f"{SITE}/mes/stop-reasons", SAMPLES["stop-reasons"]))
        wait_until(lambda: count(plant, "stop_reason") == 1, what="the second message")

    assert count(plant, "rejection") == 0


def test_a_key_of_any_length_is_kept_and_the_next_document_written(
    broker: MosquittoBroker, plant: FigurePlant
) -> None:
    long = SAMPLES["products"] | {"code": "\U0001f3ed" * 1_000}
    with running(settings_for(broker, plant.database)):
        await_listening(broker, plant)
        publish(
            broker,
            (f"{SITE}/mes/products", long),
            (f"{SITE}/mes/stop-reasons", SAMPLES["stop-reasons"]),
        )
        wait_until(lambda: count(plant, "stop_reason") == 1, what="the next document")

    (row,) = plant.rows("select raw from rejection")
    assert json.loads(row["raw"]) == long


def test_documents_go_on_when_the_database_fails_on_one(
    broker: MosquittoBroker, plant: FigurePlant
) -> None:
    here = f"{SITE}/mes"
    with running(settings_for(broker, plant.database)):
        await_listening(broker, plant)
        before = count(plant, "product")
        execute(
            plant.database,
            """
            create function fail() returns trigger language plpgsql as $$
            begin raise exception using errcode = 'XX000', message = 'no'; end $$;
            create trigger fail before insert on product for each row execute function fail()
            """,
        )
        publish(broker, (f"{here}/products", SAMPLES["products"]))
        wait_until(lambda: count(plant, "rejection") == 1, what="the rejection")
        execute(plant.database, "drop trigger fail on product")
        publish(broker, (f"{here}/products", SAMPLES["products"]))
        wait_until(lambda: count(plant, "product") > before, what="the next document")

    (row,) = plant.rows("select reason, detail from rejection")
    assert (row["reason"], "XX000" in str(row["detail"])) == ("store_refused", True)
