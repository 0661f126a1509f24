"""The ingest's source against real brokers: several of them, former workers, little room."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from ingest import IngestSettings
from ingest.broker.mailbox import Mailbox
from ingest.broker.share import Share
from ingest.broker.source import MqttSource
from ingest.decoding.message import Message
from ingest.selfstat import Selfstat
from plant.clock import system_clock
from plant.settings import BrokerSettings
from tests.conftest import or_skip
from tests.foreign.brokers import nats
from tests.integration.fake_edge import FakeEdge
from tests.peers.mqtt import patient
from tests.peers.services import BrokerFactory, MosquittoBroker, free_port
from tests.waiting import HANG_S, wait_until


@contextmanager
def listening(
    settings: BrokerSettings, *, share: Share | None = None, room: int = 1_000, **more: object
) -> Iterator[tuple[MqttSource, Selfstat]]:
    selfstat = Selfstat()
    mailbox = Mailbox(room, 10_000_000)
    source = MqttSource(
        settings,
        "nm-ingest-source",
        mailbox,
        system_clock,
        selfstat,
        share or Share(),
        **more,  # type: ignore[arg-type] # what the constructor takes
    )
    source.start()
    try:
        yield source, selfstat
    finally:
        source.close()


def received(source: MqttSource, count: int) -> list[Message]:
    """Return the next data messages, all acknowledged."""
    got: list[Message] = []

    def some() -> bool:
        messages = source.receive(100, 0.1)
        source.acknowledge(messages)
        got.extend(message for message in messages if message.topic.endswith("/data"))
        return len(got) >= count

    wait_until(some, what=f"{count} messages")
    return got


def heard(source: MqttSource, edge: FakeEdge) -> None:
    """Return once the source hears of the edge."""

    def listen() -> bool:
        edge.publish(0, 1)
        messages = source.receive(100, 0.1)
        source.acknowledge(messages)
        return bool(messages)

    wait_until(listen, what="a first message")


def test_the_next_broker_is_asked_when_one_does_not_answer(mosquitto: BrokerFactory) -> None:
    broker = mosquitto()
    settings = BrokerSettings(host=f"127.0.0.1:{free_port()},127.0.0.1:{broker.port}")
    with closing(FakeEdge(broker.port)) as edge, listening(settings) as (source, _):
        heard(source, edge)


def test_everything_comes_in_order_through_very_little_room(broker: MosquittoBroker) -> None:
    settings = BrokerSettings(port=broker.port)
    with (
        closing(FakeEdge(broker.port)) as edge,
        listening(settings, room=3) as (source, selfstat),
    ):
        heard(source, edge)
        received_before = selfstat.snapshot().messages.received
        edge.publish(1, 300)
        numbers = [message.payload for message in received(source, 300)]
        assert len(set(numbers)) >= 300
        assert selfstat.snapshot().messages.received >= received_before + 300
        assert selfstat.snapshot().shed == 0


def test_what_was_not_said_is_said_by_the_next_connection(broker: MosquittoBroker) -> None:
    settings = BrokerSettings(port=broker.port)
    with closing(FakeEdge(broker.port)) as edge, listening(settings) as (source, _):
        heard(source, edge)
        broker.stop()
        source.announce([("nm/v1/a/b/c/ack", b"first"), ("nm/v1/a/b/c/ack", b"second")])
        broker.start()
        kept: list[bytes] = []
        client = patient(Client(CallbackAPIVersion.VERSION2))
        client.on_message = lambda _client, _user, message: kept.append(bytes(message.payload))
        client.connect("127.0.0.1", broker.port)
        client.subscribe("nm/v1/a/b/c/ack")
        client.loop_start()
        wait_until(lambda: b"second" in kept, what="the last announcement")
        client.disconnect()
        client.loop_stop()


def session_present(port: int, client_id: str) -> bool:
    """Connect with a session that stays; tell whether there was one."""
    answers: list[bool] = []
    client = patient(
        Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=False,
            protocol=MQTTProtocolVersion.MQTTv311,
        )
    )
    client.on_connect = lambda _client, _user, flags, *_: answers.append(flags.session_present)
    client.connect("127.0.0.1", port)
    client.loop_start()
    wait_until(lambda: answers, what="an answer")
    client.disconnect()
    client.loop_stop()
    return answers[0]


def test_sessions_of_workers_that_are_no_more_are_ended(broker: MosquittoBroker) -> None:
    settings = IngestSettings(broker=BrokerSettings(port=broker.port), instance="few")
    ids = ["nm-ingest-few-0", "nm-ingest-few-1", "nm-ingest-few-1-mes", "nm-ingest-other-1"]
    for client_id in ids:
        session_present(broker.port, client_id)
        assert session_present(broker.port, client_id)
    former = settings.former_client_ids
    with listening(settings.broker, former_ids=former) as (source, _):
        wait_until(lambda: source.probes() >= 1, what="a working session")
    assert [session_present(broker.port, client_id) for client_id in ids] == [False] * 3 + [True]


@pytest.mark.parametrize("sites", [70])
def test_a_worker_of_many_sites_falls_back_to_one_filter_on_a_broker_that_grants_few(
    sites: int,
) -> None:
    with or_skip(), nats() as port:
        share = Share(0, 2)
        settings = BrokerSettings(port=port, protocol="3.1.1")
        with listening(settings, share=share) as (source, selfstat):
            client = patient(Client(CallbackAPIVersion.VERSION2))
            client.connect("127.0.0.1", port)
            client.loop_start()
            for k in range(sites * 2):
                topic = f"nm/v1/co-khi/nha-may-{k}/edge-1/birth"
                client.publish(topic, b"{}", qos=1).wait_for_publish(HANG_S)

            def denied() -> bool:
                source.acknowledge(source.receive(500, 0.1))
                return selfstat.snapshot().events["filter_denied"] > 0

            wait_until(denied, what="a filter to be denied")
            ours = next(k for k in range(sites) if share.owns(f"nm/v1/co-khi/nha-may-{k}/x/data"))

            def listen() -> bool:
                topic = f"nm/v1/co-khi/nha-may-{ours}/edge-1/data"
                client.publish(topic, b"{}", qos=1)
                messages = source.receive(500, 0.1)
                source.acknowledge(messages)
                return any(message.topic == topic for message in messages)

            wait_until(listen, what="data by the one filter")
            client.disconnect()
            client.loop_stop()
