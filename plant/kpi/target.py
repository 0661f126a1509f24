"""The OEE that a place is planned to reach at a moment."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Target:
    """A planned OEE of one place, valid in `[valid_from, valid_to)`."""

    valid_from: datetime
    valid_to: datetime | None
    planned_oee: float
    nearness: int
    """Larger for a place nearer to the one asked about."""


def planned_oee(targets: Iterable[Target], moment: datetime) -> float | None:
    """Return the target of the nearest place that has one at a moment, None without one.

    Of one place the target that began last holds until its own end; an ended one is not followed
    by an older one.
    """
    begun: dict[int, Target] = {}
    for target in sorted(targets, key=lambda one: one.valid_from):
        if target.valid_from <= moment:
            begun[target.nearness] = target
    held = [
        target for target in begun.values() if target.valid_to is None or moment < target.valid_to
    ]
    return max(held, key=lambda one: one.nearness).planned_oee if held else None
