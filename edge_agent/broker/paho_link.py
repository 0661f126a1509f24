"""The broker connection by paho.

Its callbacks run in paho's network thread, where an exception would end that thread while the
client still calls itself connected: they only put events into a queue.
"""

import socket
import ssl
from queue import Empty, SimpleQueue
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge_agent.broker.choice import AddressChoice, VersionChoice
from edge_agent.broker.link import (
    Connected,
    Delivered,
    Denied,
    Event,
    IdentityRenewed,
    Received,
    Refused,
)
from plant.errors import BrokerUnavailableError
from plant.settings import BrokerSettings
from plant.tls import client_context

_VERSIONS = {"5": MQTTProtocolVersion.MQTTv5, "3.1.1": MQTTProtocolVersion.MQTTv311}
_LOGIN_WORDS = ("not authorized", "bad user name or password", "banned")
_CONNECT_TIMEOUT_S = 10.0


class PahoLink:
    """One connection of one edge; see `Link`."""

    def __init__(
        self,
        settings: BrokerSettings,
        choice: VersionChoice,
        client_id: str,
        subscription: str,
        will: tuple[str, bytes],
        *,
        clean: bool = False,
        retain_will: bool = True,
        optional: str | None = None,
        addresses: AddressChoice | None = None,
    ) -> None:
        """Prepare a connection; a `clean` one leaves nothing at the broker when it ends.

        `optional` is a topic that is read as well if the broker's access list allows it.
        """
        self._settings = settings
        self._choice = choice
        self._addresses = addresses or AddressChoice(settings.addresses)
        self._address = self._addresses.present
        self._version = choice.version
        self._subscription = subscription
        self._clean = clean
        self._optional = optional
        self._optional_request: int | None = None
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._answered = False
        self._accepted = False
        self._max_packet_bytes: int | None = None
        # Without this paho would forget the session that the broker keeps (MQTT 3.1.1's flag).
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=None if self._version == "5" else clean,
            protocol=_VERSIONS[self._version],
        )
        self._client.connect_timeout = _CONNECT_TIMEOUT_S
        self._client.will_set(will[0], will[1], qos=1, retain=retain_will)
        if settings.username is not None:
            self._client.username_pw_set(settings.username, settings.secret())
        self._client.on_socket_open = _send_at_once
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_publish = self._on_publish
        self._client.on_message = self._on_message

    def open(self) -> None:
        """See `Link.open`."""
        settings = self._settings
        if settings.tls is not None:
            self._client.tls_set_context(client_context(settings.tls))
        arguments: dict[str, Any] = {}
        if self._version == "5":
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 0 if self._clean else settings.session_expiry_s
            arguments = {"clean_start": self._clean, "properties": properties}
        try:
            self._client.connect(*self._address, keepalive=settings.keepalive_s, **arguments)
        except (OSError, ValueError) as exc:
            host, port = self._address
            raise BrokerUnavailableError(f"no MQTT broker at {host}:{port}: {_words(exc)}") from exc
        self._client.loop_start()

    def next_event(self, timeout_s: float) -> Event | None:
        """See `Link.next_event`."""
        try:
            return self._events.get(timeout=max(0.0, timeout_s))
        except Empty:
            return None

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> int:
        """See `Link.publish`."""
        return self._client.publish(topic, payload, qos=1, retain=retain).mid

    def identity_renewed(self) -> None:
        """Say, from any thread, that the certificate's file has a new certificate."""
        self._events.put(IdentityRenewed())

    def close(self) -> None:
        """See `Link.close`."""
        self._client.disconnect()
        self._client.loop_stop()
        if not self._accepted:
            self._addresses.failed(self._address)

    def _on_connect(
        self,
        client: Client,
        _user: object,
        _flags: ConnectFlags,
        code: ReasonCode,
        more: Properties | None,
    ) -> None:
        self._answered = True
        self._max_packet_bytes = getattr(more, "MaximumPacketSize", None)
        if code.is_failure:
            self._events.put(self._refusal(str(code)))
            # paho would try again by itself; the publisher decides that.
            client.disconnect()
            return
        self._accepted = True
        self._choice.accepted()
        self._subscribe(client)

    def _subscribe(self, client: Client) -> None:
        client.subscribe(self._subscription, qos=1)
        if self._optional is not None:
            _, self._optional_request = client.subscribe(self._optional, qos=1)

    def _on_subscribe(
        self, _client: Client, _user: object, mid: int, codes: list[ReasonCode], _more: object
    ) -> None:
        denied = any(code.is_failure for code in codes)
        if mid == self._optional_request:
            if denied and self._optional is not None:
                self._events.put(Denied(self._optional))
        elif denied:
            self._events.put(
                Refused(f"the broker's access list denies reading {self._subscription}")
            )
        else:
            self._events.put(Connected(self._max_packet_bytes))

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
        elif not self._answered:
            # A broker that does not know this version may just hang up instead of saying so.
            self._choice.hung_up()
        self._events.put(Refused(self._ending(str(code))))
        client.disconnect()

    def _on_publish(
        self, _client: Client, _user: object, mid: int, code: ReasonCode, _more: object
    ) -> None:
        self._events.put(Delivered(mid, str(code) if code.is_failure else None))

    def _on_message(self, _client: Client, _user: object, message: MQTTMessage) -> None:
        self._events.put(Received(message.topic, bytes(message.payload), message.retain))

    def _ending(self, words: str) -> str:
        if self._answered or self._settings.tls is None:
            return f"the connection ended: {words}"
        return (
            "the broker ends the secured connection before it answers: it may not take this "
            "certificate (revoked, expired, or of another authority)"
        )

    def _refusal(self, words: str) -> Refused:
        if words.lower() in _LOGIN_WORDS:
            user = self._settings.username or "without a name"
            return Refused(
                f"the broker refuses user {user} ({words.lower()}): check username and password, "
                "and that the edge is enrolled"
            )
        if "protocol version" in words.lower():
            self._choice.unsupported()
        return Refused(f"the broker refuses the connection: {words}")


def _send_at_once(_client: Client, _user: Any, opened: Any) -> None:
    # Or a small batch waits 40 ms for the broker to acknowledge the one before.
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _words(exc: OSError | ValueError) -> str:
    if isinstance(exc, ssl.SSLError):
        return f"the secured connection failed ({exc.reason or exc}); check the certificates"
    if isinstance(exc, TimeoutError):
        return "it does not answer"
    return getattr(exc, "strerror", None) or str(exc)
