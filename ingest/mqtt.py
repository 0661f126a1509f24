"""Messages from an MQTT broker, by paho: at least once, acknowledged after the commit.

Every connection is a paho client of its own, and each message keeps the client it came from: an
acknowledgement of a message from a lost connection can never reach the next one, where its number
may stand for another message. Callbacks only stamp the time and enqueue; an exception in one
would silently end paho's thread.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Any

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from ingest.mailbox import Mailbox
from ingest.message import Message
from ingest.selfstat import Selfstat
from ingest.share import Share
from plant.clock import Clock
from plant.errors import BrokerUnavailableError, ConfigurationError
from plant.native import TOPIC_ROOT, Leaf
from plant.settings import BrokerSettings
from plant.tls import client_context

log = structlog.get_logger()

TOPICS = tuple(f"{TOPIC_ROOT}/+/+/+/{leaf}" for leaf in (Leaf.BIRTH, Leaf.STATUS, Leaf.DATA))

_REPEATED = f"/{Leaf.DATA}"
"""Messages that come again until the platform says that they are committed."""
_UNSUPPORTED_PROTOCOL = 0x84
_REFUSALS = {
    0x85: "refuses the client id",
    0x86: "refuses the user name or password",
    0x87: "does not let this user in",
    0x8A: "has banned this client",
}
_ANSWER_S = 15.0
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0


@dataclass(frozen=True, slots=True)
class _Receipt:
    connection: "_Connection"
    mid: int
    qos: int


class MqttSource:
    """The broker as a `Source`; it keeps connecting until it is closed."""

    def __init__(
        self,
        settings: BrokerSettings,
        client_id: str,
        mailbox: Mailbox,
        clock: Clock,
        selfstat: Selfstat,
        share: Share,
        topics: Sequence[str] = TOPICS,
    ) -> None:
        self._settings = settings
        self._topics = topics
        self._client_id = client_id
        self._mailbox = mailbox
        self._clock = clock
        self._selfstat = selfstat
        self._share = share
        self._closing = Event()
        self._connection: _Connection | None = None
        self._failure: ConfigurationError | None = None
        self._announcements: dict[str, bytes] = {}
        self._lock = Lock()
        self._supervisor = Thread(target=self._supervise, name="mqtt", daemon=True)

    def start(self) -> None:
        """Begin to connect, in the background."""
        self._supervisor.start()

    def receive(self, limit: int, timeout_s: float) -> list[Message]:
        """Return up to `limit` messages, waiting for the first; see `Source`."""
        if self._failure is not None:
            raise self._failure
        return self._mailbox.take(limit, timeout_s)

    def acknowledge(self, messages: Iterable[Message]) -> None:
        """Acknowledge messages of the present connection; the broker repeats the others."""
        for message in messages:
            receipt = message.receipt
            if isinstance(receipt, _Receipt) and receipt.connection is self._connection:
                receipt.connection.client.ack(receipt.mid, receipt.qos)

    def announce(self, topic: str, payload: bytes) -> None:
        """Publish a retained message; without a connection the last one of each topic waits."""
        with self._lock:
            connection = self._connection
            if connection is None:
                self._announcements[topic] = payload
                return
        connection.client.publish(topic, payload, qos=1, retain=True)

    def close(self) -> None:
        """Send what is still to be sent and end the connection; the broker keeps the session."""
        self._closing.set()
        self._supervisor.join(timeout=10)

    # --- the supervising thread ---

    def _supervise(self) -> None:
        versions = {
            "auto": [MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311],
            "5": [MQTTProtocolVersion.MQTTv5],
            "3.1.1": [MQTTProtocolVersion.MQTTv311],
        }[self._settings.protocol]
        outage: str | None = None
        ever_connected = False
        pause_s = _FIRST_PAUSE_S
        while not self._closing.is_set():
            connection = _Connection(self, versions[0])
            try:
                problem = connection.open()
            except ConfigurationError as exc:
                self._failure = exc
                return
            if problem is None:
                log.info("broker connected", protocol=versions[0].name, client_id=self._client_id)
                ever_connected, outage, pause_s = True, None, _FIRST_PAUSE_S
                problem = self._serve(connection)
            elif connection.refusal is not None and not ever_connected:
                self._failure = ConfigurationError(f"{self._where()} {connection.refusal}")
                return
            elif connection.speaks_otherwise:
                versions.append(versions.pop(0))
            connection.close()
            if self._failure is not None:
                return
            if problem != outage and not self._closing.is_set():
                log.warning("broker unavailable", broker=self._where(), reason=problem)
                outage = problem
            self._closing.wait(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _serve(self, connection: "_Connection") -> str:
        """Let a connection work until it ends; return why it ended."""
        with self._lock:
            self._connection = connection
            announcements, self._announcements = self._announcements, {}
        for topic, payload in announcements.items():
            connection.client.publish(topic, payload, qos=1, retain=True)
        while not connection.ended.wait(0.2):
            if self._closing.is_set() or connection.denied is not None:
                break
        with self._lock:
            self._connection = None
        if connection.denied is not None:
            self._failure = ConfigurationError(f"{self._where()} {connection.denied}")
        if connection.overfull:
            log.warning("intake paused", reason="the database does not keep up")
            while not self._mailbox.wait_half_empty(0.5) and not self._closing.is_set():
                pass
            log.info("intake resumed")
        return connection.reason or "the connection ended"

    def _where(self) -> str:
        return f"the MQTT broker at {self._settings.host}:{self._settings.port}"

    # --- called by a connection, on paho's thread ---

    def _take(self, connection: "_Connection", message: MQTTMessage) -> bool:
        """Enqueue a message; return False when there was no room for too long.

        The wait ends well before the broker would miss a sign of life from us.
        """
        topic = message._topic.decode("utf-8", "replace")
        if not self._share.owns(topic):
            connection.client.ack(message.mid, message.qos)
            return True
        taken = Message(
            topic=topic,
            payload=bytes(message.payload),
            received_time=self._clock(),
            retained=message.retain,
            receipt=_Receipt(connection, message.mid, message.qos),
        )
        if topic.endswith(_REPEATED) and self._mailbox.over_quota(taken):
            # Its edge keeps it and sends it again, so only that site waits; see `Mailbox`.
            self._selfstat.shed()
            connection.client.ack(message.mid, message.qos)
            return True
        self._selfstat.arrived()
        if self._mailbox.put(taken, self._settings.keepalive_s / 3):
            return True
        self._selfstat.withdrawn()
        return False


class _Connection:
    """One paho client, from its CONNECT to its end."""

    def __init__(self, source: MqttSource, version: MQTTProtocolVersion) -> None:
        self._source = source
        self._version = version
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
        self.client = self._make_client(source._settings, source._client_id)

    def open(self) -> str | None:
        """Connect and subscribe; return None or why it failed."""
        settings = self._source._settings
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

    def close(self) -> None:
        """Disconnect if connected and wait for paho's thread."""
        self.client.disconnect()
        self.client.loop_stop()

    def _make_client(self, settings: BrokerSettings, client_id: str) -> Client:
        five = self._version is MQTTProtocolVersion.MQTTv5
        client = Client(
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
            topics = self._source._topics
            if self._version is MQTTProtocolVersion.MQTTv5:
                client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in topics])
            else:
                client.subscribe([(topic, 1) for topic in topics])
        self._answered.set()

    def _on_subscribe(
        self,
        _client: Client,
        _userdata: Any,
        _mid: int,
        codes: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        for topic, code in zip(self._source._topics, codes, strict=False):
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
        if not self._source._take(self, message):
            # Unacknowledged, it comes again, and in its order, once there is room.
            self.overfull = True
            self.reason = "the queue is full"
            client.disconnect()
