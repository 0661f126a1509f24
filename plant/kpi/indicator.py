"""Every figure of a place and window, each with its unit and, if it has no value, its reason."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from plant.kpi import ratio
from plant.kpi.fault import Figures
from plant.kpi.oee import oee_of, productive_time_missing, uncounted
from plant.kpi.reliability import Reliability
from plant.kpi.result import Missing, OeeResult
from plant.kpi.sums import BaseSums

_HOUR_MS = 3_600_000


class Unit(StrEnum):
    """What a figure is measured in."""

    FRACTION = "1"
    HOURS = "h"
    PER_HOUR = "1/h"
    ENERGY = "kWh"


@dataclass(frozen=True, slots=True)
class Indicator:
    """One figure: a value or the reason why there is none."""

    value: float | None
    unit: Unit
    missing: Missing | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the figures of a place and window are formed from."""

    figures: Figures
    members: BaseSums
    """The sums of all machines of the place, each counted once (of a line: not its bottleneck's
    alone)."""
    order_execution_ms: int = 0
    """AOET: how long orders were executed, each from its first to its last moment here."""
    first_step: BaseSums | None = None
    """The sums of the first step of a serial line; None elsewhere."""
    failures: Reliability | None = None
    corrective_ms: int = 0
    """Time in failures within the window (CMT)."""


def indicators(given: Evidence, mtbf_per: str | None) -> tuple[OeeResult, dict[str, Indicator]]:
    """Return OEE with its factors, coverage and bounds, and every other figure by name.

    `mtbf_per` is the convention of `mtbf`, as policies name it; None where sites of the place have
    different ones: it is then no figure, and the two by name stand for themselves.
    """
    figures, sums = given.figures, given.figures.sums
    result = oee_of(figures)
    found = {
        name: Indicator(getattr(result, name), Unit.FRACTION, result.missing.get(name))
        for name in ("availability", "effectiveness", "quality_ratio", "oee")
    }
    blind = Missing.NO_STATE if figures.stateless else None
    for name, formula in _OF_TIME.items():
        reason = figures.absent or blind or Missing.NO_TIME
        found[name] = _indicator(None if blind else formula(sums), Unit.FRACTION, reason)
    # A window without planned busy time is excluded from OEE but not from the larger clocks.
    lacking = figures.absent or productive_time_missing(sums)
    if lacking is None and result.missing.get("oee") is Missing.NO_DATA:
        lacking = Missing.NO_DATA
    for name, formula in _OF_CLOCK.items():
        value = None if lacking else formula(sums)
        found[name] = _indicator(value, Unit.FRACTION, lacking or Missing.NO_TIME)
    # NEE is defined by ISO's own times, whatever the policy makes of minor stops.
    iso = oee_of(replace(figures, minor_stop_ms=0))
    nee = ratio.net_equipment_effectiveness(sums, iso) if figures.absent is None else None
    why = next(iter(result.missing.values()), Missing.NO_TIME)
    found["net_equipment_effectiveness"] = _indicator(nee, Unit.FRACTION, why)
    return result, found | _orders(given) | _quantities(given) | _failures(given, mtbf_per)


def _orders(given: Evidence) -> dict[str, Indicator]:
    executed, members = given.order_execution_ms, given.members
    produced = given.figures.sums.produced_quantity
    no_speed = uncounted(given.figures.sums) if produced is None else Missing.NO_ORDER
    throughput = None if produced is None else ratio.throughput_per_hour(produced, executed)
    busy = ratio.allocation_ratio([members], executed)
    making = ratio.production_process_ratio([members], executed)
    idle = Missing.NO_ORDER
    if given.figures.stateless:
        busy, making, idle = None, None, Missing.NO_STATE
    return {
        "allocation_ratio": _indicator(busy, Unit.FRACTION, idle),
        "production_process_ratio": _indicator(making, Unit.FRACTION, idle),
        "throughput_rate": _indicator(throughput, Unit.PER_HOUR, no_speed),
    }


