"""A tap on the line to the broker: the MQTT 5 packets that a client sends, in their order."""

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

CONNECT, PUBLISH, SUBSCRIBE, DISCONNECT = 1, 3, 8, 14
_SESSION_EXPIRY = 0x11


@dataclass(frozen=True, slots=True)
class Publication:
    """A PUBLISH, or the Last Will of a CONNECT."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet of a client."""

    kind: int
    clean: bool = False
    """Of a CONNECT: a clean start, and no session beyond the connection."""
    message: Publication | None = None
    """Of a PUBLISH; of a CONNECT the Last Will."""
    filters: tuple[tuple[str, int], ...] = ()
    """Of a SUBSCRIBE: topic filters with the QoS asked for."""
    reason: int = 0
    """Of a DISCONNECT."""


class Tap:
    """Passes connections on to a loopback port, and keeps what clients say."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._said: list[bytearray] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _exc: BaseException | None,
        _tb: TracebackType | None,
    ) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for thread in self._threads:
            thread.join()

    def connections(self) -> list[list[Packet]]:
        """Return the packets of each connection up to now."""
        return [_packets(bytes(said)) for said in self._said]

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                broker = socket.create_connection(("127.0.0.1", self._target_port))
                said = bytearray()
                self._said.append(said)
                thread = threading.Thread(target=_serve, args=(client, broker, said), daemon=True)
                self._threads.append(thread)
                thread.start()


def _serve(client: socket.socket, broker: socket.socket, said: bytearray) -> None:
    with client, broker:
        back = threading.Thread(target=_pump, args=(broker, client, None), daemon=True)
        back.start()
        _pump(client, broker, said)
        back.join()


def _pump(source: socket.socket, target: socket.socket, said: bytearray | None) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            if said is not None:
                said += data
            target.sendall(data)
    # The pump of the other direction ends by this.
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


class _Reader:
    """Takes an MQTT packet apart, piece by piece."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        piece = self._data[self._at : self._at + size]
        self._at += size
        return piece

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def text(self) -> str:
        return self.take(self.number(2)).decode()

    def length(self) -> int:
        value = shift = 0
        while True:
            byte = self.number(1)
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def properties(self) -> bytes:
        return self.take(self.length())

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def rest(self) -> bytes:
        return self.take(self.left)


def _packets(data: bytes) -> list[Packet]:
    reader = _Reader(data)
    found = []
    while reader.left:
        head = reader.number(1)
        body = _Reader(reader.take(reader.length()))
        match head >> 4:
            case 1:
                found.append(_connect(body))
            case 3:
                qos = head >> 1 & 3
                topic = body.text()
                body.take(2 if qos else 0)
                body.properties()
                message = Publication(topic, body.rest(), qos, bool(head & 1))
                found.append(Packet(PUBLISH, message=message))
            case 8:
                body.take(2)
                body.properties()
                filters = []
                while body.left:
                    filters.append((body.text(), body.number(1) & 3))
                found.append(Packet(SUBSCRIBE, filters=tuple(filters)))
            case 14:
                found.append(Packet(DISCONNECT, reason=body.number(1) if body.left else 0))
            case kind:
                found.append(Packet(kind))
    return found


def _connect(body: _Reader) -> Packet:
    assert body.text() == "MQTT"
    assert body.number(1) == 5
    flags = body.number(1)
    body.take(2)
    said = body.properties()
    # It is the only property that either client gives.
    expiry = int.from_bytes(said[1:5], "big") if said[:1] == bytes([_SESSION_EXPIRY]) else 0
    body.text()
    will = None
    if flags & 4:
        body.properties()
        topic = body.text()
        payload = body.take(body.number(2))
        will = Publication(topic, payload, flags >> 3 & 3, bool(flags & 32))
    return Packet(CONNECT, clean=bool(flags & 2) and expiry == 0, message=will)
