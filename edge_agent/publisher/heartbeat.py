"""The heartbeat: when the platform is told how the edge is, and what."""

from collections.abc import Callable

from edge_agent.outbox import OutboxState
from edge_agent.publisher.buffer_forecast import BufferForecast
from edge_agent.publisher.messages import Condition, online_status
from plant.native.message import encode

SHORTEST_PAUSE_S = 1.0


class Heartbeat:
    """Due at regular intervals, and soon after what it says has changed in kind."""

    def __init__(
        self,
        condition: Callable[[], Condition],
        pause_s: Callable[[], float],
        forecast: BufferForecast,
    ) -> None:
        self._condition = condition
        self._pause_s = pause_s
        self._forecast = forecast
        self._told: tuple[object, ...] = ()
        self._due_at = 0.0

    def restart(self) -> None:
        """Be due at once: a connection has begun."""
        self._told = ()
        self._due_at = 0.0

    def due(self, state: OutboxState, now: float) -> bool:
        """Return whether it is to be sent now; the next one is due a pause later."""
        condition = self._condition()
        told = (condition.unreachable, state.dropped_ranges, condition.config)
        pause = max(SHORTEST_PAUSE_S, self._pause_s())
        earliest = self._due_at - pause + SHORTEST_PAUSE_S
        if now < self._due_at and not (told != self._told and now >= earliest):
            return False
        self._told = told
        self._due_at = now + pause
        return True

    def payload(self, state: OutboxState, now_us: int, *, online: bool) -> bytes:
        """Return the message; its author is about to leave when it is not `online`."""
        hours_left = self._forecast.hours_left(now_us, state)
        return encode(online_status(state, now_us, self._condition(), hours_left, online=online))
