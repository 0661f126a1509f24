"""Readings as they come become rows of a fixed grid, the same rows in any order of arrival."""

from dataclasses import dataclass

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
        early = -(-times_ms // self.step_ms) > self.final
        times, places, said = (
            np.concatenate((kept, new[early]))
            for kept, new in zip(self.waiting, (times_ms, sensors, values), strict=True)
        )
        steps = -(-times // self.step_ms)
        last = until_ms // self.step_ms
        ready = steps <= last
        self.waiting = (times[~ready], places[~ready], said[~ready])
        self.final = max(self.final, last)
        rows = self._rows(times[ready], places[ready], said[ready], steps[ready])
        return GridRows(*rows, late=int((~early).sum()))

    def _rows(self, times: Whole, places: Whole, said: Array, steps: Whole) -> tuple[Whole, Array]:
        order = np.lexsort((said, times))
        places, said, steps = places[order], said[order], steps[order]
        kinds, row = np.unique(steps, return_inverse=True)
        count = len(kinds)
        values = np.vstack((self.value, np.full((count, self.sensors), np.nan)))
        told = np.full((count + 1, self.sensors), -1, dtype=np.int64)
        told[0] = 0
        values[row + 1, places] = np.where(np.isfinite(said), said, np.nan)
        told[row + 1, places] = row + 1
        since = np.maximum.accumulate(told, axis=0)
        values = np.take_along_axis(values, since, axis=0)
        when = np.vstack((self.step, np.broadcast_to(kinds[:, None], (count, self.sensors))))
        when = np.take_along_axis(when, since, axis=0)
        self.value, self.step = values[-1].copy(), when[-1].copy()
        stale = kinds[:, None] - when[1:] > self.hold_steps
        return kinds * self.step_ms, np.where(stale, np.nan, values[1:])

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return what a restart needs."""
        times, places, said = self.waiting
        return {
            "final": np.array(self.final),
            "value": self.value,
            "step": self.step,
            "waiting_times": times,
            "waiting_sensors": places,
            "waiting_values": said,
        }

    def restore(self, arrays: dict[str, NDArray[np.generic]]) -> None:
        """Go on from what `to_arrays` returned."""
        self.final = int(arrays["final"])
        self.value = np.asarray(arrays["value"], dtype=np.float64)
        self.step = np.asarray(arrays["step"], dtype=np.int64)
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
