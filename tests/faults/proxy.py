"""A TCP proxy whose line can be cut, fall silent, or become slow."""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from enum import Enum
from types import TracebackType
from typing import Any, Self

_CHUNK = 16_384
_SLOW_DELAY_S = 0.15
_SLOW_BYTES = 2_048
_LOOK_S = 0.01
_PUBLISH = 3
"""The MQTT packet that carries a message."""


class Line(Enum):
    """The state of the line."""

    WHOLE = "whole"
    CUT = "cut"
    """Every connection is broken off, new ones too."""
    SILENT = "silent"
    """Connections stay and new ones are taken, but whatever is sent disappears."""
    SLOW = "slow"
    """A few kilobytes at a time, each after a pause."""


class _Packets:
    """Finds the MQTT packets in a stream of bytes."""

    def __init__(self) -> None:
        self._head = b""
        self._left = 0
        self._withheld = False

    def passed(self, said: bytes, *, deaf: bool) -> bytes:
        """Return what is passed on: to who is deaf, everything but messages."""
        out = bytearray()
        at = 0
        while at < len(said):
            if self._left:
                part = said[at : at + self._left]
                at += len(part)
                self._left -= len(part)
                if not self._withheld:
                    out += part
                continue
            byte = said[at : at + 1]
            at += 1
            self._head += byte
            # One byte for the kind, then the length, seven bits a byte.
            if len(self._head) > 1 and (byte[0] < 0x80 or len(self._head) == 5):
                lengths = (b & 0x7F for b in self._head[1:])
                self._left = sum(b << (7 * k) for k, b in enumerate(lengths))
                self._withheld = deaf and self._head[0] >> 4 == _PUBLISH
                if not self._withheld:
                    out += self._head
                self._head = b""
        return bytes(out)


class Proxy:
    """Passes connections on to a loopback port; lives in a thread of its own."""

    def __init__(self, target_port: int, *, speaks_mqtt: bool = False) -> None:
        """Remember where to pass on to, and whether what is said is MQTT that can be read."""
        self._target_port = target_port
        self._speaks_mqtt = speaks_mqtt
        self._line = Line.WHOLE
        self._streams: set[asyncio.StreamWriter] = set()
        self._doomed: set[asyncio.StreamWriter] = set()
        """What was said on these is lost, so they never speak again."""
        self._clients: set[asyncio.StreamWriter] = set()
        self._deaf: set[asyncio.StreamWriter] = set()
        """To these no MQTT message is passed on any more, though all else is."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self.port = 0
        self.taken = 0
        """Connections that were made to it."""

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = self._do(self._listen())
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _exc: BaseException | None,
        _tb: TracebackType | None,
    ) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def become(self, line: Line) -> None:
        """Change the line; a cut breaks what is connected off."""
        self._do(self._become(line))

    def deafen(self) -> None:
        """Withhold every MQTT message from those who are connected now, for ever.

        Pings and answers pass, so nothing seems wrong. New connections hear again.
        """
        self._do(self._deafen())

    def mend(self, *, breaking: bool) -> None:
        """Make the line whole for new connections.

        Those that were silent meanwhile are reset with `breaking`; without it they stay silent
        for ever, as when a router has forgotten them, and only a time limit finds out.
        """
        self._do(self._mend(breaking=breaking))

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _end(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _become(self, line: Line) -> None:
        self._line = line
        if line is Line.SILENT:
            self._doomed |= self._streams
        if line is Line.CUT:
            self._break(self._streams)

    async def _deafen(self) -> None:
        self._deaf |= self._clients

    async def _mend(self, *, breaking: bool) -> None:
        self._line = Line.WHOLE
        if breaking:
            self._break(self._doomed)

    @staticmethod
    def _break(streams: set[asyncio.StreamWriter]) -> None:
        for stream in list(streams):
            stream.transport.abort()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.taken += 1
        self._tasks.add(task)
        # The proxy's end is the only one who cancels, and asyncio would report it as a mishap.
        with suppress(asyncio.CancelledError):
            await self._serve(reader, writer)
        self._tasks.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._line is Line.CUT:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, back}
        self._streams |= ends
        self._clients.add(writer)
        if self._line is Line.SILENT:
            self._doomed |= ends
        ways = [
            asyncio.create_task(self._pass_on(reader, back)),
            asyncio.create_task(self._pass_on(there, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._streams -= ends
            self._doomed -= ends
            self._clients.discard(writer)
            self._deaf.discard(writer)
            for end in ends:
                end.transport.abort()

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        packets = _Packets() if self._speaks_mqtt else None
        with suppress(OSError):
            while said := await source.read(_SLOW_BYTES if self._line is Line.SLOW else _CHUNK):
                if target in self._doomed:
                    continue
                # Parts of a line that nobody may be deaf on are not taken apart.
                passed = packets.passed(said, deaf=target in self._deaf) if packets else said
                if self._line is Line.SLOW:
                    await asyncio.sleep(_SLOW_DELAY_S)
                target.write(passed)
                await target.drain()
        if target in self._doomed:
            # Not even the end of the other side gets through.
            await asyncio.Event().wait()
        # What was written last is to arrive before the connection is broken off.
        with suppress(OSError):
            await target.drain()
        await asyncio.sleep(_LOOK_S)
