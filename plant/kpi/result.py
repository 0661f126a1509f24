"""What is computed, and why it sometimes cannot be."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class Missing(StrEnum):
    """Why a ratio is not computable."""

    NO_CALENDAR = "no_calendar"
    """No shift calendar covers the window: planned busy time is unknown."""
    NOT_SCHEDULED = "not_scheduled"
    """The calendar plans no busy time in the window."""
    NO_STATE = "no_state"
    """No state signal is configured for the work unit: when it ran is not known."""
    NO_BOTTLENECK = "no_bottleneck"
    """A serial line has no bottleneck configured, and none is guessed."""
    NO_DATA = "no_data"
    """Nothing is known of the whole window."""
    BEHIND = "behind"
    """Of the bottleneck and the last machine of a serial line one is known for longer."""
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
    NO_TIME = "no_time"
    """The time that it would be divided by is zero."""
    NO_ORDER = "no_order"
    """No order was executed."""
    NO_FAILURE = "no_failure"
    """Nothing failed: the time between failures is longer than the operating time."""
    NO_REPAIR = "no_repair"
    """No failure is over yet."""
    NO_MAINTENANCE = "no_maintenance"
    """Neither corrective nor planned maintenance took place."""
    NO_ENERGY_METER = "no_energy_meter"
    """Nothing meters the energy."""
    NO_ENERGY_USED = "no_energy_used"
    """The meter counted nothing."""
    NO_SCRAP_COUNTS = "no_scrap_counts"
    """Nothing counts scrap."""
    NO_REWORK_COUNTS = "no_rework_counts"
    """Nothing counts rework."""
    NO_SERIAL_NUMBERS = "no_serial_numbers"
    """Parts are not inspected one by one, so none is known to be good at first pass."""
    NOT_A_SERIAL_LINE = "not_a_serial_line"
    """It is a figure of the steps of a serial line."""
    POLICIES_DIFFER = "policies_differ"
    """Sites of the place choose differently what it is divided by."""
    TOO_FEW_VALUES = "too_few_values"
    """Fewer values were measured than the figure needs."""
    NO_SPREAD = "no_spread"
    """All values are the same, so a capability would be infinite."""
    NO_LIMITS = "no_limits"
    """No tolerance limit is known."""


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
    """What a person should look at, such as `effectiveness_above_1`."""
    run_time_coverage: float | None = None
    """Share of the parts whose product has a planned run time; None where nothing was made."""


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
