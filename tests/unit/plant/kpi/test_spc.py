"""Control charts against published examples, and Nelson's rules one by one."""

import pytest

from plant.kpi.spc import ControlChart, individuals_charts, nelson_rules, subgroup_charts

# NIST/SEMATECH e-Handbook 6.3.2.2, flow rates of ten batches: mean 50.81, mean moving range 1.8778,
# limits 55.8041 and 45.8159 (their d2 is 1.128, as ours).
FLOW_RATES = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]


def test_individuals_limits_are_those_of_the_handbook() -> None:
    charts = individuals_charts(FLOW_RATES)
    assert charts.location.center == pytest.approx(50.81)
    assert charts.spread.center == pytest.approx(1.8778, abs=5e-5)
    assert charts.location.upper == pytest.approx(55.8041, abs=5e-4)
    assert charts.location.lower == pytest.approx(45.8159, abs=5e-4)
    # D4 for two values is 3.267, D3 is 0.
    assert charts.spread.upper == pytest.approx(3.267 * charts.spread.center, rel=1e-3)
    assert charts.spread.lower == 0


def test_subgroup_limits_have_the_usual_factors_when_groups_have_five() -> None:
    groups = [[10.0, 11, 12, 11, 10], [11.0, 12, 13, 10, 11], [9.0, 10, 11, 12, 10]]
    charts = subgroup_charts(groups)
    mean_range = (2 + 3 + 3) / 3
    # A2 = 0.577, D4 = 2.114 for five values.
    assert charts.location.upper - charts.location.center == pytest.approx(
        0.577 * mean_range, rel=1e-3
    )
    assert charts.spread.upper == pytest.approx(2.114 * mean_range, rel=1e-3)
    assert charts.spread.lower == 0


@pytest.mark.parametrize("groups", [[], [[1.0]], [[1.0, 2.0], [1.0]], [[1.0] * 11]])
def test_subgroups_are_refused_when_they_have_no_common_size(groups: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="size"):
        subgroup_charts(groups)


def test_a_single_value_is_refused() -> None:
    with pytest.raises(ValueError, match="two values"):
        individuals_charts([1.0])


def chart(*z: float) -> ControlChart:
    return ControlChart(z, 0.0, -3.0, 3.0)


@pytest.mark.parametrize(
    ("rule", "breaks", "keeps"),
    [
        (1, [0, 3.1, 0], [0, 3.0, 0]),
        (2, [0.1] * 9, [*[0.1] * 8, -0.1]),
        (3, [-1.5, -1, -0.5, 0, 0.5, 0.9], [-1.5, -1, -0.5, 0, 0.5, 0.4]),
        (4, [0.5, -0.5] * 7, [*[0.5, -0.5] * 6, 0.5]),
        (5, [2.1, 0, 2.1], [2.1, 0, -2.1]),
        (6, [1.1, 1.1, 0, 1.1, 1.1], [1.1, 1.1, 0, 1.1, -1.1]),
        (7, [0.5, -0.4, 0.3] * 5, [*[0.5, -0.4, 0.3] * 4, 0.5, -0.4, 1.2]),
        (8, [1.5, -1.5, 1.2, -1.2, -1.5, 1.5, 1.1, -1.1], [1.5, -1.5, 1.2, 0, -1.5, 1.5, 1.1, 1]),
    ],
)
def test_a_rule_is_broken_by_its_pattern_alone(
    rule: int, breaks: list[float], keeps: list[float]
) -> None:
    assert len(breaks) - 1 in nelson_rules(chart(*breaks)).get(rule, ()) or rule == 1
    assert rule in nelson_rules(chart(*breaks))
    assert rule not in nelson_rules(chart(*keeps))


def test_a_point_is_named_only_when_it_completes_the_pattern() -> None:
    assert nelson_rules(chart(2.5, 2.5, -2.5)).get(5) is None


def test_no_rule_applies_when_there_is_no_spread() -> None:
    assert nelson_rules(ControlChart((1.0,) * 20, 1.0, 1.0, 1.0)) == {}
