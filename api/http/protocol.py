"""HTTP as uvicorn speaks it, with an end to waiting: nobody holds a line without a request."""

import asyncio
from collections import OrderedDict
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 10.0
"""Longest time from a connection, or the first byte of a further request, to its whole head."""
REST_S = 30.0
"""Longest time that the rest of a body may go on coming once it has been answered."""
MOST_WAITING = 256
"""Connections without a whole head at a time; a further one ends the oldest of them."""


class PatientLoop(asyncio.SelectorEventLoop):
    """An event loop whose servers wait no longer for the start of TLS than for a request."""

    async def create_server(self, *args: Any, **kwargs: Any) -> asyncio.Server:
        """Listen; see `asyncio.loop.create_server`."""
        if kwargs.get("ssl") is not None:
            kwargs.setdefault("ssl_handshake_timeout", HEAD_S)
        return await super().create_server(*args, **kwargs)


class PatientProtocol(H11Protocol):
    """Ends connections whose request does not come."""

    # Of all connections together: the bound is that of the process.
    _waiting: ClassVar[OrderedDict["PatientProtocol", None]] = OrderedDict()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait(HEAD_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came; a head that is begun has its time."""
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self.conn.their_state is not h11.IDLE:
            if not self.cycle.response_complete:
                self._arrived()
        elif self._patience is None and self.conn.trailing_data[0]:
            self._wait(HEAD_S)

    def on_response_complete(self) -> None:
        """Bound what may still come of a body that nobody reads any more."""
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self._wait(REST_S)
        elif self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]:
            self._arrived()

    def _wait(self, seconds: float) -> None:
        self._arrived()
        self._patience = self.loop.call_later(seconds, self._cut)
        self._waiting[self] = None
        if len(self._waiting) > MOST_WAITING:
            oldest, _ = self._waiting.popitem(last=False)
            oldest._cut()

    def _arrived(self) -> None:
        self._waiting.pop(self, None)
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _cut(self) -> None:
        self._arrived()
        if not self.transport.is_closing():
            self.transport.abort()
