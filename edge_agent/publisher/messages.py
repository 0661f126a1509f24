"""The edge's messages, made from outbox rows and counters."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from edge_agent.outbox import OutboxState, Slice
from plant.measurement import Quality
from plant.native.message import MAX_DROPPED_RANGES, SCHEMA, DataBatch, Status


@dataclass(frozen=True, slots=True)
class ConfigState:
    """What became of the sources that the platform pushed."""

    version: int | None = None
    """Version in force; None for the sources of the settings file."""
    error: str | None = None
    """Why the newest is not in force."""
    on_trial: bool = False
    """Whether those in force have yet to prove themselves."""
    refused: int | None = None
    """The newest version that was not taken at all."""
    rolled_back: int | None = None
    """The newest version that was tried and taken back."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What the heartbeat tells about the drivers."""

    sampled_us: int | None
    unreachable: tuple[str, ...]
    config: ConfigState = ConfigState()
    refused: tuple[str, ...] = ()
    """What the platform, or the agent itself, refused lately."""


def data_batch(epoch: str, rows: Slice, sent_us: int) -> DataBatch:
    """Return consecutive outbox rows as a data message."""
    tags: dict[str, int] = {}
    return DataBatch(
        schema=SCHEMA,
        epoch=epoch,
        first_id=rows.first_id,
        last_id=rows.last_id,
        sent_us=sent_us,
        tag=[tags.setdefault(row.tag, len(tags)) for row in rows.rows],
        tags=list(tags),
        time_us=[row.time_us for row in rows.rows],
        value=[row.value for row in rows.rows],
        quality=_qualities([row.quality for row in rows.rows]),
    )


def online_status(
    state: OutboxState,
    sent_us: int,
    condition: Condition,
    buffer_hours_left: float | None,
    *,
    online: bool = True,
) -> Status:
    """Return the heartbeat of a connected edge (or its farewell)."""
    return Status(
        schema=SCHEMA,
        online=online,
        epoch=state.epoch,
        sent_us=sent_us,
        issued_id=state.issued_id,
        pending=state.pending,
        oldest_pending_us=state.oldest_pending_us,
        sampled_us=condition.sampled_us,
        dropped=state.dropped,
        dropped_ranges=_unpassed(state.dropped_ranges, state.confirmed_id),
        dropped_because=_because(state),
        buffer_hours_left=buffer_hours_left,
        unreachable=list(condition.unreachable),
        refused=list(condition.refused) or None,
        config_version=condition.config.version,
        config_error=condition.config.error,
        config_on_trial=condition.config.on_trial or None,
        config_refused=condition.config.refused,
        config_rolled_back=condition.config.rolled_back,
    )


def last_will(epoch: str) -> Status:
    """Return what the broker publishes when the edge falls silent."""
    return Status(schema=SCHEMA, online=False, epoch=epoch)


def _because(state: OutboxState) -> dict[str, list[tuple[int, int]]] | None:
    told = {
        reason: _unpassed(((start, stop - 1) for start, stop in ids.spans), state.confirmed_id)
        for reason, ids in state.lost.items()
    }
    return {reason: ranges for reason, ranges in told.items() if ranges} or None


def _unpassed(ranges: Iterable[tuple[int, int]], confirmed_id: int) -> list[tuple[int, int]]:
    """Return what the platform cannot know yet, as much as one heartbeat tells."""
    # Below the confirmed id nothing can be missing: the platform counts up to the first gap, and a
    # dropped id is one until it was told.
    return list(islice((span for span in ranges if span[1] > confirmed_id), MAX_DROPPED_RANGES))


def _qualities(qualities: list[Quality]) -> list[int] | None:
    if all(quality is Quality.GOOD for quality in qualities):
        return None
    return [int(quality) for quality in qualities]
