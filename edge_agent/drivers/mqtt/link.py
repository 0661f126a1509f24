"""One subscription to the devices' broker, by paho.

Its callbacks run in paho's network thread, where an exception would end that thread while the
client still calls itself connected: they only stamp the time and put events into a queue. The
queue is bounded; while it is full nothing more is read from the connection. A link is made anew
for every connection, so that no acknowledgement can reach another one.
"""

import asyncio
import queue
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge_agent.broker import AddressChoice, VersionChoice
from edge_agent.drivers.mqtt.message import Message
from edge_agent.drivers.mqtt.settings import MqttSettings
from plant.clock import Clock, microseconds
from plant.errors import BrokerUnavailableError
from plant.tls import client_context

QUEUED_AT_MOST: Final = 1000
_IN_FLIGHT: Final = 100
_FILTERS_PER_REQUEST: Final = 100
_PROBE_TOPIC: Final = "nhipmay/probe"
_VERSIONS: Final = {"5": MQTTProtocolVersion.MQTTv5, "3.1.1": MQTTProtocolVersion.MQTTv311}
_LOOK_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message came."""

    message: Message
    packet_id: int
    qos: int
    repeated: bool
    """Whether the broker sent it before."""


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The broker answered a subscription; `refused` are the filters that it denies."""

    refused: Sequence[str]


@dataclass(frozen=True, slots=True)
class Answered:
    """The broker answered a probe: what it sent before it has all come."""


@dataclass(frozen=True, slots=True)
class Ended:
    """There is no connection, or no longer one."""

    reason: str


Event = Arrived | Subscribed | Answered | Ended


class MqttLink:
    """One connection of one source."""

    def __init__(
        self,
        settings: MqttSettings,
        choice: VersionChoice,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
        addresses: AddressChoice,
    ) -> None:
        self._settings = settings
        self._addresses = addresses
        self._address = addresses.present
        self._choice = choice
        self._version = choice.version
        self._clock = clock
        self._loop = loop
        self._filters = sorted({tag.topic for tag in settings.tags})
        self._requests: dict[int, list[str]] = {}
        self._events: queue.Queue[Event] = queue.Queue(QUEUED_AT_MOST)
        self._wake = asyncio.Event()
        self._closing = threading.Event()
        self._accepted = False
        self._arrived_us = 0
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            settings.client_id,
            clean_session=None if self._version == "5" else False,
            protocol=_VERSIONS[self._version],
            manual_ack=True,
        )
        self._client.connect_timeout = settings.timeout_s
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_unsubscribe = lambda *_: self._put(Answered())
        self._client.on_message = self._on_message

    def open(self) -> None:
        """Begin to connect; raises OSError, and ConfigurationError for unusable certificates.

        Blocks: not for the event loop's thread.
        """
        broker = self._settings.broker
        if broker.username is not None:
            self._client.username_pw_set(broker.username, broker.secret())
        if broker.tls is not None:
            try:
                self._client.tls_set_context(client_context(broker.tls))
            except BrokerUnavailableError as exc:
                raise OSError(str(exc)) from exc
        arguments: dict[str, Any] = {}
        if self._version == "5":
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = broker.session_expiry_s
            properties.ReceiveMaximum = _IN_FLIGHT
            # Room for topic and properties: a message itself may be as large as the setting says.
            properties.MaximumPacketSize = self._settings.max_message_bytes + 70_000
            arguments = {"clean_start": False, "properties": properties}
        try:
            self._client.connect(*self._address, keepalive=broker.keepalive_s, **arguments)
        except ssl.SSLError as exc:
            raise OSError(f"the secured connection failed ({exc.reason or exc})") from exc
        except ValueError as exc:
            raise OSError(str(exc)) from exc
        self._client.loop_start()

    async def events(self, timeout_s: float) -> list[Event]:
        """Return what has happened, in order; nothing when nothing does in time."""
        if self._events.empty():
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._wake.wait()
        self._wake.clear()
        events: list[Event] = []
        while len(events) < QUEUED_AT_MOST:
            try:
                events.append(self._events.get_nowait())
            except queue.Empty:
                break
        return events

    def acknowledge(self, arrived: Arrived) -> None:
        """Tell the broker that a message need not come again."""
        if arrived.qos:
            self._client.ack(arrived.packet_id, arrived.qos)

    def probe(self) -> None:
        """Ask the broker something that changes nothing; `Answered` follows."""
        self._client.unsubscribe(_PROBE_TOPIC)

    def publish(self, topic: str, payload: bytes) -> None:
        """Send a message, once and without knowing whether it came."""
        self._client.publish(topic, payload)

    def close(self) -> None:
        """End the connection; blocks until paho's thread has ended."""
        self._closing.set()
        self._client.disconnect()
        self._client.loop_stop()
        if not self._accepted:
            self._addresses.failed(self._address)

    def _put(self, event: Event) -> None:
        """Queue an event; while there is no room, nothing is read from the connection."""
        while not self._closing.is_set():
            try:
                self._events.put(event, timeout=_LOOK_S)
            except queue.Full:
                continue
            with suppress(RuntimeError):  # the loop has just been closed
                self._loop.call_soon_threadsafe(self._wake.set)
            return

    def _on_connect(
        self, client: Client, _user: object, _flags: ConnectFlags, code: ReasonCode, _more: object
    ) -> None:
        if code.is_failure:
            if "protocol version" in str(code).lower():
                self._choice.unsupported()
            self._put(Ended(f"the broker refuses the connection: {code}"))
            # paho would try again by itself; the driver decides that.
            client.disconnect()
            return
        self._accepted = True
        self._choice.accepted()
        for first in range(0, len(self._filters), _FILTERS_PER_REQUEST):
            part = self._filters[first : first + _FILTERS_PER_REQUEST]
            _, number = client.subscribe([(topic, 1) for topic in part])
            if number is not None:
                self._requests[number] = part

    def _on_subscribe(
        self, _client: Client, _user: object, mid: int, codes: list[ReasonCode], _more: object
    ) -> None:
        asked = self._requests.pop(mid, [])
        refused = [topic for topic, code in zip(asked, codes, strict=False) if code.is_failure]
        self._put(Subscribed(refused))

    def _on_disconnect(
        self,
        client: Client,
        _user: object,
        _flags: DisconnectFlags,
        code: ReasonCode,
        _more: object,
    ) -> None:
        if self._accepted:
            self._choice.lost()
        else:
            # A broker that does not know this version may just hang up instead of saying so.
            self._choice.hung_up()
        self._put(Ended(f"the connection ended: {code}"))
        client.disconnect()

    def _on_message(self, _client: Client, _user: object, message: MQTTMessage) -> None:
        # Arrivals never share a time: two messages of one tag would else be taken for one.
        self._arrived_us = max(microseconds(self._clock()), self._arrived_us + 1)
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        content = Message(topic, bytes(message.payload), self._arrived_us, bool(message.retain))
        self._put(Arrived(content, message.mid, message.qos, bool(message.dup)))
