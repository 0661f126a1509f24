"""What to do when the agent's memory grows without end: its drivers are started anew, in turn."""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from edge_agent.wall import Wall
from plant.log import get_logger

_STATM = Path("/proc/self/statm")
_EVERY_S = 5.0
_AGAIN_S = 600.0

_log = get_logger()


def resident_mb() -> float | None:
    """Return the resident memory of this process in MB; None where the system does not say."""
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class MemoryLimit:
    """Looks at the memory now and then; a driver that leaks loses what it holds.

    All are started anew, because whose it is cannot be told; what they missed they read again.
    """

    def __init__(
        self,
        most_mb: float,
        resident: Callable[[], float | None] = resident_mb,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most_mb = most_mb
        self._resident = resident
        self._clock = clock
        self._due = clock()

    def look(self, walls: Iterable[Wall]) -> bool:
        """Start the drivers anew when there is too much; return whether it did."""
        if self._clock() < self._due:
            return False
        self._due = self._clock() + _EVERY_S
        found = self._resident()
        if found is None or found <= self._most_mb:
            return False
        self._due = self._clock() + _AGAIN_S
        _log.error("memory_above_limit", resident_mb=round(found), limit_mb=self._most_mb)
        for wall in walls:
            wall.start_anew()
        return True
