"""The JSON that the API answers with. Times are RFC 3339 UTC, ratios fractions, null no value."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from plant.measurement import Quality

T = TypeVar("T")


def _in_utc(value: object) -> object:
    return value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else value


Time = Annotated[AwareDatetime, BeforeValidator(_in_utc)]
QualityName = Annotated[
    Literal["good", "uncertain", "bad"],
    BeforeValidator(lambda value: Quality(value).name.lower() if isinstance(value, int) else value),
]


class Wire(BaseModel):
    """Base of every answer."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class Listing(Wire, Generic[T]):
    """A flat list under `data`."""

    data: list[T]


class PlaceOut(Wire):
    """A place of the plant."""

    path: str
    level: str
    parent: str | None
    name_vi: str
    name_en: str
    position: int
    time_zone: str | None = Field(description="IANA zone of its site; null for an enterprise.")
    line_kind: str | None
    bottleneck: str | None = Field(description="Path of the machine that paces the line.")


class MeasurementOut(Wire):
    """One stored value."""

    source_time: Time
    received_time: Time
    value: float | str | None
    quality: QualityName


class TagOut(Wire):
    """A tag and its newest measurement."""

    tag: str = Field(description="`enterprise/site/name`, as other endpoints take it.")
    name: str
    site: str
    work_unit: str
    edge: str
    value_type: str
    role: str
    unit: str
    description: str
    low: float | None
    high: float | None
    max_silence_s: float
    last: MeasurementOut | None


class Page(Wire):
    """Where a list goes on."""

    next: str | None = Field(description="Value of `after` for the next page; null at the end.")


class MeasurementPage(Listing[MeasurementOut]):
    """One page of measurements."""

    meta: Page


class OeeOut(Wire):
    """OEE of one place and window, its inputs, and how far to trust it."""

    place: str
    kind: str
    start: Time
    end: Time
    business_date: date | None
    shift: str | None
    availability: float | None = Field(description="APT / PBT; unknown time counts as lost.")
    effectiveness: float | None = Field(description="PRI * PQ / APT; not capped.")
    quality_ratio: float | None = Field(description="GQ / PQ.")
    oee: float | None
    coverage: float | None = Field(description="Known share of planned busy time.")
    availability_low: float | None
    availability_high: float | None
    missing: dict[str, str] = Field(description="Why a ratio is null, by its name.")
    faults: list[str]
    pbt_ms: int | None
    apt_ms: int | None
    aust_ms: int | None
    adet_ms: int | None
    adot_ms: int | None
    unknown_ms: int | None
    produced_quantity: float | None
    good_quantity: float | None
    scrap_quantity: float | None
    rework_quantity: float | None
    failure_events: int | None
    energy_kwh: float | None
    policy_version: int
    formula_version: str
    as_of: Time
    final: bool


class WindowOut(Wire):
    """The window that was served, defaults filled in."""

    start: Time
    end: Time


class OeeListing(Listing[OeeOut]):
    """OEE results of a window."""

    meta: WindowOut


class TableWindowOut(Wire):
    """A column of a table of figures."""

    start: Time
    end: Time
    shift: str | None
    business_date: date | None


class OeeTableOut(Wire):
    """Main figures of many places and windows: `figures[name][place][window]`."""

    places: list[str]
    windows: list[TableWindowOut]
    figures: dict[str, list[list[float | None]]]
    missing: list[list[str | None]] = Field(description="Why OEE is null; `no_result` without one.")
    final: list[list[bool | None]]


class StateOut(Wire):
    """A stretch of time in which nothing about a machine's state changed."""

    start: Time
    end: Time
    element: str
    state: str | None
    stop_kind: str | None
    stop_reason: str | None
    order: str | None
    product: str | None


