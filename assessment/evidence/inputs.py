"""What the metrics are computed from: frozen values, `None` where an input does not exist."""

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class RegisteredMachine:
    """A machine of the asset register and its production department."""

    machine: str
    department: str


@dataclass(frozen=True, slots=True)
class MachineDays:
    """Days of a machine: planned ones, and those of them with at least one good sample."""

    machine: str
    planned_days: int
    good_days: int


@dataclass(frozen=True, slots=True)
class Connection:
    """E01: the confirmed register, the machines' days, and whether orders are shared (E05)."""

    register: tuple[RegisteredMachine, ...]
    register_confirmed: bool
    days: tuple[MachineDays, ...]
    shares_data: bool | None
    least_share_of_days: Fraction = Fraction(4, 5)


@dataclass(frozen=True, slots=True)
class Samples:
    """E02: samples within planned production time."""

    received: int | None
    expected: int | None


@dataclass(frozen=True, slots=True)
class Latencies:
    """E03: ingest time minus source time of samples, in seconds."""

    seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class DepartmentRecords:
    """Count, quality and stop records of a department, from signals and by hand."""

    department: str
    automatic: int
    manual: int


@dataclass(frozen=True, slots=True)
class Collection:
    """E04: records by department."""

    departments: tuple[DepartmentRecords, ...]
    shares_data: bool | None


@dataclass(frozen=True, slots=True)
class Orders:
    """E05: run time with an order or lot, all run time, systems that exchange in a week."""

    run_time_with_order: timedelta | None
    run_time: timedelta | None
    systems_per_week: Fraction | None


@dataclass(frozen=True, slots=True)
class OeeFigure:
    """E06: ratios of ISO 22400-2 with their formula version, losses, time with a reason."""

    availability: Fraction | None
    effectiveness: Fraction | None
    quality_ratio: Fraction | None
    formula_version: str
    lacking_vi: str | None
    losses: tuple[tuple[str, timedelta], ...]
    stop_time_with_reason: timedelta | None
    stop_time: timedelta | None


@dataclass(frozen=True, slots=True)
class Stops:
    """E07: unplanned stop time, and that of it with a reason."""

    with_reason: timedelta | None
    unplanned: timedelta | None


@dataclass(frozen=True, slots=True)
class DepartmentAutomation:
    """Automatic and running time, interventions, cycles and robot time of a department."""

    department: str
    automatic: timedelta
    running: timedelta
    interventions: int | None
    cycles: int | None
    robot_run_time: timedelta


@dataclass(frozen=True, slots=True)
class Automation:
    """E08: the departments whose machines report their mode."""

    departments: tuple[DepartmentAutomation, ...]


@dataclass(frozen=True, slots=True)
class ProductTrace:
    """Parts (or lots) of a product, and those of them identified at two steps or more."""

    product: str
    identified: int
    produced: int


@dataclass(frozen=True, slots=True)
class Traces:
    """E09: traces by product."""

    products: tuple[ProductTrace, ...]


@dataclass(frozen=True, slots=True)
class CheckedShift:
    """A sampled shift: the automatic count, the inspected one, and whether the firm signed."""

    shift: str
    automatic: int
    inspected: int
    signed: bool


@dataclass(frozen=True, slots=True)
class Checks:
    """E10: the sampled shifts."""

    shifts: tuple[CheckedShift, ...]


@dataclass(frozen=True, slots=True)
class Alarms:
    """E11: deviations raised, acknowledged, confirmed or refuted, and times in minutes."""

    raised: int | None
    acknowledged: int | None
    confirmed: int | None
    refuted: int | None
    minutes_to_acknowledge: tuple[float, ...] = ()
    minutes_to_close: tuple[float, ...] = ()
    minutes_of_lead: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class DepartmentUse:
    """Distinct users and active days of the dashboards in a department, never names."""

    department: str
    users: int
    active_days: int


@dataclass(frozen=True, slots=True)
class Use:
    """E12: use by department, exports, and whether departments see one another's figures."""

    departments: tuple[DepartmentUse, ...]
    exports: int | None
    shares_data: bool | None


@dataclass(frozen=True, slots=True)
class Decisions:
    """E13: decisions that cite a metric, and all that the enterprise declared."""

    with_metric: int | None
    declared: int | None


@dataclass(frozen=True, slots=True)
class Energy:
    """E14: energy in kWh, good parts, energy without production, machines metered."""

    kwh: Fraction | None
    idle_kwh: Fraction | None
    good_parts: int | None
    machines_metered: int | None
    machines: int | None


@dataclass(frozen=True, slots=True)
class Security:
    """E15: the posture of the telemetry path."""

    gateways_secured: int | None
    """On TLS and with a credential of their own."""
    gateways: int | None
    administrators_with_mfa: int | None = None
    administrators: int | None = None
    account_reviews: int | None = None
    failed_logins: int | None = None
    patch_age_days: int | None = None
    log_retention_days: int | None = None


@dataclass(frozen=True, slots=True)
class TagCatalogue:
    """E16: tags with unit, description and owner; mapped ones; retention and backup."""

    described: int | None
    mapped: int | None
    tags: int | None
    retention_days: int | None = None
    days_since_restore_test: int | None = None


@dataclass(frozen=True, slots=True)
class Quality:
    """E17: lots with digital inspection, first-pass yield, hits of SPC rules handled."""

    lots_inspected: int | None
    lots: int | None
    passed_first: int | None = None
    parts_inspected: int | None = None
    spc_handled: int | None = None
    spc_hits: int | None = None


@dataclass(frozen=True, slots=True)
class DayValue:
    """A value of a day; a day may have several, of shifts or machines."""

    day: date
    value: float


@dataclass(frozen=True, slots=True)
class PilotPeriod:
    """One side of E18: its values, machines, and good parts by product."""

    values: tuple[DayValue, ...]
    machines: frozenset[str]
    volumes: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """E18: a figure before and after, by the same formula."""

    figure_vi: str
    unit: str
    formula_version: str
    before: PilotPeriod
    after: PilotPeriod
    pilot_vi: str = "thí điểm"


Inputs = (
    Connection
    | Samples
    | Latencies
    | Collection
    | Orders
    | OeeFigure
    | Stops
    | Automation
    | Traces
    | Checks
    | Alarms
    | Use
    | Decisions
    | Energy
    | Security
    | TagCatalogue
    | Quality
    | BeforeAfter
)
