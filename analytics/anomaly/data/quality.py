"""Faults of the data, told by rules: no model is needed for them, and none should see them."""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_STATE = ("value", "same", "longest", "seen", "silent")


class Fault(Enum):
    """What is wrong with a sensor's data."""

    RANGE = "range"
    """A value that the sensor cannot measure."""
    STUCK = "stuck"
    """The same value for much longer than ever before."""
    GAP = "gap"
    """Nothing for too long."""


@dataclass(frozen=True, slots=True)
class QualityEvent:
    """From the first row it was seen in; `end_ms` is None while it lasts."""

    fault: Fault
    sensor: int
    start_ms: int
    end_ms: int | None


@dataclass(frozen=True, slots=True)
class QualitySettings:
    """Limits of the rules; lengths in rows."""

    ranges: tuple[tuple[float, float], ...] = ()
    """Least and largest value of each sensor; empty, if none are known."""
    gap_rows: int = 10
    """Missing rows after which a gap is told."""
    stuck_rows: int = 60
    """Equal values below which nothing is stuck."""
    stuck_factor: float = 5.0
    """Times the longest run of equal values so far after which a sensor is stuck."""
    known_rows: int = 400
    """Values of a sensor after which its longest run is known."""


class QualityRules:
    """Judge the rows of one machine with d sensors, and hide from the model what is wrong."""

    def __init__(self, sensors: int, settings: QualitySettings | None = None) -> None:
        """Take the number of sensors of every row to come."""
        self.settings = settings or QualitySettings()
        self.value = np.full(sensors, np.nan)
        self.same = np.zeros(sensors, dtype=np.int64)
        self.longest = np.zeros(sensors, dtype=np.int64)
        self.seen = np.zeros(sensors, dtype=np.int64)
        self.silent = np.zeros(sensors, dtype=np.int64)
        self.open: dict[tuple[Fault, int], QualityEvent] = {}
        limits = np.array(self.settings.ranges or ((-np.inf, np.inf),) * sensors)
        self._low, self._high = limits[:, 0], limits[:, 1]

    def take(self, times_ms: NDArray[np.int64], rows: Array) -> tuple[Array, list[QualityEvent]]:
        """Return n·d rows, NaN where not to be believed, and events that began or ended."""
        clean = np.where(np.isfinite(rows), rows, np.nan)
        changed: list[QualityEvent] = []
        if self._all_moved(clean):
            return clean, changed
        missing_in = np.isnan(clean)
        outside_in = (clean < self._low) | (clean > self._high)
        for place, moment in enumerate(times_ms.tolist()):
            row, missing, outside = clean[place], missing_in[place], outside_in[place]
            stuck = self._stuck(row, missing)
            self.silent = np.where(missing, self.silent + 1, 0)
            gap = self.silent > self.settings.gap_rows
            hidden = outside | stuck
            if self.open or hidden.any() or gap.any():
                self._mark(Fault.RANGE, outside, moment, changed)
                self._mark(Fault.STUCK, stuck, moment, changed)
                self._mark(Fault.GAP, gap, moment, changed)
                row[hidden] = np.nan
        return clean, changed

    def _all_moved(self, rows: Array) -> bool:
        """Take rows of which nothing can be told, as mostly, all at once; False where it may be."""
        if self.open or not len(rows) or not np.isfinite(rows).all():
            return False
        before = np.concatenate((self.value[None], rows[:-1]))
        fine = (rows != before) & (rows >= self._low) & (rows <= self._high)
        if not fine.all():
            return False
        least = 1 if len(rows) > 1 else 0
        self.longest = np.maximum(self.longest, np.maximum(self.same, least))
        self.same = np.ones_like(self.same)
        self.seen = self.seen + len(rows)
        self.silent = np.zeros_like(self.silent)
        self.value = rows[-1].copy()
        return True

    def _stuck(self, row: Array, missing: NDArray[np.bool_]) -> NDArray[np.bool_]:
        equal = row == self.value
        ended = ~missing & ~equal
        self.longest = np.where(ended, np.maximum(self.longest, self.same), self.longest)
        self.same = np.where(ended, 1, np.where(equal, self.same + 1, self.same))
        self.seen = self.seen + ~missing
        self.value = np.where(missing, self.value, row)
        settings = self.settings
        allowed = np.maximum(settings.stuck_rows, settings.stuck_factor * self.longest)
        moved = (self.longest > 0) & (self.seen > settings.known_rows)
        return np.asarray(moved & equal & (self.same > allowed))

    def _mark(
        self,
        fault: Fault,
        flags: NDArray[np.bool_],
        moment: int,
        changed: list[QualityEvent],
    ) -> None:
        for sensor in np.flatnonzero(flags):
            key = (fault, int(sensor))
            if key not in self.open:
                self.open[key] = QualityEvent(fault, int(sensor), moment, None)
                changed.append(self.open[key])
        over = [key for key in self.open if key[0] is fault and not flags[key[1]]]
        changed.extend(replace(self.open.pop(key), end_ms=moment) for key in over)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a restart needs."""
        kept: dict[str, NDArray[Any]] = {name: getattr(self, name) for name in _STATE}
        events = list(self.open.values())
        kept["open"] = np.array([(one.sensor, one.start_ms) for one in events]).reshape(-1, 2)
        kept["open_faults"] = np.array([one.fault.value for one in events], dtype="U")
        return kept

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Go on from what `to_arrays` returned."""
        for name in _STATE:
            setattr(self, name, arrays[name])
        self.open = {
            (Fault(fault), int(sensor)): QualityEvent(Fault(fault), int(sensor), int(start), None)
            for fault, (sensor, start) in zip(arrays["open_faults"], arrays["open"], strict=True)
        }
