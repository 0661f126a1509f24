"""Slow wear, which a baseline that follows would hide: hourly means against the approved ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.anomaly.quantile import student

Array = NDArray[np.float64]
_HOUR_MS = 3_600_000
_LARGEST = 1e150
"""Readings are cut off there: the squares of an hour must have a sum."""


@dataclass(frozen=True, slots=True)
class WearSettings:
    """When an hour counts, and what is too far."""

    reference_hours: int = 16
    """Hours of a regime that are its reference."""
    least_rows: int = 120
    """Rows without which an hour of a regime says nothing."""
    smoothing: float = 0.3
    """Weight of a new hour."""
    sigmas: float = 4.5
    """Limit of the chart in its standard deviations, as if the reference were endless."""
    least_spread: float = 0.1
    """Least spread of hourly means, as a part of the spread within the hours."""
    trend_hours: int = 24
    """Hours that a forecast is made from."""
    failure: float = 3.0
    """Multiple of the limit at which the forecast ends."""


@dataclass(frozen=True, slots=True)
class Wear:
    """A sensor beyond its limit: `score` 1 is the limit; hours left with their 90 % interval.

    `remaining_h` is None where nothing moves towards failure; an upper bound of None is endless.
    `actual` is the mean of the last hour, `expected` that of the reference, in the sensor's unit.
    """

    moment_ms: int
    sensor: int
    score: float
    rising: bool
    remaining_h: float | None
    earliest_h: float | None
    latest_h: float | None
    actual: float
    expected: float


class SlowChart:
    """Chart hourly means of d sensors, each regime against its own reference hours."""

    def __init__(self, sensors: int, settings: WearSettings | None = None) -> None:
        """Take the number of sensors of every row to come."""
        self.settings = settings or WearSettings()
        self.sensors = sensors
        self.hour: int | None = None
        self.sums: dict[str, Array] = {}
        self.reference: dict[str, list[Array]] = {}
        self.chart = np.zeros(sensors)
        self.points: list[tuple[float, Array]] = []

    def take(
        self, times_ms: NDArray[np.int64], rows: Array, regimes: Sequence[str] | NDArray[np.str_]
    ) -> list[Wear]:
        """Take n·d rows with the regime of each, empty while idle; return what each hour told."""
        hours = (times_ms // _HOUR_MS).tolist()
        found: list[Wear] = []
        first = 0
        for past in range(1, len(hours) + 1):
            ends = past == len(hours) or (hours[past], regimes[past]) != (
                hours[first],
                regimes[first],
            )
            if not ends:
                continue
            if self.hour is not None and hours[first] != self.hour:
                found += self._end_hour()
            self.hour = hours[first]
            if regimes[first]:
                self._add(str(regimes[first]), rows[first:past])
            first = past
        return found

    def _add(self, regime: str, rows: Array) -> None:
        known = np.isfinite(rows)
        values = np.where(known, rows, 0.0)
        if np.abs(values).max(initial=0.0) > _LARGEST:
            values = np.clip(values, -_LARGEST, _LARGEST)
        before = self.sums.get(regime, np.zeros((3, self.sensors)))
        parts = np.empty((len(rows) + 1, 3, self.sensors))
        parts[0], parts[1:, 0], parts[1:, 1], parts[1:, 2] = before, known, values, values**2
        # One row after another, as a sum's last bits depend on how it is cut into parts.
        self.sums[regime] = np.add.accumulate(parts)[-1].copy()

    def _end_hour(self) -> list[Wear]:
        settings, points = self.settings, []
        means_of = np.zeros((2, self.sensors))
        for regime, (count, total, squares) in self.sums.items():
            if count.max() < settings.least_rows:
                continue
            mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
            inside = np.maximum(squares / np.maximum(count, 1) - mean**2, 0.0)
            reference = self.reference.setdefault(regime, [])
            if len(reference) < settings.reference_hours:
                last = reference[-1][0] if reference else np.zeros(self.sensors)
                known = np.where(count > 0, mean, last)
                reference.append(np.array([known, np.sqrt(np.nan_to_num(inside))]))
                continue
            means, within = np.array(reference).transpose(1, 0, 2)
            spread = means.std(axis=0, ddof=1)
            spread = np.maximum(spread, settings.least_spread * within.mean(axis=0))
            step = np.where(count > 0, mean - means.mean(axis=0), 0.0)
            points.append(step / np.maximum(spread, 1e-12))
            means_of += np.array([means.mean(axis=0) + step, means.mean(axis=0)])
        self.sums = {}
        if not points or self.hour is None:
            return []
        point = np.mean(points, axis=0)
        self.chart = self.chart + settings.smoothing * (point - self.chart)
        self.points.append((float(self.hour + 1), point))
        del self.points[: -settings.trend_hours]
        score = np.abs(self.chart) / self.limit
        means_of /= len(points)
        return [self._wear(int(one), score, means_of[:, one]) for one in np.flatnonzero(score >= 1)]

    @property
    def limit(self) -> float:
        """Return the limit of the chart, in spreads of hourly means."""
        settings = self.settings
        chart = np.sqrt(settings.smoothing / (2 - settings.smoothing))
        # Student's t, as the spread is that of a few hours only.
        return float(student(settings.sigmas, settings.reference_hours - 1) * chart)

    def _wear(self, sensor: int, score: Array, mean: Array) -> Wear:
        """Return the forecast of a line through the last hours, by least squares."""
        assert self.hour is not None
        hours = np.array([hour for hour, _ in self.points])
        values = np.array([point[sensor] for _, point in self.points])
        rising = bool(self.chart[sensor] > 0)
        # The forecast is of a rise; what falls is turned over.
        values = values if rising else -values
        remaining = earliest = latest = None
        count = len(hours)
        if count >= 4:
            centred = hours - hours.mean()
            slope = float((centred * values).sum() / (centred**2).sum())
            left = values - values.mean() - slope * centred
            error = float(np.sqrt((left**2).sum() / (count - 2) / (centred**2).sum()))
            margin = student(1.645, count - 2) * error
            now = values.mean() + slope * (hours[-1] - hours.mean())
            missing = max(self.settings.failure * self.limit - float(now), 0.0)
            remaining = missing / slope if slope > 0 else None
            earliest = missing / (slope + margin) if slope + margin > 0 else None
            latest = missing / (slope - margin) if slope - margin > 0 else None
        moment = (self.hour + 1) * _HOUR_MS
        actual, expected = (float(one) for one in mean)
        return Wear(
            moment,
            sensor,
            float(score[sensor]),
            rising,
            remaining,
            earliest,
            latest,
            actual,
            expected,
        )

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a restart needs."""
        kept: dict[str, NDArray[Any]] = {
            "hour": np.array([] if self.hour is None else [self.hour], dtype=np.int64),
            "chart": self.chart,
            "point_hours": np.array([hour for hour, _ in self.points]),
            "points": np.array([point for _, point in self.points]).reshape(-1, self.sensors),
            "sums_of": np.array(list(self.sums), dtype="U"),
            "reference_of": np.array(list(self.reference), dtype="U"),
        }
        kept |= {f"sums{place}": sums for place, sums in enumerate(self.sums.values())}
        for place, reference in enumerate(self.reference.values()):
            kept[f"reference{place}"] = np.array(reference).reshape(-1, 2, self.sensors)
        return kept

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Go on from what `to_arrays` returned."""
        self.hour = int(arrays["hour"][0]) if len(arrays["hour"]) else None
        self.chart = arrays["chart"]
        self.points = [
            (float(hour), point)
            for hour, point in zip(arrays["point_hours"], arrays["points"], strict=True)
        ]
        self.sums = {
            str(name): arrays[f"sums{place}"].copy() for place, name in enumerate(arrays["sums_of"])
        }
        self.reference = {
            str(name): list(arrays[f"reference{place}"])
            for place, name in enumerate(arrays["reference_of"])
        }
