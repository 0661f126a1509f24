"""Keeping a source connected: sessions one after the other, with growing pauses."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from edge_agent.drivers.contract import Inlet
from plant.backoff import Backoff
from plant.errors import SourceUnavailableError

_STEADY_S = 10.0
"""A session that ends sooner was none: the pauses go on growing."""
_LONGEST_PAUSE_S = 1.0
"""A source that is back is to be seen again within seconds; it is in the same building."""
_LOGIN_PAUSE_S = 60.0
_LONGEST_LOGIN_PAUSE_S = 3600.0


class LoginRefusedError(SourceUnavailableError):
    """A source refuses its login; trying again soon locks the account at many servers."""


async def keep_connected(
    session: Callable[[Callable[[], None]], Awaitable[None]],
    inlet: Inlet,
) -> None:
    """Run one session after the other until cancelled.

    A session is given a function to call once it is connected, and raises SourceUnavailableError
    when the source cannot be reached or is lost; LoginRefusedError is followed by a minute of
    rest, then by two, up to an hour.
    """
    backoff = Backoff(longest_s=_LONGEST_PAUSE_S)
    logins = Backoff(_LOGIN_PAUSE_S, _LONGEST_LOGIN_PAUSE_S)
    connected_at: list[float] = []
    while True:
        connected_at.clear()
        pause = backoff
        try:
            await session(lambda: connected_at.append(time.monotonic()))
        except LoginRefusedError as exc:
            inlet.unreachable(exc.problems)
            pause = logins
        except SourceUnavailableError as exc:
            inlet.unreachable(exc.problems)
        if connected_at:
            logins.reset()
            if time.monotonic() - connected_at[0] >= _STEADY_S:
                backoff.reset()
        await asyncio.sleep(pause.next_pause())
