"""The ingest's MQTT client against a real broker: nothing of what is read ahead gets lost."""

import queue
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.broker.buffered_client import BufferedClient, BufferedSocket
from tests.peers.mqtt import patient
from tests.peers.services import MosquittoBroker
from tests.waiting import HANG_S, wait_until

SMALL = [f"{k}".encode() for k in range(600)]
LARGE = bytes(300_000)
Arrived = queue.Queue[tuple[int, bytes]]
"""Packet numbers and payloads."""


@contextmanager
def listening(
    broker: MosquittoBroker,
) -> Iterator[tuple[BufferedClient, queue.Queue[tuple[int, bytes]]]]:
    """Connect with a session that stays; what arrives waits in the queue, unacknowledged."""
    arrived: Arrived = queue.Queue()
    subscribed: queue.Queue[bool] = queue.Queue()
    client = patient(
        BufferedClient(
            CallbackAPIVersion.VERSION2,
            client_id="reader",
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
        )
    )

    def ask(*_: object) -> None:
        client.subscribe("small/#", qos=1)

    client.on_connect = ask
    client.on_subscribe = lambda *_: subscribed.put(True)
    client.on_message = lambda _client, _user, one: arrived.put((one.mid, bytes(one.payload)))
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 600
    client.connect("127.0.0.1", broker.port, clean_start=False, properties=properties)
    client.loop_start()
    try:
        subscribed.get(timeout=HANG_S)
        yield client, arrived
    finally:
        client.disconnect()
        client.loop_stop()


def publish(broker: MosquittoBroker, payloads: list[bytes]) -> None:
    client = patient(Client(CallbackAPIVersion.VERSION2))
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    for sent in [client.publish("small/one", payload, qos=1) for payload in payloads]:
        sent.wait_for_publish(HANG_S)
    client.disconnect()
    client.loop_stop()


def test_every_message_comes_in_order_and_only_what_is_not_acknowledged_comes_again(
    broker: MosquittoBroker,
) -> None:
    with listening(broker) as (client, arrived):
        publish(broker, [*SMALL[:300], LARGE, *SMALL[300:]])
        # As many as the broker sends before it is told of the first.
        numbers, payloads = zip(*(arrived.get(timeout=HANG_S) for _ in range(20)), strict=True)
        assert list(payloads) == SMALL[:20]
        client.ack_all(numbers)
        for expected in [*SMALL[20:300], LARGE]:
            number, payload = arrived.get(timeout=HANG_S)
            assert payload == expected
            client.ack_all([number])
        # As many again, so the broker has heard of all that were acknowledged.
        assert [arrived.get(timeout=HANG_S)[1] for _ in range(20)] == SMALL[300:320]

    with listening(broker) as (client, arrived):
        for expected in SMALL[300:]:
            number, payload = arrived.get(timeout=HANG_S)
            assert payload == expected
            client.ack_all([number])
        wait_until(lambda: not client.want_write())


def test_what_is_small_is_sent_at_once(broker: MosquittoBroker) -> None:
    with listening(broker) as (client, _):
        opened = client.socket()
        assert isinstance(opened, BufferedSocket)
        assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_what_came_together_is_read_without_asking_the_system_again() -> None:
    near, far = socket.socketpair()
    with near, far:
        reader = BufferedSocket(near)
        near.setblocking(False)
        with pytest.raises(BlockingIOError):
            reader.recv(1)
        far.sendall(b"abcdef")

        assert (reader.recv(1), reader.recv(2), reader.pending()) == (b"a", b"bc", 3)
        assert reader.recv(100) == b"def"
        with pytest.raises(BlockingIOError):
            reader.recv(1)
        far.close()
        assert reader.recv(1) == b""


def test_nothing_is_sent_when_there_is_nothing_to_acknowledge() -> None:
    client = patient(BufferedClient(CallbackAPIVersion.VERSION2))

    client.ack_all([])

    assert not client.want_write()
    assert client.loop_read() is MQTTErrorCode.MQTT_ERR_NO_CONN
