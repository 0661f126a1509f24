"""Failures of many machines by group: how many began, their repairs, the time they took."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from plant.clock import microseconds
from plant.kpi.reliability import OPEN, FailureColumns
from store.reading.kpi import GroupKey, KpiReading

_TIMED = ("", "hour", "shift", "day")
"""Groups that are spans of time; those of a product, an order or a lot come in pieces."""


@dataclass(frozen=True, slots=True)
class UnitGroup:
    """A group in which anything is known of a machine, and from when until when, in ms."""

    unit_id: int
    key: GroupKey
    first: int
    last: int


@dataclass(slots=True)
class GroupFailures:
    """Failures of one group, of all machines together."""

    began: int = 0
    repairs: int = 0
    """Failures that began here and are over."""
    repair_ms: int = 0
    """Working time of these repairs."""
    repair_calendar_ms: int = 0
    """The same by the clock."""
    corrective_ms: int = 0
    """Working time in failures within the group; where it comes in pieces, in those that began
    in it."""
    operating_to_last_ms: int | None = None
    """Operating time of each machine up to its last failure here; None without one."""


def failure_groups(kpi: KpiReading, groups: Sequence[UnitGroup]) -> dict[GroupKey, GroupFailures]:
    """Return the failures by group, as analytics found them by the policy of each machine's site.

    A failure belongs to the group of the slice in which it began; of one order, product or lot
    count those that began in a slice of it.
    """
    found: dict[GroupKey, GroupFailures] = {group.key: GroupFailures() for group in groups}
    # Groups in the order of machines and time, so that a moment finds its own by bisection.
    groups = sorted(groups, key=lambda each: (each.unit_id, each.first))
    if not groups:
        return found
    failed = kpi.failures()
    start, end = _millis(kpi.window.start), _millis(kpi.window.end)
    inside = (failed.start >= start) & (failed.start < end)
    began = FailureColumns(*(column[inside] for column in _columns(failed)))
    group_of = _groups_of(kpi, began, groups)
    began = FailureColumns(*(column[group_of >= 0] for column in _columns(began)))
    group_of = group_of[group_of >= 0]
    over = began.end != OPEN
    lasted = np.where(over, began.end - began.start, 0)
    if kpi.by in _TIMED and not kpi.chosen:
        corrective = _time_failed(kpi, failed, groups)
    else:
        cut = began.end > end
        within = np.where(cut, 0, began.worked)
        asked = [
            (machine, begin, end)
            for machine, begin in zip(began.machine[cut], began.start[cut], strict=True)
        ]
        within[cut] = kpi.worked_within(asked)
        corrective = np.bincount(group_of, within, len(groups)).astype(np.int64)
    for group, *sums in zip(
        groups,
        np.bincount(group_of, minlength=len(groups)).tolist(),
        np.bincount(group_of, over, len(groups)).astype(np.int64).tolist(),
        np.bincount(group_of, began.worked * over, len(groups)).astype(np.int64).tolist(),
        np.bincount(group_of, lasted, len(groups)).astype(np.int64).tolist(),
        corrective.tolist(),
        strict=True,
    ):
        total = found[group.key]
        total.began += sums[0]
        total.repairs += sums[1]
        total.repair_ms += sums[2]
        total.repair_calendar_ms += sums[3]
        total.corrective_ms += sums[4]
    for key, operating in _operating_to_last(kpi, groups, group_of, began):
        found[key].operating_to_last_ms = (found[key].operating_to_last_ms or 0) + operating
    return found


def _groups_of(
    kpi: KpiReading, began: FailureColumns, groups: Sequence[UnitGroup]
) -> NDArray[np.int64]:
    """Return the index of the group in which each failure began, -1 for none."""
    if not began.start.size:
        return np.empty(0, dtype=np.int64)
    in_time = kpi.by in ("", "hour", "shift")
    if in_time and not kpi.chosen:
        return _holders(began, *_spans(groups))
    slices = kpi.slice_groups()
    order = np.lexsort((slices.start, slices.unit))
    slice_of = _holders(began, slices.unit[order], slices.start[order], slices.end[order])
    if in_time:
        return np.where(slice_of >= 0, _holders(began, *_spans(groups)), -1)
    index = {(group.unit_id, group.key[1]): number for number, group in enumerate(groups)}
    rows = order.tolist()
    return np.array(
        [
            -1 if at < 0 else index.get((unit, slices.text[rows[at]]), -1)
            for unit, at in zip(began.machine.tolist(), slice_of.tolist(), strict=True)
        ],
        dtype=np.int64,
    )


def _holders(
    began: FailureColumns,
    units: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the index of the sorted span in which each failure began, -1 for none."""
    place = _last_before(units, starts, began.machine, began.start)
    held = place >= 0
    last = place[held]
    held[held] = (units[last] == began.machine[held]) & (began.start[held] < ends[last])
    return np.where(held, place, -1)


