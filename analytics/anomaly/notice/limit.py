"""An alarm limit of one signal, by ISA-18.2: deadband, delays, shelving, times of day."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Limit:
    """Values beyond `value` on `side` are an alarm; it ends `deadband` within."""

    side: Literal["low", "high"]
    value: float
    deadband: float = 0.0
    on_delay_ms: int = 0
    """How long a value must be beyond before it is told."""
    off_delay_ms: int = 0
    """How long it must be back before it is over."""

    def beyond(self, value: float) -> bool:
        """Tell whether a value is an alarm's."""
        return value > self.value if self.side == "high" else value < self.value

    def back(self, value: float) -> bool:
        """Tell whether a value is well within."""
        inner = self.value - self.deadband if self.side == "high" else self.value + self.deadband
        return value <= inner if self.side == "high" else value >= inner


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a limit stands: beyond since, back since (ms), and whether its alarm is open."""

    beyond_ms: int | None = None
    back_ms: int | None = None
    open: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """An alarm that opened (`start_ms`: when the value went beyond) or ended."""

    opened: bool
    start_ms: int
    moment_ms: int
    value: float


def judge(
    limit: Limit,
    stand: Stand,
    times_ms: Sequence[int] | NDArray[np.int64],
    values: Sequence[float] | NDArray[np.float64],
    until_ms: int,
    heeded: Callable[[int], bool] = lambda _: True,
) -> tuple[Stand, list[Turn]]:
    """Take n readings in order, and the time up to `until_ms`, in which the last one stands.

    `heeded` says whether the limit holds at a moment; where it does not (shelved, another time of
    day), an open alarm ends and none opens.
    """
    turns: list[Turn] = []
    last = float("nan")
    for moment, value in zip(times_ms, values, strict=True):
        stand = _passed(limit, stand, int(moment), last, heeded, turns)
        if np.isfinite(value):
            stand = _seen(limit, stand, int(moment), float(value))
            last = float(value)
            stand = _passed(limit, stand, int(moment), last, heeded, turns)
    return _passed(limit, stand, until_ms, last, heeded, turns), turns


def _seen(limit: Limit, stand: Stand, moment: int, value: float) -> Stand:
    if limit.beyond(value):
        return replace(
            stand,
            beyond_ms=moment if stand.beyond_ms is None else stand.beyond_ms,
            back_ms=None,
        )
    if not stand.open:
        return replace(stand, beyond_ms=None)
    if limit.back(value):
        return replace(stand, back_ms=moment if stand.back_ms is None else stand.back_ms)
    return replace(stand, back_ms=None)


def _passed(
    limit: Limit,
    stand: Stand,
    moment: int,
    value: float,
    heeded: Callable[[int], bool],
    turns: list[Turn],
) -> Stand:
    """Return the stand after time went on to a moment."""
    if not heeded(moment):
        if stand.open and stand.beyond_ms is not None:
            turns.append(Turn(False, stand.beyond_ms, moment, value))
        # A value that is beyond begins to count when the limit holds again.
        return Stand(moment if stand.beyond_ms is not None and stand.back_ms is None else None)
    if not stand.open:
        if stand.beyond_ms is not None and moment - stand.beyond_ms >= limit.on_delay_ms:
            turns.append(Turn(True, stand.beyond_ms, stand.beyond_ms + limit.on_delay_ms, value))
            return replace(stand, open=True, back_ms=None)
        return stand
    if stand.back_ms is not None and moment - stand.back_ms >= limit.off_delay_ms:
        assert stand.beyond_ms is not None, "an open alarm went beyond once"
        turns.append(Turn(False, stand.beyond_ms, stand.back_ms, value))
        return Stand()
    return stand
