"""Every figure has a value or the reason why it has none."""

from dataclasses import replace

import pytest

from plant.kpi import BaseSums, Missing
from plant.kpi.fault import Figures
from plant.kpi.indicator import Evidence, indicators
from plant.kpi.reliability import Failure, Reliability, reliability

HOUR = 3_600_000
SUMS = BaseSums(
    calendar_ms=8 * HOUR,
    pot_ms=6 * HOUR,
    pbt_ms=5 * HOUR,
    apt_ms=2 * HOUR,
    aust_ms=HOUR,
    adet_ms=HOUR,
    adot_ms=HOUR,
    pri_pq_ms=1.5 * HOUR,
    pri_gq_ms=1.2 * HOUR,
    produced_quantity=50.0,
    good_quantity=40.0,
    scrap_quantity=6.0,
    rework_quantity=4.0,
    energy_kwh=20.0,
    idle_energy_kwh=5.0,
    planned_maintenance_ms=HOUR,
    inspected_parts=40,
    good_at_first_parts=30,
    produced_items=25.0,
    good_items=20.0,
    scrap_items=3.0,
    rework_items=2.0,
)
FIRST_STEP = BaseSums(produced_quantity=90.0, produced_items=30.0)
FAILED = reliability([Failure(0, 2 * HOUR, HOUR)], 3 * HOUR, 2 * HOUR)
FULL = Evidence(Figures(SUMS), SUMS, 10 * HOUR, FIRST_STEP, FAILED, HOUR)


def test_every_figure_is_the_one_of_the_standard() -> None:
    _, found = indicators(FULL, "failure")
    assert {name: one.value for name, one in found.items()} == pytest.approx(
        {
            "availability": 0.4,
            "effectiveness": 0.75,
            "quality_ratio": 0.8,
            "oee": 0.24,
            "net_equipment_effectiveness": 0.36,
            "overall_operations_effectiveness": 0.2,
            "total_effective_equipment_performance": 0.15,
            "utilization_efficiency": 0.5,
            "allocation_efficiency": 0.8,
            "allocation_ratio": 0.4,
            "production_process_ratio": 0.2,
            "throughput_rate": 5.0,
            "technical_efficiency": 2 / 3,
            "setup_ratio": 1 / 3,
            "scrap_ratio": 0.12,
            "rework_ratio": 0.08,
            "first_pass_yield": 0.75,
            "fall_off_ratio": 0.1,
            "mtbf": 3.0,
            "mtbf_per_failure": 3.0,
            "mtbf_per_failure_plus_1": 1.5,
            "mttf": 2.0,
            "mttr": 1.0,
            "mttr_calendar": 2.0,
            "corrective_maintenance_ratio": 0.5,
            "energy_per_item": 0.4,
            "energy_per_good_item": 0.5,
            "idle_energy_share": 0.25,
        }
    )
    assert all(one.missing is None for one in found.values())


def of(sums: BaseSums, **more: object) -> Evidence:
    return replace(FULL, figures=Figures(sums), members=sums, **more)  # type: ignore[arg-type]  # parametrised


IDLE = replace(SUMS, pbt_ms=0, apt_ms=0, aust_ms=0, adet_ms=0, adot_ms=0)
NONE_MADE = replace(SUMS, pri_pq_ms=0.0, pri_gq_ms=0.0, produced_quantity=0.0, good_quantity=0.0)


