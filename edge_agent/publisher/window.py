"""Which rows to send next: the rules of delivery, without a network or a clock of their own."""

from collections import deque
from dataclasses import dataclass

LONGEST_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class SentBatch:
    """A message that is not yet confirmed by the platform."""

    first_id: int
    last_id: int
    sent_s: float


class Window:
    """Batches under way between the outbox and the platform's confirmation.

    At most `max_in_flight` of them. A confirmation from the platform frees them; the broker's
    does not, because a broker can lose what it has. When the oldest stays unconfirmed for
    `timeout_s` all are sent again, and the platform skips those it has. As long as the platform
    stays silent the timeout doubles, so that a broker whose consumer is away is not filled.
    """

    def __init__(self, max_in_flight: int, timeout_s: float) -> None:
        self._max_in_flight = max_in_flight
        self._first_timeout_s = timeout_s
        self._timeout_s = timeout_s
        self._batches: deque[SentBatch] = deque()
        self._next_after = 0

    @property
    def in_flight(self) -> int:
        """How many messages are unconfirmed."""
        return len(self._batches)

    @property
    def next_after(self) -> int:
        """The id after which the next batch begins."""
        return self._next_after

    def has_room(self) -> bool:
        """Return whether another batch may be sent."""
        return len(self._batches) < self._max_in_flight

    def sent(self, first_id: int, last_id: int, now_s: float) -> None:
        """Take note of a batch that was sent."""
        self._batches.append(SentBatch(first_id, last_id, now_s))
        self._next_after = last_id

    def confirmed(self, committed_to: int, now_s: float) -> None:
        """Take note of what the platform has; what is still under way gets its full time again."""
        progress = False
        while self._batches and self._batches[0].last_id <= committed_to:
            self._batches.popleft()
            progress = True
        self._next_after = max(self._next_after, committed_to)
        if progress:
            self._timeout_s = self._first_timeout_s
            # Whatever the platform takes tells that it is at work: it gets through them one after
            # the other.
            self._batches = deque(
                SentBatch(batch.first_id, batch.last_id, now_s) for batch in self._batches
            )

    def overdue(self, now_s: float) -> bool:
        """Return whether the oldest batch has waited too long for its confirmation."""
        return bool(self._batches) and now_s - self._batches[0].sent_s >= self._timeout_s

    def rewind(self, confirmed_to: int) -> None:
        """Begin again after what is confirmed: the connection is new, or time is up."""
        self._batches.clear()
        self._next_after = confirmed_to

    def begin_again(self, confirmed_to: int) -> None:
        """Rewind because the platform is ready only now; its silence before does not count."""
        self._timeout_s = self._first_timeout_s
        self.rewind(confirmed_to)

    def timed_out(self, confirmed_to: int) -> None:
        """Rewind because the platform was silent for too long, and be more patient from now on."""
        self._timeout_s = min(self._timeout_s * 2, max(LONGEST_TIMEOUT_S, self._first_timeout_s))
        self.rewind(confirmed_to)
