"""What the API answers with; each has the fields of its schema in the API's description."""

from datetime import date, datetime

import msgspec


class Place(msgspec.Struct, frozen=True):
    """A place of the plant."""

    path: str
    level: str
    parent: str | None
    name_vi: str
    name_en: str
    position: int
    time_zone: str | None
    line_kind: str | None
    bottleneck: str | None


class Measurement(msgspec.Struct, frozen=True):
    """A stored value."""

    source_time: datetime
    received_time: datetime
    value: float | str | None
    quality: str


class Tag(msgspec.Struct, frozen=True):
    """A signal, with its newest value."""

    tag: str
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
    last: Measurement | None


class Point(msgspec.Struct, frozen=True):
    """Good values of a stretch of time, or one of them."""

    time: datetime
    value: float
    low: float
    high: float
    samples: int


class OeeResult(msgspec.Struct, frozen=True):
    """Figures of a place and a window; `missing` says why one is None."""

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


class Stop(msgspec.Struct, frozen=True):
    """A stop of a machine."""

    place: str
    start: datetime
    end: datetime | None
    duration_s: float
    element: str
    state: str | None
    stop_kind: str | None
    stop_reason: str | None
    minor: bool | None
    reason_source: str | None
    classified_at: datetime | None
