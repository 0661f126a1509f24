"""The services under the other tests are real: each is used once, from outside."""

import queue

import paho.mqtt.client as mqtt
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from playwright.sync_api import Page

from tests.peers.mqtt import patient
from tests.peers.postgres import PostgresServer
from tests.peers.services import BrokerFactory, MosquittoBroker
from tests.waiting import HANG_S


def connected_client(
    broker: MosquittoBroker, received: queue.Queue[str], client_id: str
) -> mqtt.Client:
    """Return an MQTT 5 client whose session outlives its connection, subscribed to `line/#`."""
    subscribed: queue.Queue[bool] = queue.Queue()
    client = patient(
        mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5)
    )

    def on_connect(
        client: mqtt.Client,
        userdata: object,
        flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        client.subscribe("line/#", qos=1)

    client.on_connect = on_connect
    client.on_subscribe = lambda *_: subscribed.put(True)
    client.on_message = lambda _client, _userdata, message: received.put(message.payload.decode())
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 3600
    client.connect("127.0.0.1", broker.port, clean_start=False, properties=properties)
    client.loop_start()
    subscribed.get(timeout=HANG_S)
    return client


def test_hypertable_takes_rows_when_extension_is_created(
    timescale_server: PostgresServer,
) -> None:
    name = timescale_server.create_database()
    with psycopg.connect(timescale_server.url(name)) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
        connection.execute("CREATE TABLE reading (at timestamptz NOT NULL, value float8)")
        connection.execute("SELECT create_hypertable('reading', by_range('at'))")
        connection.execute("INSERT INTO reading VALUES ('2026-03-02T06:00:00+07', 71.3)")
        chunks = connection.execute("SELECT count(*) FROM show_chunks('reading')").fetchone()
    timescale_server.drop_database(name)

    assert chunks == (1,)


def test_template_is_copied_again_and_again_when_it_has_the_extension(
    timescale_server: PostgresServer,
) -> None:
    template = timescale_server.create_database()
    with psycopg.connect(timescale_server.url(template)) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    timescale_server.seal_template(template)

    for _ in range(3):
        copy = timescale_server.create_database(template=template)
        with psycopg.connect(timescale_server.url(copy)) as connection:
            found = connection.execute(
                "SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'"
            ).fetchone()
        timescale_server.drop_database(copy)
        assert found == (1,)
    timescale_server.drop_database(template)


def test_plain_postgres_has_no_timescale(plain_postgres_server: PostgresServer) -> None:
    with psycopg.connect(plain_postgres_server.url()) as connection:
        available = connection.execute(
            "SELECT count(*) FROM pg_available_extensions WHERE name = 'timescaledb'"
        ).fetchone()

        assert available == (0,)
        assert connection.info.server_version >= 180000


@pytest.mark.parametrize("server", ["timescale_server", "plain_postgres_server"])
def test_vietnamese_letters_fold_when_upper_is_asked(
    server: str, request: pytest.FixtureRequest
) -> None:
    running: PostgresServer = request.getfixturevalue(server)
    with psycopg.connect(running.url()) as connection:
        assert connection.execute("SELECT upper('nhịp máy')").fetchone() == ("NHỊP MÁY",)


@pytest.mark.vital
def test_message_comes_back_when_published_over_mqtt_5(broker: MosquittoBroker) -> None:
    received: queue.Queue[str] = queue.Queue()
    client = connected_client(broker, received, "reader")
    client.publish("line/1", "71.3", qos=1).wait_for_publish(HANG_S)

    assert received.get(timeout=HANG_S) == "71.3"
    client.disconnect()
    client.loop_stop()


def test_queued_messages_arrive_when_broker_restarts(broker: MosquittoBroker) -> None:
    received: queue.Queue[str] = queue.Queue()
    reader = connected_client(broker, received, "reader")
    reader.disconnect()
    reader.loop_stop()
    writer = connected_client(broker, queue.Queue(), "writer")
    writer.publish("line/1", "kept", qos=1).wait_for_publish(HANG_S)
    writer.disconnect()
    writer.loop_stop()

    broker.restart()
    reader = connected_client(broker, received, "reader")

    assert received.get(timeout=HANG_S) == "kept"
    reader.disconnect()
    reader.loop_stop()


def test_broker_refuses_when_password_is_wrong(mosquitto: BrokerFactory) -> None:
    broker = mosquitto(passwords={"edge": "right"})
    answers: queue.Queue[str] = queue.Queue()
    for password in ("right", "wrong"):
        client = patient(mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5))
        client.username_pw_set("edge", password)
        client.on_connect = lambda _c, _u, _f, reason, _p: answers.put(str(reason))
        client.connect("127.0.0.1", broker.port)
        client.loop_start()
        answer = answers.get(timeout=HANG_S)
        client.disconnect()
        client.loop_stop()
        assert (answer == "Success") == (password == "right"), answer
    broker.remove()


def test_page_shows_when_opened_in_chromium(page: Page) -> None:
    page.goto("data:text/html,<meta charset=utf-8><h1>Nhịp máy</h1>")

    assert page.inner_text("h1") == "Nhịp máy"


@pytest.mark.parametrize("turn", [1, 2])
def test_database_has_no_trace_of_another_test_when_asked_for(
    each_database_url: str, turn: int
) -> None:
    with psycopg.connect(each_database_url) as connection:
        connection.execute("CREATE TABLE trace (turn integer)")
        connection.execute("INSERT INTO trace VALUES (%s)", (turn,))
        assert connection.execute("SELECT turn FROM trace").fetchall() == [(turn,)]
