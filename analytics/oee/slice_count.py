"""What was counted in each slice of a machine's time, by counter, and what the counters tell."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from analytics.oee.state import Timeline
from analytics.readings.counting import Increments
from analytics.readings.interval import HOUR_MS, Moments
from plant.measurement import TagRole

Column = list[float | None]
"""One value per slice, None where nothing is known."""


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
        self._line = line
        self._counts = counts
        self._bounds = bounds
        self._hours = hours

    def of(self, counts: Mapping[TagRole, Increments]) -> dict[TagRole, Column]:
        """Return all that was counted, by role."""
        return {role: self._counted(made, made.amounts) for role, made in counts.items()}

    def parts(
        self, chosen: Callable[[Increments], NDArray[np.bool_]]
    ) -> dict[TagRole, Sequence[float | None]]:
        """Return what chosen increments of parts add up to, by role."""
        return {
            role: self._counted(made, made.amounts * chosen(made))
            for role, made in self._counts.items()
            if role is not TagRole.ENERGY
        }

    def energy(self, chosen: Callable[[Increments], NDArray[np.bool_]]) -> Column:
        """Return what chosen increments of energy add up to; None without a meter."""
        energy = self._counts.get(TagRole.ENERGY)
        if energy is None:
            return [None] * self._hours.size
        return self._counted(energy, energy.amounts * chosen(energy))

    def during(self, made: Increments, tiles: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return for each increment whether its moment lies in a chosen tile; shape is kept."""
        tile = np.searchsorted(self._line.edges, made.times, side="right") - 1
        inside = (tile >= 0) & (tile < tiles.size)
        # Outside of all tiles the place only has to exist: `inside` has the say.
        return inside & tiles[np.clip(tile, 0, tiles.size - 1)]

    def _counted(self, made: Increments, amounts: NDArray[np.float64]) -> Column:
        """Return what was counted in each slice; None where nothing is known.

        That is in hours that end before the first reading, and from when nothing counts any more.
        """
        starts, end = self._bounds[:-1], int(self._bounds[-1])
        inside = (made.times >= starts[0]) & (made.times < end)
        index = np.searchsorted(starts, made.times[inside], side="right") - 1
        sums: Column = np.bincount(index, weights=amounts[inside], minlength=starts.size).tolist()
        first = made.first_reading
        unknown = starts.size
        if first is not None:
            # By whole hours, so that every slice of the hour in which a counter begins has a count.
            known_until = np.minimum(self._hours + HOUR_MS, end)
            unknown = int(np.searchsorted(known_until, first, side="right"))
        sums[:unknown] = [None] * unknown
        if made.known_until is not None:
            known = int(np.searchsorted(starts, made.known_until, side="left"))
            sums[known:] = [None] * (starts.size - known)
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


def scrap_of(quantities: Mapping[TagRole, float | None]) -> float | None:
    """Return scrapped parts: counted, or what was produced and is neither good nor rework."""
    if TagRole.SCRAP_COUNT in quantities:
        return quantities[TagRole.SCRAP_COUNT]
    produced, good = quantities_of(quantities)
    if produced is None or good is None:
        return None
    return produced - good - (quantities.get(TagRole.REWORK_COUNT) or 0.0)
