"""What readers say when the broker denies what they ask for: nothing would ever come."""

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from threading import Thread

import pytest

from ingest.broker.mailbox import Mailbox
from ingest.broker.share import Share
from ingest.broker.source import MqttSource
from ingest.selfstat import Selfstat
from ingest.sparkplug.link import HostLink
from plant.clock import system_clock
from plant.errors import ConfigurationError
from plant.settings import BrokerSettings
from tests.waiting import wait_until

CONNACK = bytes.fromhex("20 03 00 00 00")
NOT_AUTHORIZED = 0x87


@pytest.fixture
def broker() -> Iterator[BrokerSettings]:
    """A broker that lets everybody in and denies every subscription, by MQTT 5."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=_deny, args=[server], daemon=True).start()
        yield BrokerSettings(host="127.0.0.1", port=server.getsockname()[1], protocol="5")


def _deny(server: socket.socket) -> None:
    client, _ = server.accept()
    with client, client.makefile("rb") as sent:
        _next_packet(sent.read)
        client.sendall(CONNACK)
        packet_id = _next_packet(sent.read)[:2]
        client.sendall(bytes([0x90, 4]) + packet_id + bytes([0, NOT_AUTHORIZED]))
        sent.read()


def _next_packet(read: Callable[[int], bytes]) -> bytes:
    """Return a packet's bytes behind its length, whose bytes hold seven bits each."""
    read(1)
    length = shift = 0
    while True:
        (byte,) = read(1)
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return read(length)


def test_a_source_ends_with_what_to_mend_when_its_subscription_is_denied(
    broker: BrokerSettings,
) -> None:
    mailbox = Mailbox(10, 1_000)
    with closing(
        MqttSource(broker, "denied", mailbox, system_clock, Selfstat(), Share())
    ) as source:
        source.start()

        def refused() -> bool:
            try:
                source.receive(1, 0.1)
            except ConfigurationError as exc:
                return "mend its ACL" in str(exc)
            return False

        wait_until(refused, what="the denial to be told")


def test_a_sparkplug_host_ends_with_what_to_mend_when_its_subscription_is_denied(
    broker: BrokerSettings,
) -> None:
    mailbox = Mailbox(10, 1_000)
    link = HostLink(broker, "denied", ["spBv1.0/g/#"], mailbox, system_clock, Selfstat())
    with closing(link):
        link.start()
        wait_until(lambda: link.failure is not None, what="the denial to be told")
        assert "mend its ACL" in str(link.failure)
