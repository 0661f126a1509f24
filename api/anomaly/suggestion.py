"""Which signals of a machine a model should watch, and why not the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from plant.measurement import COUNT_ROLES
from store.anomaly.reading import SignalRow

Reason = Literal["silent", "constant", "counter", "duplicate"]
STEPS_S = (1, 2, 5, 10, 15, 30, 60)
"""Steps of the grid to choose from: whole parts of a minute, so that hours end on one."""
_FEW = 50
_STEADY_RISES = 30
_SETTLED = 0.95
"""Part of a counter's steps that go up: the others are resets."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A signal, whether to watch it, and the reason if not."""

    tag_id: int
    tag: str
    unit: str
    description: str
    chosen: bool
    reason: Reason | None
    other: str | None
    """Of a duplicate: the signal that says the same."""
    readings: int
    least: float | None
    most: float | None


def suggestions(signals: Sequence[SignalRow], alike: Sequence[tuple[int, int]]) -> list[Suggestion]:
    """Return each signal with a verdict; of signals that say the same, the first is kept."""
    reasons = {one.tag_id: _reason(one) for one in signals}
    names = {one.tag_id: one.name for one in signals}
    same: dict[int, int] = {}
    for first, second in alike:
        kept, other = sorted((first, second), key=lambda tag_id: names.get(tag_id, ""))
        if reasons.get(kept) is None and kept not in same and reasons.get(other) is None:
            same.setdefault(other, kept)
    found = []
    for one in signals:
        reason = reasons[one.tag_id] or ("duplicate" if one.tag_id in same else None)
        found.append(
            Suggestion(
                tag_id=one.tag_id,
                tag=one.name,
                unit=one.unit,
                description=one.description,
                chosen=reason is None,
                reason=reason,
                other=names.get(same[one.tag_id]) if reason == "duplicate" else None,
                readings=one.readings,
                least=one.least,
                most=one.most,
            )
        )
    return found


def step_s(signals: Sequence[SignalRow]) -> int:
    """Return the step of the grid that fits how often the signals speak: the usual one."""
    intervals = sorted(
        (one.last_time - one.first_time) / (one.readings - 1)
        for one in signals
        if one.readings > _FEW and one.first_time is not None and one.last_time is not None
    )
    if not intervals:
        return STEPS_S[0]
    usual = intervals[len(intervals) // 2]
    return next((step for step in STEPS_S if timedelta(seconds=step * 1.5) >= usual), STEPS_S[-1])


def _reason(one: SignalRow) -> Reason | None:
    if one.readings < _FEW:
        return "silent"
    if one.least == one.most:
        return "constant"
    rises, falls = one.rises or 0, one.falls or 0
    steady = rises >= _STEADY_RISES and rises >= _SETTLED * (rises + falls)
    if one.counter or one.role in {role.value for role in COUNT_ROLES} or steady:
        return "counter"
    return None
