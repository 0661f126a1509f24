"""One connection to a broker, from CONNECT to its end: a thread that reads, and writes for others.

All of the socket is the thread's: TLS cannot be read and written at the same time by two. Others
leave what is to be sent and wake it. It stops reading while its consumer has no room, and goes on
giving signs of life meanwhile, so that the broker keeps what is to come.
"""

import selectors
import socket
import ssl
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from threading import Event, Lock, Thread
from time import monotonic
from typing import Literal, Protocol

from ingest.line import packet
from ingest.line.endpoint import Endpoint
from ingest.line.packet import (
    Answer,
    ConnectAnswer,
    Farewell,
    Login,
    MalformedPacketError,
    Publish,
    PublishAnswer,
    SubscribeAnswer,
)

_READ_BYTES = 262_144
_PATIENCE_S = 15.0
"""For the answer to CONNECT, and for a sign of life after a question for one."""
_FAREWELL_S = 1.0
_OFFER_AGAIN_S = 0.05
"""Whoever makes room says so, but perhaps in the moment before it is known that there was none."""
_MOST_IN_FLIGHT = 100
_KEPT_OF_TOO_LONG = 131_072
_FAILURE = 128
_UNSUPPORTED_VERSION = 0x84
_CODES = {1: _UNSUPPORTED_VERSION, 2: 0x85, 3: 0x88, 4: 0x86, 5: 0x87}
"""What the codes of MQTT 3.1.1 are called in MQTT 5."""


class Consumer(Protocol):
    """Whom a line serves; called on the line's thread, which therefore must not be held up."""

    def connected(self, line: "Line") -> None:
        """Ask for what is wanted: the broker has accepted the connection."""

    def subscribed(self, line: "Line", filters: Sequence[str], denied: Sequence[str]) -> None:
        """Take note of which filters were granted, and which of them not."""

    def take(self, line: "Line", messages: Sequence[Publish]) -> int:
        """Take messages from the first on; return how many there was room for.

        The others are offered again after `Line.offer_again`; nothing is read meanwhile.
        """


