"""Which sent rows may be deleted: the rule of store and forward under QoS 0, without a network."""

from collections import deque


class Settling:
    """Rows that were sent and wait for the proof that they arrived.

    QoS 0 confirms nothing. A row counts as delivered when, `settle_s` after it was sent, the host
    is still online and the broker has answered a question asked after that on the same connection
    (it answers in order, so it had the row).
    """

    def __init__(self, settle_s: float) -> None:
        self._settle_s = settle_s
        self._sent: deque[tuple[int, float]] = deque()
        self._asked: tuple[int, int] | None = None
        """Number of the question under way, and the id up to which it proves."""

    def sent(self, last_id: int, now_s: float) -> None:
        """Take note of rows that were sent, up to an id."""
        self._sent.append((last_id, now_s))

    def ripe(self, now_s: float) -> int | None:
        """Return the id up to which rows have waited long enough, None when there is none.

        None also while a question is under way.
        """
        if self._asked is not None:
            return None
        ripe = None
        for last_id, at in self._sent:
            if now_s - at < self._settle_s:
                break
            ripe = last_id
        return ripe

    def ask(self, question: int, up_to_id: int) -> None:
        """Take note of the question that was asked about rows up to an id."""
        self._asked = (question, up_to_id)

    def answered(self, question: int) -> int | None:
        """Return the id up to which an answer proves delivery, None when it is of another."""
        if self._asked is None or self._asked[0] != question:
            return None
        up_to_id = self._asked[1]
        self._asked = None
        while self._sent and self._sent[0][0] <= up_to_id:
            self._sent.popleft()
        return up_to_id
