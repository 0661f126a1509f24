"""Messages from an MQTT broker, by paho: at least once, acknowledged after the commit.

Every connection is a paho client of its own, and each message keeps the client it came from: an
acknowledgement of a message from a lost connection can never reach the next one, where its number
may stand for another message.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from threading import Event, Lock, Thread
from time import monotonic

import structlog
from paho.mqtt.client import MQTTMessage

from ingest.broker.mailbox import Mailbox
from ingest.broker.mqtt import Attempts, MqttConnection, end_session
from ingest.broker.share import Share
from ingest.broker.silence import QUIET_S, Look, SilenceWatch
from ingest.broker.subscription import Subscriptions
from ingest.decoding.message import Message
from ingest.selfstat import Selfstat
from plant.clock import Clock
from plant.errors import ConfigurationError
from plant.native.message import Leaf
from plant.settings import BrokerSettings

log = structlog.get_logger()

_REPEATED = f"/{Leaf.DATA}"
"""Messages that come again until the platform says that they are committed; no others may be left
to be repeated."""


_FAREWELL_S = 5.0


@dataclass(frozen=True, slots=True)
class _Receipt:
    connection: MqttConnection
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
        subscriptions: Subscriptions | None = None,
        quiet_s: float = QUIET_S,
    ) -> None:
        self._settings = settings
        self._client_id = client_id
        self._mailbox = mailbox
        self._clock = clock
        self._selfstat = selfstat
        self._share = share
        self._subscriptions = subscriptions or Subscriptions(share)
        self._watch = SilenceWatch(client_id, quiet_s)
        self._attempts = Attempts(settings.protocol)
        self._closing = Event()
        self._connection: MqttConnection | None = None
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
        connection = self._connection
        if connection is None:
            return
        receipts = (message.receipt for message in messages)
        connection.client.ack_all(
            receipt.mid
            for receipt in receipts
            if isinstance(receipt, _Receipt) and receipt.connection is connection and receipt.qos
        )

    def announce(self, announcements: Iterable[tuple[str, bytes]]) -> None:
        """Publish retained messages; without a connection the last one of each topic waits."""
        with self._lock:
            connection = self._connection
            if connection is None:
                self._announcements.update(announcements)
                return
        for topic, payload in announcements:
            connection.client.publish(topic, payload, qos=1, retain=True)

    def probes(self) -> int:
        """Return how often the session has heard itself."""
        return self._watch.echoes

    def close(self) -> None:
        """Send what is still to be sent and end the connection; the broker keeps the session."""
        self._closing.set()
        self._supervisor.join(timeout=_FAREWELL_S)

    # --- the supervising thread ---

    def _supervise(self) -> None:
        attempts = self._attempts
        while not self._closing.is_set():
            version = attempts.version
            if self._watch.is_beyond_hope():
                log.error("broker session given up", client_id=self._client_id)
                self._selfstat.noted("session_given_up")
                end_session(self._settings, self._client_id, version)
            connection = MqttConnection(
                self._settings, self._client_id, version, self, lasting=True
            )
            try:
                problem = connection.open()
            except ConfigurationError as exc:
                self._failure = exc
                return
            if problem is None:
                log.info("broker connected", protocol=version.name, client_id=self._client_id)
                attempts.succeeded()
                problem = self._serve(connection)
            elif connection.refusal is not None and not attempts.ever_succeeded:
                self._failure = ConfigurationError(f"{self._where()} {connection.refusal}")
                return
            with self._lock:
                self._connection = None
            connection.close()
            if self._failure is not None:
                return
            if attempts.failed(connection, problem) and not self._closing.is_set():
                log.warning("broker unavailable", broker=self._where(), reason=problem)
            self._closing.wait(attempts.pause_s())

    def _serve(self, connection: MqttConnection) -> str:
        """Let a connection work until it ends; return why it ended."""
        with self._lock:
            announcements, self._announcements = self._announcements, {}
        for topic, payload in announcements.items():
            connection.client.publish(topic, payload, qos=1, retain=True)
        while not connection.ended.wait(0.2) and not self._closing.is_set():
            match self._watch.look(monotonic()):
                case Look.PROBE:
                    connection.client.publish(self._watch.topic, b"", qos=1)
                case Look.DEAF:
                    self._selfstat.noted("session_deaf")
                    log.error("broker session hears nothing", client_id=self._client_id)
                    return "the session hears nothing, not even itself"
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

    def connected(self, connection: MqttConnection) -> None:
        """Ask for our share."""
        # Before anything is heard: an acknowledgement without a connection would be lost, and
        # with twenty of them the broker sends nothing more.
        with self._lock:
            self._connection = connection
        self._watch.begin(monotonic())
        connection.subscribe([*self._subscriptions.wanted(), self._watch.topic])
        if unwanted := self._subscriptions.unwanted():
            connection.client.unsubscribe(unwanted)
        connection.stand()

    def subscribed(self, connection: MqttConnection) -> None:
        """See `Purpose`; messages may have come before."""

    def does_without(self, connection: MqttConnection, denied: str) -> bool:
        """Do without the probe, or with one filter for all sites instead of one for each.

        What was granted once is only denied by a broker in trouble, which is asked again.
        """
        if denied == self._watch.topic:
            self._watch.give_up()
            log.warning("no probe", topic=denied, reason="the broker does not let us hear it")
            return True
        if (wanted := self._subscriptions.instead_of(denied)) is not None:
            log.warning("filter denied", denied=denied, instead=", ".join(wanted) or None)
            self._selfstat.noted("filter_denied")
            if wanted:
                connection.subscribe(wanted)
            return True
        if not self._attempts.ever_succeeded:
            return False
        connection.reason = f"it denies {denied} now"
        connection.client.disconnect()
        return True

    def take(self, connection: MqttConnection, message: MQTTMessage) -> bool:
        """Enqueue a message; return False when there was no room for too long.

        The wait ends well before the broker would miss a sign of life from us.
        """
        topic = message._topic.decode("utf-8", "replace")
        self._watch.heard(monotonic())
        if topic == self._watch.topic:
            self._watch.echoes += 1
            connection.client.ack(message.mid, message.qos)
            return True
        if not self._share.owns(topic):
            connection.client.ack(message.mid, message.qos)
            if unwanted := self._subscriptions.overheard(topic):
                connection.client.unsubscribe(unwanted)
            of_data = topic.endswith(_REPEATED)
            self._selfstat.noted("passed_over_data" if of_data else "passed_over")
            return True
        if wanted := self._subscriptions.heard(topic):
            connection.subscribe([wanted])
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
        there_was_room = self._mailbox.put(taken, self._settings.keepalive_s / 3)
        self._watch.heard(monotonic())
        if there_was_room:
            return True
        self._selfstat.withdrawn()
        return False
