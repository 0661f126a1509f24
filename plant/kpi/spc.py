"""Control charts and Nelson's rules. Pure.

Sources: factors and limits, NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2, and ISO 7870-2;
rules, L. S. Nelson, "The Shewhart control chart: tests for special causes", Journal of Quality
Technology 16 (1984) 237-239. Capability is in `plant.kpi.capability`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

# Expected range of n standard normal values and its standard deviation, by n.
D2 = {2: 1.128, 3: 1.693, 4: 2.059, 5: 2.326, 6: 2.534, 7: 2.704, 8: 2.847, 9: 2.970, 10: 3.078}
D3 = {2: 0.853, 3: 0.888, 4: 0.880, 5: 0.864, 6: 0.848, 7: 0.833, 8: 0.820, 9: 0.808, 10: 0.797}
FEWEST = 8
"""Points below which limits say nothing."""


@dataclass(frozen=True, slots=True)
class ControlChart:
    """Points of one chart with its centre line and its limits at three standard errors."""

    points: tuple[float, ...]
    center: float
    lower: float
    upper: float

    @property
    def standard_error(self) -> float:
        """One third of the way from the centre to the upper limit."""
        return (self.upper - self.center) / 3


@dataclass(frozen=True, slots=True)
class ControlCharts:
    """A chart of location and one of spread, and the spread within subgroups they imply."""

    location: ControlChart
    spread: ControlChart
    sigma_within: float
    subgroup_size: int


def individuals_charts(values: Sequence[float]) -> ControlCharts:
    """Return the I-MR charts of single values; sigma is the mean moving range over d2(2).

    Raises ValueError with fewer than two values.
    """
    if len(values) < 2:
        raise ValueError("a moving range needs two values")
    ranges = [abs(later - earlier) for earlier, later in pairwise(values)]
    return _charts(list(values), ranges, fmean(values), 2, 1)


def subgroup_charts(groups: Sequence[Sequence[float]]) -> ControlCharts:
    """Return the X-bar and R charts of subgroups of one size, 2 to 10.

    Raises ValueError when there is none or sizes differ.
    """
    sizes = {len(group) for group in groups}
    if len(sizes) != 1 or not sizes <= D2.keys():
        raise ValueError("subgroups need one size between 2 and 10")
    size = sizes.pop()
    means = [fmean(group) for group in groups]
    ranges = [max(group) - min(group) for group in groups]
    return _charts(means, ranges, fmean(means), size, size)


def _charts(
    locations: list[float], ranges: list[float], center: float, range_of: int, size: int
) -> ControlCharts:
    mean_range = fmean(ranges)
    sigma = mean_range / D2[range_of]
    error = sigma / math.sqrt(size)
    spread_error = D3[range_of] * sigma
    return ControlCharts(
        location=ControlChart(tuple(locations), center, center - 3 * error, center + 3 * error),
        spread=ControlChart(
            tuple(ranges),
            mean_range,
            max(0.0, mean_range - 3 * spread_error),
            mean_range + 3 * spread_error,
        ),
        sigma_within=sigma,
        subgroup_size=size,
    )


def nelson_rules(chart: ControlChart) -> dict[int, tuple[int, ...]]:
    """Return by rule (1 to 8) the indices of the points at which it is broken.

    1 beyond three sigma; 2 nine on one side; 3 six rising or falling; 4 fourteen alternating;
    5 two of three beyond two sigma on one side; 6 four of five beyond one sigma on one side;
    7 fifteen within one sigma; 8 eight beyond one sigma on either side. A point is named when it
    completes a pattern.
    """
    error = chart.standard_error
    if error <= 0:
        return {}
    z = [(point - chart.center) / error for point in chart.points]
    steps = [later - earlier for earlier, later in pairwise(z)]
    found = {
        1: [i for i, value in enumerate(z) if abs(value) > 3],
        2: _runs(z, 9, lambda part: _one_side(part, 0, 9)),
        # Steps lie between points: five of them are six points, of which the last is one further
        # on.
        3: [i + 1 for i in _runs(steps, 5, lambda part: _one_side(part, 0, 5))],
        4: [i + 1 for i in _runs(steps, 13, _alternates)],
        5: _runs(z, 3, lambda part: _with_last(part, 2, 2)),
        6: _runs(z, 5, lambda part: _with_last(part, 1, 4)),
        7: _runs(z, 15, lambda part: all(abs(value) < 1 for value in part)),
        8: _runs(z, 8, lambda part: all(abs(value) > 1 for value in part)),
    }
    return {rule: tuple(indices) for rule, indices in found.items() if indices}


def _runs(
    values: Sequence[float], length: int, test: Callable[[Sequence[float]], bool]
) -> list[int]:
    return [end - 1 for end in range(length, len(values) + 1) if test(values[end - length : end])]


def _one_side(part: Sequence[float], beyond: float, count: int) -> bool:
    return (
        sum(value > beyond for value in part) >= count
        or sum(value < -beyond for value in part) >= count
    )


def _with_last(part: Sequence[float], beyond: float, count: int) -> bool:
    side = math.copysign(1.0, part[-1])
    return side * part[-1] > beyond and sum(side * value > beyond for value in part) >= count


def _alternates(part: Sequence[float]) -> bool:
    return all(one * other < 0 for one, other in pairwise(part))