def _last_before(
    units: NDArray[np.int64],
    starts: NDArray[np.int64],
    unit: NDArray[np.int64],
    moment: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the index of the last of the sorted `(units, starts)` not after `(unit, moment)`."""
    origin = min(starts.min(initial=OPEN), moment.min(initial=OPEN))
    reach = max(starts.max(initial=0), moment.max(initial=0)) - origin + 1
    # Machine and time in one number, so that one search finds both; counted from `origin`, so that
    # the product stays well within 64 bits.
    keys = units * reach + (starts - origin)
    after: NDArray[np.int64] = np.searchsorted(keys, unit * reach + (moment - origin), "right")
    return after - 1


def _time_failed(
    kpi: KpiReading, failed: FailureColumns, groups: Sequence[UnitGroup]
) -> NDArray[np.int64]:
    """Return the working time of each group's machine in failures within the group, in ms."""
    # Where no plan interrupts a failure its working time is its time by the clock.
    plain = failed.worked == failed.end - failed.start
    found = _clock_failed(FailureColumns(*(one[plain] for one in _columns(failed))), groups)
    units, firsts, lasts = _spans(groups)
    asked: list[tuple[int, int, int]] = []
    places: list[int] = []
    for number in np.flatnonzero(~plain):
        machine, begin, end = failed.machine[number], failed.start[number], failed.end[number]
        low, high = np.searchsorted(units, [machine, machine + 1]).tolist()
        first = low + int(np.searchsorted(lasts[low:high], begin, "right"))
        last = low + int(np.searchsorted(firsts[low:high], end, "left"))
        for place in range(first, last):
            places.append(place)
            asked.append((machine, max(begin, firsts[place]), min(end, lasts[place])))
    np.add.at(found, places, kpi.worked_within(asked))
    return found


def _clock_failed(failed: FailureColumns, groups: Sequence[UnitGroup]) -> NDArray[np.int64]:
    """Return the time of each group's machine in failures within the group, in milliseconds."""
    units, firsts, lasts = _spans(groups)
    if not failed.start.size:
        return np.zeros(len(groups), dtype=np.int64)
    # Failures of a machine do not overlap, so time in failures adds up along the machine.
    length = np.where(failed.end == OPEN, 0, failed.end - failed.start)
    before = np.concatenate(([0], np.cumsum(length)[:-1]))

    def until(moments: NDArray[np.int64]) -> NDArray[np.int64]:
        place = _last_before(failed.machine, failed.start, units, moments)
        held = (place >= 0) & (failed.machine[place] == units)
        spent = before[place] + np.minimum(failed.end[place], moments) - failed.start[place]
        # Without a failure of the machine itself so far: what those before it had in all.
        earlier = np.searchsorted(failed.machine, units)
        total = np.append(before, before[-1] + length[-1])
        found: NDArray[np.int64] = np.where(held, spent, total[earlier])
        return found

    return until(lasts) - until(firsts)


def _operating_to_last(
    kpi: KpiReading,
    groups: Sequence[UnitGroup],
    group_of: NDArray[np.int64],
    began: FailureColumns,
) -> Iterator[tuple[GroupKey, int]]:
    """Yield the operating time up to the last failure of each machine and group with one."""
    last = np.full(len(groups), -1, dtype=np.int64)
    np.maximum.at(last, group_of, began.start)
    chosen = np.flatnonzero(last >= 0).tolist()
    if not chosen:
        return
    asked = [
        (groups[number].unit_id, groups[number].first, int(last[number]), groups[number].key)
        for number in chosen
    ]
    times = kpi.operating_before(asked)
    for index, (*_, key) in enumerate(asked):
        yield key, times.get(index, 0)


def _spans(
    groups: Sequence[UnitGroup],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    units, firsts, lasts = (
        np.array([getattr(group, name) for group in groups], dtype=np.int64)
        for name in ("unit_id", "first", "last")
    )
    return units, firsts, lasts


def _columns(failed: FailureColumns) -> tuple[NDArray[np.int64], ...]:
    return failed.machine, failed.start, failed.end, failed.worked


def _millis(moment: datetime) -> int:
    return microseconds(moment) // 1000
