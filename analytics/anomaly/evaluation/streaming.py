"""Recorded rows through the live detector, exactly as they would have come."""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.anomaly.detector import Detector, RowStatus
from analytics.anomaly.settings import DetectorSettings


@dataclass(frozen=True, slots=True)
class Judged:
    """A run of n rows: `score` is 0 while nothing is judged; cost of learning included."""

    score: NDArray[np.float64]
    alarm: NDArray[np.bool_]
    contribution: NDArray[np.float64]
    seconds: float
    rows: int


def judge(
    rows: NDArray[np.float64], learned: int, settings: DetectorSettings | None = None
) -> Judged:
    """Return what the detector said of n·d rows, the first `learned` of them without a verdict."""
    detector = Detector(rows.shape[1], settings)
    began = time.process_time()
    detector.learn(rows[:learned])
    scores = detector.score(rows[learned:])
    seconds = time.process_time() - began
    nothing = np.zeros(learned)
    alarm = scores.status == RowStatus.ALARM
    return Judged(
        score=np.concatenate((nothing, np.nan_to_num(scores.score))),
        alarm=np.concatenate((nothing.astype(bool), alarm)),
        contribution=np.concatenate(
            (np.full((learned, rows.shape[1]), np.nan), scores.contribution)
        ),
        seconds=seconds,
        rows=len(rows),
    )
