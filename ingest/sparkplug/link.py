"""The host application's connection to the broker: clean sessions, STATE, commands.

Each connection is a paho client of its own, with a number that its messages carry, and a timestamp
that its STATE birth and its Last Will share. Callbacks only stamp the time and enqueue.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from threading import Event, Lock, Thread

import structlog
from paho.mqtt.client import MQTTMessage, MQTTMessageInfo
from paho.mqtt.enums import MQTTProtocolVersion

from ingest.broker.mailbox import Mailbox
from ingest.broker.mqtt import Attempts, MqttConnection, Will
from ingest.decoding.message import Message
from ingest.selfstat import Selfstat
from ingest.sparkplug.fleet import Receipt
from plant.clock import Clock, microseconds
from plant.errors import ConfigurationError, DataError
from plant.settings import BrokerSettings
from plant.sparkplug import (
    NAMESPACE,
    Address,
    MessageType,
    State,
    decode_state,
    encode_state,
    parse_topic,
    state_topic,
)

log = structlog.get_logger()

_FAREWELL_S = 2.0
_MOST_STRANGERS = 1_000
_COMMANDS = {MessageType.NCMD, MessageType.DCMD}


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
        known: Callable[[Address], bool] = lambda _: True,
    ) -> None:
        """Remember what to connect to and to subscribe to; `known` tells whose messages count."""
        self.settings = settings
        self.topics = topics
        self.clock = clock
        self.state_topic = state_topic(host_id)
        self.client_id = f"nm-sparkplug-{host_id}"
        self.failure: ConfigurationError | None = None
        """What a person must mend before there can be a connection."""
        self._mailbox = mailbox
        self._selfstat = selfstat
        self._known = known
        self._strangers: set[str] = set()
        """Topics of nodes that nobody knows, of which one message was taken."""
        self._closing = Event()
        self._suspended = Event()
        self._session: _HostSession | None = None
        self._generation = 0
        self._enqueued: dict[int, int] = {}
        """How many messages of which connection."""
        self._delivering: int | None = None
        self._lock = Lock()
        self._supervisor = Thread(target=self._supervise, name="sparkplug", daemon=True)

    def start(self) -> None:
        """Begin to connect, in the background."""
        self._supervisor.start()

    @property
    def generation(self) -> int | None:
        """The number of the connection whose messages may still come, None without one."""
        return self._delivering

    @property
    def standing(self) -> int | None:
        """The number of the connection on which the host said that it is there."""
        session = self._session
        return session.generation if session else None

    def drained(self, taken: Mapping[int, int], standing: int | None) -> bool:
        """Tell whether of all connections but the `standing` one every message was taken.

        `taken` says how many were, by the number of the connection.
        """
        ended = [number for number in list(self._enqueued) if number != standing]
        return all(self._enqueued[number] == taken.get(number) for number in ended)

    def command(self, topic: str, payload: bytes) -> bool:
        """Publish a command; return False when there is no connection to do it by."""
        with self._lock:
            if self._session is None:
                return False
            self._session.connection.client.publish(topic, payload, qos=0, retain=False)
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
        attempts = Attempts(self.settings.protocol)
        while not self._closing.is_set():
            if self._suspended.is_set() or self._overfull():
                self._closing.wait(0.1)
                continue
            self._generation += 1
            session = _HostSession(self, attempts.version, self._generation)
            self._delivering = self._generation
            try:
                problem = session.connection.open()
            except ConfigurationError as exc:
                self.failure = exc
                return
            if problem is None:
                log.info("sparkplug host online", host=self.client_id, topics=list(self.topics))
                attempts.succeeded()
                problem = self._serve(session)
            session.close()
            self._delivering = None
            if session.connection.denied is not None:
                self.failure = ConfigurationError(f"the MQTT broker {session.connection.denied}")
                return
            if attempts.failed(session.connection, problem) and not self._closing.is_set():
                log.warning("sparkplug host offline", reason=problem)
            self._closing.wait(attempts.pause_s())

    def _serve(self, session: "_HostSession") -> str:
        connection = session.connection
        with self._lock:
            self._session = session
        while not connection.ended.wait(0.1):
            if self.leaving or connection.overfull:
                break
        with self._lock:
            self._session = None
        if self._suspended.is_set():
            return "the database is away"
        return connection.reason or "the connection ended"

    def _overfull(self) -> bool:
        return not self._mailbox.wait_half_empty(0)

    # --- called by a session, on paho's thread ---

    def take(self, message: MQTTMessage, generation: int) -> bool:
        """Enqueue a message; return False when there was no room for too long."""
        topic = message._topic.decode("utf-8", "replace")
        if self._passed_over(topic):
            self._selfstat.noted("passed_over")
            return True
        taken = Message(
            topic=topic,
            payload=bytes(message.payload),
            received_time=self.clock(),
            retained=message.retain,
            receipt=Receipt(generation, message.dup),
        )
        self._selfstat.arrived()
        if self._mailbox.put(taken, self.settings.keepalive_s / 3):
            self._enqueued[generation] = self._enqueued.get(generation, 0) + 1
            return True
        self._selfstat.withdrawn()
        return False

    def _passed_over(self, topic: str) -> bool:
        """Tell whether a message is not for this host, or the next of a node nobody knows.

        The first one of each topic is taken, so that people see it; whoever invents more topics
        than there are nodes is not listened to.
        """
        if topic.startswith(f"{NAMESPACE}/STATE/"):
            return True
        try:
            address = parse_topic(topic)
        except DataError:
            address = None
        if address is not None:
            if address.kind in _COMMANDS:
                return True
            if self._known(address):
                return False
        if topic in self._strangers or len(self._strangers) >= _MOST_STRANGERS:
            return True
        self._strangers.add(topic)
        return False


class _HostSession:
    """What the host does on one connection, whose birth and Last Will share a timestamp."""

    def __init__(self, link: HostLink, version: MQTTProtocolVersion, generation: int) -> None:
        self._link = link
        self.generation = generation
        self._timestamp = microseconds(link.clock()) // 1000
        will = Will(link.state_topic, encode_state(State(False, self._timestamp)))
        self.connection = MqttConnection(link.settings, link.client_id, version, self, will=will)

    def close(self) -> None:
        """Announce that the host goes away if it was there, and end the connection."""
        if self.connection.stands and not self.connection.ended.is_set():
            sent = self._say(State(False, microseconds(self._link.clock()) // 1000))
            # When the connection ends meanwhile, the broker says the same by our Last Will.
            with suppress(RuntimeError, ValueError):
                sent.wait_for_publish(_FAREWELL_S)
        self.connection.close()

    # --- called by the connection, on paho's thread ---

    def connected(self, connection: MqttConnection) -> None:
        """Ask for the nodes' messages and for our own STATE."""
        connection.subscribe([self._link.state_topic, *self._link.topics])

    def does_without(self, connection: MqttConnection, denied: str) -> bool:
        """Do without nothing."""
        return False

    def subscribed(self, connection: MqttConnection) -> None:
        """Announce the host: from now on it hears what nodes say."""
        self._say(State(True, self._timestamp))
        connection.stand()

    def take(self, connection: MqttConnection, message: MQTTMessage) -> bool:
        """Enqueue a message, or hear what is said of this host."""
        if message._topic != self._link.state_topic.encode():
            return self._link.take(message, self.generation)
        self._hear_state(connection, bytes(message.payload))
        return True

    def _hear_state(self, connection: MqttConnection, payload: bytes) -> None:
        """Contradict whoever says that this host is away, such as its own late Last Will."""
        try:
            state = decode_state(payload)
        except DataError:
            return
        if not state.online and connection.stands and not self._link.leaving:
            self._say(State(True, self._timestamp))

    def _say(self, state: State) -> MQTTMessageInfo:
        return self.connection.client.publish(
            self._link.state_topic, encode_state(state), qos=1, retain=True
        )
