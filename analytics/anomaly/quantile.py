"""Quantiles and tails that limits are made of, without a library of statistics."""

import math
from collections.abc import Sequence

import numpy as np


def student(sigmas: float, freedom: float) -> float:
    """Return the quantile of Student's t that is as rare as `sigmas` of the normal.

    By Wallace's approximation (1959), good to a few percent from 5 degrees of freedom on.
    """
    scale = (8 * freedom + 3) / (8 * freedom + 1)
    return math.sqrt(freedom * math.expm1(((sigmas * scale) ** 2) / freedom))


def false_alarms_per_day(peaks: Sequence[float], alarm: float, blocks_per_day: float) -> float:
    """Return how often normal blocks are expected to score above `alarm`, per day.

    `peaks` are the largest scores of blocks that were well. Above their largest the tail is that of
    a Gumbel distribution fitted by moments, the limit of maxima (Coles 2001); NaN below 8 blocks.
    """
    if len(peaks) < 8:
        return math.nan
    values = np.array(peaks)
    scale = max(float(values.std(ddof=1)) * math.sqrt(6) / math.pi, 1e-9)
    middle = float(values.mean()) - 0.5772156649 * scale
    return blocks_per_day * -math.expm1(-math.exp(-(alarm - middle) / scale))
