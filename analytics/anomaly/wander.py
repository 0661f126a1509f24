"""Whether a model that keeps learning has moved away from the one that a person approved.

Levels are the slow chart's. What no chart sees is a model that has grown blind: correlation that
faded or noise that grew was accepted little by little, and limits went along. So the least step of
each sensor that reaches the limits is compared with what it was when somebody approved the model.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.anomaly.model.reach import least_steps
from analytics.anomaly.monitor import Monitor

Array = NDArray[np.float64]

BOUND = 4.0
"""How many times larger the least step may have become; docs/explanations/anomaly.md says why."""
_CALM = 0.8
"""Part of the bound below which it is over."""
_MOST = 1000.0
"""A sensor that is watched no more has no least step."""


@dataclass(frozen=True, slots=True)
class Wandered:
    """A column whose least step is `factor` times what it was; steps in the column's unit."""

    column: int
    since_ms: int
    factor: float
    peak: float
    least: float
    approved: float
    over: bool


def reach(monitor: Monitor) -> dict[str, Array]:
    """Return by regime the least step of each column, in its unit; NaN where none is watched."""
    found = {}
    for name, detector in monitor.detectors.items():
        if detector.live is not None:
            steps = np.full(monitor.sensors, np.nan)
            steps[detector.used] = least_steps(detector.live.model) * detector.live.scale
            found[name] = steps
    return found


class WanderChart:
    """One event at a time, of the column that has wandered farthest when it opens."""

    def __init__(self) -> None:
        """Begin without an event."""
        self.last: Wandered | None = None

    def take(
        self, now_ms: int, now: Mapping[str, Array], approved: Mapping[str, Array]
    ) -> Wandered | None:
        """Return what became of the event, if there is one; None while all is within the bound."""
        both = [name for name in approved if name in now]
        if not both:
            return None
        then = np.array([approved[name] for name in both])
        least = np.array([now[name] for name in both])
        # A sensor that was watched and is no more could take any step unseen.
        factors = np.where(np.isfinite(least), least / then, _MOST)
        factors = np.where(np.isfinite(then), np.minimum(factors, _MOST), 0.0)
        worst = factors.max(axis=0)
        before = self.last
        if before is None and worst.max() <= BOUND:
            return None
        column = int(worst.argmax()) if before is None else before.column
        factor = float(worst[column])
        place = int(factors[:, column].argmax())
        told = Wandered(
            column,
            now_ms if before is None else before.since_ms,
            factor,
            factor if before is None else max(before.peak, factor),
            float(np.nan_to_num(least[place, column])),
            float(np.nan_to_num(then[place, column])),
            over=factor < BOUND * _CALM,
        )
        self.last = None if told.over else told
        return told

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a restart needs."""
        last = self.last
        row = [] if last is None else [last.column, last.since_ms, last.peak]
        return {"last": np.array(row, dtype=np.float64)}

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Go on from what `to_arrays` returned; older states know of none."""
        row = arrays.get("last", np.empty(0))
        self.last = None
        if len(row):
            column, since, peak = (float(one) for one in row)
            self.last = Wandered(int(column), int(since), peak, peak, 0.0, 0.0, over=False)
