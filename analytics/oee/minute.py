"""What was counted minute by minute within slices, for windows that cut them.

A minute is one of the clock; what was counted in the minute in which a slice begins or ends belongs
to the slice that holds its moment, as all of it does.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.oee.slice_count import quantities_of
from analytics.readings.counting import Increments
from analytics.readings.interval import Moments
from plant.measurement import TagRole

_MINUTE_MS = 60_000
Dense = NDArray[np.float64]
Select = Callable[[Increments], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class SliceMinutes:
    """What was counted in a slice, minute by minute."""

    amounts: Mapping[str, bytes]
    """By name of the base sum that they add up to: a little-endian float64 for each minute."""
    coarse_ms: int
    """Over how long a counter tells more than one part at once (the median); else 0."""


class Minutes:
    """The minutes of slices that follow one another; `bounds` are their ends, shape (n + 1,)."""

    def __init__(self, bounds: Moments) -> None:
        self._bounds = bounds
        self._first = bounds[:-1] // _MINUTE_MS
        # A minute that two slices share has a place in each, so that they stay apart and still add
        # up.
        lengths = (bounds[1:] - 1) // _MINUTE_MS - self._first + 1
        self._places = np.concatenate(([0], np.cumsum(lengths)))

    def places(self, moments: Moments) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Return which moments lie in the slices, and the minute of each that does."""
        inside = (moments >= self._bounds[0]) & (moments < self._bounds[-1])
        within = moments[inside]
        index = np.searchsorted(self._bounds, within, side="right") - 1
        return inside, self._places[index] + within // _MINUTE_MS - self._first[index]

    def of(self, places: tuple[NDArray[np.bool_], NDArray[np.int64]], amounts: Dense) -> Dense:
        """Return what is counted in each minute of all slices, shape (minutes,)."""
        inside, place = places
        whole = int(self._places[-1])
        return np.bincount(place, weights=amounts[inside], minlength=whole).astype(np.float64)

    def coarse_ms(self, counts: Mapping[TagRole, Increments]) -> Moments:
        """Return by slice over how long counters tell more than one part at once: the median."""
        found = np.zeros(self._first.size, dtype=np.int64)
        for role, made in counts.items():
            if role is TagRole.ENERGY or made.first_reading is None:
                continue
            waited = np.diff(np.concatenate(([made.first_reading], made.times)))
            # A part that is told alone is told at its moment; of several it is not known when each
            # was made.
            chosen = (made.amounts > 1) & (made.times >= self._bounds[0])
            chosen &= made.times < self._bounds[-1]
            waited = waited[chosen]
            index = np.searchsorted(self._bounds, made.times[chosen], side="right") - 1
            order = np.lexsort((waited, index))
            each, begins, numbers = np.unique(index[order], return_index=True, return_counts=True)
            middle = waited[order][begins + numbers // 2]
            found[each] = np.maximum(found[each], middle)
        return found

    def sums_of(self, dense: Dense) -> NDArray[np.bool_]:
        """Return for each slice whether anything was counted in its minutes."""
        found: NDArray[np.bool_] = np.logical_or.reduceat(dense != 0, self._places[:-1])
        return found

    def times(self, dense: Dense, by_slice: Sequence[float]) -> Dense:
        """Return minutes times a factor of their slice."""
        factors: Dense = np.repeat(np.array(by_slice), np.diff(self._places))
        return dense * factors

    def packed(
        self, columns: Mapping[str, Dense | None], coarse_ms: Moments
    ) -> list[SliceMinutes | None]:
        """Return the minutes of each slice; None where nothing was counted in it."""
        told = {
            # In one order of bytes, as another program on another machine may read them.
            name: (self.sums_of(column).tolist(), column.astype("<f8"))
            for name, column in columns.items()
            if column is not None and column.any()
        }
        found: list[SliceMinutes | None] = []
        places = self._places.tolist()
        for index, coarse in enumerate(coarse_ms.tolist()):
            begin, end = places[index], places[index + 1]
            amounts = {
                name: column[begin:end].tobytes()
                for name, (counted, column) in told.items()
                if counted[index]
            }
            found.append(SliceMinutes(amounts, coarse) if amounts else None)
        return found


@dataclass(frozen=True, slots=True)
class Selections:
    """Which increments count as what."""

    at_setup: Select
    unseen: Select
    stopped: Select
    resting: Select


def slice_minutes(
    bounds: Moments,
    counts: Mapping[TagRole, Increments],
    select: Selections,
    run_times_ms: Sequence[float | None],
    inspections: Sequence[tuple[int, bool, bool]],
) -> list[SliceMinutes | None]:
    """Return by slice and minute what the base sums of the slices add up.

    `run_times_ms` are those of the slices; `inspections` tell of each when the part was made,
    whether it was good, and whether it goes to rework.
    """
    into = Minutes(bounds)
    factors = [one or 0.0 for one in run_times_ms]

    places = {role: into.places(made.times) for role, made in counts.items()}

    def dense(chosen: Select | None = None) -> dict[TagRole, Dense]:
        return {
            role: into.of(
                places[role], made.amounts if chosen is None else made.amounts * chosen(made)
            )
            for role, made in counts.items()
        }

    def weighted(chosen: Select, *, rejects: bool = False) -> Dense | None:
        if not any((made.amounts[chosen(made)] != 0).any() for made in counts.values()):
            return None
        produced, good = quantities_of(dense(chosen))
        if produced is None or (rejects and good is None):
            return None
        return into.times(produced - good if rejects and good is not None else produced, factors)

    every = dense()
    produced, good = quantities_of(every)
    columns = {
        "produced_quantity": produced,
        "good_quantity": good,
        "scrap_quantity": every.get(TagRole.SCRAP_COUNT),
        "rework_quantity": every.get(TagRole.REWORK_COUNT),
        "energy_kwh": every.get(TagRole.ENERGY),
        "idle_energy_kwh": dense(select.resting).get(TagRole.ENERGY)
        if TagRole.ENERGY in counts
        else None,
        "start_up_pri_ms": weighted(select.at_setup, rejects=True),
        "unseen_pri_pq_ms": weighted(select.unseen),
        "stopped_pri_pq_ms": weighted(select.stopped),
    }
    if inspections:
        moments = np.array([moment for moment, _, _ in inspections], dtype=np.int64)
        made_at = into.places(moments)
        for name, place in (("good_at_first_parts", 1), ("rework_found_parts", 2)):
            flags = np.array([one[place] for one in inspections], dtype=np.float64)
            columns[name] = into.of(made_at, flags)
        columns["inspected_parts"] = into.of(made_at, np.ones(moments.size))
    return into.packed(columns, into.coarse_ms(counts))
