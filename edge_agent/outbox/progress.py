"""How far an outbox has come, as a value: the rules that every outbox shares."""

from dataclasses import dataclass, replace
from uuid import uuid4


def new_epoch() -> str:
    """Return a name for a new life of an outbox, never given before."""
    return uuid4().hex


@dataclass(frozen=True, slots=True)
class Progress:
    """Ids of one epoch. Pending rows are always `low_id + 1 .. issued_id`, without gaps."""

    epoch: str
    issued_id: int = 0
    """Highest id given out."""
    low_id: int = 0
    """Highest id that is confirmed or given up."""
    dropped_ranges: tuple[tuple[int, int], ...] = ()
    """Ids given up, as inclusive ranges in order."""
    known_id: int = 0
    """Highest id that earlier agents may have sent: what the platform can know at the start."""
    published_id: int = 0
    """Highest id sent since the outbox was opened."""
    sent: bool = False
    """Whether anything was sent since the outbox was opened."""

    @property
    def pending(self) -> int:
        """How many rows are neither confirmed nor given up."""
        return self.issued_id - self.low_id

    @property
    def dropped(self) -> int:
        """How many ids were given up."""
        return sum(last - first + 1 for first, last in self.dropped_ranges)

    def opened(self) -> "Progress":
        """Return the progress at the start of an agent.

        What was issued before counts as possibly sent, unless the agent before never sent
        anything: then an old image may still have to be discovered.
        """
        known = self.issued_id if self.sent else self.known_id
        return replace(self, known_id=known, published_id=0, sent=False)

    def issued(self, rows: int) -> "Progress":
        """Return the progress after giving out ids to more rows."""
        return replace(self, issued_id=self.issued_id + rows)

    def published(self, up_to_id: int) -> "Progress":
        """Return the progress after sending rows up to an id."""
        return replace(self, published_id=max(self.published_id, up_to_id), sent=True)

    def acknowledged(self, committed_to: int) -> "Progress":
        """Return the progress after the platform confirmed everything up to an id.

        That says nothing of what was sent from here: it may be about an earlier agent's rows.
        """
        return replace(self, low_id=max(self.low_id, min(committed_to, self.issued_id)))

    def given_up(self, up_to_id: int) -> "Progress":
        """Return the progress after the pending rows up to an id were dropped."""
        if up_to_id <= self.low_id:
            return self
        ranges = self.dropped_ranges
        first = self.low_id + 1
        if ranges and ranges[-1][1] == self.low_id:
            first = ranges[-1][0]
            ranges = ranges[:-1]
        return replace(self, low_id=up_to_id, dropped_ranges=(*ranges, (first, up_to_id)))

    def knows_too_much(self, epoch: str, committed_to: int) -> bool:
        """Return whether the platform confirms ids that were never sent from here."""
        possible = max(self.known_id, self.published_id, self.low_id)
        return epoch == self.epoch and committed_to > possible

    def renewed(self) -> "Progress":
        """Return the progress of the next epoch: rows that no earlier agent had are 1, 2, ..."""
        fresh = self.issued_id - max(self.known_id, self.low_id)
        return Progress(new_epoch(), issued_id=fresh)
