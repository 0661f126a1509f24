"""The ingest counts itself: `received = written + duplicate + rejected + queued`, always."""

import threading
from collections import Counter
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of messages, or of measurements, up to one moment."""

    received: int = 0
    written: int = 0
    duplicate: int = 0
    rejected: int = 0

    @property
    def queued(self) -> int:
        """Those whose fate is not yet committed."""
        return self.received - self.settled

    @property
    def settled(self) -> int:
        """Those whose fate is committed."""
        return self.written + self.duplicate + self.rejected

    def plus(self, other: "Tally") -> "Tally":
        """Return the sum."""
        return Tally(
            self.received + other.received,
            self.written + other.written,
            self.duplicate + other.duplicate,
            self.rejected + other.rejected,
        )


ZERO = Tally()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All counters at one moment.

    Measurements count as received once their message is decoded; a message that cannot be read
    counts only as a message. When the database's answer to a commit was lost, what it wrote
    counts as duplicate after the retry.
    """

    messages: Tally = ZERO
    measurements: Tally = ZERO
    rejections: Counter[str] = field(default_factory=Counter)
    """Rejected measurements and messages by reason."""
    transactions: int = 0
    retries: int = 0
    events: Counter[str] = field(default_factory=Counter)
    """What else happened, by name."""
    shed: int = 0
    """Messages left to their edges to repeat; they do not count as received."""


class Selfstat:
    """Counts, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._snapshot = Snapshot()
        # Counted for each message, so kept as plain numbers.
        self._messages = 0
        self._rows = 0

    def arrived(self, messages: int = 1) -> None:
        """Count messages on their arrival."""
        with self._lock:
            self._messages += messages

    def withdrawn(self) -> None:
        """Take back an arrival: there was no room, so the message will come again."""
        with self._lock:
            self._messages -= 1

    def shed(self, messages: int) -> None:
        """Count messages that their edge is left to repeat."""
        with self._lock:
            self._snapshot = replace(self._snapshot, shed=self._snapshot.shed + messages)

    def decoded(self, rows: int) -> None:
        """Count the measurements of a message once it could be read."""
        with self._lock:
            self._rows += rows

    def settled(self, messages: Tally, measurements: Tally, rejections: Counter[str]) -> None:
        """Count what a committed transaction did with what had been received."""
        with self._lock:
            self._snapshot = replace(
                self._snapshot,
                messages=self._snapshot.messages.plus(messages),
                measurements=self._snapshot.measurements.plus(measurements),
                rejections=self._snapshot.rejections + rejections,
                transactions=self._snapshot.transactions + 1,
            )

    def retried(self) -> None:
        """Count a transaction that has to be tried again."""
        with self._lock:
            self._snapshot = replace(self._snapshot, retries=self._snapshot.retries + 1)

    def noted(self, event: str, times: int = 1) -> None:
        """Count something that happened beside messages and measurements."""
        with self._lock:
            events = self._snapshot.events + Counter({event: times})
            self._snapshot = replace(self._snapshot, events=events)

    def snapshot(self) -> Snapshot:
        """Return all counters at this moment."""
        with self._lock:
            return replace(
                self._snapshot,
                messages=self._snapshot.messages.plus(Tally(received=self._messages)),
                measurements=self._snapshot.measurements.plus(Tally(received=self._rows)),
            )
