"""Pauses between attempts at what another machine has to answer."""

from dataclasses import dataclass, field

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
