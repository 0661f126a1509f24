"""From the outbox to a Sparkplug host: births, live data, and the backlog as history."""

import threading
import time
from collections.abc import Callable

from edge_agent.broker import (
    Connected,
    Delivered,
    Event,
    IdentityRenewed,
    IdentityRenewedError,
    Received,
    Refused,
)
from edge_agent.outbox import Outbox
from edge_agent.publisher import Condition
from edge_agent.publisher.publisher import LinkLostError
from edge_agent.selfstat import Counters
from edge_agent.settings import EdgeSettings
from edge_agent.sparkplug.bd_seq import BdSeq
from edge_agent.sparkplug.link import Answered, NodeLink
from edge_agent.sparkplug.node import EdgeNode, PrimaryHost, Publication, device_of
from edge_agent.sparkplug.settling import Settling
from plant.backoff import Backoff
from plant.clock import Clock, microseconds
from plant.errors import DataError, TransientError
from plant.log import get_logger
from plant.sparkplug import (
    REBIRTH,
    MessageType,
    decode_state,
    opened,
    parse_topic,
    state_topic,
)

OPEN_TIMEOUT_S = 15.0
_LONGEST_COMMAND = 100_000
"""Bytes of a command that came compressed."""
WAIT_S = 0.25
UNSENT_AT_MOST = 20
"""Messages handed to the network but not yet on their way."""
PAUSE_WHILE_STOPPING_S = 0.2

_log = get_logger()

NodeLinkFactory = Callable[[tuple[str, bytes]], NodeLink]
"""Makes a new connection, given topic and payload of its Last Will."""


class HostLeftError(TransientError):
    """The primary host went offline; the node leaves and waits for it on a new connection."""


