"""Which readings an agent has taken already, as far back as it remembers."""

from array import array
from collections.abc import Iterable

READINGS_PER_TAG = 512
"""12 bytes each: a gateway may have thousands of tags."""


class Recall:
    """The latest readings taken of one tag: source times in microseconds, with value and quality.

    A source may change a value or its quality without a new time, so that the time alone is no
    identity. It forgets the earliest times first: a long history does not drive out the live
    readings beside it, which the end of that history gives once more. `complete_from` is where
    its knowledge begins: a backfill that starts there meets no forgotten reading; None when
    nothing was ever forgotten.

    A reading that is ahead of the clock is remembered but is not `latest`: one wrong date would
    else hide every gap until that day.
    """

    __slots__ = (
        "_ahead",
        "_complete_from",
        "_earliest",
        "_in_order",
        "_latest",
        "_marks",
        "_times",
    )

    def __init__(
        self,
        latest: int | None = None,
        readings: Iterable[tuple[int, int]] = (),
        *,
        forgotten: bool = False,
    ) -> None:
        """Begin with readings (time and mark) that were taken earlier, in their order."""
        self._times = array("q")
        self._marks = array("i")
        # Once there are as many as may be, the next takes the place of the earliest, which is here
        # as long as they came in order.
        self._earliest = 0
        self._in_order = True
        self._latest = latest
        self._ahead: int | None = None
        self._complete_from: int | None = None
        for time_us, mark in readings:
            self.take(time_us, mark)
        if forgotten:
            earliest = min(self._times) if self._times else latest
            self._forget_up_to(earliest)
        if latest is not None:
            self._latest = latest if self._latest is None else max(latest, self._latest)

    @property
    def latest(self) -> int | None:
        """The newest source time taken that was not ahead of the clock, or None."""
        return self._latest

    @property
    def complete_from(self) -> int | None:
        """From this source time on, all that was taken is remembered."""
        return self._complete_from

    def has(self, time_us: int, mark: int) -> bool:
        """Return whether this reading was taken."""
        # Most are newer than all that was taken.
        if all(known is None or time_us > known for known in (self._latest, self._ahead)):
            return False
        at = 0
        while True:
            try:
                at = self._times.index(time_us, at)
            except ValueError:
                return False
            if self._marks[at] == mark:
                return True
            at += 1

    def take(self, time_us: int, mark: int, *, is_ahead: bool = False) -> bool:
        """Remember a reading; return False when it was taken before."""
        if self.has(time_us, mark):
            return False
        is_newest = self._latest is None or (time_us > self._latest and not is_ahead)
        if len(self._times) < READINGS_PER_TAG:
            self._times.append(time_us)
            self._marks.append(mark)
        else:
            place = self._place(is_newest=is_newest)
            self._forget_up_to(self._times[place])
            self._times[place] = time_us
            self._marks[place] = mark
            self._earliest = (place + 1) % READINGS_PER_TAG
        # A late reading breaks the ring's order: which one is the earliest is then searched, not
        # known.
        self._in_order = self._in_order and is_newest
        if is_ahead:
            self._ahead = max(time_us, self._ahead or time_us)
        elif self._latest is None or time_us > self._latest:
            self._latest = time_us
        return True

    def _place(self, *, is_newest: bool) -> int:
        """Return where the earliest is; after late ones they are put in order once."""
        if self._in_order:
            return self._earliest
        if not is_newest:
            return self._times.index(min(self._times))
        pairs = sorted(zip(self._times, self._marks, strict=True))
        self._times = array("q", [time_us for time_us, _ in pairs])
        self._marks = array("i", [mark for _, mark in pairs])
        self._in_order = True
        return 0

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
        # A reading ahead of the clock says nothing about where knowledge begins.
        if time_us is not None and (self._latest is None or time_us <= self._latest):
            known = self._complete_from
            self._complete_from = time_us + 1 if known is None else max(known, time_us + 1)
