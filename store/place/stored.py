"""Calendars and policies of sites, from the columns in which they are stored."""

from collections.abc import Sequence
from datetime import date, time
from typing import Any

from plant.calendar import Break, Rotation, ShiftPattern
from plant.kpi import OeePolicy


def shift_pattern(
    name: str,
    start: time,
    end: time,
    weekdays: list[int],
    valid_from: date,
    valid_to: date,
    *breaks: list[Any],
) -> ShiftPattern:
    """Return a stored shift; `breaks` are columns of names, starts and ends."""
    return ShiftPattern(
        name=name,
        start=start,
        end=end,
        weekdays=frozenset(weekdays),
        breaks=tuple(Break(*parts) for parts in zip(*breaks, strict=True)),
        valid_from=valid_from,
        valid_to=valid_to,
    )


def rotation(name: str, valid_from: date, valid_to: date, cycle: list[list[str]]) -> Rotation:
    """Return a stored rotation."""
    return Rotation(name, valid_from, valid_to, tuple(frozenset(day) for day in cycle))


def oee_policy(choices: Sequence[Any]) -> OeePolicy:
    """Return the policy of a row of `oee_policy` without its site."""
    version, threshold, minor_in, breaks_in, setup_in, kinds, least, merge, *others = choices
    return OeePolicy(
        version, threshold, minor_in, breaks_in, setup_in, tuple(kinds), least, merge, *others
    )
