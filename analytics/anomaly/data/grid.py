"""Readings as they come become rows of a fixed grid, the same rows in any order of arrival."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class GridRows:
    """m final rows: `times_ms` m (ends of their steps), `values` m·d, NaN where missing."""

    times_ms: Whole
    values: Array
    late: int
    """Readings refused, because the rows they belong to were final already."""


class Grid:
    """Lay the readings of d sensors on a grid of `step_ms`.

    A row at time t holds the last reading of each sensor in (t - step, t]; where there is none, the
    one before, for `hold_steps` at most, and then NaN. A step in which no sensor said anything is
    no row. Readings of the same sensor and moment are put in the order of their values, and a
    reading that is not finite ends what was held.
    """

    def __init__(self, sensors: int, step_ms: int = 1000, hold_steps: int | Whole = 3) -> None:
        """Take the number of sensors, the length of a step, and how long a reading stands in.

        An edge that reports changes only needs as many steps per sensor as it may be silent for.
        """
        self.sensors = sensors
        self.step_ms = step_ms
        self.hold_steps = hold_steps
        self.final = -(2**62)
        self.value = np.full(sensors, np.nan)
        self.step = np.full(sensors, -(2**62), dtype=np.int64)
        self.waiting: tuple[Whole, Whole, Array] = _nothing()

    def take(self, times_ms: Whole, sensors: Whole, values: Array, until_ms: int) -> GridRows:
        """Take readings in any order; return the rows that end by `until_ms`, which are final."""
        steps = -(-times_ms // self.step_ms)
        early = steps > self.final
        late = len(early) - int(np.count_nonzero(early))
        times, places, said = times_ms, sensors, values
        if late:
            times, places, said, steps = times[early], places[early], said[early], steps[early]
        if len(self.waiting[0]):
            times, places, said = (
                np.concatenate((kept, new))
                for kept, new in zip(self.waiting, (times, places, said), strict=True)
            )
            steps = -(-times // self.step_ms)
        last = until_ms // self.step_ms
        self.waiting = _nothing()
        ready = steps <= last
        if not ready.all():
            self.waiting = (times[~ready], places[~ready], said[~ready])
            times, places, said, steps = times[ready], places[ready], said[ready], steps[ready]
        self.final = max(self.final, last)
        return GridRows(*self._rows(times, places, said, steps), late=late)

    def _rows(self, times: Whole, places: Whole, said: Array, steps: Whole) -> tuple[Whole, Array]:
        if not len(steps):
            return np.empty(0, np.int64), np.empty((0, self.sensors))
        order = np.lexsort((said, times))
        places, said, steps = places[order], said[order], steps[order]
        said = np.where(np.isfinite(said), said, np.nan)
        starts = [0, *(int(one) + 1 for one in np.flatnonzero(steps[1:] != steps[:-1])), len(steps)]
        kinds = steps[starts[:-1]]
        values = np.empty((len(kinds), self.sensors))
        # One row after another: a live machine has one or two of them, and what works on many at
        # once costs more than they do.
        for row, (first, past) in enumerate(pairwise(starts)):
            # Of several readings of a sensor the last one stands.
            self.value[places[first:past]] = said[first:past]
            self.step[places[first:past]] = kinds[row]
            values[row] = self.value
            values[row, kinds[row] - self.step > self.hold_steps] = np.nan
        return kinds * self.step_ms, values

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return what a restart needs."""
        times, places, said = self.waiting
        return {
            "final": np.array(self.final),
            "value": self.value.copy(),
            "step": self.step.copy(),
            "waiting_times": times,
            "waiting_sensors": places,
            "waiting_values": said,
        }

    def restore(self, arrays: dict[str, NDArray[np.generic]]) -> None:
        """Go on from what `to_arrays` returned."""
        self.final = int(arrays["final"])
        self.value = np.array(arrays["value"], dtype=np.float64)
        self.step = np.array(arrays["step"], dtype=np.int64)
        self.waiting = (
            np.asarray(arrays["waiting_times"], dtype=np.int64),
            np.asarray(arrays["waiting_sensors"], dtype=np.int64),
            np.asarray(arrays["waiting_values"], dtype=np.float64),
        )


def held(rows: Array, steps: int) -> Array:
    """Return n·d rows of a grid with what is missing held from before, for `steps` rows at most."""
    known = np.isfinite(rows)
    place = np.arange(len(rows))[:, None]
    last = np.maximum.accumulate(np.where(known, place, -1), axis=0)
    values = np.take_along_axis(rows, np.maximum(last, 0), axis=0)
    return np.where((last >= 0) & (place - last <= steps), values, np.nan)


def _nothing() -> tuple[Whole, Whole, Array]:
    return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
