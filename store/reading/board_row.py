"""What the questions of boards return. Times are aware UTC."""

from dataclasses import dataclass
from datetime import date, datetime

from plant.kpi import BaseSums


@dataclass(frozen=True, slots=True)
class SliceRow:
    """The base sums of one machine over a stretch of one hour, shift, order and product."""

    place: str
    start: datetime
    end: datetime
    hour: datetime
    business_date: date | None
    shift: str | None
    shift_start: datetime | None
    product: str | None
    run_time_s: float | None
    """Planned run time per item of the product on this machine, then."""
    sums: BaseSums
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StateTimeRow:
    """Time of a machine within an hour."""

    place: str
    hour: datetime
    element: str
    stop_kind: str | None
    reason: str | None
    duration_ms: int


@dataclass(frozen=True, slots=True)
class ShiftRow:
    """A shift of a business day, as figures were formed of it."""

    business_date: date
    shift: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order, and from when to when machines executed it."""

    order: str
    product: str | None
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class FaultRow:
    """Something wrong or missing in the shift figures of a place."""

    place: str
    code: str
    windows: int
    last_start: datetime
    first_start: datetime


@dataclass(frozen=True, slots=True)
class ValueRow:
    """One value of a process tag."""

    source_time: datetime
    value: float


@dataclass(frozen=True, slots=True)
class ChangeoverRow:
    """A change of product on a machine."""

    place: str
    from_product: str
    to_product: str
    changed_at: datetime
    last_good: datetime | None
    """When the last good part before it was counted; None if none was within a day."""
    first_good: datetime | None
    """When the first good part after it was counted; None while none is, or not within a day."""


@dataclass(frozen=True, slots=True)
class AsOfRow:
    """How far figures go."""

    as_of: datetime | None
    final: bool
