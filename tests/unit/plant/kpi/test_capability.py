"""Capability against published tables and examples."""

from math import sqrt

import pytest

from plant.kpi import Missing
from plant.kpi.capability import capability, chi_squared


@pytest.mark.parametrize(
    ("probability", "degrees", "published"),
    [
        (0.05, 1, 0.004),
        (0.95, 1, 3.841),
        (0.5, 2, 1.386),
        (0.025, 10, 3.247),
        (0.975, 10, 20.483),
        (0.025, 19, 8.907),
        (0.975, 19, 32.852),
        (0.99, 30, 50.892),
        (0.95, 100, 124.342),
    ],
)
def test_quantiles_are_those_of_the_published_tables(
    probability: float, degrees: float, published: float
) -> None:
    assert chi_squared(probability, degrees) == pytest.approx(published, abs=6e-4)


def test_quantiles_of_two_degrees_are_those_of_the_exponential_distribution() -> None:
    # The only ones in closed form: -2 ln(1 - p).
    assert chi_squared(0.9, 2) == pytest.approx(4.605170185988092, rel=1e-11)


def spread(mean: float, deviation: float, count: int = 20) -> list[float]:
    """Return values with exactly this mean and sample standard deviation."""
    reach = deviation * sqrt((count - 1) / count)
    return [mean + (reach if number % 2 else -reach) for number in range(count)]


def test_interval_of_pp_is_that_of_the_text_book() -> None:
    # Montgomery, Introduction to Statistical Quality Control: limits 38 and 62, n = 20, s = 1.75:
    # 2.29, at 95 % from 1.57 to 3.01.
    found = capability(spread(50, 1.75), 38, 62).indices["pp"]
    assert (found.value, found.low, found.high) == pytest.approx((2.29, 1.57, 3.01), abs=6e-3)


def test_interval_of_ppk_is_bissells() -> None:
    # By hand: 1.959964 x sqrt(1 / (9 x 20) + 1.33^2 / (2 x 19)) = 0.447395.
    found = capability(spread(50, 1.0), 50 - 3 * 1.33, 60).indices["ppk"]
    assert (found.value, found.low, found.high) == pytest.approx(
        (1.33, 0.882605, 1.777395), abs=2e-6
    )


def test_within_and_overall_spread_differ_when_the_process_drifts() -> None:
    drifting = [float(number) for number in range(20)]
    found = capability(drifting, -10, 40)
    assert found.spread_within == pytest.approx(1 / 1.128)
    assert found.spread_overall == pytest.approx(sqrt(35))
    assert found.indices["cp"].value > found.indices["pp"].value


def test_subgroups_give_the_mean_range_over_its_factor() -> None:
    found = capability([1.0, 3.0, 2.0, 4.0, 8.0, 9.0, 99.0], 0, 10, subgroup=3)
    assert found.spread_within == pytest.approx((2 + 5) / 2 / 1.693)
    assert found.count == 7


def test_one_limit_gives_only_the_index_to_it() -> None:
    found = capability(spread(50, 2), None, 56)
    assert set(found.indices) == {"cpk", "ppk"}
    assert found.indices["ppk"].value == pytest.approx(1.0)
    assert found.missing == {"cp": Missing.NO_LIMITS, "pp": Missing.NO_LIMITS}


@pytest.mark.parametrize(
    ("values", "lower", "reason"),
    [
        ([1.0, 2.0], 0.0, Missing.TOO_FEW_VALUES),
        ([5.0] * 10, 0.0, Missing.NO_SPREAD),
        ([1.0, 2.0, 3.0], None, Missing.NO_LIMITS),
    ],
)
def test_no_index_is_told_when_there_is_nothing_to_tell_it_from(
    values: list[float], lower: float | None, reason: Missing
) -> None:
    found = capability(values, lower, None)
    assert found.indices == {}
    assert found.missing["ppk"] is reason


def test_a_process_off_its_limits_has_an_index_below_zero() -> None:
    assert capability(spread(50, 1), 52, 58).indices["ppk"].value == pytest.approx(-2 / 3)


def test_more_values_make_the_interval_narrower() -> None:
    few = capability(spread(50, 1, 20), 45, 55).indices["pp"]
    many = capability(spread(50, 1, 200), 45, 55).indices["pp"]
    assert many.high - many.low < few.high - few.low
