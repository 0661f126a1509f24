"""How long measurements take from their source to the commit, as a histogram that adds up.

Bucket k holds times of `[2^(k/4), 2^((k+1)/4))` milliseconds: four buckets per doubling. Bucket
`SHORTEST` holds all that is below one millisecond, clocks that are ahead included. A quantile is
the geometric middle of its bucket, so it is wrong by at most `RELATIVE_ERROR` (9.1 %). Counts of
several hours or edges add up to the histogram of all of them.
"""

from collections.abc import Mapping
from math import ceil

import numpy as np
from numpy.typing import NDArray

PER_DOUBLING = 4
SHORTEST = -1
LONGEST = 40 * PER_DOUBLING
"""Everything from 35 years on is one bucket."""
RELATIVE_ERROR = 2 ** (1 / (2 * PER_DOUBLING)) - 1

Counts = Mapping[int, int]
"""How many times fell into which bucket."""


def lag_counts(lag_us: NDArray[np.int64]) -> dict[int, int]:
    """Return how many times (microseconds, shape (n,)) fall into which bucket."""
    # A clock that is ahead gives a time below nothing, which has no logarithm.
    whole_ms = np.maximum(lag_us / 1000, 0.5)
    bucket = np.floor(np.log2(whole_ms) * PER_DOUBLING).clip(SHORTEST, LONGEST)
    number = np.bincount(bucket.astype(np.int64) - SHORTEST)
    found = np.flatnonzero(number)
    return dict(zip((found + SHORTEST).tolist(), number[found].tolist(), strict=True))


def lag_quantile_s(counts: Counts, share: float) -> float | None:
    """Return the time in seconds that a share (0 to 1] of all does not exceed; None without any.

    It is within `RELATIVE_ERROR` of the exact quantile, or below one millisecond as that is.
    """
    total = sum(counts.values())
    if not total:
        return None
    rank = max(1, ceil(share * total))
    seen = 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen >= rank:
            break
    return 0.0 if bucket == SHORTEST else 2 ** ((bucket + 0.5) / PER_DOUBLING) / 1000
