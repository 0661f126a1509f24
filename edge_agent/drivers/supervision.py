"""Keeping a source connected: sessions one after the other, with growing pauses."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from edge_agent.drivers.contract import Inlet
from plant.errors import SourceUnavailableError

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 5.0


@dataclass(slots=True)
class Backoff:
    """Pauses between attempts, each twice as long as the one before, up to a longest."""

    first_s: float = FIRST_PAUSE_S
    longest_s: float = LONGEST_PAUSE_S
    _next_s: float | None = field(default=None, init=False)

    def next_pause(self) -> float:
        """Return the seconds to wait before the next attempt."""
        pause = self.first_s if self._next_s is None else self._next_s
        self._next_s = min(pause * 2, self.longest_s)
        return pause

    def reset(self) -> None:
        """Begin with the first pause again: an attempt succeeded."""
        self._next_s = None


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