class SparkplugPublisher:
    """Sends what the outbox holds as a Sparkplug edge node; see `Settling` for what it deletes.

    Runs in one thread of its own. While the primary host is away nothing is sent: rows stay in
    the outbox and go out as history once it is back.
    """

    def __init__(
        self,
        settings: EdgeSettings,
        outbox: Outbox,
        counters: Counters,
        connect: NodeLinkFactory,
        clock: Clock,
        agent_version: str,
        condition: Callable[[], Condition],
        bd_seq: BdSeq,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._publishing = settings.publishing
        self._output = settings.sparkplug
        self._node = settings.sparkplug_node()
        self._declarations = settings.declarations()
        self._outbox = outbox
        self._counters = counters
        self._connect = connect
        self._clock = clock
        self._agent_version = agent_version
        self._condition = condition
        self._bd_seq = bd_seq
        self._elapsed = elapsed
        self._sources = _sources_of_devices(settings)
        self._tags_of_sources = {
            name: {tag.name for tag in source.tags} for name, source in settings.sources.items()
        }
        self._stop = threading.Event()
        self._drain_until: float | None = None
        self._problem: str | None = None
        self._unknown_tags: set[str] = set()

    def finish(self, drain_s: float) -> None:
        """Ask the publisher to end once all is delivered, or after some seconds at the latest."""
        self._drain_until = self._elapsed() + drain_s
        self._stop.set()

    def run(self) -> None:
        """Publish until asked to finish; raises ConfigurationError when it cannot ever work."""
        backoff = Backoff(first_s=0.5, longest_s=10.0)
        while True:
            pause = True
            try:
                if self._connection(backoff):
                    return
            except (HostLeftError, IdentityRenewedError):
                # The host has left, or the certificate is a new one: neither says that the broker
                # is in trouble.
                pause = False
            except TransientError as exc:
                self._note_problem(str(exc))
            if self._over():
                return
            if pause and self._stop.wait(backoff.next_pause()):
                time.sleep(PAUSE_WHILE_STOPPING_S)

    def _connection(self, backoff: Backoff) -> bool:
        """Work through one connection; return whether all is done."""
        node = EdgeNode(self._node, self._bd_seq.advance(), self._declarations, self._agent_version)
        link = self._connect(node.death(self._now_ms()))
        try:
            link.open()
            session = _Session(self, link, node)
            session.await_connected()
            backoff.reset()
            self._note_problem(None)
            return session.follow()
        finally:
            link.close()

    def _over(self) -> bool:
        return self._drain_until is not None and self._elapsed() >= self._drain_until

    def _now_ms(self) -> int:
        return microseconds(self._clock()) // 1000

    def _note_problem(self, problem: str | None) -> None:
        if problem == self._problem:
            return
        if problem is not None:
            _log.warning("broker_unreachable", reason=problem)
        else:
            _log.info("broker_connected", node=str(self._node), host=self._output.primary_host)
        self._problem = problem


class _Session:
    """One connection of the node, from its CONNECT to its end."""

    def __init__(self, owner: SparkplugPublisher, link: NodeLink, node: EdgeNode) -> None:
        self._of = owner
        self._link = link
        self._node = node
        self._host = PrimaryHost(online=owner._output.primary_host is None)
        self._settling = Settling(owner._output.settle_s)
        self._born = False
        self._rebirth_wanted = False
        self._sent_to = owner._outbox.state().acknowledged_id
        self._unsent = 0
        self._absent: frozenset[str] = frozenset()

    def await_connected(self) -> None:
        deadline = self._of._elapsed() + OPEN_TIMEOUT_S
        while (left := deadline - self._of._elapsed()) > 0:
            event = self._link.next_event(left)
            if isinstance(event, Connected):
                return
            if event is not None:
                self._handle(event)
        raise LinkLostError("the broker accepts connections but does not answer")

    def follow(self) -> bool:
        """Send and take note until finished; raises TransientError when the connection ends."""
        flush_at = self._of._elapsed()
        linger_s = self._of._publishing.linger_ms / 1000
        while True:
            now = self._of._elapsed()
            if self._host.online:
                if not self._born or self._rebirth_wanted:
                    self._announce()
                self._send_data(partial=now >= flush_at)
                self._settle(now)
            elif self._born:
                self._leave()
                _log.warning("primary_host_offline", host=self._of._output.primary_host)
                raise HostLeftError
            if now >= flush_at:
                flush_at = now + linger_s
            if self._finished():
                self._leave()
                return True
            event = self._link.next_event(min(max(0.0, flush_at - now), WAIT_S))
            while event is not None:
                self._handle(event)
                event = self._link.next_event(0)

    def _finished(self) -> bool:
        if not self._of._stop.is_set():
            return False
        return self._of._over() or self._of._outbox.state().pending == 0

    def _announce(self) -> None:
        self._rebirth_wanted = False
        self._absent = self._devices_away()
        outbox = self._of._outbox
        births = self._node.births(
            outbox.memory(), outbox.state().issued_id, self._of._now_ms(), self._absent
        )
        self._send(births)
        if not self._born:
            _log.info("sparkplug_born", node=str(self._of._node))
        self._born = True

    def _send_data(self, *, partial: bool) -> None:
        size = self._of._publishing.batch_rows
        while self._unsent < UNSENT_AT_MOST:
            rows = self._of._outbox.read(self._sent_to, size)
            if rows is None:
                self._tell_devices_away()
                return
            if len(rows.rows) < size and not partial:
                return
            memory = None
            for device in self._node.unannounced(rows):
                memory = memory or self._of._outbox.memory()
                self._send([self._node.device_birth(device, memory, self._of._now_ms())])
            self._note_unknown({row.tag for row in rows.rows})
            # Before it leaves, as in the native publisher: what may have been sent counts as sent.
            self._of._outbox.mark_published(rows.last_id)
            self._send(self._node.data(rows, self._of._now_ms()))
            self._sent_to = rows.last_id
            self._settling.sent(rows.last_id, self._of._elapsed())
            self._of._counters.published += len(rows.rows)

    def _tell_devices_away(self) -> None:
        """Announce devices that went, after their last values, and those that came back."""
        away = self._devices_away()
        if away == self._absent:
            return
        self._absent = away
        for device in self._node.devices:
            if device in away and self._node.is_alive(device):
                self._send([self._node.device_death(device, self._of._now_ms())])
            elif device not in away and not self._node.is_alive(device):
                memory = self._of._outbox.memory()
                self._send([self._node.device_birth(device, memory, self._of._now_ms())])

    def _devices_away(self) -> frozenset[str]:
        """Return the devices of which no source can be reached."""
        problems = self._of._condition().unreachable
        lost = {
            source
            for source, tags in self._of._tags_of_sources.items()
            if _is_lost(source, tags, problems)
        }
        return frozenset(device for device, sources in self._of._sources.items() if sources <= lost)

    def _note_unknown(self, tags: set[str]) -> None:
        unknown = {tag for tag in tags if not self._node.knows(tag)} - self._of._unknown_tags
        if unknown:
            self._of._unknown_tags |= unknown
            _log.error("rows_of_tags_no_longer_configured_are_given_up", tags=sorted(unknown))

    def _settle(self, now: float) -> None:
        up_to_id = self._settling.ripe(now)
        if up_to_id is not None:
            self._settling.ask(self._link.ask(), up_to_id)

    def _send(self, publications: list[Publication]) -> None:
        for topic, payload in publications:
            self._link.send(topic, payload)
            self._unsent += 1

    def _leave(self) -> None:
        if self._born:
            self._send([self._node.death(self._of._now_ms())])
            deadline = self._of._elapsed() + 2.0
            while self._unsent and (left := deadline - self._of._elapsed()) > 0:
                event = self._link.next_event(left)
                if isinstance(event, Delivered) and not isinstance(event, Answered):
                    self._unsent -= 1
                elif isinstance(event, Refused):
                    break
            self._link.leave()

    def _handle(self, event: Event) -> None:
        if isinstance(event, Refused):
            raise LinkLostError(event.reason)
        if isinstance(event, IdentityRenewed):
            self._leave()
            raise IdentityRenewedError
        if isinstance(event, Answered):
            self._prove(event)
        elif isinstance(event, Delivered):
            self._unsent -= 1
        elif isinstance(event, Received):
            self._hear(event)

    def _prove(self, answer: Answered) -> None:
        up_to_id = self._settling.answered(answer.message_id)
        # An answer proves that the broker had the rows; only a host that stayed online proves the
        # rest.
        if up_to_id is not None and self._host.online:
            outbox = self._of._outbox
            self._of._counters.acknowledged += outbox.acknowledge(outbox.state().epoch, up_to_id)

    def _hear(self, message: Received) -> None:
        try:
            host = self._of._output.primary_host
            if host is not None and message.topic == state_topic(host):
                self._host.hear(decode_state(message.payload))
            elif parse_topic(message.topic).kind is MessageType.NCMD:
                self._obey(message.payload)
        except DataError as exc:
            _log.warning("sparkplug_message_unreadable", topic=message.topic, reason=str(exc))

    def _obey(self, payload: bytes) -> None:
        for metric in opened(payload, _LONGEST_COMMAND).metrics:
            if metric.name == REBIRTH and metric.value:
                self._rebirth_wanted = self._born


def _sources_of_devices(settings: EdgeSettings) -> dict[str, set[str]]:
    """Return which sources feed each device."""
    tags = {tag.name: device_of(tag) for tag in settings.declarations()}
    found: dict[str, set[str]] = {}
    for name, source in settings.sources.items():
        if source.enabled:
            for tag in source.tags:
                found.setdefault(tags[tag.name], set()).add(name)
    return found


def _is_lost(source: str, tags: set[str], problems: tuple[str, ...]) -> bool:
    """Tell whether a source cannot be reached at all: its problem is none of its tags'."""
    own = [text.removeprefix(f"{source}: ") for text in problems if text.startswith(f"{source}: ")]
    return bool(own) and not any(text.startswith(tag) for text in own for tag in tags)
