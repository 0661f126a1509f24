"""HTTP to an agent: one request per connection, answers bounded in bytes and time."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import h11

from plant.errors import ConfigurationError, DataError

MAX_DOCUMENT_BYTES = 4_000_000
_READ_BYTES = 65_536


class HttpAgent:
    """The HTTP side of one agent.

    Methods raise OSError when nothing answers, TimeoutError when it takes too long, and DataError
    `malformed` for what is no HTTP or too large.
    """

    def __init__(self, url: str, timeout_s: float, ca_file: Path | None) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._authority = parts.netloc
        self._path = parts.path.rstrip("/")
        self._timeout_s = timeout_s
        self._ssl = _context(ca_file) if parts.scheme == "https" else None
        try:
            self._port = parts.port or (443 if self._ssl else 80)
            self._host.encode("idna")
        except ValueError as exc:
            raise ConfigurationError(f"{url}: {exc}") from exc

    async def get(self, target: str) -> bytes:
        """Return the whole answer to a request, whatever its status."""
        async with asyncio.timeout(self._timeout_s), self.open(target) as answer:
            body = bytearray()
            async for data in answer.chunks():
                body += data
                if len(body) > MAX_DOCUMENT_BYTES:
                    raise DataError(
                        "malformed",
                        f"more than {MAX_DOCUMENT_BYTES} bytes; lower `count` of this source",
                    )
            return bytes(body)

    @asynccontextmanager
    async def open(self, target: str) -> AsyncIterator["Answer"]:
        """Ask, and give the answer while it still comes in."""
        async with asyncio.timeout(self._timeout_s):
            reader, writer = await asyncio.open_connection(
                self._host, self._port, ssl=self._ssl, limit=_READ_BYTES
            )
        try:
            answer = Answer(reader)
            writer.write(answer.request(f"{self._path}{target}", self._authority))
            async with asyncio.timeout(self._timeout_s):
                await writer.drain()
                await answer.read_head()
            yield answer
        finally:
            # Aborted, not closed: an agent that stopped reading must not keep us.
            writer.transport.abort()


class Answer:
    """One answer: its head, then its content as it comes."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._connection = h11.Connection(h11.CLIENT)
        self.status = 0
        self.content_type = ""

    def request(self, target: str, authority: str) -> bytes:
        """Return the bytes of the request."""
        headers = [
            ("Host", authority),
            ("Accept", "application/xml, text/xml, multipart/x-mixed-replace"),
            ("Cache-Control", "no-cache"),
            ("Connection", "close"),
        ]
        try:
            request = h11.Request(method="GET", target=target, headers=headers)
        except h11.LocalProtocolError as exc:
            raise ConfigurationError(f"{target} is no address to ask for: {exc}") from exc
        sent = self._connection.send(request)
        ended = self._connection.send(h11.EndOfMessage())
        return (sent or b"") + (ended or b"")

    async def read_head(self) -> None:
        """Read status and headers."""
        event = await self._next()
        while isinstance(event, h11.InformationalResponse):
            event = await self._next()
        if not isinstance(event, h11.Response):
            raise DataError("malformed", "it does not answer as HTTP does")
        self.status = event.status_code
        for name, value in event.headers:
            if name == b"content-type":
                self.content_type = value.decode("latin-1")

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the content as it comes, until its end."""
        while True:
            event = await self._next()
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            else:
                return

    async def _next(self) -> object:
        while True:
            try:
                event = self._connection.next_event()
                if event is not h11.NEED_DATA:
                    return event
                self._connection.receive_data(await self._reader.read(_READ_BYTES))
            except h11.RemoteProtocolError as exc:
                raise DataError("malformed", f"no proper HTTP: {exc}") from exc


def _context(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except OSError as exc:
        raise ConfigurationError(f"the certificate file {ca_file} cannot be used: {exc}") from exc
