"""Machines that work in cycles: a row per cycle, of what each sensor did in it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_WHOLE = 0.95
"""Part of a cycle's rows that must be there: the shape of half a cycle is that of none."""
FEATURES = ("mean", "least", "most", "spread", "centre")
"""Per sensor; `centre` is where in the cycle (0 to 1) the mass of its signal lies."""


@dataclass(frozen=True, slots=True)
class Cycles:
    """c cycles: ends, and c·(1 + 5·d) features: the duration in seconds, then five per sensor."""

    times_ms: NDArray[np.int64]
    rows: Array
    regimes: list[str]


def feature_names(sensors: list[str]) -> list[str]:
    """Return the name of each column of `Cycles.rows`."""
    return ["duration", *(f"{sensor} {name}" for sensor in sensors for name in FEATURES)]


def sensor_of(column: int) -> int | None:
    """Return which sensor a column of features is of; None for the duration."""
    return None if column == 0 else (column - 1) // len(FEATURES)


class CycleCutter:
    """Cut the rows of a machine with d sensors into cycles, wherever a signal changes.

    The signal is a part counter (each change ends a cycle), or, with `rising`, 1 in the state that
    a cycle begins with and else 0. What was cut at the start, and cycles with fewer than
    `least_rows` or of which a part is missing, are no rows.
    """

    def __init__(self, sensors: int, least_rows: int = 5, *, rising: bool = False) -> None:
        """Take the number of sensors of every row to come."""
        self.rising = rising
        self.sensors = sensors
        self.least_rows = least_rows
        self.mark = np.nan
        self.whole = False
        self.times: list[int] = []
        self.rows: list[Array] = []
        self.regime = ""

    def take(
        self, times_ms: NDArray[np.int64], rows: Array, signal: Array, regimes: list[str]
    ) -> Cycles:
        """Return the cycles that ended in these n rows; a missing signal goes on as before."""
        done: list[tuple[int, Array, str]] = []
        for place, mark in enumerate(signal):
            if self.rising and not mark > self.mark:
                # The end of the state; of the very first row nobody knows where in a cycle it is.
                self.mark = float(mark) if np.isfinite(mark) else self.mark
            elif np.isfinite(mark) and mark != self.mark:
                if self.whole and self.regime:
                    features = self._features(int(times_ms[place]))
                    if features is not None:
                        done.append((int(times_ms[place]), features, self.regime))
                self.whole = bool(np.isfinite(self.mark))
                self.mark = float(mark)
                self.times, self.rows, self.regime = [], [], regimes[place]
            if regimes[place] != self.regime:
                self.whole = False
            self.times.append(int(times_ms[place]))
            self.rows.append(rows[place])
        width = 1 + len(FEATURES) * self.sensors
        return Cycles(
            np.array([moment for moment, _, _ in done], dtype=np.int64),
            np.array([features for _, features, _ in done]).reshape(-1, width),
            [regime for _, _, regime in done],
        )

    def _features(self, end_ms: int) -> Array | None:
        if len(self.rows) < self.least_rows:
            return None
        values = np.array(self.rows)
        if np.isfinite(values).all(axis=1).mean() < _WHOLE:
            return None
        values = values[np.isfinite(values).all(axis=1)]
        least, most = values.min(axis=0), values.max(axis=0)
        above = values - least
        place = np.linspace(0, 1, len(values))[:, None]
        weight = above.sum(axis=0)
        centre = np.where(weight > 0, (above * place).sum(axis=0) / np.maximum(weight, 1e-12), 0.5)
        each = np.array([values.mean(axis=0), least, most, values.std(axis=0), centre])
        return np.concatenate(([(end_ms - self.times[0]) / 1000], each.T.ravel()))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a restart needs."""
        return {
            "mark": np.array(self.mark),
            "whole": np.array(self.whole),
            "times": np.array(self.times, dtype=np.int64),
            "rows": np.array(self.rows).reshape(-1, self.sensors),
            "regime": np.array(self.regime),
        }

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Go on from what `to_arrays` returned."""
        self.mark, self.whole = float(arrays["mark"]), bool(arrays["whole"])
        self.times = [int(moment) for moment in arrays["times"]]
        self.rows, self.regime = list(arrays["rows"]), str(arrays["regime"])
