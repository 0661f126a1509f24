"""Who asks: so many requests a second at given moments, whether answers come or not.

Latency counts from the moment a request was due, so that a service that stands still for a moment
is charged with all that waited meanwhile.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

_MOST_CONNECTIONS = 64


@dataclass(slots=True)
class Answers:
    """What came back."""

    due_to_done_ms: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    size: int = 0
    took_s: float = 0.0

    def quantile(self, share: float) -> float:
        """Return the latency in milliseconds that a share of the requests kept within."""
        ordered = sorted(self.due_to_done_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Connection:
    """One connection that stays open; a client of a few lines, which costs next to nothing."""

    def __init__(self, port: int, headers: str) -> None:
        self._port = port
        self._headers = headers
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, path: str) -> tuple[int, int]:
        """Return status and size of an answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
        reader, writer = self._streams
        head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{self._headers}\r\n"
        writer.write(head.encode())
        answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = answer.lower().split("\r\n")
        size = 0
        for line in lines[1:]:
            if line.startswith("content-length:"):
                size = int(line.partition(":")[2])
                await reader.readexactly(size)
            elif line.startswith("transfer-encoding:"):
                while (piece := int(await reader.readline(), 16)) > 0:
                    await reader.readexactly(piece + 2)
                    size += piece
                await reader.readline()
        return int(lines[0].split()[1]), size

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()


async def steadily(
    port: int, headers: Sequence[str], paths: Sequence[str], rate: float, seconds: float
) -> Answers:
    """Ask for `paths` in turn, `rate` times a second; `headers` are those of consumers in turn."""
    answers = Answers()
    idle = [Connection(port, headers[k % len(headers)]) for k in range(_MOST_CONNECTIONS)]
    everyone = list(idle)
    free = asyncio.Semaphore(len(idle))
    number = int(rate * seconds)
    begun = time.perf_counter() + 0.1

    async def one(index: int) -> None:
        due = begun + index / rate
        async with free:
            connection = idle.pop()
            status, size = await connection.ask(paths[index % len(paths)])
            idle.append(connection)
        answers.due_to_done_ms.append((time.perf_counter() - due) * 1000)
        answers.statuses[status] = answers.statuses.get(status, 0) + 1
        answers.size += size

    async with asyncio.TaskGroup() as group:
        for index in range(number):
            wait = begun + index / rate - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            group.create_task(one(index))
    answers.took_s = time.perf_counter() - begun
    for connection in everyone:
        connection.close()
    return answers


async def alternately(
    asked: Sequence[tuple[int, str]], paths: Sequence[str], rounds: int
) -> list[list[float]]:
    """Ask each of some services in turn, one request at a time; return milliseconds of each."""
    connections = [Connection(port, headers) for port, headers in asked]
    found: list[list[float]] = [[] for _ in asked]
    for index in range(rounds):
        for number, connection in enumerate(connections):
            begun = time.perf_counter()
            status, _ = await connection.ask(paths[index % len(paths)])
            assert status == 200, status
            found[number].append((time.perf_counter() - begun) * 1000)
    for connection in connections:
        connection.close()
    return found
