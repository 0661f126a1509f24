"""Figures of golden cases as flat names to values, durations in minutes."""

from typing import Any

from plant.kpi import BaseSums, OeeResult, ratio
from plant.kpi.oee import oee

MINUTE_MS = 60_000


def of_result(result: OeeResult) -> dict[str, Any]:
    """Return a result's ratios and what is said about them."""
    return {
        "availability": result.availability,
        "effectiveness": result.effectiveness,
        "quality_ratio": result.quality_ratio,
        "oee": result.oee,
        "coverage": result.coverage,
        "availability_low": result.availability_low,
        "availability_high": result.availability_high,
        "missing": {name: str(reason) for name, reason in result.missing.items()},
        "faults": list(result.faults),
        "run_time_coverage": result.run_time_coverage,
    }


def of_sums(sums: BaseSums) -> dict[str, Any]:
    """Return the times of base sums in minutes, their quantities and every ratio of them."""
    return {
        "pbt": sums.pbt_ms / MINUTE_MS,
        "apt": sums.apt_ms / MINUTE_MS,
        "aust": sums.aust_ms / MINUTE_MS,
        "adet": sums.adet_ms / MINUTE_MS,
        "adot": sums.adot_ms / MINUTE_MS,
        "unknown": sums.unknown_ms / MINUTE_MS,
        "unscheduled_production": sums.unscheduled_production_ms / MINUTE_MS,
        "produced": sums.produced_quantity,
        "good": sums.good_quantity,
        "scrap": sums.scrap_quantity,
        "energy": sums.energy_kwh,
        "failure_events": sums.failure_events,
        "aupt": ratio.actual_unit_processing_time(sums) / MINUTE_MS,
        "aubt": ratio.actual_unit_busy_time(sums) / MINUTE_MS,
        "nee": ratio.net_equipment_effectiveness(sums, oee(sums)),
        "ooe": ratio.overall_operations_effectiveness(sums),
        "teep": ratio.total_effective_equipment_performance(sums),
        "technical_efficiency": ratio.technical_efficiency(sums),
        "utilization_efficiency": ratio.utilization_efficiency(sums),
        "allocation_efficiency": ratio.allocation_efficiency(sums),
        "setup_ratio": ratio.setup_ratio(sums),
        "scrap_ratio": ratio.scrap_ratio(sums),
        "rework_ratio": ratio.rework_ratio(sums),
        "energy_per_item": ratio.energy_per_item(sums),
        "energy_per_good_item": ratio.energy_per_good_item(sums),
        "idle_energy_share": ratio.idle_energy_share(sums),
    }
