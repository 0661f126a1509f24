"""The other ratios of ISO 22400-2 and its neighbours, as functions over base sums.

Each returns None when its denominator is zero or an input is unknown: the ratio is undefined.
Fractions are neither rounded nor capped; times are milliseconds unless a name says otherwise.
"""

from collections.abc import Sequence

from plant.kpi import BaseSums, OeeResult


def ratio(part: float | None, whole: float | None) -> float | None:
    """Return `part / whole`, or None where that is undefined."""
    return None if part is None or whole is None or whole == 0 else part / whole


def actual_unit_processing_time(sums: BaseSums) -> int:
    """AUPT = APT + AUST."""
    return sums.apt_ms + sums.aust_ms


def actual_unit_busy_time(sums: BaseSums) -> int:
    """AUBT = AUPT + ADET."""
    return actual_unit_processing_time(sums) + sums.adet_ms


def net_equipment_effectiveness(sums: BaseSums, result: OeeResult) -> float | None:
    """NEE = (AUPT / PBT) x effectiveness x quality ratio: setup does not lower it.

    `result` is the OEE of the sums by ISO 22400: minor stops are no running time.
    """
    share = ratio(actual_unit_processing_time(sums), sums.pbt_ms)
    if share is None or result.effectiveness is None or result.quality_ratio is None:
        return None
    return share * result.effectiveness * result.quality_ratio


def overall_operations_effectiveness(sums: BaseSums) -> float | None:
    """OOE: OEE's numerator over planned operation time (POT)."""
    return ratio(sums.pri_gq_ms, sums.pot_ms)


def total_effective_equipment_performance(sums: BaseSums) -> float | None:
    """TEEP: OEE's numerator over calendar time."""
    return ratio(sums.pri_gq_ms, sums.calendar_ms)


def utilization_efficiency(sums: BaseSums) -> float | None:
    """APT / AUBT."""
    return ratio(sums.apt_ms, actual_unit_busy_time(sums))


def allocation_efficiency(sums: BaseSums) -> float | None:
    """AUBT / PBT."""
    return ratio(actual_unit_busy_time(sums), sums.pbt_ms)


def technical_efficiency(sums: BaseSums) -> float | None:
    """APT / (APT + ADET)."""
    return ratio(sums.apt_ms, sums.apt_ms + sums.adet_ms)


def setup_ratio(sums: BaseSums) -> float | None:
    """AUST / AUPT."""
    return ratio(sums.aust_ms, actual_unit_processing_time(sums))


def allocation_ratio(units: Sequence[BaseSums], order_execution_ms: int) -> float | None:
    """Sum of AUBT over the units of an order / its actual order execution time (AOET)."""
    return ratio(sum(actual_unit_busy_time(unit) for unit in units), order_execution_ms)


def production_process_ratio(units: Sequence[BaseSums], order_execution_ms: int) -> float | None:
    """Sum of APT over the units of an order / its actual order execution time (AOET)."""
    return ratio(sum(unit.apt_ms for unit in units), order_execution_ms)


def throughput_per_hour(produced_quantity: float, order_execution_ms: int) -> float | None:
    """PQ / AOET, in parts per hour."""
    return ratio(produced_quantity * 3_600_000, order_execution_ms)


def scrap_ratio(sums: BaseSums) -> float | None:
    """SQ / PQ."""
    return ratio(sums.scrap_quantity, sums.produced_quantity)


def rework_ratio(sums: BaseSums) -> float | None:
    """RQ / PQ."""
    return ratio(sums.rework_quantity, sums.produced_quantity)


def fall_off_ratio(step: BaseSums, first_step: BaseSums) -> float | None:
    """SQ of a step / PQ of the first step, both in finished items: a step may make parts of one."""
    return ratio(step.scrap_items, first_step.produced_items)


def energy_per_item(sums: BaseSums) -> float | None:
    """Energy in kWh / PQ."""
    return ratio(sums.energy_kwh, sums.produced_quantity)


def energy_per_good_item(sums: BaseSums) -> float | None:
    """Energy in kWh / GQ."""
    return ratio(sums.energy_kwh, sums.good_quantity)


def idle_energy_share(sums: BaseSums) -> float | None:
    """Energy used while not producing / energy."""
    return ratio(sums.idle_energy_kwh, sums.energy_kwh)


def first_pass_yield(good_at_first: int, inspected: int) -> float | None:
    """FPY = GP / IP: serialised parts good at their first inspection / parts inspected."""
    return ratio(good_at_first, inspected)


def corrective_maintenance_ratio(corrective_ms: int, planned_ms: int) -> float | None:
    """CMT / (CMT + PMT)."""
    return ratio(corrective_ms, corrective_ms + planned_ms)
