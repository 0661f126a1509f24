"""The JSON about edges: how they are, and how completely their measurements arrived."""

from typing import Literal

from pydantic import Field

from api.http.wire import Time, Wire


class GapOut(Wire):
    """Consecutive outbox ids that are not committed."""

    first_id: int
    last_id: int
    count: int
    reason: Literal[
        "waiting", "dropped", "platform_set_back", "outbox_damaged", "lost_life", "unknown"
    ] = Field(
        description=(
            "`waiting` in the edge's outbox, `dropped` by it when it was full, "
            "`platform_set_back`: the platform had them and lost them, `outbox_damaged` on the "
            "edge's disk, `lost_life`: the outbox was wiped or set back, `unknown`: the edge does "
            "not say that it has them."
        )
    )


class ConfigurationOut(Wire):
    """Sources that were pushed to an edge."""

    edge: str
    version: int
    state: Literal["pushed", "trial", "applied", "refused", "rolled_back"]
    said: str | None = Field(description="The edge's words when it did not take them.")
    pushed_at: Time
    pushed_by: str
    why: str
    settled_at: Time | None


class EdgeOut(Wire):
    """How an edge is; counts are of outbox ids over all lives of its outbox."""

    edge: str
    state: Literal["online", "stale", "lost", "never"]
    last_seen: Time | None
    agent_version: str | None
    tags: int
    issued: int
    committed: int
    completeness: float | None = Field(
        description="Share of what was issued that is stored as a value: refused ones are not."
    )
    gaps: dict[str, int] = Field(
        description="By reason, see the gaps of a delivery; and `refused`, which has no ranges."
    )
    rejections: dict[str, int] = Field(description="Not replayed, by reason.")
    lag_p50_s: float | None = Field(
        description="Source to commit over the last 24 hours, within 9.1 %."
    )
    lag_p95_s: float | None
    pending: int | None
    sampled_time: Time | None
    buffer_hours_left: float | None = Field(
        description="How long the outbox lasts without the platform, at the present rate of new "
        "rows; null while the edge does not know."
    )
    clock_offset_ms: float | None = Field(description="The edge's clock less the platform's.")
    unreachable: list[str]
    config_version: int | None = Field(description="In force at the edge; null for its own file.")
    config_error: str | None
    configuration: ConfigurationOut | None = Field(description="The newest that was pushed.")
    advice: list[str] = Field(description="What somebody should do, most urgent first.")


class DeliveryOut(Wire):
    """One life of an edge's outbox and how completely it arrived; ranges are inclusive."""

    edge: str
    epoch: str | None
    present: bool = Field(description="Whether the edge still writes this life.")
    online: bool
    reported_at: Time | None
    first_commit_at: Time | None
    last_commit_at: Time | None
    issued_id: int
    committed_count: int
    contiguous_to: int
    missing: list[tuple[int, int]]
    gaps: list[GapOut] = Field(description="Everything that is not committed, and why.")
    dropped_count: int
    rejected_count: int
    duplicate_count: int
    pending: int | None
    oldest_pending_time: Time | None
    buffer_hours_left: float | None
    clock_offset_ms: float | None
    unreachable: list[str]


class CertificateOut(Wire):
    """A certificate of an edge."""

    certificate: str
    """PEM."""
    authority: str
    """Certificate of the authority that signed it, PEM."""
