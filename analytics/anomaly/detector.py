"""The live detector of one machine in one regime: rows in, scores and alarms out, row by row.

Each row is judged by what came before it, never by what comes after. Rows are taken one at a time
whatever the size of a call, so the same rows give the same bits in calls of any size, and a
detector that was saved and loaded goes on exactly as one that never stopped.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from analytics.anomaly.model.explanation import shares
from analytics.anomaly.model.hold import Step
from analytics.anomaly.model.learning import filled, usable
from analytics.anomaly.model.live import Live
from analytics.anomaly.model.model import Array
from analytics.anomaly.settings import DetectorSettings


class RowStatus(IntEnum):
    """What a row of scores is worth."""

    LEARNING = 0
    """No verdict: the model is not made yet."""
    NO_DATA = 1
    """No verdict: more than half of the sensors said nothing."""
    NORMAL = 2
    """Judged and within the limits."""
    ALARM = 3
    """Judged, and part of an alarm."""
    RELEARNED = 4
    """Judged, and the last row of an alarm that was held too long: its level is now known."""
    IDLE = 5
    """No verdict: the machine does not produce."""
    GUARD = 6
    """No verdict: the regime has just changed, or rows were missing before."""
    FALLBACK = 7
    """Scored by the model of all regimes, because that of its own is not made yet: no alarm."""


# Looked up once: a name of an enumeration costs as much as a part of a row's arithmetic.
_ALARM, _NORMAL, _RELEARNED = RowStatus.ALARM, RowStatus.NORMAL, RowStatus.RELEARNED
_EXPIRED = Step.EXPIRED


@dataclass(frozen=True, slots=True)
class Scores:
    """One entry per row: n rows, d sensors.

    `score` is NaN where `status` gives no verdict. `contribution` (n·d, NaN where the score is
    below 1) is the share of each sensor, `deviation` (n·d) its signed distance from `expected`
    (n·d, the sensor's unit) in scales.
    """

    score: Array
    status: NDArray[np.int8]
    contribution: Array
    deviation: Array
    expected: Array

    @property
    def alarm(self) -> NDArray[np.bool_]:
        """Return whether each row belongs to an alarm."""
        return np.asarray((self.status == RowStatus.ALARM) | (self.status == RowStatus.RELEARNED))


class Detector:
    """Learn from the first rows, then judge, and keep learning from what is well."""

    def __init__(self, sensors: int, settings: DetectorSettings | None = None) -> None:
        """Take the number of columns of every row to come."""
        self.settings = settings or DetectorSettings()
        self.sensors = sensors
        self.waiting: list[Array] = []
        self.left_out: dict[int, str] = {}
        self.used = np.arange(sensors)
        self.live: Live | None = None

    @property
    def refits(self) -> int:
        """Return how often the model was fitted again since it was loaded."""
        return 0 if self.live is None else self.live.refits

    @property
    def learning(self) -> float:
        """Return which part of the rows to learn from is still missing: 0 when live."""
        if self.live is not None:
            return 0.0
        return 1 - len(self.waiting) / self.settings.learn_rows

    def learn(self, rows: Array) -> None:
        """Make the first model of n·d rows now, whatever `learn_rows` says."""
        rows = np.where(np.isfinite(rows), rows, np.nan)
        self.used, self.left_out = usable(rows)
        self.waiting = []
        if len(self.used) == 0 or len(rows) < self.settings.least_rows:
            return
        self.live = Live.learned(filled(rows[:, self.used]), self.settings)

    def score(self, rows: Array) -> Scores:
        """Judge n·d rows in their order; NaN and infinity mean that a sensor said nothing."""
        count = len(rows)
        scores = Scores(
            score=np.full(count, np.nan),
            status=np.full(count, RowStatus.NO_DATA, dtype=np.int8),
            contribution=np.full((count, self.sensors), np.nan),
            deviation=np.full((count, self.sensors), np.nan),
            expected=np.full((count, self.sensors), np.nan),
        )
        for place in range(count):
            self._take(np.asarray(rows[place], dtype=np.float64), place, scores)
        return scores

    def interrupt(self) -> None:
        """Begin the charts anew: the next row does not follow the last one."""
        if self.live is not None:
            self.live.interrupt()

    def resume(self, rows: Array) -> None:
        """Set the levels of sensors that wander anew, from n·d rows just before the next one."""
        if self.live is not None and len(rows):
            self.live.resume(rows[:, self.used])

    def learn_normal(self, rows: Array) -> bool:
        """Take n·d rows that somebody called normal into what is normal; False while learning."""
        if self.live is None or not len(rows):
            return False
        self.live.learn_normal(filled(rows[:, self.used]))
        return True

    def moved(self, before: Array, after: Array) -> float:
        """Return by how many scales the sensor that moved most did, between two blocks of rows."""
        if self.live is None:
            return 0.0
        return self.live.moved(before[:, self.used], after[:, self.used])

    def _take(self, row: Array, place: int, scores: Scores) -> None:
        if self.live is None:
            scores.status[place] = self._wait(row)
            return
        live = self.live
        part = row[self.used]
        known = np.isfinite(part)
        if not known.all():
            if known.sum() * 2 < len(known):
                return
            part = live.complete(part, known)
        score, step = live.judge(part, bool(known.all()))
        scores.score[place] = score
        status = _ALARM if live.hold.open else _NORMAL
        if step is _EXPIRED:
            status = _RELEARNED
        scores.status[place] = status
        scores.expected[place, self.used] = live.expected
        scores.deviation[place, self.used] = live.deviation
        if score >= 1:
            scores.contribution[place, self.used] = shares(live.model, live.means, live.spread)
        # Alarms that only ran out, one after another: this is another machine now, and is learned
        # anew.
        if live.hold.expired_in_a_row >= self.settings.relearn_after:
            self.live = None

    def _wait(self, row: Array) -> RowStatus:
        known = np.isfinite(row).sum()
        if known * 2 < self.sensors:
            return RowStatus.NO_DATA
        # A copy: a view would hold on to the whole array of the caller.
        self.waiting.append(row.copy())
        if len(self.waiting) >= self.settings.learn_rows:
            self.learn(np.array(self.waiting))
        return RowStatus.LEARNING