def _quantities(given: Evidence) -> dict[str, Indicator]:
    sums = given.figures.sums
    made = sums.produced_quantity
    nothing = Missing.NOTHING_PRODUCED
    if made is None:
        nothing = given.figures.absent or uncounted(sums)
    scrapless = Missing.NO_SCRAP_COUNTS if sums.scrap_quantity is None else nothing
    reworkless = Missing.NO_REWORK_COUNTS if sums.rework_quantity is None else nothing
    unmetered = Missing.NO_ENERGY_METER if sums.energy_kwh is None else None
    no_good = Missing.NO_QUALITY_COUNTS if sums.good_quantity is None else Missing.NOTHING_PRODUCED
    first = given.first_step
    fall_off = None if first is None else ratio.fall_off_ratio(sums, first)
    yielded = ratio.first_pass_yield(
        given.members.good_at_first_parts, given.members.inspected_parts
    )
    no_steps = Missing.NOT_A_SERIAL_LINE
    if first is not None:
        unmade = Missing.NO_COUNTS if first.produced_items is None else Missing.NOTHING_PRODUCED
        no_steps = Missing.NO_SCRAP_COUNTS if sums.scrap_items is None else unmade
    idle = ratio.idle_energy_share(sums)
    return {
        "scrap_ratio": _indicator(ratio.scrap_ratio(sums), Unit.FRACTION, scrapless),
        "rework_ratio": _indicator(ratio.rework_ratio(sums), Unit.FRACTION, reworkless),
        "first_pass_yield": _indicator(yielded, Unit.FRACTION, Missing.NO_SERIAL_NUMBERS),
        "fall_off_ratio": _indicator(fall_off, Unit.FRACTION, no_steps),
        "energy_per_item": _indicator(
            ratio.energy_per_item(sums), Unit.ENERGY, unmetered or nothing
        ),
        "energy_per_good_item": _indicator(
            ratio.energy_per_good_item(sums), Unit.ENERGY, unmetered or no_good
        ),
        "idle_energy_share": _indicator(idle, Unit.FRACTION, unmetered or Missing.NO_ENERGY_USED),
    }


def _failures(given: Evidence, mtbf_per: str | None) -> dict[str, Indicator]:
    seen, planned = given.failures, given.members.planned_maintenance_ms
    maintained = ratio.corrective_maintenance_ratio(given.corrective_ms, planned)
    stateless = given.figures.stateless
    none = Missing.NO_STATE if stateless else Missing.NO_FAILURE
    unrepaired = none if seen is None or not seen.failure_events else Missing.NO_REPAIR
    per_failure = None if seen is None else seen.mtbf_per_failure_ms
    plus_1 = None if seen is None else seen.mtbf_per_failure_plus_1_ms
    chosen, unchosen = (plus_1 if mtbf_per == "failure_plus_1" else per_failure), none
    if mtbf_per is None:
        chosen, unchosen = None, Missing.POLICIES_DIFFER
    hours = {
        "mtbf": (chosen, unchosen),
        "mtbf_per_failure": (per_failure, none),
        "mtbf_per_failure_plus_1": (plus_1, none),
        "mttf": (None if seen is None else seen.mttf_ms, none),
        "mttr": (None if seen is None else seen.mttr_ms, unrepaired),
        "mttr_calendar": (None if seen is None else seen.mttr_calendar_ms, unrepaired),
    }
    return {
        **{
            name: _indicator(None if value is None else value / _HOUR_MS, Unit.HOURS, reason)
            for name, (value, reason) in hours.items()
        },
        "corrective_maintenance_ratio": _indicator(
            maintained, Unit.FRACTION, Missing.NO_MAINTENANCE
        ),
    }


def _indicator(value: float | None, unit: Unit, reason: Missing) -> Indicator:
    return Indicator(value, unit, reason if value is None else None)


_OF_TIME: dict[str, Callable[[BaseSums], float | None]] = {
    "utilization_efficiency": ratio.utilization_efficiency,
    "allocation_efficiency": ratio.allocation_efficiency,
    "technical_efficiency": ratio.technical_efficiency,
    "setup_ratio": ratio.setup_ratio,
}
_OF_CLOCK: dict[str, Callable[[BaseSums], float | None]] = {
    "overall_operations_effectiveness": ratio.overall_operations_effectiveness,
    "total_effective_equipment_performance": ratio.total_effective_equipment_performance,
}
