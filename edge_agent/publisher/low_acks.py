"""Whether an ack below an earlier one is news (the platform was set back) or a late echo."""

ENOUGH = 3
SPAN_S = 3.0
ASK_EVERY_S = 2.0


class LowAcks:
    """Believes low acks once several came in a row, over a while, and no higher one between.

    The last ack of a worker that was held up crosses those of another: that is one, and the other's
    answers to the heartbeats asked for here follow it.
    """

    def __init__(self) -> None:
        self._count = 0
        self._first_s = 0.0
        self._asked_s: float | None = None

    def low(self, now_s: float) -> bool:
        """Take note of a low ack that was not kept by the broker; return whether to believe it."""
        if not self._count:
            self._first_s = now_s
        self._count += 1
        return self._count >= ENOUGH and now_s - self._first_s >= SPAN_S

    def refuted(self) -> None:
        """Take note of an ack that is not low, or of a new beginning."""
        self._count = 0
        self._asked_s = None

    @property
    def doubtful(self) -> bool:
        """Whether the last ack was low, and it is not clear yet what that means."""
        return self._count > 0

    def ask_due(self, now_s: float) -> bool:
        """Return whether to ask the platform once more, by a heartbeat."""
        if not self._count or (self._asked_s is not None and now_s - self._asked_s < ASK_EVERY_S):
            return False
        self._asked_s = now_s
        return True
