"""Times, quantities and results of ISO 22400-2 as values; `analytics` computes them."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class OeePolicy:
    """The choices that an OEE figure depends on; versioned, and named with every result.

    Breaks are planned downtime: they are outside planned busy time. Setup always lowers
    availability (ISO 22400).
    """

    version: int = 1
    minor_stop_threshold_s: float = 300.0
    """Stops shorter than this are minor stops."""
    minor_stops_in: str = "availability"
    """`availability` (ISO 22400: delay time) or `effectiveness` (TPM: they stay in run time)."""


@dataclass(frozen=True, slots=True)
class BaseSums:
    """What adds up exactly over time, machines and products; every ratio is formed from these.

    Times are whole milliseconds, quantities parts. The identity
    `pbt = apt + aust + adet + adot + unknown` always holds, and
    `calendar = not_scheduled + unscheduled_production + planned_downtime + pbt`.
    `planned_downtime` is breaks and maintenance without production during them.
    """

    calendar_ms: int = 0
    pot_ms: int = 0
    """Planned operation time (POT): scheduled shift time, breaks included."""
    pbt_ms: int = 0
    """Planned busy time (PBT)."""
    apt_ms: int = 0
    """Actual production time (APT)."""
    aust_ms: int = 0
    """Actual unit setup time (AUST)."""
    adet_ms: int = 0
    """Actual unit delay time (ADET)."""
    adot_ms: int = 0
    """Actual unit down time (ADOT): available, no order."""
    unknown_ms: int = 0
    """Planned busy time of which nothing is known."""
    unscheduled_production_ms: int = 0
    """Production outside planned busy time."""
    pri_pq_ms: float | None = 0.0
    """Sum of planned run time per item times produced quantity; None when a PRI is missing."""
    pri_gq_ms: float | None = 0.0
    """Sum of planned run time per item times good quantity; None when a PRI is missing."""
    produced_quantity: float | None = 0.0
    """PQ; None when nothing counts parts."""
    good_quantity: float | None = 0.0
    """GQ: good at first pass; None when nothing tells good from bad."""
    scrap_quantity: float | None = 0.0
    """SQ."""
    rework_quantity: float | None = 0.0
    """RQ."""
    failure_events: int = 0
    """FE: breakdowns that began here."""
    energy_kwh: float | None = None
    """Electrical energy; None without a meter."""


class Missing(StrEnum):
    """Why a ratio is not computable."""

    NO_CALENDAR = "no_calendar"
    """No shift calendar covers the window: planned busy time is unknown."""
    NOT_SCHEDULED = "not_scheduled"
    """The calendar plans no busy time in the window."""
    NO_STATE = "no_state"
    """No state signal is configured for the work unit."""
    NO_BOTTLENECK = "no_bottleneck"
    """A serial line has no bottleneck configured, and none is guessed."""
    NO_DATA = "no_data"
    """Nothing is known of the whole window."""
    NO_COUNTS = "no_counts"
    """Nothing counts produced parts."""
    NO_QUALITY_COUNTS = "no_quality_counts"
    """Nothing tells good parts from bad ones."""
    NO_PLANNED_RUN_TIME = "no_planned_run_time"
    """A product was made for which no planned run time per item is valid."""
    NO_PRODUCTION_TIME = "no_production_time"
    """The machine did not run, so speed says nothing."""
    NOTHING_PRODUCED = "nothing_produced"
    """No part was made, so quality says nothing."""


@dataclass(frozen=True, slots=True)
class OeeResult:
    """OEE of one place and window, its factors, and how far to trust them.

    Ratios are fractions and not rounded or capped. A ratio is None exactly when `missing` names
    why. `coverage` is the known share of planned busy time; the bounds are availability if all
    unknown time were stopped, and if it all were production.
    """

    availability: float | None
    effectiveness: float | None
    quality_ratio: float | None
    oee: float | None
    coverage: float | None
    availability_low: float | None
    availability_high: float | None
    missing: dict[str, Missing]
    """By the name of the ratio: `availability`, `effectiveness`, `quality_ratio`, `oee`."""
    faults: tuple[str, ...] = ()
    """Master-data faults, such as `effectiveness_above_1`."""


@dataclass(frozen=True, slots=True)
class ResultWindow:
    """What an OEE result is about."""

    place: str
    kind: str
    """`hour` or `shift`."""
    start: datetime
    end: datetime
    business_date: date | None = None
    shift: str | None = None
