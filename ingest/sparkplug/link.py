"""The host application's connection to the broker: clean sessions, STATE, commands.

Each connection is a paho client of its own, with a number that its messages carry, and a timestamp
that its STATE birth and its Last Will share. Callbacks only stamp the time and enqueue.
"""

from collections.abc import Sequence
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Any

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from ingest.mailbox import Mailbox
from ingest.message import Message
from ingest.selfstat import Selfstat
from ingest.sparkplug.fleet import Receipt
from plant.clock import Clock, microseconds
from plant.errors import BrokerUnavailableError, ConfigurationError, DataError
from plant.settings import BrokerSettings
from plant.sparkplug import State, decode_state, encode_state, state_topic
from plant.tls import client_context

log = structlog.get_logger()

_UNSUPPORTED_PROTOCOL = 0x84
_ANSWER_S = 15.0
_FAREWELL_S = 2.0
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0


class HostLink:
    """Keeps connecting until it is closed; while suspended it stays away and says so."""

    def __init__(
        self,
        settings: BrokerSettings,
        host_id: str,
        topics: Sequence[str],
        mailbox: Mailbox,
        clock: Clock,
        selfstat: Selfstat,
    ) -> None:
        self.settings = settings
        self.topics = topics
        self.clock = clock
        self.state_topic = state_topic(host_id)
        self.client_id = f"nm-sparkplug-{host_id}"
        self.failure: ConfigurationError | None = None
        """What a person must mend before there can be a connection."""
        self._mailbox = mailbox
        self._selfstat = selfstat
        self._closing = Event()
        self._suspended = Event()
        self._connection: _Connection | None = None
        self._generation = 0
        self._lock = Lock()
        self._supervisor = Thread(target=self._supervise, name="sparkplug", daemon=True)

    def start(self) -> None:
        """Begin to connect, in the background."""
        self._supervisor.start()

    @property
    def generation(self) -> int | None:
        """The number of the present connection, None without one."""
        connection = self._connection
        return connection.generation if connection else None

    def command(self, topic: str, payload: bytes) -> bool:
        """Publish a command; return False when there is no connection to do it by."""
        with self._lock:
            if self._connection is None:
                return False
            self._connection.client.publish(topic, payload, qos=0, retain=False)
        return True

    def suspend(self) -> None:
        """Say that the host is away and disconnect: nodes that wait for it keep their data."""
        self._suspended.set()

    def resume(self) -> None:
        """Connect again."""
        self._suspended.clear()

    def close(self) -> None:
        """Say that the host is away, and disconnect."""
        self._closing.set()
        self._supervisor.join(timeout=10)

    @property
    def leaving(self) -> bool:
        """Whether the host is about to say that it is away."""
        return self._closing.is_set() or self._suspended.is_set()

    # --- the supervising thread ---

    def _supervise(self) -> None:
        versions = {
            "auto": [MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311],
            "5": [MQTTProtocolVersion.MQTTv5],
            "3.1.1": [MQTTProtocolVersion.MQTTv311],
        }[self.settings.protocol]
        outage: str | None = None
        pause_s = _FIRST_PAUSE_S
        while not self._closing.is_set():
            if self._suspended.is_set() or self._overfull():
                self._closing.wait(0.1)
                continue
            self._generation += 1
            try:
                connection = _Connection(self, versions[0], self._generation)
                problem = connection.open()
            except ConfigurationError as exc:
                self.failure = exc
                return
            if problem is None:
                log.info("sparkplug host online", host=self.client_id, topics=list(self.topics))
                outage, pause_s = None, _FIRST_PAUSE_S
                problem = self._serve(connection)
            elif connection.speaks_otherwise:
                versions.append(versions.pop(0))
            connection.close()
            if self.failure is not None:
                return
            if problem != outage and not self._closing.is_set():
                log.warning("sparkplug host offline", reason=problem)
                outage = problem
            self._closing.wait(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _serve(self, connection: "_Connection") -> str:
        with self._lock:
            self._connection = connection
        while not connection.ended.wait(0.1):
            if self._closing.is_set() or self._suspended.is_set() or connection.overfull:
                break
        with self._lock:
            self._connection = None
        if connection.denied is not None:
            self.failure = ConfigurationError(f"the MQTT broker {connection.denied}")
        if self._suspended.is_set():
            return "the database is away"
        return connection.reason or "the connection ended"

    def _overfull(self) -> bool:
        return not self._mailbox.wait_half_empty(0)

    # --- called by a connection, on paho's thread ---

    def take(self, message: MQTTMessage, generation: int) -> bool:
        """Enqueue a message; return False when there was no room for too long."""
        taken = Message(
            topic=message._topic.decode("utf-8", "replace"),
            payload=bytes(message.payload),
            received_time=self.clock(),
            retained=message.retain,
            receipt=Receipt(generation, message.dup),
        )
        self._selfstat.arrived()
        if self._mailbox.put(taken, self.settings.keepalive_s / 3):
            return True
        self._selfstat.withdrawn()
        return False


class _Connection:
    """One paho client, from its CONNECT to its end."""

    def __init__(self, link: HostLink, version: MQTTProtocolVersion, generation: int) -> None:
        self._link = link
        self.generation = generation
        self.timestamp = microseconds(link.clock()) // 1000
        """Of this connection's birth and will alike."""
        self._answered = Event()
        self._born = Event()
        self.ended = Event()
        self.overfull = False
        self.reason: str | None = None
        self.denied: str | None = None
        self.speaks_otherwise = False
        self.client = self._make_client(link, version)

    def open(self) -> str | None:
        """Connect, subscribe and announce the host; return None or why it failed."""
        settings = self._link.settings
        try:
            if settings.tls is not None:
                self.client.tls_set_context(client_context(settings.tls))
            # Without properties an MQTT 5 session ends with its connection, as it must here.
            self.client.connect(settings.host, settings.port, settings.keepalive_s)
        except (OSError, ValueError, BrokerUnavailableError) as exc:
            return str(exc)
        self.client.loop_start()
        self._answered.wait(_ANSWER_S)
        if self._born.is_set():
            return None
        return self.reason or "no answer to CONNECT"

    def close(self) -> None:
        """Announce that the host goes away if it was there, and end the connection."""
        if self._born.is_set() and not self.ended.is_set():
            gone = State(False, microseconds(self._link.clock()) // 1000)
            payload = encode_state(gone)
            sent = self.client.publish(self._link.state_topic, payload, qos=1, retain=True)
            # When the connection ends meanwhile, the broker says the same by our Last Will.
            with suppress(RuntimeError, ValueError):
                sent.wait_for_publish(_FAREWELL_S)
        self.client.disconnect()
        self.client.loop_stop()

    def _make_client(self, link: HostLink, version: MQTTProtocolVersion) -> Client:
        settings = link.settings
        five = version is MQTTProtocolVersion.MQTTv5
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=link.client_id,
            clean_session=None if five else True,
            protocol=version,
            reconnect_on_failure=False,
        )
        client.connect_timeout = 10
        will = encode_state(State(False, self.timestamp))
        client.will_set(link.state_topic, will, qos=1, retain=True)
        if settings.username is not None:
            client.username_pw_set(settings.username, settings.secret())
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _on_connect(
        self, client: Client, _user: Any, _flags: ConnectFlags, code: ReasonCode, _more: Any
    ) -> None:
        if code.is_failure:
            self.reason = f"CONNECT refused: {code}"
            self.speaks_otherwise = code.value == _UNSUPPORTED_PROTOCOL
            self._answered.set()
            return
        client.subscribe([(topic, 1) for topic in (self._link.state_topic, *self._link.topics)])

    def _on_subscribe(
        self, _client: Client, _user: Any, _mid: int, codes: list[ReasonCode], _more: Any
    ) -> None:
        topics = (self._link.state_topic, *self._link.topics)
        for topic, code in zip(topics, codes, strict=False):
            if code.is_failure:
                self.denied = f"does not let this user read {topic} ({code}); mend its ACL"
                self.ended.set()
        if self.denied is None:
            self._announce()
            self._born.set()
        self._answered.set()

    def _announce(self) -> None:
        birth = encode_state(State(True, self.timestamp))
        self.client.publish(self._link.state_topic, birth, qos=1, retain=True)

    def _on_disconnect(
        self, _client: Client, _user: Any, _flags: DisconnectFlags, code: ReasonCode, _more: Any
    ) -> None:
        if not self._answered.is_set():
            # A broker that knows only the other version may just hang up.
            self.speaks_otherwise = True
        self.reason = self.reason or str(code)
        self.ended.set()
        self._answered.set()

    def _on_message(self, client: Client, _user: Any, message: MQTTMessage) -> None:
        if self.overfull:
            return
        if message._topic == self._link.state_topic.encode():
            self._hear_state(bytes(message.payload))
        elif not self._link.take(message, self.generation):
            self.overfull = True
            self.reason = "the queue is full"

    def _hear_state(self, payload: bytes) -> None:
        """Contradict whoever says that this host is away, such as its own late Last Will."""
        try:
            state = decode_state(payload)
        except DataError:
            return
        if not state.online and self._born.is_set() and not self._link.leaving:
            self._announce()
