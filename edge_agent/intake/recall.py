"""Which (tag, source time) an agent has taken already, as far back as it remembers."""

from array import array
from collections.abc import Iterable

TIMES_PER_TAG = 512
"""8 bytes each: a gateway may have thousands of tags."""


class Recall:
    """The latest source times taken of one tag, in microseconds.

    It forgets the earliest taken first. `complete_from` is where its knowledge begins: a backfill
    that starts there meets no forgotten reading; None when nothing was ever forgotten.
    """

    __slots__ = ("_complete_from", "_known", "_latest", "_oldest")

    def __init__(
        self, latest: int | None = None, times: Iterable[int] = (), *, forgotten: bool = False
    ) -> None:
        self._known = array("q")
        # Once there are as many as may be, the next takes this one's place.
        self._oldest = 0
        self._latest = latest
        self._complete_from: int | None = None
        for time_us in times:
            self.take(time_us)
        if forgotten:
            earliest = min(self._known) if self._known else latest
            self._forget_up_to(earliest)
        if latest is not None:
            self._latest = latest if self._latest is None else max(latest, self._latest)

    @property
    def latest(self) -> int | None:
        """The newest source time taken, or None before the first."""
        return self._latest

    @property
    def complete_from(self) -> int | None:
        """From this source time on, all that was taken is remembered."""
        return self._complete_from

    def has(self, time_us: int) -> bool:
        """Return whether a reading with this source time was taken."""
        if self._latest is None or time_us > self._latest:
            return False
        return time_us == self._latest or time_us in self._known

    def take(self, time_us: int) -> bool:
        """Remember a source time; return False when it was taken before."""
        if self.has(time_us):
            return False
        if len(self._known) < TIMES_PER_TAG:
            self._known.append(time_us)
        else:
            self._forget_up_to(self._known[self._oldest])
            self._known[self._oldest] = time_us
            self._oldest = (self._oldest + 1) % TIMES_PER_TAG
        if self._latest is None or time_us > self._latest:
            self._latest = time_us
        return True

    def stamp(self, time_us: int) -> bool:
        """Take a time that the agent gave itself; return False when it is that of the latest.

        Such a reading cannot come a second time, so only the latest time is remembered.
        """
        if time_us == self._latest:
            return False
        self._forget_up_to(self._latest)
        self._latest = time_us if self._latest is None else max(time_us, self._latest)
        return True

    def backfill_from(self, overlap_us: int) -> int | None:
        """Return the source time at which to begin reading what may have been missed."""
        if self._latest is None:
            return None
        start = self._latest - overlap_us
        return start if self._complete_from is None else max(start, self._complete_from)

    def _forget_up_to(self, time_us: int | None) -> None:
        if time_us is not None:
            known = self._complete_from
            self._complete_from = time_us + 1 if known is None else max(known, time_us + 1)