class StopOut(Wire):
    """A whole stop."""

    place: str
    start: Time
    end: Time | None
    duration_s: float
    element: str
    state: str | None
    stop_kind: str | None
    stop_reason: str | None
    minor: bool | None = Field(description="Shorter than the policy's threshold.")
    reason_source: Literal["person", "machine"] | None = Field(
        description="Who gave the reason; what a person said comes before the machine's own."
    )
    classified_at: Time | None = Field(description="When a person last gave a reason.")


class ParetoOut(Wire):
    """Stops of one reason."""

    reason: str
    name_vi: str
    name_en: str
    duration_s: float
    count: int
    cumulative_share: float | None = Field(description="Null when nothing stopped.")


class ReasonOut(Wire):
    """A reason that a stop can be given."""

    code: str
    parent: str | None = Field(description="Code of the reason it belongs to.")
    name_vi: str
    name_en: str
    used: int = Field(description="How often it was given there in the last 90 days.")


class ClassificationOut(Wire):
    """What became of a choice."""

    classification_id: int
    client_id: UUID
    place: str
    stop_start: Time
    reason: str
    repeated: bool = Field(description="It had come before; nothing changed.")
    holds: bool = Field(description="False when a later word on the stop holds.")


class BoardColumnOut(Wire):
    """A column of a board's table."""

    key: str
    label: str
    kind: Literal["text", "time", "date", "duration", "number", "decimal", "percent"] = Field(
        description="`duration` is seconds, `percent` a fraction."
    )


class BoardTableOut(Wire):
    """The numbers behind a figure; each row by the columns' keys."""

    name: str
    title: str
    columns: list[BoardColumnOut]
    rows: list[dict[str, Time | date | float | str | None]]


class BoardOut(Wire):
    """A board's tables, and how far to trust them."""

    board: str
    title: str
    place: str
    name: str
    start: Time
    end: Time
    coverage: float | None = Field(description="Known share of the place's planned busy time.")
    as_of: Time | None
    final: bool
    tables: list[BoardTableOut]
    notes: list[str]
    warnings: list[str]


class GapOut(Wire):
    """Consecutive outbox ids that are not committed."""

    first_id: int
    last_id: int
    count: int
    reason: Literal["waiting", "dropped", "lost_life", "unknown"] = Field(
        description=(
            "`waiting` in the edge's outbox, `dropped` by it when it was full, `lost_life`: the "
            "outbox was wiped or set back, `unknown`: the edge does not say that it has them."
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
    completeness: float | None = Field(description="Committed share of what was issued.")
    gaps: dict[str, int] = Field(description="By reason; see the gaps of a delivery.")
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


class ProgressOut(Wire):
    """How much work waits."""

    dirty_windows: int
    rejections: int
    now: Time = Field(description="The present of the plant's clock.")
    edition: str


class CertificateOut(Wire):
    """A certificate of an edge."""

    certificate: str
    """PEM."""
    authority: str
    """Certificate of the authority that signed it, PEM."""


class HealthOut(Wire):
    """Whether the service can do its work, in words."""

    status: Literal["live", "ready", "not ready"]
    detail: str


class ProblemOut(Wire):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str


class EventOut(Wire):
    """One change of master data."""

    event_id: int
    recorded_at: Time
    who: str
    source: str = Field(description="The way in: file, topic, address or poll.")
    reason: str
    kind: str
    scope: str = Field(description="Path of the enterprise or site.")
    key: dict[str, Any]
    action: Literal["created", "changed", "withdrawn"]
    old: dict[str, Any] | None
    new: dict[str, Any] | None


class ReportOut(Wire):
    """What became of documents that were sent together."""

    documents: int
    created: int
    changed: int
    unchanged: int
    withdrawn: int
    hours_to_compute: int = Field(
        description="Hours of machines whose figures will be computed again."
    )
    committed: bool = Field(description="False for a preview.")


class FileReportOut(ReportOut):
    """What became, or would become, of a file."""

    sha256: str = Field(description="Digest of the file; sent again, it must be this file.")