@pytest.mark.parametrize(
    ("given", "reasons"),
    [
        (
            of(
                replace(
                    SUMS,
                    produced_quantity=None,
                    pri_pq_ms=None,
                    good_quantity=None,
                    pri_gq_ms=None,
                )
            ),
            {
                "effectiveness": Missing.NO_COUNTS,
                "quality_ratio": Missing.NO_COUNTS,
                "oee": Missing.NO_COUNTS,
                "net_equipment_effectiveness": Missing.NO_COUNTS,
                "throughput_rate": Missing.NO_COUNTS,
                "scrap_ratio": Missing.NO_COUNTS,
                "energy_per_item": Missing.NO_COUNTS,
                "total_effective_equipment_performance": Missing.NO_COUNTS,
            },
        ),
        (
            # Only good parts are counted: OEE needs no others.
            of(replace(SUMS, produced_quantity=None, pri_pq_ms=None, scrap_quantity=None)),
            {
                "availability": None,
                "effectiveness": Missing.NO_SCRAP_COUNTS,
                "quality_ratio": Missing.NO_SCRAP_COUNTS,
                "oee": None,
                "overall_operations_effectiveness": None,
                "energy_per_item": Missing.NO_SCRAP_COUNTS,
                "energy_per_good_item": None,
            },
        ),
        (
            of(replace(SUMS, good_quantity=None, pri_gq_ms=None)),
            {
                "quality_ratio": Missing.NO_QUALITY_COUNTS,
                "oee": Missing.NO_QUALITY_COUNTS,
                "energy_per_good_item": Missing.NO_QUALITY_COUNTS,
            },
        ),
        (
            of(replace(SUMS, pri_pq_ms=None, pri_gq_ms=None)),
            {
                "effectiveness": Missing.NO_PLANNED_RUN_TIME,
                "oee": Missing.NO_PLANNED_RUN_TIME,
                "overall_operations_effectiveness": Missing.NO_PLANNED_RUN_TIME,
            },
        ),
        (
            of(NONE_MADE),
            {
                "quality_ratio": Missing.NOTHING_PRODUCED,
                "scrap_ratio": Missing.NOTHING_PRODUCED,
                "energy_per_item": Missing.NOTHING_PRODUCED,
                "energy_per_good_item": Missing.NOTHING_PRODUCED,
            },
        ),
        (
            of(replace(SUMS, apt_ms=0, adet_ms=3 * HOUR, aust_ms=HOUR)),
            {"effectiveness": Missing.NO_PRODUCTION_TIME},
        ),
        (
            of(IDLE),
            {
                "availability": Missing.NOT_SCHEDULED,
                "oee": Missing.NOT_SCHEDULED,
                "utilization_efficiency": Missing.NO_TIME,
                "allocation_efficiency": Missing.NO_TIME,
                "technical_efficiency": Missing.NO_TIME,
                "setup_ratio": Missing.NO_TIME,
            },
        ),
        (
            of(replace(SUMS, apt_ms=0, aust_ms=0, adet_ms=0, adot_ms=0, unknown_ms=5 * HOUR)),
            {"availability": Missing.NO_DATA, "effectiveness": Missing.NO_DATA, "oee": None},
        ),
        (
            of(SUMS, order_execution_ms=0),
            {
                "allocation_ratio": Missing.NO_ORDER,
                "production_process_ratio": Missing.NO_ORDER,
                "throughput_rate": Missing.NO_ORDER,
            },
        ),
        (of(replace(SUMS, scrap_quantity=None)), {"scrap_ratio": Missing.NO_SCRAP_COUNTS}),
        (of(replace(SUMS, rework_quantity=None)), {"rework_ratio": Missing.NO_REWORK_COUNTS}),
        (
            of(replace(SUMS, inspected_parts=0, good_at_first_parts=0)),
            {"first_pass_yield": Missing.NO_SERIAL_NUMBERS},
        ),
        (
            of(SUMS, first_step=BaseSums(produced_items=None)),
            {"fall_off_ratio": Missing.NO_COUNTS},
        ),
        (of(SUMS, first_step=None), {"fall_off_ratio": Missing.NOT_A_SERIAL_LINE}),
        (
            of(SUMS, failures=reliability([], HOUR)),
            {
                "mtbf": Missing.NO_FAILURE,
                "mtbf_per_failure": Missing.NO_FAILURE,
                "mtbf_per_failure_plus_1": Missing.NO_FAILURE,
                "mttf": Missing.NO_FAILURE,
                "mttr": Missing.NO_FAILURE,
            },
        ),
        (
            of(SUMS, failures=reliability([Failure(0, None)], HOUR, HOUR)),
            {"mttr": Missing.NO_REPAIR},
        ),
        (
            of(replace(SUMS, planned_maintenance_ms=0), corrective_ms=0),
            {"corrective_maintenance_ratio": Missing.NO_MAINTENANCE},
        ),
        (
            of(replace(SUMS, energy_kwh=None, idle_energy_kwh=None)),
            {
                "energy_per_item": Missing.NO_ENERGY_METER,
                "energy_per_good_item": Missing.NO_ENERGY_METER,
                "idle_energy_share": Missing.NO_ENERGY_METER,
            },
        ),
        (
            of(replace(SUMS, energy_kwh=0.0, idle_energy_kwh=0.0)),
            {"idle_energy_share": Missing.NO_ENERGY_USED},
        ),
    ],
)
def test_a_figure_names_what_it_lacks(given: Evidence, reasons: dict[str, Missing | None]) -> None:
    _, found = indicators(given, "failure")
    assert {name: found[name].missing for name in reasons} == reasons
    for name, one in found.items():
        assert (one.value is None) == (one.missing is not None), name


@pytest.mark.parametrize("absent", [Missing.NO_CALENDAR, Missing.NO_STATE, Missing.NO_BOTTLENECK])
def test_nothing_of_time_is_told_when_a_place_cannot_be_computed(absent: Missing) -> None:
    idle = replace(FULL, figures=Figures(IDLE, absent), failures=None)
    _, found = indicators(idle, "failure")
    for name in (
        "availability",
        "oee",
        "overall_operations_effectiveness",
        "total_effective_equipment_performance",
        "net_equipment_effectiveness",
        "utilization_efficiency",
    ):
        assert found[name].missing is absent, name


def test_mean_time_between_failures_follows_the_policys_convention() -> None:
    _, found = indicators(FULL, "failure_plus_1")
    assert found["mtbf"] == found["mtbf_per_failure_plus_1"]


def test_teep_counts_an_idle_window_in_its_clock() -> None:
    _, found = indicators(of(replace(IDLE, pri_gq_ms=0.0)), "failure")
    assert found["total_effective_equipment_performance"].value == 0
    assert found["oee"].missing is Missing.NOT_SCHEDULED


def test_reliability_of_nothing_is_nothing() -> None:
    assert Reliability(0, None, None, None, None) == reliability([], 0)
