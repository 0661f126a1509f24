"""What is read of the edges: lives of their outboxes, how they are, what they were told to read."""

from dataclasses import dataclass
from datetime import datetime

from plant.delivery.gap import Gap


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One life of an edge's outbox, and how completely it arrived.

    Ranges are inclusive. What the edge said of itself (`pending` and the like) is known for its
    present life only.
    """

    edge: str
    epoch: str | None
    present: bool
    """Whether the edge still writes this life."""
    online: bool
    reported_at: datetime | None
    first_commit_at: datetime | None
    last_commit_at: datetime | None
    issued_id: int
    committed_count: int
    contiguous_to: int
    """Every id up to this one is committed or was declared dropped."""
    missing: list[tuple[int, int]]
    gaps: list[Gap]
    """Why ids are not committed: the missing and the dropped."""
    dropped_count: int
    rejected_count: int
    duplicate_count: int
    pending: int | None
    oldest_pending_time: datetime | None
    buffer_hours_left: float | None
    clock_offset_ms: float | None
    unreachable: list[str]


@dataclass(frozen=True, slots=True)
class FleetEdgeRow:
    """An enrolled edge and what it last said of itself; None where it never did."""

    edge: str
    """Its path: enterprise, site, code."""
    site: str
    online: bool
    reported_at: datetime | None
    agent_version: str | None
    tags: int
    """How many tags it has announced."""
    pending: int | None
    oldest_pending_time: datetime | None
    sampled_time: datetime | None
    buffer_hours_left: float | None
    clock_offset_ms: float | None
    unreachable: list[str]
    config_version: int | None
    config_error: str | None


@dataclass(frozen=True, slots=True)
class RejectionCountRow:
    """How many rejections of an edge wait for a replay."""

    edge: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class ConfigurationRow:
    """Sources that were pushed to an edge, and what became of them."""

    edge: str
    version: int
    state: str
    """`pushed`, `trial`, `applied`, `refused` or `rolled_back`."""
    said: str | None
    """The edge's words when it did not take them."""
    pushed_at: datetime
    pushed_by: str
    why: str
    settled_at: datetime | None
