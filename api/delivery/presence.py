"""Whether an edge is there, as far as its heartbeats tell."""

from datetime import datetime
from enum import StrEnum

from api.http.context import Context


class EdgeState(StrEnum):
    """Whether an edge is there."""

    ONLINE = "online"
    """It spoke a moment ago."""
    STALE = "stale"
    """It fell silent, not long ago."""
    LOST = "lost"
    """It has been silent for so long that somebody must go and look."""
    NEVER = "never"
    """It is enrolled and has never spoken."""


def edge_state(context: Context, online: bool, reported_at: datetime | None) -> EdgeState:
    """Return whether an edge is there, from its last word and when that was."""
    if reported_at is None:
        return EdgeState.NEVER
    if not context.is_stale(online, reported_at):
        return EdgeState.ONLINE
    lost = context.wall_age_s(reported_at) > context.settings.lost_after_s
    return EdgeState.LOST if lost else EdgeState.STALE
