"""A small MTConnect agent: probe, current and sample with a bounded buffer, as the standard says.

Part 1 of MTConnect 1.3 to 2.x: sequence numbers grow by one over all data items, `from` outside
`[firstSequence, lastSequence + 1]` is OUT_OF_RANGE, a new life has a new instanceId and begins
with everything UNAVAILABLE, `interval` makes an endless multipart answer with heartbeats.
"""

import asyncio
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape, quoteattr

from tests.integration.edge.sources import LoopServer

CATEGORIES = {"SAMPLE": "Samples", "EVENT": "Events", "CONDITION": "Condition"}
BOUNDARY = "a7b3e5d1c9f04b62"


@dataclass(frozen=True, slots=True)
class Item:
    """One data item of the machine."""

    id: str
    name: str
    category: str = "SAMPLE"
    element: str = "Position"
    """Name of its observations' elements."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One observation in the buffer."""

    sequence: int
    item: Item
    value: str
    time: str
    code: str = ""


class MtConnectAgent(LoopServer):
    """An agent of one machine named `cnc`; `stop` and `start` again keep the buffer."""

    def __init__(
        self,
        *items: Item,
        buffer_size: int = 1000,
        version: str = "1.7",
        streams: bool = True,
    ) -> None:
        super().__init__()
        self.items = list(items)
        self.buffer_size = buffer_size
        self.version = version
        self.streams = streams
        """Whether it knows `interval`."""
        self.swallow_parts = 0
        """Parts of streams that get lost on their way, from now on."""
        self.garbage: bytes | None = None
        """What it answers instead of documents."""
        self.requests: list[str] = []
        self.assets: dict[str, str] = {}
        """What each asset is by its id: an element in the namespace of assets."""
        self._lock = threading.Lock()
        self._instance = 1_700_000_000
        self._begin_instance()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def restart(self) -> None:
        """Begin a new life: the buffer is empty, the numbers begin again."""
        self.stop()
        with self._lock:
            self._begin_instance()
        self.start()

    def observe(self, name: str, value: object, time: datetime, code: str = "") -> None:
        """Take an observation; the oldest falls out of a full buffer."""
        with self._lock:
            item = next(item for item in self.items if item.id == name)
            self._append(item, str(value), time, code)

    def add(self, item: Item) -> None:
        """Give the machine one more data item."""
        with self._lock:
            self.items.append(item)

    @property
    def first(self) -> int:
        return self._buffer[0].sequence if self._buffer else self._next

    def _begin_instance(self) -> None:
        self._instance += 1
        self._next = 1
        self._buffer: deque[Seen] = deque(maxlen=self.buffer_size)
        self._current: dict[str, Seen] = {}
        for item in self.items:
            self._append(item, "UNAVAILABLE", datetime(2026, 3, 2, 5, tzinfo=UTC))

    def _append(self, item: Item, value: str, time: datetime, code: str = "") -> None:
        seen = Seen(self._next, item, value, time.isoformat().replace("+00:00", "Z"), code)
        self._next += 1
        self._buffer.append(seen)
        self._current[item.id] = seen

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
            # What was just accepted has yet to reach `_serve`, in a few turns of the loop; what is
            # aborted, to be closed.
            for _ in range(10):
                await asyncio.sleep(0.01)
            for _ in range(100):
                for writer in list(self._connections):
                    writer.transport.abort()
                await asyncio.sleep(0.01)
                if not self._connections:
                    break

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
            target = head.split(" ")[1]
            self.requests.append(target)
            if self.garbage is not None:
                writer.write(self.garbage)
            else:
                await self._answer(target, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort() if self._server is None else writer.close()
            # What cannot be sent keeps it open; `_stop` aborts it then.
            with suppress(ConnectionError):
                await writer.wait_closed()
            self._connections.discard(writer)

    async def _answer(self, target: str, writer: asyncio.StreamWriter) -> None:
        url = urlsplit(target)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        parts = [part for part in url.path.split("/") if part]
        if len(parts) == 2 and parts[0] not in {"cnc", "asset"}:
            _send(writer, self._error("NO_DEVICE", f"no device {parts[0]}"), "404 Not Found")
        elif parts[-1] == "probe":
            _send(writer, self._probe())
        elif parts[-1] == "current":
            with self._lock:
                _send(writer, self._streams(sorted(self._current.values(), key=_sequence)))
        elif parts[0] == "asset":
            asset = self.assets.get(unquote(parts[1]))
            if asset is None:
                words = f"Cannot find asset for assetId: {unquote(parts[1])}"
                _send(writer, self._error("ASSET_NOT_FOUND", words), "404 Not Found")
            else:
                _send(writer, self._header("Assets", f"<Assets>{asset}</Assets>"))
        elif parts[-1] == "sample":
            await self._sample(query, writer)
        else:
            _send(writer, self._error("UNSUPPORTED", "no such request"), "400 Bad Request")

    async def _sample(self, query: dict[str, str], writer: asyncio.StreamWriter) -> None:
        start, count = int(query.get("from", self.first)), int(query.get("count", 100))
        if not self.first <= start <= self._next:
            words = f"'from' must be between {self.first} and {self._next}"
            _send(writer, self._error("OUT_OF_RANGE", words), "404 Not Found")
            return
        if "interval" not in query or not self.streams:
            _send(writer, self._slice(start, count)[0])
            return
        interval_s = int(query["interval"]) / 1000
        heartbeat_s = int(query["heartbeat"]) / 1000
        writer.write(
            b"HTTP/1.1 200 OK\r\nServer: test agent\r\n"
            b"Content-Type: multipart/x-mixed-replace;boundary=" + BOUNDARY.encode() + b"\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        silent_s = heartbeat_s
        while True:
            with self._lock:
                lagging = start < self.first
            if lagging:
                # As cppagent does: the stream ends, the client learns why when it asks again.
                return
            document, following = self._slice(start, count)
            if following > start or silent_s >= heartbeat_s:
                if self.swallow_parts and following > start:
                    self.swallow_parts -= 1
                else:
                    _send_part(writer, document)
                await writer.drain()
                start, silent_s = following, 0.0
            await asyncio.sleep(interval_s)
            silent_s += interval_s

    def _slice(self, start: int, count: int) -> tuple[bytes, int]:
        with self._lock:
            seen = [seen for seen in self._buffer if seen.sequence >= start][:count]
            following = seen[-1].sequence + 1 if seen else start
            return self._streams(seen, following), following

    def _header(self, kind: str, content: str, more: str = "") -> bytes:
        created = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        namespace = f"urn:mtconnect.org:MTConnect{kind}:{self.version}"
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<MTConnect{kind} xmlns="{namespace}" xmlns:m="{namespace}" '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            f'xsi:schemaLocation="{namespace} /schemas/MTConnect{kind}_{self.version}.xsd">'
            f'<Header creationTime="{created}" sender="test" instanceId="{self._instance}" '
            f'version="{self.version}.0.1" bufferSize="{self.buffer_size}"{more}/>'
            f"{content}</MTConnect{kind}>"
        ).encode()

    def _probe(self) -> bytes:
        items = "".join(
            f'<DataItem category="{item.category}" id="{item.id}" name={quoteattr(item.name)} '
            f'type="{item.element.upper()}"/>'
            for item in self.items
        )
        return self._header(
            "Devices",
            f'<Devices><Device id="d1" name="cnc" uuid="cnc-001"><DataItems>{items}</DataItems>'
            "</Device></Devices>",
        )

    def _streams(self, observations: list[Seen], following: int | None = None) -> bytes:
        sections = []
        for category, section in CATEGORIES.items():
            seen = [one for one in observations if one.item.category == category]
            if seen:
                sections.append(f"<{section}>{''.join(map(_element, seen))}</{section}>")
        content = (
            '<Streams><DeviceStream name="cnc" uuid="cnc-001"><ComponentStream component="Linear" '
            f'name="X" componentId="x">{"".join(sections)}</ComponentStream></DeviceStream>'
            "</Streams>"
        )
        return self._header(
            "Streams",
            content,
            f' nextSequence="{following or self._next}" firstSequence="{self.first}" '
            f'lastSequence="{self._next - 1}"',
        )

    def _error(self, code: str, words: str) -> bytes:
        error = f'<Error errorCode="{code}">{escape(words)}</Error>'
        return self._header("Error", f"<Errors>{error}</Errors>")


def _sequence(seen: Seen) -> int:
    return seen.sequence


def _element(seen: Seen) -> str:
    item = seen.item
    attributes = (
        f'dataItemId="{item.id}" timestamp="{seen.time}" name={quoteattr(item.name)} '
        f'sequence="{seen.sequence}"'
    )
    if item.category == "CONDITION":
        level = seen.value.capitalize()
        code = f" nativeCode={quoteattr(seen.code)}" if seen.code else ""
        return f'<{level} {attributes} type="SYSTEM"{code}/>'
    return f"<{item.element} {attributes}>{escape(seen.value)}</{item.element}>"


def _send(writer: asyncio.StreamWriter, document: bytes, status: str = "200 OK") -> None:
    writer.write(
        f"HTTP/1.1 {status}\r\nContent-Type: text/xml\r\n"
        f"Content-Length: {len(document)}\r\nConnection: close\r\n\r\n".encode()
        + document
    )


def _send_part(writer: asyncio.StreamWriter, document: bytes) -> None:
    part = (
        f"--{BOUNDARY}\r\nContent-type: text/xml\r\n"
        f"Content-length: {len(document)}\r\n\r\n".encode()
        + document
        + b"\r\n"
    )
    writer.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
