"""How each edge is: what of its measurements arrived, how late, and what somebody should do."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from api.delivery.presence import EdgeState
from plant.delivery.gap import GapReason
from plant.delivery.lag import Counts, lag_quantile_s
from store.reading.fleet import FleetReading
from store.reading.fleet_row import ConfigurationRow, DeliveryRow, FleetEdgeRow

LAG_SPAN = timedelta(hours=24)
CLOCK_TOLERANCE_MS = 1_000.0
"""Two machines' values are told apart in time better than this; a second is seen in the figures."""
SHORT_BUFFER_H = 12.0
"""Less than a shift and a half: nobody may come before rows are given up."""
LATE_S = 60.0


class Advice(StrEnum):
    """What somebody should do about an edge, most urgent first."""

    NEVER_SPOKE = "never_spoke"
    OUT_OF_TOUCH = "out_of_touch"
    GO_AND_LOOK = "go_and_look"
    BUFFER_SHORT = "buffer_short"
    UNKNOWN_MISSING = "unknown_missing"
    PLATFORM_SET_BACK = "platform_set_back"
    OUTBOX_DAMAGED = "outbox_damaged"
    DROPPED = "dropped"
    SOURCES = "sources"
    CLOCK = "clock"
    CONFIG_FAILED = "config_failed"
    REJECTED = "rejected"
    LATE = "late"
    LIFE_LOST = "life_lost"


StateOf = Callable[[bool, datetime | None], EdgeState]
"""Tells, from its last word and when that was, whether an edge is there."""


@dataclass(frozen=True, slots=True)
class EdgeSummary:
    """One edge; counts are of outbox ids over all lives of its outbox."""

    edge: str
    site: str
    state: EdgeState
    said: FleetEdgeRow
    lives: tuple[DeliveryRow, ...]
    """Oldest first."""
    issued: int
    committed: int
    gaps: Counter[GapReason]
    rejections: dict[str, int]
    """Rejections not replayed, by reason."""
    lag_p50_s: float | None
    lag_p95_s: float | None
    configuration: ConfigurationRow | None
    """The newest that was pushed."""

    @property
    def completeness(self) -> float | None:
        """Share of what was issued that is stored as a value; None when nothing was issued."""
        return self.committed / self.issued if self.issued else None

    @property
    def advice(self) -> tuple[Advice, ...]:
        """What to do, most urgent first; nothing when all is well."""
        return tuple(advice for advice in Advice if _APPLIES[advice](self))


def fleet(reading: FleetReading, now: datetime, state_of: StateOf) -> list[EdgeSummary]:
    """Return every enrolled edge, by site and code."""
    lives: dict[str, list[DeliveryRow]] = {}
    for life in reading.deliveries():
        lives.setdefault(life.edge, []).append(life)
    rejections: dict[str, dict[str, int]] = {}
    for row in reading.rejections():
        rejections.setdefault(row.edge, {})[row.reason] = row.count
    lags = reading.lags(now - LAG_SPAN, now + timedelta(hours=1))
    configurations = {row.edge: row for row in reading.latest_configurations()}
    return [
        _summary(
            edge,
            state_of(edge.online, edge.reported_at),
            [life for life in lives.get(edge.edge, ()) if life.epoch is not None],
            rejections.get(edge.edge, {}),
            lags.get(edge.edge, {}),
            configurations.get(edge.edge),
        )
        for edge in reading.edges()
    ]


def overall(summaries: Iterable[EdgeSummary]) -> float | None:
    """Return the committed share of everything that was issued; None when nothing was."""
    totals = [(one.committed, one.issued) for one in summaries]
    issued = sum(issued for _, issued in totals)
    return sum(committed for committed, _ in totals) / issued if issued else None


def _summary(
    edge: FleetEdgeRow,
    state: EdgeState,
    lives: Sequence[DeliveryRow],
    rejections: dict[str, int],
    lags: Counts,
    configuration: ConfigurationRow | None,
) -> EdgeSummary:
    gaps: Counter[GapReason] = Counter()
    for life in lives:
        for gap in life.gaps:
            gaps[gap.reason] += gap.count
    # What was refused is settled in the ledger, but no value that anybody can use.
    refused = sum(min(life.rejected_count, life.committed_count) for life in lives)
    committed = sum(life.committed_count for life in lives) - refused
    if refused:
        gaps[GapReason.REFUSED] = refused
    return EdgeSummary(
        edge=edge.edge,
        site=edge.site,
        # A birth alone is no sign of life: it may be a retained one.
        state=EdgeState.NEVER if not lives and not edge.online else state,
        said=edge,
        lives=tuple(lives),
        issued=committed + gaps.total(),
        committed=committed,
        gaps=gaps,
        rejections=rejections,
        lag_p50_s=lag_quantile_s(lags, 0.5),
        lag_p95_s=lag_quantile_s(lags, 0.95),
        configuration=configuration,
    )


def _buffer_short(one: EdgeSummary) -> bool:
    left = one.said.buffer_hours_left
    return left is not None and left < SHORT_BUFFER_H


def _config_failed(one: EdgeSummary) -> bool:
    pushed = one.configuration
    return pushed is not None and pushed.state in {"refused", "rolled_back"}


_APPLIES: dict[Advice, Callable[[EdgeSummary], bool]] = {
    Advice.NEVER_SPOKE: lambda one: one.state is EdgeState.NEVER,
    Advice.OUT_OF_TOUCH: lambda one: one.state is EdgeState.STALE,
    Advice.GO_AND_LOOK: lambda one: one.state is EdgeState.LOST,
    Advice.BUFFER_SHORT: _buffer_short,
    Advice.UNKNOWN_MISSING: lambda one: one.gaps[GapReason.UNKNOWN] > 0,
    Advice.PLATFORM_SET_BACK: lambda one: one.gaps[GapReason.PLATFORM_SET_BACK] > 0,
    Advice.OUTBOX_DAMAGED: lambda one: one.gaps[GapReason.OUTBOX_DAMAGED] > 0,
    Advice.DROPPED: lambda one: one.gaps[GapReason.DROPPED] > 0,
    Advice.SOURCES: lambda one: bool(one.said.unreachable),
    Advice.CLOCK: lambda one: abs(one.said.clock_offset_ms or 0.0) > CLOCK_TOLERANCE_MS,
    Advice.CONFIG_FAILED: _config_failed,
    Advice.REJECTED: lambda one: bool(one.rejections),
    Advice.LATE: lambda one: one.lag_p95_s is not None and one.lag_p95_s > LATE_S,
    Advice.LIFE_LOST: lambda one: one.gaps[GapReason.LOST_LIFE] > 0,
}
