"""One connection to an MQTT broker, by paho, from its CONNECT to its end.

Callbacks only stamp the time and hand over; an exception in one would silently end paho's thread.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any, Literal, Protocol

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ingest.broker.buffered_client import BufferedClient
from plant.backoff import Backoff
from plant.errors import BrokerUnavailableError
from plant.settings import BrokerSettings
from plant.tls import client_context

_UNSUPPORTED_PROTOCOL = 0x84
REFUSALS = {
    0x85: "refuses the client id",
    0x86: "refuses the user name or password",
    0x87: "does not let this user in",
    0x8A: "has banned this client",
}
_CONNECT_S = 10.0
_ANSWER_S = 15.0
_HANG_UPS = 2
"""Without an answer, in a row, before another version is tried."""
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0


def versions_of(protocol: Literal["auto", "5", "3.1.1"]) -> list[MQTTProtocolVersion]:
    """Return the versions of MQTT to try, in order."""
    return {
        "auto": [MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311],
        "5": [MQTTProtocolVersion.MQTTv5],
        "3.1.1": [MQTTProtocolVersion.MQTTv311],
    }[protocol]


def new_client(
    settings: BrokerSettings,
    client_id: str,
    version: MQTTProtocolVersion,
    *,
    lasting: bool = False,
) -> BufferedClient:
    """Return a client that has not connected; it never connects again by itself.

    The broker keeps the session of a `lasting` one, whose messages are acknowledged one by one.
    """
    client = BufferedClient(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=None if version is MQTTProtocolVersion.MQTTv5 else not lasting,
        protocol=version,
        reconnect_on_failure=False,
        manual_ack=lasting,
    )
    client.connect_timeout = _CONNECT_S
    if settings.username is not None:
        client.username_pw_set(settings.username, settings.secret())
    return client


def connect(client: Client, settings: BrokerSettings, *, lasting: bool = False) -> None:
    """Send CONNECT; the client's thread hears the answer.

    Raises OSError or ValueError when there is nothing to connect to, BrokerUnavailableError and
    ConfigurationError when the files of TLS do not serve.
    """
    if settings.tls is not None:
        client.tls_set_context(client_context(settings.tls))
    arguments: dict[str, Any] = {}
    # Without properties an MQTT 5 session ends with its connection.
    if lasting and client.protocol is MQTTProtocolVersion.MQTTv5:
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = settings.session_expiry_s
        arguments = {"clean_start": False, "properties": properties}
    *others, last = settings.addresses
    for host, port in others:
        try:
            client.connect(host, port, settings.keepalive_s, **arguments)
        except OSError:
            continue
        client.loop_start()
        return
    client.connect(*last, settings.keepalive_s, **arguments)
    client.loop_start()


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker is to say, retained, when a connection ends without a farewell."""

    topic: str
    payload: bytes


class Purpose(Protocol):
    """What a connection is for; called on paho's thread."""

    def connected(self, connection: "MqttConnection") -> None:
        """Ask for what is wanted: the broker has accepted the connection."""

    def subscribed(self, connection: "MqttConnection") -> None:
        """Take note that the broker has granted what was asked for."""

    def does_without(self, connection: "MqttConnection", denied: str) -> bool:
        """Tell whether it can do without a topic filter that the broker denies."""

    def take(self, connection: "MqttConnection", message: MQTTMessage) -> bool:
        """Take a message; return False when there is no room, and no more of them are given."""


