"""Detectors that know nothing, printed beside every table: what they reach is worth nothing."""

import numpy as np
from numpy.typing import NDArray

from analytics.anomaly.evaluation.pointwise import Flags


def all_ones(rows: NDArray[np.float64], learned: int) -> Flags:
    """Return an alarm for every row after the learning ones."""
    return np.arange(len(rows)) >= learned


def second_part(rows: NDArray[np.float64], learned: int) -> Flags:
    """Return an alarm for every row from the 150th judged one on."""
    return np.arange(len(rows)) >= learned + 150


def chance(rows: NDArray[np.float64], learned: int) -> Flags:
    """Return an alarm for a third of the rows, at random."""
    drawn = np.random.default_rng(0).random(len(rows)) < 1 / 3
    return np.asarray(drawn & all_ones(rows, learned))


def blind_flip(rows: NDArray[np.float64], learned: int) -> Flags:
    """Return an alarm that opens and closes every 30 rows."""
    place = np.arange(len(rows)) - learned
    return np.asarray((place >= 0) & (place // 30 % 2 == 1))


def out_of_range(rows: NDArray[np.float64], learned: int) -> Flags:
    """Return whether any sensor is outside of what it had shown up to the row before."""
    known = np.where(np.isfinite(rows), rows, np.nan)
    high = np.fmax.accumulate(known, axis=0)[:-1]
    low = np.fmin.accumulate(known, axis=0)[:-1]
    flags = np.zeros(len(rows), dtype=bool)
    flags[1:] = ((known[1:] > high) | (known[1:] < low)).any(axis=1)
    return flags & all_ones(rows, learned)


TRIVIAL = {
    "all ones": all_ones,
    "ones from the 150th row": second_part,
    "chance, one in three": chance,
    "blind flip every 30 rows": blind_flip,
    "outside the range seen so far": out_of_range,
}
