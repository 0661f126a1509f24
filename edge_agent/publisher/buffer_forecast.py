"""How long the outbox would last without the platform."""

from collections import deque

from edge_agent.outbox import KEPT_ROWS, ROW_BYTES, OutboxState

LOOKS = 6
"""Heartbeats over which the rate of new rows is measured."""
_MANY_ROWS = 1_000
"""So many rows tell how large a row is; the file's empty pages weigh too much in fewer."""
_HOUR_US = 3_600_000_000


class BufferForecast:
    """Tells, at each heartbeat, the hours until the outbox must give up rows.

    That is asked before the cable is cut, so it counts from now on without any confirmation, at
    the rate at which rows were taken lately, up to the first of the two bounds of the outbox.
    """

    def __init__(self, max_bytes: int, max_hours: float) -> None:
        self._max_bytes = max_bytes
        self._max_hours = max_hours
        self._looks: deque[tuple[int, OutboxState]] = deque(maxlen=LOOKS)

    def hours_left(self, now_us: int, state: OutboxState) -> float | None:
        """Return the hours, by the agent's clock; None while there were too few looks to tell."""
        if self._looks and (self._looks[-1][1].epoch != state.epoch or now_us < self._looks[-1][0]):
            self._looks.clear()
        self._looks.append((now_us, state))
        first_us, first = self._looks[0]
        if len(self._looks) < LOOKS or now_us == first_us:
            return None
        by_age = self._max_hours - state.oldest_pending_age_s / 3600
        rows_per_us = (state.issued_id - first.issued_id) / (now_us - first_us)
        if rows_per_us == 0:
            return round(max(0.0, by_age), 2)
        # Confirmed rows make room as soon as it is needed.
        room = self._max_bytes / _row_bytes(state) - state.pending
        return round(max(0.0, min(by_age, room / rows_per_us / _HOUR_US)), 2)


def _row_bytes(state: OutboxState) -> float:
    rows = state.pending + min(state.confirmed, KEPT_ROWS)
    return max(ROW_BYTES, state.used_bytes / rows) if rows >= _MANY_ROWS else ROW_BYTES
