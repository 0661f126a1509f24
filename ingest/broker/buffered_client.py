"""A paho client for many small messages: it reads from the socket ahead of what it decodes.

paho asks the system for the first byte of a packet, then for its length, byte by byte, then for the
rest, waits on the socket before each packet, and sends each acknowledgement by itself. For messages
of a few measurements that is more work than everything that follows.
"""

import socket
import struct
from collections.abc import Iterable
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import MessageType, MQTTErrorCode

_READ_BYTES = 65_536
_MOST_PACKETS = 256
"""Decoded before paho looks at what it has to send."""


class BufferedSocket:
    """A socket whose `recv` takes what came already; everything else is the socket's own."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._read = b""
        self._at = 0

    def recv(self, size: int) -> bytes:
        """Return up to `size` bytes; raises what the socket raises when nothing has come."""
        if self._at == len(self._read):
            self._read, self._at = self._inner.recv(max(size, _READ_BYTES)), 0
        taken: bytes = self._read[self._at : self._at + size]
        self._at += len(taken)
        return taken

    def buffered(self) -> int:
        """Return how many bytes wait here."""
        return len(self._read) - self._at

    def pending(self) -> int:
        """Return how many bytes can be had though the system would show none; asked by paho."""
        inner = self._inner.pending() if hasattr(self._inner, "pending") else 0
        return self.buffered() + int(inner)

    def fileno(self) -> int:
        """Return what the system calls the socket."""
        return int(self._inner.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class BufferedClient(Client):
    """paho's client with a socket that reads ahead."""

    def _create_socket(self) -> Any:
        # There is no public way to give paho a socket.
        created: Any = super()._create_socket()
        # Or an ack that follows PUBACKs waits 40 ms for the broker to acknowledge these.
        created.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return BufferedSocket(created)

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Decode the packets that have come, not only the first."""
        code = super().loop_read(max_packets)
        for _ in range(_MOST_PACKETS):
            buffered = self.socket()
            if code or not isinstance(buffered, BufferedSocket) or not buffered.buffered():
                break
            code = super().loop_read(max_packets)
        return code

    def ack_all(self, numbers: Iterable[int]) -> None:
        """Acknowledge messages of QoS 1 at once, in one piece."""
        packets = [struct.pack("!BBH", MessageType.PUBACK, 2, number) for number in numbers]
        if packets:
            self._packet_queue(MessageType.PUBACK, b"".join(packets), 0, 1)
