"""One connection of a Sparkplug node to a broker: a clean session, QoS 0, and its Last Will."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from paho.mqtt.client import Client
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from edge_agent.broker import (
    AddressChoice,
    Connected,
    Delivered,
    Event,
    PahoLink,
    Refused,
    VersionChoice,
)
from plant.settings import BrokerSettings
from plant.sparkplug import MessageType


@dataclass(frozen=True, slots=True)
class Answered(Delivered):
    """The broker answered a question: whatever was sent before it has arrived there."""


class NodeLink(Protocol):
    """One connection, used by one thread and made anew for every attempt."""

    def open(self) -> None:
        """Begin to connect; see `Link.open`."""

    def next_event(self, timeout_s: float) -> Event | None:
        """Return what happened next, or None when nothing does in time."""

    def send(self, topic: str, payload: bytes) -> int:
        """Send a message with QoS 0; its `Delivered` says that it left this machine, no more."""

    def ask(self) -> int:
        """Ask the broker something that changes nothing; its `Answered` follows."""

    def leave(self) -> None:
        """End the connection on purpose, so that the broker publishes the Last Will if it can."""

    def close(self) -> None:
        """End the connection."""


class PahoNodeLink(PahoLink):
    """A `NodeLink` by paho."""

    def __init__(
        self,
        settings: BrokerSettings,
        choice: VersionChoice,
        client_id: str,
        subscriptions: Sequence[str],
        will: tuple[str, bytes],
        addresses: AddressChoice | None = None,
    ) -> None:
        super().__init__(
            settings,
            choice,
            client_id,
            subscriptions[0],
            will,
            clean=True,
            retain_will=False,
            addresses=addresses,
        )
        self._others = subscriptions[1:]
        self._subscribed = False

    def send(self, topic: str, payload: bytes) -> int:
        """See `NodeLink.send`."""
        return self._client.publish(topic, payload, qos=0, retain=False).mid

    def ask(self) -> int:
        """See `NodeLink.ask`: the subscription to our own commands is made again."""
        # A subscription that is there already changes nothing, and its answer bears a number, which
        # that to a ping does not.
        _, question = self._client.subscribe(self._subscription, qos=1)
        return question or 0

    def leave(self) -> None:
        """See `NodeLink.leave`; MQTT 3.1.1 has no words for it, so there the node says it alone."""
        if self._version == "5":
            words = ReasonCode(PacketTypes.DISCONNECT, "Disconnect with will message")
            self._client.disconnect(reasoncode=words)

    def _subscribe(self, client: Client) -> None:
        topics = [(topic, 1) for topic in (self._subscription, *self._others)]
        client.subscribe(topics)

    def _on_subscribe(
        self, _client: Client, _user: object, mid: int, codes: list[ReasonCode], _more: object
    ) -> None:
        asked = (self._subscription, *self._others)
        denied = [topic for topic, code in zip(asked, codes, strict=False) if code.is_failure]
        # What is not acted upon may be denied.
        denied = [topic for topic in denied if f"/{MessageType.DCMD}/" not in topic]
        if denied:
            topics = ", ".join(denied)
            self._events.put(Refused(f"the broker's access list denies reading {topics}"))
        elif self._subscribed:
            self._events.put(Answered(mid))
        else:
            self._subscribed = True
            self._events.put(Connected())
