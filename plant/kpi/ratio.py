"""The other ratios of ISO 22400-2 and its neighbours, as functions over base sums.

Each returns None when its denominator is zero or an input is unknown: the ratio is undefined.
Fractions are neither rounded nor capped; times are milliseconds unless a name says otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from plant.kpi import BaseSums
from plant.kpi.oee import oee


def ratio(part: float | None, whole: float | None) -> float | None:
    """Return `part / whole`, or None where that is undefined."""
    return None if part is None or whole is None or whole == 0 else part / whole


def actual_unit_processing_time(sums: BaseSums) -> int:
    """AUPT = APT + AUST."""
    return sums.apt_ms + sums.aust_ms


def actual_unit_busy_time(sums: BaseSums) -> int:
    """AUBT = AUPT + ADET."""
    return actual_unit_processing_time(sums) + sums.adet_ms


def net_equipment_effectiveness(sums: BaseSums) -> float | None:
    """NEE = (AUPT / PBT) x effectiveness x quality ratio: setup does not lower it."""
    result = oee(sums)
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
    """SQ of a step / PQ of the first step."""
    return ratio(step.scrap_quantity, first_step.produced_quantity)


def energy_per_item(sums: BaseSums) -> float | None:
    """Energy in kWh / PQ."""
    return ratio(sums.energy_kwh, sums.produced_quantity)


def energy_per_good_item(sums: BaseSums) -> float | None:
    """Energy in kWh / GQ."""
    return ratio(sums.energy_kwh, sums.good_quantity)


def corrective_maintenance_ratio(corrective_ms: int, planned_ms: int) -> float | None:
    """CMT / (CMT + PMT)."""
    return ratio(corrective_ms, corrective_ms + planned_ms)


def mean_time_between_failures(
    operating_ms: int, failure_events: int, *, plus_one: bool = False
) -> float | None:
    """MTBF = operating time / FE, in milliseconds.

    `plus_one` divides by FE + 1, the other convention in use: it also counts the stretch that has
    not ended in a failure. None without failures: then it is longer than the operating time.
    """
    return ratio(operating_ms, failure_events and failure_events + plus_one)


def mean_time_to_repair(repairs_ms: Sequence[int]) -> float | None:
    """MTTR over repairs that are over, in milliseconds; an open failure has no repair time yet."""
    return ratio(sum(repairs_ms), len(repairs_ms))


@dataclass(frozen=True, slots=True)
class SixLosses:
    """The six big losses of TPM in milliseconds; with `productive_ms` they make up PBT."""

    breakdown_ms: float
    setup_ms: float
    idling_and_minor_stops_ms: float
    reduced_speed_ms: float
    defects_ms: float
    start_up_ms: float
    productive_ms: float


def six_losses(
    sums: BaseSums,
    breakdown_ms: int,
    run_time_per_item_ms: float,
    start_up_rejects: float = 0.0,
) -> SixLosses | None:
    """Return the six big losses of planned busy time for one product.

    `breakdown_ms` is the part of ADET in failures; the rest of it, down time (ADOT) and unknown
    time are idling. `start_up_rejects` are the rejects made before the process was stable. None
    when parts are not counted.
    """
    produced, good = sums.produced_quantity, sums.good_quantity
    if produced is None or good is None:
        return None
    rejects = produced - good
    return SixLosses(
        breakdown_ms=breakdown_ms,
        setup_ms=sums.aust_ms,
        idling_and_minor_stops_ms=sums.adet_ms - breakdown_ms + sums.adot_ms + sums.unknown_ms,
        reduced_speed_ms=sums.apt_ms - produced * run_time_per_item_ms,
        defects_ms=(rejects - start_up_rejects) * run_time_per_item_ms,
        start_up_ms=start_up_rejects * run_time_per_item_ms,
        productive_ms=good * run_time_per_item_ms,
    )
