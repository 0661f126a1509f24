"""The library's client with bounds on what a server sends.

A message tells its length before it comes (OPC UA part 6, 7.1.2), up to 4 GB a piece, and the
library waits for all of it. Here a piece or a message that is too large ends the connection as soon
as its length is told, with words.
"""

import struct
from collections.abc import Awaitable, Callable
from typing import Final

from asyncua import ua
from asyncua.client.client import Client
from asyncua.client.ua_client import UaClient, UASocketProtocol
from asyncua.common.connection import TransportLimits
from asyncua.common.shortcuts import Shortcuts
from asyncua.ua.uaerrors import UaError

LARGEST_MESSAGE: Final = 16 * 1024 * 1024
"""Bytes of one message. What is asked for at once comes to a tenth of it."""
LARGEST_CHUNK: Final = 1024 * 1024
"""Bytes of one piece: sixteen times what a server is told that the edge takes."""
_HEADER: Final = struct.Struct("<3scI")
_TOLD: Final = 65535


class MessageTooLargeError(UaError):
    """A server announces more than is read; the words say how much."""


class MessageSizes:
    """Watches the lengths that a stream of messages announces, however it is cut into parts."""

    def __init__(self, chunk: int = LARGEST_CHUNK, message: int = LARGEST_MESSAGE) -> None:
        """`chunk` and `message` are the most bytes of a piece and of all pieces of a message."""
        self._chunk, self._message = chunk, message
        self._head = b""
        self._to_come = 0
        self._size = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes; raise MessageTooLargeError when they announce too many."""
        place = 0
        while place < len(data):
            if self._to_come:
                passed = min(self._to_come, len(data) - place)
                self._to_come -= passed
                place += passed
                continue
            part = data[place : place + _HEADER.size - len(self._head)]
            self._head += part
            place += len(part)
            if len(self._head) == _HEADER.size:
                self._announced(*_HEADER.unpack(self._head))
                self._head = b""

    def _announced(self, _kind: bytes, place: bytes, size: int) -> None:
        if size < _HEADER.size:
            raise MessageTooLargeError(f"it announces a message of {size} bytes, which is none")
        if size > self._chunk:
            raise MessageTooLargeError(
                f"it announces {size:,} bytes at once; at most {self._chunk:,} are read"
            )
        self._size += size
        if self._size > self._message:
            raise MessageTooLargeError(
                f"a message of it has more than {self._message:,} bytes, which is the most "
                "that is read"
            )
        self._to_come = size - _HEADER.size
        if place != b"C":
            self._size = 0


class _Limits(TransportLimits):
    """What a server says that it takes bounds what is sent, not what is read."""

    def update_client_limits(self, msg: ua.Acknowledge) -> None:
        self.max_send_buffer = min(self.max_send_buffer, int(msg.ReceiveBufferSize))


class _Protocol(UASocketProtocol):
    """Ends a connection that announces too much, before it comes."""

    sizes: MessageSizes
    refused: Callable[[MessageTooLargeError], None]

    def data_received(self, data: bytes) -> None:
        try:
            self.sizes.feed(data)
        except MessageTooLargeError as exc:
            self.refused(exc)
            self._fail_all_pending(exc)
            if self.transport is not None:
                self.transport.abort()
            return
        super().data_received(data)


class _UaClient(UaClient):
    """Makes its connections with bounds."""

    too_large: MessageTooLargeError | None = None

    def _refused(self, exc: MessageTooLargeError) -> None:
        self.too_large = exc

    def _make_protocol(self) -> UASocketProtocol:
        limits = _Limits(LARGEST_CHUNK, _TOLD, 0, LARGEST_MESSAGE)
        made = _Protocol(self._timeout, security_policy=self.security_policy, limits=limits)
        made.sizes, made.refused = MessageSizes(), self._refused
        made.pre_request_hook = self._pre_request_hook
        made.on_connection_lost = self._on_transport_lost
        made.is_session_closing = self._is_session_closing
        self.protocol = made
        return made


class BoundedClient(Client):
    """The library's client; a message that is too large raises MessageTooLargeError."""

    def __init__(self, url: str, timeout_s: float, *, watch_s: float | None = None) -> None:
        """`timeout_s` is for each request; the connection is looked after every `watch_s`."""
        super().__init__(url, timeout=timeout_s, watchdog_intervall=watch_s or timeout_s)
        # Told to the server, which then says of an answer that it would be too large.
        self.max_messagesize = LARGEST_MESSAGE
        hook: Callable[[], Awaitable[None]] = self._wait_until_ready
        self.uaclient: _UaClient = _UaClient(timeout_s)
        self.uaclient.pre_request_hook = hook
        self.nodes = Shortcuts(self.uaclient.session)

    @property
    def too_large(self) -> MessageTooLargeError | None:
        """Why the connection was ended, if for this: the library tells only that it was."""
        return self.uaclient.too_large
