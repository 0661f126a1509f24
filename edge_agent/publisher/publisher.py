"""From the outbox to the broker, until the platform has confirmed it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from edge_agent.broker.link import (
    Connected,
    Delivered,
    Denied,
    Event,
    IdentityRenewed,
    IdentityRenewedError,
    Link,
    Received,
    Refused,
)
from edge_agent.outbox import Outbox, Slice
from edge_agent.publisher.acks import Acks, EpochChangedError, PlatformSetBackError
from edge_agent.publisher.buffer_forecast import BufferForecast
from edge_agent.publisher.heartbeat import Heartbeat
from edge_agent.publisher.live_lane import LiveLane
from edge_agent.publisher.messages import Condition, last_will
from edge_agent.publisher.refusals import Refusals
from edge_agent.publisher.sizing import Sizing
from edge_agent.publisher.window import Window
from edge_agent.selfstat import Counters
from edge_agent.settings import EdgeSettings
from plant.backoff import Backoff
from plant.clock import Clock, microseconds
from plant.errors import TransientError
from plant.log import get_logger
from plant.native.message import SCHEMA, Birth, DropReason, Leaf, Refusal, TagDeclaration, encode

OPEN_TIMEOUT_S = 8.0
FIRST_ACK_WAIT_S = 1.0
"""How long to wait for the retained ack at first contact, before sending anything."""
FAREWELL_S = 2.0
PAUSE_WHILE_STOPPING_S = 0.2
NOT_YET_CONNECTED = "not yet connected"

_log = get_logger()


@dataclass(frozen=True, slots=True)
class _Sent:
    """A data message: its last row, and its number on the connection."""

    last_id: int
    number: int


LinkFactory = Callable[[bytes], Link]
"""Makes a new connection, given the payload of its Last Will."""


class LinkLostError(TransientError):
    """The connection to the broker ended; it is made again."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Publisher:
    """Sends what the outbox holds and deletes only what the platform has committed.

    Runs in one thread of its own. Whatever fails, rows stay in the outbox and are sent again.
    """

    def __init__(
        self,
        settings: EdgeSettings,
        outbox: Outbox,
        counters: Counters,
        connect: LinkFactory,
        clock: Clock,
        agent_version: str,
        condition: Callable[[], Condition],
        status_pause_s: Callable[[], float],
        elapsed: Callable[[], float] = time.monotonic,
        on_config: Callable[[bytes], None] | None = None,
        sizing: Sizing | None = None,
        refusals: Refusals | None = None,
    ) -> None:
        self._on_config = on_config
        self._settings = settings.publishing
        self._topic = settings.edge.address().topic
        self._declarations: list[TagDeclaration] = settings.declarations()
        self._outbox = outbox
        self._counters = counters
        self._connect = connect
        self._clock = clock
        self._agent_version = agent_version
        self._elapsed = elapsed
        self._window = Window(settings.publishing.max_in_flight, settings.publishing.ack_timeout_s)
        self._live = LiveLane(
            settings.publishing.max_in_flight * settings.publishing.batch_rows,
            settings.publishing.ack_timeout_s,
        )
        self._heartbeat = Heartbeat(
            condition,
            status_pause_s,
            BufferForecast(settings.outbox.max_bytes, settings.outbox.max_hours),
        )
        self._stop = threading.Event()
        self._drain_until: float | None = None
        self._refusals = refusals or Refusals()
        self._sizing = sizing or Sizing.of(settings.publishing)
        self._acks = Acks(outbox, counters, self._sizing, self._refusals)
        self._problem: str | None = NOT_YET_CONNECTED
        self._backoff = Backoff(first_s=0.5, longest_s=10.0)
        self._data_numbers: set[int] = set()
        """Messages with data that the broker has not answered for."""

    def finish(self, drain_s: float) -> None:
        """Ask the publisher to end once all is confirmed, or after some seconds at the latest."""
        self._drain_until = self._elapsed() + drain_s
        self._stop.set()

    def run(self) -> None:
        """Publish until asked to finish; raises ConfigurationError when it cannot ever work."""
        while True:
            # A connection keeps the will with which it began: after a change of epoch it is made
            # anew, or a death would be told of a life that is over.
            link = self._connect(encode(last_will(self._outbox.state().epoch)))
            try:
                link.open()
                self._await_connected(link)
                self._announce(link)
                self._follow(link)
                self._say_farewell(link)
                return
            except (EpochChangedError, PlatformSetBackError, IdentityRenewedError):
                continue
            except TransientError as exc:
                # Of the broker, or of the disk when the outbox could not be read or changed.
                self._note_problem(str(exc))
            finally:
                link.close()
            if self._done(connected=False):
                return
            # Once asked to finish, the rest of the time is for trying again at short intervals.
            if self._stop.wait(self._backoff.next_pause()):
                time.sleep(PAUSE_WHILE_STOPPING_S)

    def _await_connected(self, link: Link) -> None:
        deadline = self._elapsed() + OPEN_TIMEOUT_S
        while (left := deadline - self._elapsed()) > 0:
            event = link.next_event(left)
            if isinstance(event, Connected):
                self._sizing.broker_takes(event.max_packet_bytes)
                return
            if isinstance(event, Received):
                self._receive(event)
            if isinstance(event, Refused):
                raise LinkLostError(event.reason)
        raise LinkLostError("the broker accepts connections but does not answer")

    def _announce(self, link: Link) -> None:
        """Learn what the platform has, then say who is here: birth and status before any data."""
        deadline = self._elapsed() + FIRST_ACK_WAIT_S
        while not self._acks.contacted and (left := deadline - self._elapsed()) > 0:
            event = link.next_event(left)
            if event is not None:
                self._handle(event)
        # Waited for, before any data: rows of tags that nobody announced come back as `no_birth`.
        self._send_birth(link)
        self._window.rewind(self._outbox.state().acknowledged_id)
        self._live.reset()
        self._data_numbers.clear()
        self._heartbeat.restart()

    def _send_birth(self, link: Link) -> None:
        birth = Birth(
            schema=SCHEMA,
            epoch=self._outbox.state().epoch,
            agent_version=self._agent_version,
            sent_us=self._now_us(),
            tags=self._declarations,
        )
        number = link.publish(self._topic(Leaf.BIRTH), encode(birth), retain=True)
        self._acks.birth_said(self._elapsed())
        self._await_delivered(link, number, OPEN_TIMEOUT_S)

    def _await_delivered(self, link: Link, number: int, timeout_s: float) -> None:
        deadline = self._elapsed() + timeout_s
        while (left := deadline - self._elapsed()) > 0:
            event = link.next_event(left)
            if event is not None:
                self._handle(event)
            if isinstance(event, Delivered) and event.message_id == number:
                return
        raise LinkLostError("the broker does not confirm messages")

    def _follow(self, link: Link) -> None:
        """Send and take note until finished; LinkLostError when the connection ends."""
        linger_s = self._settings.linger_ms / 1000
        flush_at = self._elapsed()
        while True:
            now = self._elapsed()
            if self._acks.birth_due(now):
                self._say_birth_again(link)
            self._resend_overdue(now)
            self._send_ahead(link, now, partial=now >= flush_at)
            self._send_data(link, partial=now >= flush_at)
            if now >= flush_at:
                flush_at = now + linger_s
            self._send_status(link, now)
            if self._done(connected=True):
                return
            event = link.next_event(min(flush_at - now, linger_s))
            while event is not None:
                self._handle(event)
                event = link.next_event(0)

    def _handle(self, event: Event) -> None:
        if isinstance(event, Refused):
            raise LinkLostError(event.reason)
        if isinstance(event, IdentityRenewed):
            raise IdentityRenewedError
        if isinstance(event, Delivered):
            if event.refusal is not None:
                raise LinkLostError(
                    f"the broker does not take our messages ({event.refusal}): "
                    "check the access list for this edge"
                )
            self._note_delivered(event.message_id)
        if isinstance(event, Received):
            self._receive(event)
        if isinstance(event, Denied):
            _log.warning("topic_denied", topic=event.topic)

    def _note_delivered(self, number: int) -> None:
        """The connection counts as working when data pass; a birth alone proves little."""
        self._live.delivered(number)
        # A broker that denies data but takes births would else reset the pause at every attempt.
        if number in self._data_numbers or self._outbox.state().pending == 0:
            self._data_numbers.discard(number)
            self._backoff.reset()
            self._note_problem(None)

    def _receive(self, message: Received) -> None:
        if message.topic != self._topic(Leaf.CONFIG):
            self._take_ack(message)
        elif self._on_config is not None:
            self._on_config(message.payload)

    def _take_ack(self, message: Received) -> None:
        now = self._elapsed()
        ack = self._acks.take(message, now)
        if ack is not None:
            self._window.confirmed(ack.committed_to, now)
            self._live.confirmed(now)

    def _say_birth_again(self, link: Link) -> None:
        """The platform missed the birth, so that it took no data: both are sent again."""
        _log.info("birth_said_again")
        self._send_birth(link)
        self._window.begin_again(self._outbox.state().acknowledged_id)

    def _resend_overdue(self, now: float) -> None:
        if self._window.overdue(now):
            _log.info("ack_overdue", in_flight=self._window.in_flight)
            self._counters.resent += 1
            self._window.timed_out(self._outbox.state().acknowledged_id)

    def _send_data(self, link: Link, *, partial: bool) -> None:
        # The file may be an old copy: until the platform has said what it has, any row sent from it
        # could be taken for the repeat of another one.
        if not self._acks.certain and self._outbox.reopened():
            return
        while self._window.has_room():
            wanted = self._sizing.rows_at_once
            rows = self._outbox.read(self._window.next_after, wanted)
            if rows is None or (len(rows.rows) < wanted and not partial):
                return
            sent = self._publish(link, rows)
            if sent is not None:
                self._window.sent(rows.first_id, sent.last_id, self._elapsed())

    def _send_ahead(self, link: Link, now: float, *, partial: bool) -> None:
        """Send the newest rows, where a backlog would hold them up."""
        issued_id = self._outbox.state().issued_id
        wanted = self._sizing.rows_at_once
        after = self._live.next_after(self._window.next_after, issued_id, now)
        rows = None if after is None else self._outbox.read(after, wanted)
        if rows is not None and (partial or len(rows.rows) == wanted):
            sent = self._publish(link, rows)
            if sent is not None:
                self._live.sent(sent.last_id, sent.number)

    def _publish(self, link: Link, rows: Slice) -> _Sent | None:
        """Send as many of the rows as one message holds; None when not even the first one fits."""
        rows, payload = self._sizing.fitted(self._outbox.state().epoch, rows, self._now_us())
        if len(payload) > self._sizing.broker_bytes:
            self._give_up(rows, len(payload))
            return None
        # Before it leaves: an agent that dies in between has possibly sent it, so it must count as
        # sent.
        self._outbox.mark_published(rows.last_id)
        number = link.publish(self._topic(Leaf.DATA), payload, retain=False)
        self._data_numbers.add(number)
        self._counters.published += len(rows.rows)
        return _Sent(rows.last_id, number)

    def _give_up(self, rows: Slice, size: int) -> None:
        """The broker would end the connection over this row, again and again."""
        (row,) = rows.rows
        detail = f"{size} bytes; the broker takes {self._sizing.broker_bytes}"
        self._outbox.lose(rows.first_id, rows.last_id, DropReason.TOO_LARGE)
        self._refusals.note([Refusal("too_large", 1, row.tag, detail)], self._elapsed())

    def _send_status(self, link: Link, now: float) -> None:
        state = self._outbox.state()
        self._counters.dropped = state.dropped
        asked = self._acks.ask_due(now)
        if self._heartbeat.due(state, now) or asked:
            payload = self._heartbeat.payload(state, self._now_us(), online=True)
            link.publish(self._topic(Leaf.STATUS), payload, retain=True)

    def _say_farewell(self, link: Link) -> None:
        payload = self._heartbeat.payload(self._outbox.state(), self._now_us(), online=False)
        number = link.publish(self._topic(Leaf.STATUS), payload, retain=True)
        self._await_delivered(link, number, FAREWELL_S)

    def _done(self, *, connected: bool) -> bool:
        if not self._stop.is_set() or self._drain_until is None:
            return False
        if self._elapsed() >= self._drain_until:
            return True
        # Confirmed it may be by an answer from before the platform was set back.
        return connected and self._outbox.state().pending == 0 and self._acks.conclusive

    def _note_problem(self, problem: str | None) -> None:
        if problem == self._problem:
            return
        if problem is not None:
            _log.warning("broker_unreachable", reason=problem)
        else:
            _log.info("broker_connected")
        self._problem = problem

    def _now_us(self) -> int:
        return microseconds(self._clock())
