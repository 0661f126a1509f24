"""Messages from an MQTT broker, by a line of our own: at least once, acknowledged after the commit.

Every connection is a line of its own, and each message keeps the one it came from: an
acknowledgement of a message from a lost connection can never reach the next one, where its number
may stand for another message.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from threading import Event, Lock, Thread
from time import monotonic
from typing import NamedTuple

import structlog

from ingest.broker.dialling import Dialling
from ingest.broker.mailbox import Letter, Mailbox
from ingest.broker.share import Share
from ingest.broker.silence import QUIET_S, Look, SilenceWatch
from ingest.broker.subscription import Subscriptions
from ingest.decoding.message import Message
from ingest.decoding.sender import sender_of
from ingest.line.connection import Line
from ingest.line.packet import Publish
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
_MOST_ROUTES = 20_000


class _Receipt(NamedTuple):
    line: Line
    number: int


class _Route(NamedTuple):
    """What is known of a topic."""

    topic: str
    sender: str
    owned: bool
    repeated: bool


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
        former_ids: Sequence[str] = (),
    ) -> None:
        """Remember how to connect; sessions of `former_ids` are ended once that has succeeded."""
        self._former_ids = list(former_ids)
        self._settings = settings
        self._client_id = client_id
        self._mailbox = mailbox
        self._clock = clock
        self._selfstat = selfstat
        self._share = share
        self._subscriptions = subscriptions or Subscriptions(share)
        self._watch = SilenceWatch(client_id, quiet_s)
        self._dialling = Dialling(settings, client_id, lasting=True)
        self._closing = Event()
        self._line: Line | None = None
        self._failure: ConfigurationError | None = None
        self._announcements: dict[str, bytes] = {}
        """What is to be said once there is a connection."""
        self._routes: dict[bytes, _Route] = {}
        self._paused = False
        """There was no room for what came last."""
        self._granted = False
        """The broker has granted all filters, at some time."""
        self._lock = Lock()
        self._supervisor = Thread(target=self._supervise, name="mqtt", daemon=True)

    def start(self) -> None:
        """Begin to connect, in the background."""
        self._supervisor.start()

    def receive(self, limit: int, timeout_s: float) -> list[Message]:
        """Return up to `limit` messages, waiting for the first; see `Source`."""
        if self._failure is not None:
            raise self._failure
        taken = self._mailbox.take(limit, timeout_s)
        if self._paused and (line := self._line) is not None:
            line.offer_again()
        return taken

    def give_back(self, messages: Sequence[Message]) -> None:
        """Put messages back for another turn; see `Source`."""
        self._mailbox.give_back(messages)

    def charge(self, topic: str, cost: int) -> None:
        """Make a sender's share smaller; see `Source`."""
        self._mailbox.charge(topic, cost)

    def hold(self, senders: frozenset[str]) -> None:
        """Keep what waits of some senders; see `Source`."""
        self._mailbox.hold(senders)

    def acknowledge(self, messages: Iterable[Message]) -> None:
        """Acknowledge messages; those of a lost connection the broker repeats."""
        receipts = (
            message.receipt
            for message in messages
            if isinstance(message.receipt, _Receipt) and message.receipt.number
        )
        for line, those in groupby(receipts, lambda receipt: receipt.line):
            line.acknowledge(receipt.number for receipt in those)

    def announce(self, announcements: Iterable[tuple[str, bytes]]) -> None:
        """Publish retained messages; without a connection the last one of each topic waits."""
        with self._lock:
            if self._line is None:
                self._announcements.update(announcements)
            else:
                self._line.announce(announcements)

    def probes(self) -> int:
        """Return how often the session has heard itself."""
        return self._watch.echoes

    def close(self) -> None:
        """Send what is still to be sent and end the connection; the broker keeps the session."""
        self._closing.set()
        self._supervisor.join(timeout=_FAREWELL_S)

    # --- the supervising thread ---

    def _supervise(self) -> None:
        self._failure = self._dialling.keep(self, self._closing) or self._failure

    def may_call(self) -> bool:
        """Tell whether a connection is wanted: always."""
        return True

    def new_line(self) -> Line:
        """Return the next line; a session that is beyond hope is given up before."""
        if self._watch.is_beyond_hope():
            log.error("broker session given up", client_id=self._client_id)
            self._selfstat.noted("session_given_up")
            self._dialling.end_session(self._client_id)
        return self._dialling.line(self)

    def _end_former_sessions(self) -> None:
        """Let the broker forget the sessions of workers that there were by other settings.

        It would keep everything for them until it is full. Whoever shows a certificate has its
        client id from it, and would end its own session.
        """
        former, self._former_ids = self._former_ids, []
        if self._settings.tls is None or self._settings.tls.certificate_file is None:
            for client_id in former:
                self._dialling.end_session(client_id)

    def serve(self, line: Line) -> str:
        """Let a connection work until it ends; return why it ended."""
        self._end_former_sessions()
        while not line.ended.wait(0.2) and not self._closing.is_set():
            if self._failure is not None:
                raise self._failure
            if self._paused:
                # Nothing is read, so nothing can be heard.
                self._watch.heard(monotonic())
            match self._watch.look(monotonic()):
                case Look.PROBE:
                    line.publish(self._watch.topic, b"")
                case Look.DEAF:
                    self._selfstat.noted("session_deaf")
                    log.error("broker session hears nothing", client_id=self._client_id)
                    return "the session hears nothing, not even itself"
        return line.reason or "the connection ended"

    def let_go(self, line: Line) -> None:
        """Keep for the next connection what an ended one has not said."""
        with self._lock:
            if self._line is line:
                self._line = None
            # Of two for one topic the later holds: an older ack said last would stay at the broker
            # as retained.
            self._announcements = line.unannounced() | self._announcements
        self._paused = False

    # --- called by a line, on its thread ---

    def connected(self, line: Line) -> None:
        """Ask for our share."""
        with self._lock:
            self._line = line
            line.announce(self._announcements.items())
            self._announcements = {}
        self._watch.begin(monotonic())
        line.subscribe([*self._subscriptions.wanted(), self._watch.topic])
        if unwanted := self._subscriptions.unwanted():
            line.unsubscribe(unwanted)

    def subscribed(self, line: Line, _filters: Sequence[str], denied: Sequence[str]) -> None:
        """Do without the probe, or with one filter for all sites instead of one for each.

        What was granted once is only denied by a broker in trouble, which is asked again.
        """
        for one in denied:
            if one == self._watch.topic:
                self._watch.give_up()
                log.warning("no probe", topic=one, reason="the broker does not let us hear it")
            elif (wanted := self._subscriptions.instead_of(one)) is not None:
                log.warning("filter denied", denied=one, instead=", ".join(wanted) or None)
                self._selfstat.noted("filter_denied")
                if wanted:
                    line.subscribe(wanted)
            elif self._granted:
                line.leave(f"it denies {one} now")
            else:
                words = f"{self._dialling.where} does not let this user read {one}; mend its ACL"
                self._failure = ConfigurationError(words)
        self._granted |= not denied

    def take(self, line: Line, messages: Sequence[Publish]) -> int:
        """Enqueue messages; return how many there was room for, or need not be kept."""
        self._watch.heard(monotonic())
        now = self._clock()
        letters: list[Letter] = []
        places: list[int] = []
        foreign: list[tuple[int, int, _Route]] = []
        for place, (topic, payload, number, retained, size, _) in enumerate(messages):
            route = self._routes.get(topic) or self._route(line, topic)
            if not route.owned:
                foreign.append((place, number, route))
                continue
            receipt = _Receipt(line, number)
            message = Message(route.topic, payload, now, retained, receipt, size)
            letters.append(Letter(route.sender, message, route.repeated))
            places.append(place)
        settled, shed = self._mailbox.offer(letters)
        self._selfstat.arrived(settled - len(shed))
        self._note_room(settled == len(letters))
        taken = len(messages) if settled == len(letters) else places[settled]
        if foreign:
            self._pass_over(line, [one for one in foreign if one[0] < taken])
        if shed:
            # Their edge keeps them and sends them again, so only that site waits; see `Mailbox`.
            self._selfstat.shed(len(shed))
            self.acknowledge(shed)
        return taken

    def _route(self, line: Line, topic: bytes) -> _Route:
        """Find out about a topic that is heard of for the first time."""
        name = topic.decode("utf-8", "replace")
        owned = name != self._watch.topic and self._share.owns(name)
        if owned and (wanted := self._subscriptions.heard(name)):
            line.subscribe([wanted])
        if len(self._routes) >= _MOST_ROUTES:
            self._routes.clear()
        route = _Route(name, sender_of(name), owned, name.endswith(_REPEATED))
        self._routes[topic] = route
        return route

    def _pass_over(self, line: Line, foreign: Sequence[tuple[int, int, _Route]]) -> None:
        """Acknowledge what is our own probe, or another worker's."""
        line.acknowledge(number for _, number, _ in foreign if number)
        for route, many in Counter(route for _, _, route in foreign).items():
            if route.topic == self._watch.topic:
                self._watch.echoes += many
                continue
            if unwanted := self._subscriptions.overheard(route.topic):
                line.unsubscribe([unwanted])
            self._selfstat.noted("passed_over_data" if route.repeated else "passed_over", many)

    def _note_room(self, there_is_room: bool) -> None:
        if there_is_room == self._paused:
            self._paused = not there_is_room
            if self._paused:
                log.warning("intake paused", reason="the database does not keep up")
            else:
                log.info("intake resumed")
