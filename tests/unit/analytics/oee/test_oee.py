"""OEE of single base sums, pools and lines, at the edges of what is defined."""

from dataclasses import replace

import pytest

from analytics.oee.slice_count import quantities_of
from plant.kpi import BaseSums, Missing
from plant.kpi.fault import Figures
from plant.kpi.oee import checked, oee, pooled, serial_line
from plant.kpi.sums import add
from plant.measurement import TagRole

HOUR = BaseSums(
    calendar_ms=3_600_000,
    pot_ms=3_600_000,
    pbt_ms=3_600_000,
    apt_ms=1_800_000,
    unknown_ms=1_800_000,
    pri_pq_ms=900_000.0,
    pri_gq_ms=450_000.0,
    produced_quantity=10.0,
    good_quantity=5.0,
)


def test_times_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="do not add up"):
        checked(replace(HOUR, apt_ms=0))


def test_unknown_time_lowers_availability_and_widens_its_bounds() -> None:
    result = oee(HOUR)
    assert (result.availability_low, result.availability_high, result.coverage) == (0.5, 1.0, 0.5)
    assert result.availability == 0.5
    assert result.oee == 0.125


def test_nothing_is_claimed_when_all_time_is_unknown() -> None:
    result = oee(replace(HOUR, apt_ms=0, unknown_ms=3_600_000))
    assert set(result.missing.values()) == {Missing.NO_DATA}
    assert result.coverage == 0
    assert (result.availability_low, result.availability_high) == (0, 1)


def test_quality_is_by_count_when_there_is_no_planned_run_time() -> None:
    result = oee(replace(HOUR, pri_pq_ms=None, pri_gq_ms=None))
    assert result.quality_ratio == 0.5
    assert result.oee is None
    assert result.missing["oee"] is Missing.NO_PLANNED_RUN_TIME


def test_quality_and_oee_are_missing_when_nothing_tells_good_from_bad() -> None:
    result = oee(replace(HOUR, good_quantity=None, pri_gq_ms=None))
    assert result.effectiveness == 0.5
    assert result.missing == {
        "quality_ratio": Missing.NO_QUALITY_COUNTS,
        "oee": Missing.NO_QUALITY_COUNTS,
    }


def test_parts_without_production_time_are_a_fault() -> None:
    result = oee(replace(HOUR, apt_ms=0, adet_ms=1_800_000))
    assert result.faults == ("parts_without_production_time",)
    assert result.effectiveness is None
    assert result.oee == 0.125


def test_pool_is_not_computable_when_a_member_is_not() -> None:
    result = pooled([Figures(HOUR), Figures(HOUR, Missing.NO_STATE)])
    assert result.absent is Missing.NO_STATE


def test_pool_of_nothing_has_no_data() -> None:
    assert pooled([]).absent is Missing.NO_DATA


def test_minor_stops_of_the_bottleneck_are_those_of_the_line() -> None:
    units = [Figures(HOUR, minor_stop_ms=7), Figures(HOUR, minor_stop_ms=9)]
    assert serial_line(units, 0, 1.0, 0.0).minor_stop_ms == 7


def test_a_sum_is_unknown_when_any_part_is() -> None:
    total = add([HOUR, replace(HOUR, good_quantity=None)])
    assert total.good_quantity is None
    assert total.produced_quantity == 20
    assert total.pbt_ms == 7_200_000


@pytest.mark.parametrize(
    ("counts", "produced", "good"),
    [
        ({TagRole.TOTAL_COUNT: 10.0, TagRole.GOOD_COUNT: 8.0}, 10, 8),
        ({TagRole.TOTAL_COUNT: 10.0, TagRole.SCRAP_COUNT: 1.0}, 10, 9),
        (
            {TagRole.TOTAL_COUNT: 10.0, TagRole.SCRAP_COUNT: 1.0, TagRole.REWORK_COUNT: 2.0},
            10,
            7,
        ),
        ({TagRole.TOTAL_COUNT: 10.0}, 10, None),
        ({TagRole.GOOD_COUNT: 8.0, TagRole.SCRAP_COUNT: 1.0}, 9, 8),
        (
            {TagRole.GOOD_COUNT: 8.0, TagRole.SCRAP_COUNT: 1.0, TagRole.REWORK_COUNT: 2.0},
            11,
            8,
        ),
        ({TagRole.GOOD_COUNT: 8.0}, None, 8),
        ({TagRole.GOOD_COUNT: 8.0, TagRole.SCRAP_COUNT: None}, None, 8),
        ({TagRole.SCRAP_COUNT: 1.0}, None, None),
        ({}, None, None),
    ],
)
def test_quantities_follow_from_the_counters_that_there_are(
    counts: dict[TagRole, float | None], produced: float | None, good: float | None
) -> None:
    assert quantities_of(counts) == (produced, good)
