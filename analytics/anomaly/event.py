"""Rows in alarm become events: opened late enough to be real, merged, measured, explained."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analytics.anomaly.detector import RowStatus, Scores

# Looked up once: a name of an enumeration costs as much as a row's arithmetic.
_IN_ALARM = frozenset({int(RowStatus.ALARM), int(RowStatus.RELEARNED)})
_NORMAL = int(RowStatus.NORMAL)
_LARGEST = 1e300
"""A broken sensor may say more; the sum of a few rows must be finite."""


@dataclass(frozen=True, slots=True)
class EventSettings:
    """When rows in alarm are an event; lengths in rows of the grid."""

    open_rows: int = 3
    """Rows in alarm, one after another, that open an event."""
    close_rows: int = 30
    """Judged rows without an alarm that close it; an alarm before that goes on with it."""
    explain_rows: int = 10
    """First rows of an event that say which sensors it is about."""
    causes: int = 3
    """Sensors named."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A sensor's part in an event: `share` of 1, signed `deviation` in scales, means in units."""

    sensor: int
    share: float
    deviation: float
    actual: float
    expected: float


@dataclass(frozen=True, slots=True)
class Event:
    """From the first row in alarm to the last one; `closed` once nothing can be added any more."""

    start_ms: int
    opened_ms: int
    """When it was told: `open_rows` rows after its start."""
    end_ms: int
    rows: int
    peak: float
    closed: bool
    relearned: bool
    """The level it stood on was taken for the new one, because it lasted too long."""
    causes: tuple[Cause, ...]

    @property
    def severity(self) -> float:
        """Return peak times seconds: what an engineer should look at first."""
        return self.peak * (self.end_ms - self.start_ms) / 1000


class EventMaker:
    """Make the events of one machine from its rows; its state is arrays, as the detector's."""

    def __init__(self, sensors: int, settings: EventSettings | None = None) -> None:
        """Take the number of sensors of every row to come."""
        self.settings = settings or EventSettings()
        self.sensors = sensors
        self.event: Event | None = None
        self.first_ms = 0
        self.in_alarm = 0
        self.calm = 0
        self.peak = 0.0
        self.explained = 0
        self.sums = np.zeros((4, sensors))

    def take(
        self, times_ms: NDArray[np.int64], rows: NDArray[np.float64], scores: Scores
    ) -> list[Event]:
        """Return what became of events: one that is open for each row that changed it, and closed.

        `times_ms` n, `rows` n·d as they were scored. The last entry with a given `start_ms` is the
        newest; a row without a verdict changes nothing.
        """
        changed: dict[int, Event] = {}
        for place, status in enumerate(scores.status.tolist()):
            if status in _IN_ALARM:
                self._alarm(int(times_ms[place]), rows[place], scores, place)
            elif status == _NORMAL:
                self._calm()
            else:
                continue
            if self.event is not None:
                changed[self.event.start_ms] = self.event
                if self.event.closed:
                    self.event = None
        return list(changed.values())

    def _alarm(self, now_ms: int, row: NDArray[np.float64], scores: Scores, place: int) -> None:
        self.calm = 0
        if self.in_alarm == 0 and self.event is None:
            self.first_ms, self.peak, self.explained = now_ms, 0.0, 0
            self.sums = np.zeros((4, self.sensors))
        self.in_alarm += 1
        self.peak = max(self.peak, float(scores.score[place]))
        if self.explained < self.settings.explain_rows:
            self.explained += 1
            said = (
                scores.contribution[place],
                scores.deviation[place],
                row,
                scores.expected[place],
            )
            told = np.nan_to_num(np.array(said), posinf=0.0, neginf=0.0)
            self.sums += np.clip(told, -_LARGEST, _LARGEST)
        if self.event is None:
            if self.in_alarm < self.settings.open_rows:
                return
            # Those before this row, which is added below as any other.
            rows = self.in_alarm - 1
            self.event = Event(self.first_ms, now_ms, now_ms, rows, 0.0, False, False, ())
        self.event = replace(
            self.event,
            end_ms=now_ms,
            rows=self.event.rows + 1,
            peak=self.peak,
            relearned=bool(scores.status[place] == RowStatus.RELEARNED),
            causes=self._causes(),
        )

    def _calm(self) -> None:
        self.in_alarm = 0
        if self.event is None:
            return
        self.calm += 1
        if self.calm >= self.settings.close_rows:
            self.event = replace(self.event, closed=True)

    def _causes(self) -> tuple[Cause, ...]:
        share, deviation, actual, expected = self.sums / max(self.explained, 1)
        share = share / max(float(share.sum()), 1e-12)
        order = np.argsort(-share, kind="stable")[: self.settings.causes]
        return tuple(
            Cause(
                int(one),
                float(share[one]),
                float(deviation[one]),
                float(actual[one]),
                float(expected[one]),
            )
            for one in order
            if share[one] > 0
        )
