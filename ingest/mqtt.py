"""One connection to an MQTT broker, by paho, from its CONNECT to its end.

Callbacks only stamp the time and hand over; an exception in one would silently end paho's thread.
"""

from collections.abc import Callable
from threading import Event
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from ingest.buffered_client import BufferedClient
from ingest.subscription import Subscriptions
from plant.errors import BrokerUnavailableError
from plant.settings import BrokerSettings
from plant.tls import client_context

_UNSUPPORTED_PROTOCOL = 0x84
_REFUSALS = {
    0x85: "refuses the client id",
    0x86: "refuses the user name or password",
    0x87: "does not let this user in",
    0x8A: "has banned this client",
}
_ANSWER_S = 15.0


class MqttConnection:
    """One paho client; a lost connection is followed by another one."""

    def __init__(
        self,
        settings: BrokerSettings,
        client_id: str,
        version: MQTTProtocolVersion,
        subscriptions: Subscriptions,
        take: "Callable[[MqttConnection, MQTTMessage], bool]",
    ) -> None:
        """Prepare a client; `take` is given its messages and returns False when it has no room."""
        self._settings = settings
        self._version = version
        self._subscriptions = subscriptions
        self._take = take
        self._asked: dict[int | None, list[str]] = {}
        self._answered = Event()
        self.ended = Event()
        self.overfull = False
        self.accepted = False
        self.reason: str | None = None
        self.refusal: str | None = None
        """What the broker has against us, if a person must mend it."""
        self.denied: str | None = None
        """Which subscription the broker denies."""
        self.speaks_otherwise = False
        """The broker did not understand this version of the protocol."""
        self.client = self._make_client(settings, client_id)

    def open(self) -> str | None:
        """Connect and subscribe; return None or why it failed."""
        settings = self._settings
        try:
            if settings.tls is not None:
                self.client.tls_set_context(client_context(settings.tls))
            if self._version is MQTTProtocolVersion.MQTTv5:
                properties = Properties(PacketTypes.CONNECT)
                properties.SessionExpiryInterval = settings.session_expiry_s
                self.client.connect(
                    settings.host,
                    settings.port,
                    settings.keepalive_s,
                    clean_start=False,
                    properties=properties,
                )
            else:
                self.client.connect(settings.host, settings.port, settings.keepalive_s)
        except (OSError, ValueError, BrokerUnavailableError) as exc:
            return str(exc)
        self.client.loop_start()
        self._answered.wait(_ANSWER_S)
        if self.accepted:
            return None
        return self.reason or "no answer to CONNECT"

    def subscribe(self, filters: list[str]) -> None:
        """Ask the broker for more; only paho's thread may, as it also reads the answers."""
        if self._version is MQTTProtocolVersion.MQTTv5:
            options = SubscribeOptions(qos=1)
            _, number = self.client.subscribe([(one, options) for one in filters])
        else:
            _, number = self.client.subscribe([(one, 1) for one in filters])
        self._asked[number] = filters

    def close(self) -> None:
        """Disconnect if connected and wait for paho's thread."""
        self.client.disconnect()
        self.client.loop_stop()

    def _make_client(self, settings: BrokerSettings, client_id: str) -> BufferedClient:
        five = self._version is MQTTProtocolVersion.MQTTv5
        client = BufferedClient(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if five else False,
            protocol=self._version,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = 10
        if settings.username is not None:
            client.username_pw_set(settings.username, settings.secret())
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _on_connect(
        self,
        client: Client,
        _userdata: Any,
        _flags: ConnectFlags,
        code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if code.is_failure:
            self.reason = f"CONNECT refused: {code}"
            self.refusal = _REFUSALS.get(code.value)
            self.speaks_otherwise = code.value == _UNSUPPORTED_PROTOCOL
        else:
            self.accepted = True
            self.subscribe(self._subscriptions.wanted())
            if unwanted := self._subscriptions.unwanted():
                client.unsubscribe(unwanted)
        self._answered.set()

    def _on_subscribe(
        self,
        _client: Client,
        _userdata: Any,
        mid: int,
        codes: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        for topic, code in zip(self._asked.pop(mid, []), codes, strict=False):
            if code.is_failure:
                self.denied = f"does not let this user read {topic} ({code}); mend its ACL"

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: Any,
        _flags: DisconnectFlags,
        code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if not self._answered.is_set():
            # A broker that knows only the other version may just hang up.
            self.speaks_otherwise = True
        self.reason = self.reason or str(code)
        self._answered.set()
        self.ended.set()

    def _on_message(self, client: Client, _userdata: Any, message: MQTTMessage) -> None:
        if self.overfull:
            return
        if not self._take(self, message):
            # Unacknowledged, it comes again, and in its order, once there is room.
            self.overfull = True
            self.reason = "the queue is full"
            client.disconnect()
