"""Changeovers: from the last good part of one product to the first good part of the next."""

import numpy as np

from analytics.counting import Increments
from analytics.interval import Intervals, intervals
from analytics.signal import NOTHING, Steps


def changeovers(product: Steps, good: Increments) -> Intervals:
    """Return the changeovers that both ends of are known, in milliseconds.

    A change of product is the moment the signal says so; the changeover around it begins with
    the last good part before and ends with the first good part after. It is a category of its
    own for reports: how its time counts is told by the machine's mode and state.
    """
    made = good.times[good.amounts > 0]
    named = product.codes != NOTHING
    times, codes = product.times[named], product.codes[named]
    changes = times[1:][codes[1:] != codes[:-1]]
    before = np.searchsorted(made, changes, side="left") - 1
    after = np.searchsorted(made, changes, side="left")
    known = (before >= 0) & (after < made.size)
    return intervals(zip(made[before[known]].tolist(), made[after[known]].tolist(), strict=True))
