"""What the reading queries return, one class per kind of row. Times are aware UTC."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A place of the plant."""

    place_id: int
    path: str
    level: str
    parent: str | None
    name_vi: str
    name_en: str
    position: int
    time_zone: str | None
    """The IANA zone of the site it belongs to; None for an enterprise."""
    line_kind: str | None
    bottleneck: str | None
    """Path of the machine that paces the line."""


@dataclass(frozen=True, slots=True)
class MeasurementRow:
    """One stored value; `quality` is 0 good, 1 uncertain, 2 bad."""

    source_time: datetime
    received_time: datetime
    value: float | str | None
    quality: int


@dataclass(frozen=True, slots=True)
class TagKey:
    """What a query for measurements needs of a tag."""

    tag_id: int
    value_type: str
    unit: str


@dataclass(frozen=True, slots=True)
class TagRow:
    """A tag with its newest measurement; the last four are None when there is none."""

    tag_id: int
    tag: str
    """`enterprise/site/name`."""
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
    source_time: datetime | None
    received_time: datetime | None
    value: float | str | None
    quality: int | None

    @property
    def last(self) -> MeasurementRow | None:
        """The newest measurement."""
        if self.source_time is None or self.received_time is None or self.quality is None:
            return None
        return MeasurementRow(self.source_time, self.received_time, self.value, self.quality)


@dataclass(frozen=True, slots=True)
class OeeRow:
    """OEE of one place and window with its inputs; ratios are fractions, times milliseconds."""

    place: str
    kind: str
    start: datetime
    end: datetime
    business_date: date | None
    shift: str | None
    availability: float | None
    effectiveness: float | None
    quality_ratio: float | None
    oee: float | None
    coverage: float | None
    availability_low: float | None
    availability_high: float | None
    missing: dict[str, str]
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
    run_time_coverage: float | None
    policy_version: int
    formula_version: str
    as_of: datetime
    final: bool


@dataclass(frozen=True, slots=True)
class StateRow:
    """A stretch of a work unit's time in which nothing about its state changed."""

    place: str
    start: datetime
    end: datetime
    element: str
    state: str | None
    stop_kind: str | None
    stop_reason: str | None
    order: str | None
    product: str | None


@dataclass(frozen=True, slots=True)
class StopRow:
    """A whole stop; `end` is None while it lasts, `minor` None without a policy."""

    place: str
    start: datetime
    end: datetime | None
    duration_s: float
    element: str
    state: str | None
    stop_kind: str | None
    stop_reason: str | None
    minor: bool | None
    reason_source: str | None = None
    """Who gave the reason: `person` or `machine`; None without one."""
    classified_at: datetime | None = None
    """When somebody last gave a reason."""


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """A reason that a stop can be given."""

    code: str
    parent: str | None
    name_vi: str
    name_en: str
    used: int
    """How often it was given lately."""


@dataclass(frozen=True, slots=True)
class ParetoRow:
    """Stops of one reason; codes that begin with `@` are no one's reason but ours."""

    reason: str
    name_vi: str | None
    name_en: str | None
    duration_s: float
    count: int


@dataclass(frozen=True, slots=True)
class HourRow:
    """Parts of one hour of a work unit; `target` is None where no planned run time is known."""

    hour: datetime
    pbt_ms: int
    produced_quantity: float | None
    good_quantity: float | None
    scrap_quantity: float | None
    target: float | None


@dataclass(frozen=True, slots=True)
class TrendRow:
    """The mean of one tag over one bin."""

    tag_id: int
    moment: datetime
    mean: float | None


@dataclass(frozen=True, slots=True)
class UnitEdgeRow:
    """An edge that measures a work unit."""

    work_unit: str
    edge: str
    online: bool
    reported_at: datetime | None


@dataclass(frozen=True, slots=True)
class ProgressRow:
    """How much work waits and how much was refused."""

    dirty_windows: int
    rejections: int


@dataclass(frozen=True, slots=True)
class CorrectionRow:
    """What a person said of a reading of a counter, or of where a stop begins."""

    place: str
    tag: str | None
    """None where it is of a stop."""
    moment: datetime
    correction: str
    comment: str
    said_by: str
    said_at: datetime


@dataclass(frozen=True, slots=True)
class JudgedReading:
    """A reading that is no plain growth, what was made of it, and what a person says."""

    place: str
    tag: str
    role: str
    moment: datetime
    judgement: str
    level: float
    shown: float
    counted: float
    doubt: float
    verdict: str | None
    comment: str | None
    said_by: str | None
    said_at: datetime | None
