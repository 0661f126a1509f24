"""The publisher of the benchmark's load: a process of its own, so lean that it is no bottleneck.

It speaks just enough MQTT 3.1.1 on a bare socket: paho, with its object per message, would be
slower than what is measured. All payloads are encoded before the clock starts.
"""

import select
import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

from bench.load import EDGES, Load, birth, heartbeat
from plant.native.message import EdgeAddress, Leaf, decode_ack, parse_topic

_CONNECT = b"\x00\x04MQTT\x04\x02\x02\x58"
_WINDOW = 400
"""Messages under way to the broker at a time."""
_UNCONFIRMED = 800
"""Messages of an edge that the platform has not confirmed. An edge waits, too: the ingest leaves
what is beyond its quota of a site to be sent again, and nobody does that here."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to publish."""

    port: int
    load: Load
    rate: float | None = None
    """Messages per second; as fast as the broker takes them without."""


@dataclass(frozen=True, slots=True)
class Report:
    """How it went."""

    seconds: float
    """From the first message to the ack of the last."""
    waited_s: float
    """While nothing more could be sent: most of `seconds`, or the publisher is the bottleneck."""
    latency_s: list[float]
    """Of each message, from its source time to the ack that says it is committed."""


def serve(pipe: Connection) -> None:
    """Take one order, say when all is ready, begin when told to, report, end."""
    order: Order = pipe.recv()
    wire = Wire(order.port)
    wire.prepare(order.load)
    pipe.send("ready")
    pipe.recv()
    pipe.send(wire.run(order))
    wire.close()


class Wire:
    """One connection for all edges."""

    def __init__(self, port: int) -> None:
        self._socket = _opened(port)
        self._received = bytearray()
        self._pubacks = 0
        self._committed: dict[EdgeAddress, int] = {}
        self._epoch = ""
        self._packets: list[bytes] = []
        self._send(_connect())
        self._send(_packet(0x82, b"\x00\x01" + _text("nm/v1/+/+/+/ack") + b"\x00"))

    def prepare(self, load: Load) -> None:
        """Announce the edges, wait until the ingest answers for each, and encode the load."""
        self._epoch = load.epoch
        give_up = time.monotonic() + 30
        while len(self._committed) < len(EDGES):
            if time.monotonic() > give_up:
                raise TimeoutError(f"the ingest answered only for {list(self._committed)}")
            for number, edge in enumerate(EDGES, 10):
                self._send(publish_packet(edge.topic(Leaf.STATUS), heartbeat(load.epoch), number))
            self._read(0.3)
        # Once every worker listens, or a birth could pass unheard.
        for number, edge in enumerate(EDGES, 20):
            self._send(publish_packet(edge.topic(Leaf.BIRTH), birth(edge, load.epoch), number))
        self._packets = [
            publish_packet(*load.message(k), k % 60_000 + 1) for k in range(load.messages)
        ]
        # Whatever is on its way is still of the preparation.
        while self._read(0.3):
            pass
        self._pubacks = 0

    def run(self, order: Order) -> Report:
        """Publish everything and wait for the last ack."""
        wanted = order.load.last_ids()
        waiting: dict[EdgeAddress, deque[tuple[int, float]]] = {edge: deque() for edge in EDGES}
        latencies: list[float] = []
        sent, waited_s = 0, 0.0
        total = order.load.messages
        start = time.perf_counter()
        while any(self._committed[edge] < last for edge, last in wanted.items()):
            now = time.perf_counter() - start
            due = total if order.rate is None else min(total, int(now * order.rate) + 1)
            until = min(due, self._pubacks + _WINDOW, self._welcome(order.load.batch))
            may_send = until > sent
            if may_send:
                for k in range(sent, until):
                    edge = EDGES[k % len(EDGES)]
                    last = (k // len(EDGES) + 1) * order.load.batch
                    at = now if order.rate is None else k / order.rate
                    waiting[edge].append((last, at))
                self._send(b"".join(self._packets[sent:until]))
                sent = until
            self._read(0.002 if order.rate else 0.05)
            then, now = now, time.perf_counter() - start
            if not may_send:
                waited_s += now - then
            for edge, queue in waiting.items():
                while queue and queue[0][0] <= self._committed[edge]:
                    latencies.append(now - queue.popleft()[1])
        return Report(time.perf_counter() - start, waited_s, latencies)

    def _welcome(self, batch: int) -> int:
        """Return up to which message none of the edges has too many unconfirmed."""
        slowest = min(self._committed[edge] for edge in EDGES)
        return (slowest // batch + _UNCONFIRMED) * len(EDGES)

    def close(self) -> None:
        """Leave."""
        self._socket.sendall(b"\xe0\x00")
        self._socket.close()

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            _, writable, _ = select.select([], [self._socket], [], 1.0)
            if writable:
                view = view[self._socket.send(view[:65_536]) :]
            self._read(0)

    def _read(self, timeout_s: float) -> bool:
        readable, _, _ = select.select([self._socket], [], [], timeout_s)
        if not readable:
            return False
        received = self._socket.recv(1 << 20)
        if not received:
            raise ConnectionError("the broker closed the connection")
        self._received += received
        while (end := self._packet_end()) is not None:
            head, body_at, stop = end
            if head >> 4 == 4:
                self._pubacks += 1
            elif head >> 4 == 3:
                self._note(bytes(self._received[body_at:stop]))
            del self._received[:stop]
        return True

    def _packet_end(self) -> tuple[int, int, int] | None:
        length, shift = 0, 0
        for at in range(1, min(5, len(self._received))):
            byte = self._received[at]
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                stop = at + 1 + length
                return (self._received[0], at + 1, stop) if len(self._received) >= stop else None
        return None

    def _note(self, body: bytes) -> None:
        size = int.from_bytes(body[:2], "big")
        address, _ = parse_topic(body[2 : 2 + size].decode())
        ack = decode_ack(body[2 + size :])
        if ack.epoch == self._epoch:
            self._committed[address] = max(ack.committed_to, self._committed.get(address, 0))


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    """Open a connection that has said who it is."""
    with _opened(port) as peer:
        peer.sendall(_connect())
        yield peer


def _opened(port: int) -> socket.socket:
    opened = socket.create_connection(("127.0.0.1", port))
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return opened


def _connect() -> bytes:
    return _packet(0x10, _CONNECT + _text(f"bench-{time.time_ns()}"))


def publish_packet(topic: str, payload: bytes, packet_id: int) -> bytes:
    """Return a PUBLISH of QoS 1, or of QoS 0 if it has no number."""
    number = packet_id.to_bytes(2, "big") if packet_id else b""
    return _packet(0x32 if packet_id else 0x30, _text(topic) + number + payload)


def _text(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(2, "big") + encoded


def _packet(head: int, body: bytes) -> bytes:
    length, size = bytearray(), len(body)
    while True:
        size, digit = divmod(size, 128)
        length.append(digit | (128 if size else 0))
        if not size:
            return bytes([head]) + bytes(length) + body
