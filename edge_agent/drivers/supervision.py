"""Keeping a source connected: sessions one after the other, with growing pauses."""

import asyncio
from collections.abc import Awaitable, Callable

from edge_agent.drivers.contract import Inlet
from plant.backoff import Backoff
from plant.errors import SourceUnavailableError


async def keep_connected(
    session: Callable[[Callable[[], None]], Awaitable[None]], inlet: Inlet
) -> None:
    """Run one session after the other until cancelled.

    A session is given a function to call once it is connected, and raises SourceUnavailableError
    when the source cannot be reached or is lost.
    """
    backoff = Backoff()
    while True:
        try:
            await session(backoff.reset)
        except SourceUnavailableError as exc:
            inlet.unreachable(exc.problems)
        await asyncio.sleep(backoff.next_pause())
