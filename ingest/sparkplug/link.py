"""The host application's connection to the broker: clean sessions, STATE, commands.

Each connection is a line of its own, with a number that its messages carry, and a timestamp that
its STATE birth and its Last Will share.
"""

from collections.abc import Callable, Mapping, Sequence
from threading import Event, Thread
from time import monotonic
from typing import NamedTuple

import structlog

from ingest.broker.dialling import Dialling
from ingest.broker.mailbox import Letter, Mailbox
from ingest.decoding.message import Message
from ingest.decoding.sender import sender_of
from ingest.line.connection import Line
from ingest.line.packet import Publish, Will
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

_ANSWER_S = 15.0
_MOST_STRANGERS = 1_000
_MOST_ROUTES = 20_000
_COMMANDS = {MessageType.NCMD, MessageType.DCMD}


class _Route(NamedTuple):
    """What is known of a topic."""

    topic: str
    sender: str
    wanted: bool | None
    """Whether its messages are taken; None of those of a stranger, whose first one is."""


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
        self.topics = topics
        self.clock = clock
        self.state_topic = state_topic(host_id)
        self.client_id = f"nm-sparkplug-{host_id}"
        self.failure: ConfigurationError | None = None
        """What a person must mend before there can be a connection."""
        self._dialling = Dialling(settings, self.client_id, lasting=False)
        self._mailbox = mailbox
        self._selfstat = selfstat
        self._known = known
        self._strangers: set[str] = set()
        """Topics of nodes that nobody knows, of which one message was taken."""
        self._closing = Event()
        self._suspended = Event()
        self._session: _HostSession | None = None
        self._generation = 0
        self._granted = False
        """The broker has granted all filters, at some time."""
        self._enqueued: dict[int, int] = {}
        """How many messages of which connection."""
        self._delivering: int | None = None
        self._routes: dict[bytes, _Route] = {}
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
        return session.generation if session is not None and session.stands.is_set() else None

    def drained(self, taken: Mapping[int, int], standing: int | None) -> bool:
        """Tell whether of all connections but the `standing` one every message was taken.

        `taken` says how many were, by the number of the connection.
        """
        ended = [number for number in list(self._enqueued) if number != standing]
        return all(self._enqueued[number] == taken.get(number) for number in ended)

    def command(self, topic: str, payload: bytes) -> bool:
        """Publish a command; return False when there is no connection to do it by."""
        session = self._session
        if session is None or not session.stands.is_set():
            return False
        session.line.publish(topic, payload, qos=0)
        return True

    def room_was_made(self) -> None:
        """Take what there was no room for."""
        session = self._session
        if session is not None:
            session.line.offer_again()

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
        self.failure = self._dialling.keep(self, self._closing)

    def may_call(self) -> bool:
        """Tell whether a connection is wanted now."""
        return not self._suspended.is_set()

    def new_line(self) -> Line:
        """Return the next line, with a Last Will of its own."""
        self._generation += 1
        session = _HostSession(self, self._generation)
        will = Will(self.state_topic, encode_state(State(False, session.timestamp)))
        session.line = self._dialling.line(session, will)
        self._session = session
        self._delivering = self._generation
        return session.line

    def serve(self, line: Line) -> str:
        """Let a connection work until it ends or the host has to leave; return why."""
        session = self._session
        assert session is not None
        began = monotonic()
        while not line.ended.wait(0.1) and not self.leaving:
            if session.denied is not None:
                words = f"{self._dialling.where} does not let this user read {session.denied}"
                if self._granted:
                    return words
                raise ConfigurationError(f"{words}; mend its ACL")
            if not session.stands.is_set() and monotonic() - began > _ANSWER_S:
                return "no answer to SUBSCRIBE"
            self._granted |= session.stands.is_set()
        if session.stands.is_set():
            # Should the connection end before, the broker says the same by our Last Will.
            session.say(State(False, microseconds(self.clock()) // 1000))
        if self._suspended.is_set():
            return "the database is away"
        return line.reason or "the connection ended"

    def let_go(self, line: Line) -> None:
        """Take what has come by an ended connection: nobody will send it again."""
        session, self._session = self._session, None
        untaken = line.untaken
        while session is not None and untaken and not self._closing.is_set():
            untaken = untaken[self.take(untaken, session) :]
            self._closing.wait(0.05 if untaken else 0)
        self._delivering = None

    # --- called by a session, on the line's thread ---

    def take(self, messages: Sequence[Publish], session: "_HostSession") -> int:
        """Enqueue messages; return how many there was room for, or need not be kept."""
        now = self.clock()
        letters: list[Letter] = []
        places: list[int] = []
        passed_over: list[int] = []
        for place, (topic, payload, _, retained, size, duplicate) in enumerate(messages):
            route = self._routes.get(topic) or self._route(topic)
            if route.wanted or (route.wanted is None and self._is_first(route.topic)):
                receipt = session.repeated if duplicate else session.receipt
                message = Message(route.topic, payload, now, retained, receipt, size)
                letters.append(Letter(route.sender, message, False))
                places.append(place)
            elif route.topic == self.state_topic:
                session.hear_state(payload)
            else:
                passed_over.append(place)
        # Counted before they can be taken, or somebody might find that none are left.
        enqueued = self._enqueued.get(session.generation, 0)
        self._enqueued[session.generation] = enqueued + len(letters)
        settled, _ = self._mailbox.offer(letters)
        self._enqueued[session.generation] = enqueued + settled
        self._selfstat.arrived(settled)
        taken = len(messages) if settled == len(letters) else places[settled]
        if noted := sum(place < taken for place in passed_over):
            self._selfstat.noted("passed_over", noted)
        self._strangers -= {letter.message.topic for letter in letters[settled:]}
        return taken

    def _is_first(self, topic: str) -> bool:
        """Tell whether a message is the first of its topic, of a node that nobody knows.

        That one is taken, so that people see it; whoever invents more topics than there are nodes
        is not listened to.
        """
        if topic in self._strangers or len(self._strangers) >= _MOST_STRANGERS:
            return False
        self._strangers.add(topic)
        return True

    def _route(self, topic: bytes) -> _Route:
        """Find out about a topic that is heard of for the first time."""
        name = topic.decode("utf-8", "replace")
        wanted: bool | None = None
        if name.startswith(f"{NAMESPACE}/STATE/"):
            wanted = False
        else:
            try:
                address = parse_topic(name)
            except DataError:
                pass
            else:
                wanted = False if address.kind in _COMMANDS else self._known(address) or None
        if len(self._routes) >= _MOST_ROUTES:
            self._routes.clear()
        route = _Route(name, sender_of(name), wanted)
        self._routes[topic] = route
        return route


class _HostSession:
    """What the host does on one connection, whose birth and Last Will share a timestamp."""

    line: Line

    def __init__(self, link: HostLink, generation: int) -> None:
        self._link = link
        self.generation = generation
        self.receipt = Receipt(generation)
        self.repeated = Receipt(generation, duplicate=True)
        self.timestamp = microseconds(link.clock()) // 1000
        self.stands = Event()
        """It was granted all it asked for, and the host said that it is there."""
        self.denied: str | None = None
        """Which subscription the broker denies."""

    def say(self, state: State) -> None:
        """Tell whether the host is there."""
        self.line.announce([(self._link.state_topic, encode_state(state))])

    # --- called by the line, on its thread ---

    def connected(self, line: Line) -> None:
        """Ask for the nodes' messages and for our own STATE."""
        line.subscribe([self._link.state_topic, *self._link.topics])

    def subscribed(self, line: Line, filters: Sequence[str], denied: Sequence[str]) -> None:
        """Announce the host: from now on it hears what nodes say."""
        if denied:
            self.denied = denied[0]
            return
        self.say(State(True, self.timestamp))
        self.stands.set()
        log.info("sparkplug host online", host=self._link.client_id, topics=list(self._link.topics))

    def take(self, line: Line, messages: Sequence[Publish]) -> int:
        """Enqueue messages, and acknowledge them: a clean session gets nothing again."""
        taken = self._link.take(messages, self)
        line.acknowledge(message.number for message in messages[:taken] if message.number)
        return taken

    def hear_state(self, payload: bytes) -> None:
        """Contradict whoever says that this host is away, such as its own late Last Will."""
        try:
            state = decode_state(payload)
        except DataError:
            return
        if not state.online and self.stands.is_set() and not self._link.leaving:
            self.say(State(True, self.timestamp))
