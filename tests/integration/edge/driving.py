"""Running one driver beside a scenario, in an event loop of the test's own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from edge_agent import EdgeSettings
from edge_agent.drivers import Driver, make_driver
from plant.clock import system_clock
from tests.unit.edge_agent.intake.inlets import RecordingInlet, edge_mapping
from tests.waiting import AGAIN_S, HANG_S


@asynccontextmanager
async def answering(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], port: int = 0
) -> AsyncIterator[int]:
    """A server of a few lines, in the running loop; gives its port and leaves nothing open."""
    connections: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(writer)
        with suppress(ConnectionError, asyncio.CancelledError):
            await answer(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        # What was just accepted has yet to reach `serve`, in a few turns of the loop; what is
        # aborted, to be closed.
        for _ in range(10):
            await asyncio.sleep(0.01)
            for writer in connections:
                writer.transport.abort()
        await asyncio.sleep(0.02)


def driver_of(source: dict[str, Any]) -> Driver:
    settings = EdgeSettings.model_validate(edge_mapping(source=source))
    # Certificates are kept where the settings of a test say; nothing else is kept.
    return make_driver("source", settings.sources["source"], system_clock, Path("nowhere"))


async def until(condition: Callable[[], object], what: str) -> None:
    try:
        async with asyncio.timeout(HANG_S):
            while not condition():  # noqa: ASYNC110  # any condition
                await asyncio.sleep(0.01)
    except TimeoutError:
        pytest.fail(f"waited in vain for {what}")


def with_driver(
    source: dict[str, Any],
    inlet: RecordingInlet,
    scenario: Callable[[], Awaitable[None]],
) -> None:
    """Run a scenario beside a driver, which must end at once when it is cancelled."""
    asyncio.run(beside_driver(source, inlet, scenario))


async def beside_driver(
    source: dict[str, Any],
    inlet: RecordingInlet,
    scenario: Callable[[], Awaitable[None]],
) -> None:
    """Run a scenario beside a driver in the loop that runs already."""
    task = asyncio.create_task(driver_of(source).run(inlet))
    try:
        await scenario()
    finally:
        # Again and again, as the agent does: one may get lost in a library's `asyncio.wait_for`.
        async with asyncio.timeout(HANG_S):
            while task.cancel():
                await asyncio.wait([task], timeout=AGAIN_S)
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error
