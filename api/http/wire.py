"""The JSON that the API answers with. Times are RFC 3339 UTC, ratios fractions, null no value."""

from datetime import UTC, date, datetime
from typing import Annotated, Generic, Literal, TypeVar
from uuid import UUID

from fastapi import Response
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


def told(model: Wire) -> Response:
    """Return a model as JSON; FastAPI would look at every value of a long list once more."""
    return Response(model.__pydantic_serializer__.to_json(model), media_type="application/json")


class PlaceOut(Wire):
    """A place of the plant."""

    path: str
    level: str
    parent: str | None
    name_vi: str
    name_en: str
    position: int
    time_zone: str | None = Field(
        description="IANA zone of its site or of all its sites; null where they differ."
    )
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
    run_time_coverage: float | None = Field(
        description="Share of the parts whose product has a planned run time."
    )
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
    marked: list[list[bool | None]] = Field(
        description="Whether `faults` of GET /api/v1/oee say something of the figure."
    )


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


class StopPage(Listing[StopOut]):
    """One page of stops."""

    meta: Page


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


class ProgressOut(Wire):
    """How much work waits."""

    dirty_windows: int
    rejections: int
    now: Time = Field(description="The present of the plant's clock.")
    edition: str


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