class Line:
    """A connection; a lost one is followed by another one."""

    def __init__(self, endpoint: Endpoint, login: Login, consumer: Consumer) -> None:
        self._endpoint = endpoint
        self._login = login
        self._consumer = consumer
        self._answered = Event()
        self.ended = Event()
        self.stands = False
        """The broker has accepted it."""
        self.reason: str | None = None
        """Why it ended, as far as that is known."""
        self.refused: int | None = None
        """The code of MQTT 5 with which the broker refused it."""
        self.hung_up = False
        """The broker ended it before any answer: it may know only another version of MQTT."""
        self._socket: socket.socket | None = None
        self._keepalive_s = float(login.keepalive_s)
        self._window = _MOST_IN_FLIGHT
        self._wake_end, self._waker = socket.socketpair()
        self._thread = Thread(target=self._run, name="line", daemon=True)
        # Left by other threads, under the lock.
        self._lock = Lock()
        self._to_send: deque[bytes] = deque()
        self._announcements: dict[str, bytes] = {}
        self._asked: dict[int, Sequence[str]] = {}
        self._number = 0
        self._closing = False
        # The thread's own.
        self._in_flight: dict[int, tuple[str, bytes]] = {}
        self._unsent = b""
        self._said_farewell = False
        self._unread = b""
        self._skipping = 0
        """Bytes that are still to come of a packet that was too long, and are not kept."""
        self._offered: Sequence[Publish] = ()
        """Messages for which there was no room."""
        self._heard_at = self._spoke_at = monotonic()
        self._asked_for_life_at: float | None = None

    @property
    def speaks_otherwise(self) -> bool:
        """The broker does not know this version of MQTT."""
        return self.refused == _UNSUPPORTED_VERSION

    # --- for others ---

    def open(self) -> str | None:
        """Connect, and wait for the broker's answer; return None or why it failed."""
        try:
            self._socket = self._endpoint.connected()
        except (OSError, ValueError) as exc:
            self._end(str(exc) or type(exc).__name__)
            self._close_wakers()
            return self.reason
        self._unsent = packet.connect(self._login, self._endpoint.version)
        self._thread.start()
        self._answered.wait()
        return None if self.stands else self.reason

    def subscribe(self, filters: Sequence[str]) -> None:
        """Ask the broker for messages."""
        with self._lock:
            number = self._next_number()
            self._asked[number] = filters
            self._to_send.append(packet.subscribe(number, filters, self._endpoint.version))
        self._wake()

    def unsubscribe(self, filters: Sequence[str]) -> None:
        """Ask the broker for no more of these."""
        with self._lock:
            number = self._next_number()
            self._to_send.append(packet.unsubscribe(number, filters, self._endpoint.version))
        self._wake()

    def acknowledge(self, numbers: Iterable[int]) -> None:
        """Acknowledge messages, in one piece."""
        packets = packet.pubacks(numbers)
        if packets:
            with self._lock:
                self._to_send.append(packets)
            self._wake()

    def announce(self, announcements: Iterable[tuple[str, bytes]]) -> None:
        """Publish retained messages; of several for one topic the newest may be the only one."""
        with self._lock:
            for topic, payload in announcements:
                self._announcements[topic] = payload
        self._wake()

    def publish(self, topic: str, payload: bytes, qos: Literal[0, 1] = 1) -> None:
        """Publish a message that is not kept; whether it arrived is not told."""
        with self._lock:
            number = self._next_number() if qos else 0
            self._to_send.append(
                packet.publish(topic, payload, number, self._endpoint.version, retain=False)
            )
        self._wake()

    def offer_again(self) -> None:
        """Offer the consumer again what it had no room for."""
        if self._offered:
            self._wake()

    @property
    def untaken(self) -> Sequence[Publish]:
        """What an ended line has received, and its consumer had no room for."""
        return self._offered

    def unannounced(self) -> dict[str, bytes]:
        """Return what an ended line has not published, as far as it knows."""
        return {**dict(self._in_flight.values()), **self._announcements}

    def leave(self, reason: str) -> None:
        """End the connection as soon as what waits to be sent is sent; do not wait for that."""
        self.reason = self.reason or reason
        with self._lock:
            self._closing = True
        self._wake()

    def close(self) -> None:
        """Send what is waiting to be sent, say farewell, and wait for the thread."""
        with self._lock:
            self._closing = True
        if self._thread.is_alive():
            self._wake()
            self._thread.join(_PATIENCE_S)

    # --- the thread ---

    def _run(self) -> None:
        assert self._socket is not None
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._wake_end, selectors.EVENT_READ)
                selector.register(self._socket, selectors.EVENT_READ)
                while not self.ended.is_set():
                    self._turn(selector)
        except (OSError, MalformedPacketError) as exc:
            self.hung_up = not self._answered.is_set()
            self._end(str(exc) or type(exc).__name__)
        finally:
            self._end("the connection ended")
            with suppress(OSError):
                self._let_be_read()
            self._socket.close()
            self._close_wakers()

    def _let_be_read(self) -> None:
        """Let the broker read what was sent last: a socket closed with unread bytes resets it."""
        assert self._socket is not None
        self._socket.shutdown(socket.SHUT_WR)
        self._socket.settimeout(_FAREWELL_S)
        give_up = monotonic() + _FAREWELL_S
        while monotonic() < give_up and self._socket.recv(_READ_BYTES):
            pass

    def _turn(self, selector: selectors.BaseSelector) -> None:
        """Send what can be sent, wait for what comes, read it."""
        assert self._socket is not None
        self._fill()
        self._write()
        # Not `_closing`, which another thread may set between the two: a broker that hears no
        # farewell publishes the Last Will.
        if self._said_farewell and not self._unsent:
            self._end("closed")
            return
        wanted = 0 if self._offered else selectors.EVENT_READ
        if self._unsent:
            wanted |= selectors.EVENT_WRITE
        if wanted:
            selector.modify(self._socket, wanted)
            found = selector.select(self._wait_s())
        else:
            # A socket of which nothing is wanted may not be watched at all.
            selector.unregister(self._socket)
            found = selector.select(self._wait_s())
            selector.register(self._socket, selectors.EVENT_READ)
        events = {key.fileobj: mask for key, mask in found}
        if self._wake_end in events:
            self._wake_end.recv(4096)
        if self._offered:
            self._hand_over(self._offered)
        elif self._socket in events:
            self._read()
        self._look_at_the_time()

    def _fill(self) -> None:
        """Put together what others left to be sent; nothing follows the farewell."""
        if self._said_farewell:
            return
        with self._lock:
            pieces = [self._unsent, *self._to_send]
            self._to_send.clear()
            while self.stands and self._announcements and len(self._in_flight) < self._window:
                topic = next(iter(self._announcements))
                payload = self._announcements.pop(topic)
                number = self._next_number()
                self._in_flight[number] = topic, payload
                version = self._endpoint.version
                pieces.append(packet.publish(topic, payload, number, version, retain=True))
            if self._closing:
                pieces.append(packet.DISCONNECT)
                self._said_farewell = True
        self._unsent = b"".join(pieces)

    def _write(self) -> None:
        assert self._socket is not None
        if not self._unsent:
            return
        try:
            sent = self._socket.send(self._unsent)
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return
        self._unsent = self._unsent[sent:]
        self._spoke_at = monotonic()

    def _read(self) -> None:
        assert self._socket is not None
        try:
            received = self._socket.recv(_READ_BYTES)
            if isinstance(self._socket, ssl.SSLSocket):
                # Of what TLS has decrypted already the system knows nothing.
                while pending := self._socket.pending():
                    received += self._socket.recv(pending)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        if not received:
            raise ConnectionError("the broker closed the connection")
        self._heard_at, self._asked_for_life_at = monotonic(), None
        self._understand(received)

    def _understand(self, data: bytes) -> None:
        if self._skipping:
            data = self._skip(data)
        if self._unread:
            data = self._unread + data
        messages, answers, rest, too_long = packet.split(
            data, self._endpoint.version, self._endpoint.longest
        )
        self._unread = data[rest:]
        for answer in answers:
            self._hear(answer)
        if too_long:
            messages += self._begin_to_skip(too_long)
        if messages:
            self._hand_over(messages)

    def _begin_to_skip(self, size: int) -> list[Publish]:
        """Return the beginning of a message that is too long, once it has come; else nothing."""
        if len(self._unread) < min(size, _KEPT_OF_TOO_LONG):
            return []
        message = packet.beginning(self._unread[:_KEPT_OF_TOO_LONG], size, self._endpoint.version)
        self._skipping = size
        self._unread = self._skip(self._unread)
        return [message]

    def _skip(self, data: bytes) -> bytes:
        skipped = min(self._skipping, len(data))
        self._skipping -= skipped
        return data[skipped:]

    def _hand_over(self, messages: Sequence[Publish]) -> None:
        taken = self._consumer.take(self, messages)
        self._offered = messages[taken:]

    def _hear(self, answer: Answer) -> None:
        match answer:
            case ConnectAnswer():
                self._begin(answer)
            case PublishAnswer():
                self._in_flight.pop(answer.number, None)
            case SubscribeAnswer():
                filters = self._asked.pop(answer.number, None)
                if filters is not None:
                    codes = zip(filters, answer.codes, strict=False)
                    denied = [one for one, code in codes if code >= _FAILURE]
                    self._consumer.subscribed(self, filters, denied)
            case Farewell():
                self._end(f"the broker ended the connection (code {answer.code:#04x})")

    def _begin(self, answer: ConnectAnswer) -> None:
        if answer.code:
            self.refused = _CODES.get(answer.code, answer.code)
            self._end(f"CONNECT refused (code {answer.code:#04x})")
            return
        if answer.keepalive_s is not None:
            self._keepalive_s = float(answer.keepalive_s)
        self._window = min(_MOST_IN_FLIGHT, max(1, answer.receive_maximum))
        self.stands = True
        self._consumer.connected(self)
        self._answered.set()

    def _look_at_the_time(self) -> None:
        """Give a sign of life when one is due; end a line on which none has come."""
        now = monotonic()
        if not self.stands:
            if now - self._heard_at > _PATIENCE_S:
                raise ConnectionError("no answer to CONNECT")
            return
        if not self._keepalive_s:
            return
        half_s = self._keepalive_s / 2
        silent = now - self._heard_at >= half_s and self._asked_for_life_at is None
        if silent or now - self._spoke_at >= half_s:
            self._asked_for_life_at = self._asked_for_life_at or now
            self._spoke_at = now
            self._unsent += packet.PINGREQ
        # What is not read while there is no room is no sign of death.
        if self._offered:
            self._asked_for_life_at = None
        elif self._asked_for_life_at is not None and now - self._asked_for_life_at > _PATIENCE_S:
            raise ConnectionError("the broker gives no sign of life")

    def _wait_s(self) -> float:
        if self._offered:
            return _OFFER_AGAIN_S
        if not self.stands:
            return 1.0
        return min(5.0, max(0.05, self._keepalive_s / 4)) if self._keepalive_s else 5.0

    def _end(self, reason: str) -> None:
        if not self.ended.is_set():
            self.reason = self.reason or reason
        self.ended.set()
        self._answered.set()

    def _next_number(self) -> int:
        """Return a packet number that is not in use; the caller holds the lock."""
        while True:
            self._number = self._number % 65_535 + 1
            if self._number not in self._in_flight and self._number not in self._asked:
                return self._number

    def _wake(self) -> None:
        # Full of bytes that are not read yet is as good; closed, there is nobody to wake.
        with suppress(OSError):
            self._waker.send(b"\x00", socket.MSG_DONTWAIT)

    def _close_wakers(self) -> None:
        self._wake_end.close()
        self._waker.close()