class MqttConnection:
    """One paho client; a lost connection is followed by another one."""

    def __init__(
        self,
        settings: BrokerSettings,
        client_id: str,
        version: MQTTProtocolVersion,
        purpose: Purpose,
        *,
        lasting: bool = False,
        will: Will | None = None,
    ) -> None:
        """Prepare a client; see `new_client` for a `lasting` one."""
        self._settings = settings
        self._purpose = purpose
        self._lasting = lasting
        self._asked: dict[int | None, Sequence[str]] = {}
        self._answered = Event()
        self.ended = Event()
        self.overfull = False
        self.stands = False
        """It was accepted, and has done what it had to do at first."""
        self.reason: str | None = None
        """Why it ended, as far as that is known."""
        self.refusal: str | None = None
        """What the broker has against us, if a person must mend it."""
        self.denied: str | None = None
        """Which subscription the broker denies."""
        self.speaks_otherwise = False
        """The broker did not understand this version of the protocol."""
        self.hung_up = False
        """It ended before any answer: it may know only the other version, or be about to end."""
        self.client = new_client(settings, client_id, version, lasting=lasting)
        if will is not None:
            self.client.will_set(will.topic, will.payload, qos=1, retain=True)
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = self._on_subscribe
        self.client.on_disconnect = self._on_disconnect
        self.client.on_message = self._on_message

    def open(self) -> str | None:
        """Connect, and wait until it stands; return None or why it failed."""
        try:
            connect(self.client, self._settings, lasting=self._lasting)
        except (OSError, ValueError, BrokerUnavailableError) as exc:
            return str(exc)
        self._answered.wait(_ANSWER_S)
        return None if self.stands else self.reason or "no answer to CONNECT"

    def subscribe(self, filters: Sequence[str]) -> None:
        """Ask the broker for more; only paho's thread may, as it also reads the answers."""
        _, number = self.client.subscribe([(one, 1) for one in filters])
        self._asked[number] = filters

    def stand(self) -> None:
        """Let `open` return: its purpose has done what it had to do at first."""
        self.stands = True
        self._answered.set()

    def close(self) -> None:
        """Disconnect if connected and wait for paho's thread."""
        self.client.disconnect()
        self.client.loop_stop()

    def _on_connect(
        self, _client: Client, _user: Any, _flags: ConnectFlags, code: ReasonCode, _more: Any
    ) -> None:
        if code.is_failure:
            self.reason = f"CONNECT refused: {code}"
            self.refusal = REFUSALS.get(code.value)
            self.speaks_otherwise = code.value == _UNSUPPORTED_PROTOCOL
            self._answered.set()
        else:
            self._purpose.connected(self)

    def _on_subscribe(
        self, _client: Client, _user: Any, mid: int, codes: list[ReasonCode], _more: Any
    ) -> None:
        for topic, code in zip(self._asked.pop(mid, ()), codes, strict=False):
            if code.is_failure and not self._purpose.does_without(self, topic):
                self.denied = f"does not let this user read {topic} ({code}); mend its ACL"
        if self.denied is None:
            self._purpose.subscribed(self)
        else:
            self._end()

    def _on_disconnect(
        self, _client: Client, _user: Any, _flags: DisconnectFlags, code: ReasonCode, _more: Any
    ) -> None:
        if not self._answered.is_set():
            self.hung_up = True
        self.reason = self.reason or str(code)
        self._end()

    def _on_message(self, client: Client, _user: Any, message: MQTTMessage) -> None:
        if self.overfull or self._purpose.take(self, message):
            return
        self.overfull = True
        self.reason = "the queue is full"
        if self._lasting:
            # Unacknowledged, it comes again, and in its order, once there is room.
            client.disconnect()

    def _end(self) -> None:
        self.ended.set()
        self._answered.set()


class _Farewell:
    """The purpose of a connection that wants nothing."""

    def connected(self, connection: MqttConnection) -> None:
        connection.stand()

    def subscribed(self, connection: MqttConnection) -> None:
        pass

    def does_without(self, connection: MqttConnection, denied: str) -> bool:
        return True

    def take(self, connection: MqttConnection, message: MQTTMessage) -> bool:
        return False


def end_session(settings: BrokerSettings, client_id: str, version: MQTTProtocolVersion) -> bool:
    """Let the broker forget a session and what waits in it; return whether it did.

    Raises ConfigurationError when the files of TLS do not serve.
    """
    connection = MqttConnection(settings, client_id, version, _Farewell())
    try:
        return connection.open() is None
    finally:
        connection.close()


class Ended(Protocol):
    """A connection that ended, or never stood."""

    @property
    def speaks_otherwise(self) -> bool:
        """The broker did not understand this version of the protocol."""

    @property
    def hung_up(self) -> bool:
        """It ended before any answer: it may know only the other version, or be about to end."""


class Attempts:
    """How to connect next, of someone who never gives up: which version, and after which pause."""

    def __init__(self, protocol: Literal["auto", "5", "3.1.1"]) -> None:
        self._versions = versions_of(protocol)
        self._accepted: set[MQTTProtocolVersion] = set()
        self._hang_ups = 0
        self._backoff = Backoff(_FIRST_PAUSE_S, _LONGEST_PAUSE_S)
        self._outage: str | None = None

    @property
    def version(self) -> MQTTProtocolVersion:
        """The version to speak."""
        return self._versions[0]

    @property
    def ever_succeeded(self) -> bool:
        """Whether a connection ever stood."""
        return bool(self._accepted)

    def succeeded(self) -> None:
        """A connection stands."""
        self._accepted.add(self.version)
        self._hang_ups, self._outage = 0, None
        self._backoff.reset()

    def failed(self, connection: Ended, problem: str) -> bool:
        """A connection ended or never stood; return whether that is news."""
        self._hang_ups += connection.hung_up
        # A broker that goes down hangs up as well: one that understood this version is asked again.
        misheard = self._hang_ups >= _HANG_UPS and self.version not in self._accepted
        if connection.speaks_otherwise or misheard:
            self._versions.append(self._versions.pop(0))
            self._hang_ups = 0
        return self.failed_otherwise(problem)

    def failed_otherwise(self, problem: str) -> bool:
        """There was no connection at all; return whether that is news."""
        known, self._outage = self._outage, problem
        return problem != known

    def pause_s(self) -> float:
        """Return how long to wait, longer each time."""
        return self._backoff.next_pause()
