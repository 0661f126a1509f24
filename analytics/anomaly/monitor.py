"""One machine: a detector per regime (product and state), and one for regimes not learned yet."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from analytics.anomaly.detector import Detector, RowStatus, Scores
from analytics.anomaly.settings import DetectorSettings

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MonitorSettings:
    """How regimes are kept apart."""

    detector: DetectorSettings = field(default_factory=lambda: DetectorSettings(learn_rows=1200))
    """A machine has the time to learn from more rows than a test file has."""
    guard_rows: int = 60
    """Rows after a change of regime, and after a gap, that are neither judged nor learned."""
    most_guard_rows: int = 360
    """The same while the machine still warms up."""
    settle_rows: int = 30
    """Rows whose means are compared to see whether it does."""
    settled: float = 0.7
    """Scales between two such means below which it does not."""
    gap_ms: int = 60_000
    """Time between two rows from which on the charts start anew."""
    most_regimes: int = 16
    """Detectors kept; the one unused for longest makes room."""
    shared_rows: int = 200
    """Rows of each regime that the detector for all regimes is made of."""


class Monitor:
    """Score the rows of a machine with d sensors, each by the model of its regime.

    A regime without a model yet is scored by the model of all regimes, if two at least are known;
    those rows are told apart (`FALLBACK`) and raise no alarm.
    """

    def __init__(self, sensors: int, settings: MonitorSettings | None = None) -> None:
        """Take the number of sensors of every row to come."""
        self.settings = settings or MonitorSettings()
        self.sensors = sensors
        self.detectors: dict[str, Detector] = {}
        self.samples: dict[str, Array] = {}
        self.shared: Detector | None = None
        self.regime = ""
        self.guard = 0
        """Rows of guard so far; -1 once it is over."""
        self.guarded = np.empty((0, sensors))
        self.last_ms: int | None = None

    @property
    def shared_settings(self) -> DetectorSettings:
        """Return the settings of the model of all regimes, whose rows do not follow one another."""
        return replace(self.settings.detector, order=0)

    def take(self, times_ms: NDArray[np.int64], rows: Array, regimes: Sequence[str]) -> Scores:
        """Judge n·d rows; `regimes` names that of each row, empty while it does not produce."""
        parts = [
            self._run(times_ms[first:past], rows[first:past], regimes[first])
            for first, past in _runs(times_ms, regimes, self.settings.gap_ms)
        ]
        if not parts:
            return Detector(self.sensors).score(rows)
        return _together(parts)

    def _run(self, times_ms: NDArray[np.int64], rows: Array, regime: str) -> Scores:
        """Judge rows of one regime without a gap between them."""
        gap = self.last_ms is not None and times_ms[0] - self.last_ms > self.settings.gap_ms
        self.last_ms = int(times_ms[-1])
        if regime != self.regime or gap:
            self.regime, self.guard = regime, 0
            self.guarded = self.guarded[:0]
            if regime in self.detectors:
                self.detectors[regime].interrupt()
        if not regime:
            return self._unjudged(rows, RowStatus.IDLE)
        if self.guard < 0:
            return self._judge(rows)
        guarded = self._guard(rows)
        guard = self._unjudged(rows[:guarded], RowStatus.GUARD)
        return _together([guard, self._judge(rows[guarded:])])

    def _guard(self, rows: Array) -> int:
        """Return how many of these rows are still of the guard."""
        settings = self.settings
        detector = self.detectors.get(self.regime)
        for place, row in enumerate(rows):
            due = self.guard >= settings.guard_rows and self.guard % settings.settle_rows == 0
            if due and self._settled(detector):
                if detector is not None:
                    detector.resume(self.guarded[-settings.settle_rows :])
                self.guard = -1
                return place
            self.guarded = np.vstack((self.guarded[1 - 2 * settings.settle_rows :], row))
            self.guard += 1
        return len(rows)

    def _settled(self, detector: Detector | None) -> bool:
        """Return whether the machine stands still, or was waited for long enough."""
        if detector is None or self.guard >= self.settings.most_guard_rows:
            return True
        size = self.settings.settle_rows
        before, after = self.guarded[-2 * size : -size], self.guarded[-size:]
        return detector.moved(before, after) <= self.settings.settled

    def _unjudged(self, rows: Array, status: RowStatus) -> Scores:
        nothing = np.full(rows.shape, np.nan)
        kinds = np.full(len(rows), status, dtype=np.int8)
        return Scores(np.full(len(rows), np.nan), kinds, nothing, nothing, nothing)

    def _judge(self, rows: Array) -> Scores:
        detector = self._detector()
        known = len(self.samples.setdefault(self.regime, np.empty((0, self.sensors))))
        missing = self.settings.shared_rows - known
        if missing <= 0:
            return self._score(detector, rows)
        first = detector.score(rows[:missing])
        self.samples[self.regime] = np.concatenate((self.samples[self.regime], rows[:missing]))
        if len(rows) < missing:
            return first
        self._share()
        return _together([first, self._score(detector, rows[missing:])])

    def _detector(self) -> Detector:
        """Return the detector of the regime, now the one used last."""
        # Taken out and put in at the end, so that the order of the dictionary is that of use.
        detector = self.detectors.pop(self.regime, None)
        if detector is None:
            detector = Detector(self.sensors, self.settings.detector)
            while len(self.detectors) >= self.settings.most_regimes:
                oldest = next(iter(self.detectors))
                del self.detectors[oldest]
                self.samples.pop(oldest, None)
        self.detectors[self.regime] = detector
        return detector

    def _score(self, detector: Detector, rows: Array) -> Scores:
        scores = detector.score(rows)
        waiting = scores.status == RowStatus.LEARNING
        if waiting.any() and self.shared is not None:
            other = self.shared.score(rows[waiting])
            for name in ("score", "contribution", "deviation", "expected"):
                getattr(scores, name)[waiting] = getattr(other, name)
            scores.status[waiting] = RowStatus.FALLBACK
        return scores

    def _share(self) -> None:
        """Make the model of all regimes again, now that one more is known."""
        whole = [part for part in self.samples.values() if len(part) >= self.settings.shared_rows]
        if len(whole) > 1:
            self.shared = Detector(self.sensors, self.shared_settings)
            # A row of each regime in turn: learning cuts its rows into runs, and each has to know
            # them all.
            self.shared.learn(np.stack(whole, axis=1).reshape(-1, self.sensors))


def _together(parts: Sequence[Scores]) -> Scores:
    if len(parts) == 1:
        return parts[0]
    return Scores(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("score", "status", "contribution", "deviation", "expected")
        )
    )


def _runs(
    times_ms: NDArray[np.int64], regimes: Sequence[str], gap_ms: int
) -> list[tuple[int, int]]:
    """Return the spans of rows of one regime without a gap between them."""
    if not len(times_ms):
        return []
    times = times_ms.tolist()
    cuts = [
        place
        for place in range(1, len(times))
        if regimes[place] != regimes[place - 1] or times[place] - times[place - 1] > gap_ms
    ]
    edges = [0, *cuts, len(times)]
    return list(pairwise(edges))
