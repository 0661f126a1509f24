"""Process and machine capability with confidence intervals (ISO 22514-2).

Cp and Cpk use the spread within subgroups, Pp and Ppk (and Cm, Cmk of a short machine run) the
spread of all values. A capability without its number of values and its interval says little.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import exp, inf, isinf, lgamma, log, sqrt
from statistics import NormalDist, fmean, stdev

from plant.kpi.result import Missing

# Mean range of n normal values in units of their standard deviation (d2), n = 2 to 10.
_MEAN_RANGE = (1.128, 1.693, 2.059, 2.326, 2.534, 2.704, 2.847, 2.970, 3.078)
FEWEST_VALUES = 3


@dataclass(frozen=True, slots=True)
class CapabilityIndex:
    """One index with its two-sided confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Capability:
    """What a characteristic's values say of the process, in the unit of the values."""

    count: int
    mean: float | None = None
    spread_within: float | None = None
    """Standard deviation within subgroups: mean range / d2."""
    spread_overall: float | None = None
    """Standard deviation of all values."""
    indices: dict[str, CapabilityIndex] = field(default_factory=dict)
    """By name: `cp`, `cpk`, `pp`, `ppk`."""
    missing: dict[str, Missing] = field(default_factory=dict)
    """Why an index is not computable."""


def capability(
    values: Sequence[float],
    lower: float | None,
    upper: float | None,
    *,
    subgroup: int = 1,
    confidence: float = 0.95,
) -> Capability:
    """Return the capability of values in the order of their making.

    With one tolerance limit only Cpk and Ppk exist. `subgroup` values form one subgroup (1: the
    moving range of neighbours, I-MR); an incomplete last one counts only overall. Intervals: Cp
    by the chi-squared distribution, Cpk by Bissell's approximation.
    """
    names = ("cp", "cpk", "pp", "ppk")
    if lower is None and upper is None:
        return Capability(len(values), missing=dict.fromkeys(names, Missing.NO_LIMITS))
    if len(values) < max(FEWEST_VALUES, 2 * subgroup):
        return Capability(len(values), missing=dict.fromkeys(names, Missing.TOO_FEW_VALUES))
    mean, overall = fmean(values), stdev(values)
    within, freedom = _within(values, subgroup)
    found: dict[str, CapabilityIndex] = {}
    missing: dict[str, Missing] = {}
    for prefix, spread, degrees in (("c", within, freedom), ("p", overall, len(values) - 1.0)):
        if spread <= 0:
            missing |= dict.fromkeys((f"{prefix}p", f"{prefix}pk"), Missing.NO_SPREAD)
            continue
        if lower is not None and upper is not None:
            found[f"{prefix}p"] = _two_sided((upper - lower) / (6 * spread), degrees, confidence)
        else:
            missing[f"{prefix}p"] = Missing.NO_LIMITS
        nearest = min(
            inf if upper is None else upper - mean, inf if lower is None else mean - lower
        )
        found[f"{prefix}pk"] = _nearest(nearest / (3 * spread), len(values), degrees, confidence)
    return Capability(len(values), mean, within, overall, found, missing)


def _within(values: Sequence[float], subgroup: int) -> tuple[float, float]:
    """Return the spread within subgroups and its degrees of freedom."""
    if subgroup == 1:
        ranges = [abs(other - one) for one, other in pairwise(values)]
        # Neighbouring moving ranges share a value: about 0.62 degrees of freedom each.
        return fmean(ranges) / _MEAN_RANGE[0], 0.62 * len(ranges)
    groups = [
        values[start : start + subgroup] for start in range(0, len(values) - subgroup + 1, subgroup)
    ]
    ranges = [max(group) - min(group) for group in groups]
    # A mean range uses two values of each subgroup: it knows about a tenth less than all of them.
    return fmean(ranges) / _MEAN_RANGE[subgroup - 2], 0.9 * len(groups) * (subgroup - 1)


def _two_sided(value: float, degrees: float, confidence: float) -> CapabilityIndex:
    tail = (1 - confidence) / 2
    return CapabilityIndex(
        value,
        value * sqrt(chi_squared(tail, degrees) / degrees),
        value * sqrt(chi_squared(1 - tail, degrees) / degrees),
    )


def _nearest(value: float, count: int, degrees: float, confidence: float) -> CapabilityIndex:
    reach = NormalDist().inv_cdf((1 + confidence) / 2)
    margin = reach * sqrt(1 / (9 * count) + value * value / (2 * degrees))
    return CapabilityIndex(value, value - margin, value + margin)


def chi_squared(probability: float, degrees: float) -> float:
    """Return the quantile of the chi-squared distribution, to about 12 digits."""
    low, high = 0.0, degrees
    while _lower_gamma(degrees / 2, high / 2) < probability:
        low, high = high, high * 2
    # Halved so often, the bracket is narrower than a double can tell.
    for _ in range(80):
        middle = (low + high) / 2
        if _lower_gamma(degrees / 2, middle / 2) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _lower_gamma(shape: float, value: float) -> float:
    """Return the regularised lower incomplete gamma function, by its series."""
    if value <= 0 or isinf(value):
        return 0.0 if value <= 0 else 1.0
    term = total = 1 / shape
    step = shape
    while term > total * 1e-16:
        step += 1
        term *= value / step
        total += term
    return min(1.0, total * exp(shape * log(value) - value - lgamma(shape)))
