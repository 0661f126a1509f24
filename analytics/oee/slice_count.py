"""What was counted in each slice of a machine's time, by counter, and what the counters tell."""

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import add
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from analytics.oee.state import Timeline
from analytics.readings.counting import Increments
from analytics.readings.interval import HOUR_MS, Moments
from plant.measurement import TagRole

Column = NDArray[np.float64]
"""One value per slice, shape (n,); NaN where nothing is known."""
Chosen = Mapping[TagRole, NDArray[np.bool_]]
"""Which increments of each counter, shapes are theirs."""


class _Adds(Protocol):
    """A number, or a column of numbers."""

    def __add__(self, other: Any, /) -> Any: ...

    def __neg__(self) -> Any: ...


_Amount = TypeVar("_Amount", bound=_Adds)


class SliceCounts:
    """Counts by slice: `bounds` are their ends, shape (n + 1,), `hours` the hour of each."""

    def __init__(
        self,
        line: Timeline,
        counts: Mapping[TagRole, Increments],
        bounds: Moments,
        hours: Moments,
    ) -> None:
        self._counts = counts
        self._starts = bounds[:-1]
        # By whole hours, so that every slice of the hour in which a counter begins has a count.
        self._known_until = np.minimum(hours + HOUR_MS, bounds[-1])
        self.inside = {
            role: (made.times >= bounds[0]) & (made.times < bounds[-1])
            for role, made in counts.items()
        }
        """Which increments lie in the slices."""
        self._tiles = {
            role: np.searchsorted(line.edges, made.times[self.inside[role]], side="right") - 1
            for role, made in counts.items()
        }
        of_tile = np.searchsorted(bounds, line.edges[:-1], side="right") - 1
        self.index = {role: of_tile[tiles] for role, tiles in self._tiles.items()}
        """The slice of each that does."""

    def of_all(self) -> dict[TagRole, Column]:
        """Return all that was counted, by role."""
        return {role: self._counted(role, made.amounts) for role, made in self._counts.items()}

    def of(self, chosen: Chosen) -> dict[TagRole, Column]:
        """Return what chosen increments add up to, by role."""
        return {
            role: self._counted(role, self._counts[role].amounts * mask if mask.any() else None)
            for role, mask in chosen.items()
        }

    def during(self, role: TagRole, tiles: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return for each increment whether its moment lies in a chosen tile; shape is kept."""
        found = np.zeros(self._counts[role].times.size, dtype=np.bool_)
        found[self.inside[role]] = tiles[self._tiles[role]]
        return found

    def _counted(self, role: TagRole, amounts: NDArray[np.float64] | None) -> Column:
        """Return what was counted in each slice, nothing where there are no amounts.

        NaN in hours that end before the first reading, and from when nothing counts any more.
        """
        made = self._counts[role]
        sums = np.zeros(self._starts.size, dtype=np.float64)
        if amounts is not None:
            within = amounts[self.inside[role]]
            sums += np.bincount(self.index[role], weights=within, minlength=sums.size)
        first = made.first_reading
        sums[
            : sums.size if first is None else np.searchsorted(self._known_until, first, "right")
        ] = np.nan
        if made.known_until is not None:
            sums[np.searchsorted(self._starts, made.known_until, side="left") :] = np.nan
        return sums


def quantities_of(
    quantities: Mapping[TagRole, _Amount | None],
) -> tuple[_Amount | None, _Amount | None]:
    """Return produced and good quantity as far as the counters tell them, of one time or many.

    Rework failed at first pass: it is produced but not good, and a rework pass adds nothing.
    """
    bad: list[_Amount | None] = [
        quantities[role]
        for role in (TagRole.SCRAP_COUNT, TagRole.REWORK_COUNT)
        if role in quantities
    ]
    good = quantities.get(TagRole.GOOD_COUNT)
    total = quantities.get(TagRole.TOTAL_COUNT)
    if TagRole.TOTAL_COUNT in quantities:
        if TagRole.GOOD_COUNT not in quantities and bad:
            good = _total([total, *(None if part is None else -part for part in bad)])
        return total, good
    if TagRole.GOOD_COUNT in quantities and TagRole.SCRAP_COUNT in quantities:
        return _total([good, *bad]), good
    return None, good


def _total(parts: Iterable[_Amount | None]) -> _Amount | None:
    every = list(parts)
    known = [part for part in every if part is not None]
    return reduce(add, known) if len(known) == len(every) else None


def scrap_of(quantities: Mapping[TagRole, Column]) -> Column | None:
    """Return scrapped parts: counted, or what was produced and is neither good nor rework."""
    if TagRole.SCRAP_COUNT in quantities:
        return quantities[TagRole.SCRAP_COUNT]
    produced, good = quantities_of(quantities)
    if produced is None or good is None:
        return None
    rework = quantities.get(TagRole.REWORK_COUNT)
    return produced - good - (0.0 if rework is None else np.nan_to_num(rework))
