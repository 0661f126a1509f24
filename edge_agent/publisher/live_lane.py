"""What is new passes a backlog: it is sent ahead, while the backlog goes out in order beside it.

Delivery rests on the order alone. A row that was sent ahead is committed early, the platform's
confirmation passes it once the backlog before it is there, and where that comes too late it is sent
again and recognised. So nothing here needs a confirmation of its own.
"""

MAX_UNANSWERED = 4
"""Messages sent ahead that the broker has not answered for."""


class LiveLane:
    """Which rows to send ahead, on one connection.

    Only while the platform answers: a broker whose consumer is away would be filled.
    """

    def __init__(self, behind_rows: int, patience_s: float) -> None:
        """Send ahead when more than `behind_rows` wait to be sent in order.

        `patience_s` is how long the platform may take to confirm anything.
        """
        self._behind_rows = behind_rows
        self._patience_s = patience_s
        self._after: int | None = None
        self._answered_s: float | None = None
        self._unanswered: set[int] = set()

    def next_after(self, next_in_order: int, issued_id: int, now_s: float) -> int | None:
        """Return the id after which to send ahead; None when there is nothing to pass.

        `next_in_order` is the id after which the backlog goes on.
        """
        if self._after is None or self._after <= next_in_order:
            if issued_id - next_in_order <= self._behind_rows:
                self._after = None
                return None
            # From the end, not from behind what is under way: what lies between goes in order, and
            # is sent once.
            self._after = issued_id
        silent = self._answered_s is None or now_s - self._answered_s > self._patience_s
        return None if silent or len(self._unanswered) >= MAX_UNANSWERED else self._after

    def sent(self, last_id: int, number: int) -> None:
        """Take note of a message that was sent ahead."""
        self._after = last_id
        self._unanswered.add(number)

    def delivered(self, number: int) -> None:
        """Take note that the broker has a message."""
        self._unanswered.discard(number)

    def confirmed(self, now_s: float) -> None:
        """Take note that the platform answers."""
        self._answered_s = now_s

    def reset(self) -> None:
        """Begin anew on another connection."""
        self._after = self._answered_s = None
        self._unanswered.clear()
