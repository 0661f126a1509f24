"""What was counted minute by minute within slices, for windows that cut them.

A minute is one of the clock; what was counted in the minute in which a slice begins or ends belongs
to the slice that holds its moment, as all of it does.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.oee.slice_count import Chosen, SliceCounts, quantities_of
from analytics.readings.counting import Increments
from analytics.readings.interval import Moments
from plant.measurement import TagRole

_MINUTE_MS = 60_000
Dense = NDArray[np.float64]


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

    def places(self, moments: Moments, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the minute of moments that lie in the slices of an index."""
        return (self._places[:-1] - self._first)[index] + moments // _MINUTE_MS

    def of(self, places: NDArray[np.int64], amounts: Dense) -> Dense:
        """Return what is counted in each minute of all slices, shape (minutes,)."""
        whole = int(self._places[-1])
        return np.bincount(places, weights=amounts, minlength=whole).astype(np.float64)

    def coarse_ms(self, counts: Mapping[TagRole, Increments], tell: SliceCounts) -> Moments:
        """Return by slice over how long counters tell more than one part at once: the median."""
        found = np.zeros(self._first.size, dtype=np.int64)
        for role, made in counts.items():
            if role is TagRole.ENERGY or made.first_reading is None:
                continue
            inside = tell.inside[role]
            # A part that is told alone is told at its moment; of several it is not known when each
            # was made.
            several = made.amounts[inside] > 1
            if not several.any():
                continue
            waited = np.diff(made.times, prepend=made.first_reading)[inside][several]
            index = tell.index[role][several]
            order = np.lexsort((waited, index))
            index = index[order]
            begins = np.flatnonzero(np.diff(index, prepend=-1))
            numbers = np.diff(begins, append=index.size)
            middle = waited[order][begins + numbers // 2]
            each = index[begins]
            found[each] = np.maximum(found[each], middle)
        return found

    def sums_of(self, dense: Dense) -> NDArray[np.bool_]:
        """Return for each slice whether anything was counted in its minutes."""
        found: NDArray[np.bool_] = np.logical_or.reduceat(dense != 0, self._places[:-1])
        return found

    def times(self, dense: Dense, by_slice: Dense) -> Dense:
        """Return minutes times a factor of their slice."""
        factors: Dense = np.repeat(by_slice, np.diff(self._places))
        return dense * factors

    def packed(
        self, columns: Mapping[str, Dense | None], coarse_ms: Moments
    ) -> dict[int, SliceMinutes]:
        """Return the minutes of slices, by the place of those in which anything was counted."""
        amounts: defaultdict[int, dict[str, bytes]] = defaultdict(dict)
        # Cut out of one row of bytes: slicing arrays slice by slice took a fifth of a year's time.
        bounds = (8 * self._places).tolist()
        for name, column in columns.items():
            if column is None or not column.any():
                continue
            # In one order of bytes, as another program on another machine may read them.
            row = column.astype("<f8").tobytes()
            for index in np.flatnonzero(self.sums_of(column)).tolist():
                amounts[index][name] = row[bounds[index] : bounds[index + 1]]
        coarse = coarse_ms.tolist()
        return {index: SliceMinutes(own, coarse[index]) for index, own in amounts.items()}


@dataclass(frozen=True, slots=True)
class Selections:
    """Which increments count as what."""

    at_setup: Chosen
    unseen: Chosen
    stopped: Chosen
    resting: Chosen


def slice_minutes(
    bounds: Moments,
    counts: Mapping[TagRole, Increments],
    tell: SliceCounts,
    select: Selections,
    run_times_ms: Dense,
    inspections: Sequence[tuple[int, bool, bool]],
) -> dict[int, SliceMinutes]:
    """Return what the base sums of slices add up, minute by minute, by the place of the slice.

    `run_times_ms` are those of the slices, 0 without one; `inspections` tell of each when the part
    was made, whether it was good, and whether it goes to rework.
    """
    into = Minutes(bounds)
    places = {
        role: into.places(made.times[tell.inside[role]], tell.index[role])
        for role, made in counts.items()
    }

    def dense(role: TagRole, chosen: Chosen | None = None) -> Dense:
        amounts = counts[role].amounts
        if chosen is not None:
            amounts = amounts * chosen[role]
        return into.of(places[role], amounts[tell.inside[role]])

    def weighted(chosen: Chosen, *, rejects: bool = False) -> Dense | None:
        if not any((counts[role].amounts[mask] != 0).any() for role, mask in chosen.items()):
            return None
        produced, good = quantities_of({role: dense(role, chosen) for role in chosen})
        if produced is None or (rejects and good is None):
            return None
        return into.times(
            produced - good if rejects and good is not None else produced, run_times_ms
        )

    every = {role: dense(role) for role in counts}
    produced, good = quantities_of(every)
    columns = {
        "produced_quantity": produced,
        "good_quantity": good,
        "scrap_quantity": every.get(TagRole.SCRAP_COUNT),
        "rework_quantity": every.get(TagRole.REWORK_COUNT),
        "energy_kwh": every.get(TagRole.ENERGY),
        "idle_energy_kwh": dense(TagRole.ENERGY, select.resting)
        if TagRole.ENERGY in counts
        else None,
        "start_up_pri_ms": weighted(select.at_setup, rejects=True),
        "unseen_pri_pq_ms": weighted(select.unseen),
        "stopped_pri_pq_ms": weighted(select.stopped),
    }
    if inspections:
        moments = np.array([moment for moment, _, _ in inspections], dtype=np.int64)
        inside = (moments >= bounds[0]) & (moments < bounds[-1])
        within = moments[inside]
        made_at = into.places(within, np.searchsorted(bounds, within, side="right") - 1)
        for name, place in (("good_at_first_parts", 1), ("rework_found_parts", 2)):
            flags = np.array([one[place] for one in inspections], dtype=np.float64)
            columns[name] = into.of(made_at, flags[inside])
        columns["inspected_parts"] = into.of(made_at, np.ones(within.size))
    return into.packed(columns, into.coarse_ms(counts, tell))
