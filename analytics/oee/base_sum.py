"""Additive base sums per slice of a work unit's time; every ratio is formed from their totals.

Slices are cut at hours, shifts, order, product and lot changes, and where a planned run time per
item changes, so each sum belongs to exactly one of each. Counts fall into the slice that holds the
moment of their reading.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.oee.minute import Selections, SliceMinutes, slice_minutes
from analytics.oee.operation import PlannedRunTimes
from analytics.oee.schedule import Schedule
from analytics.oee.slice_count import Column, SliceCounts, quantities_of, scrap_of
from analytics.oee.state import ELEMENTS, STOP_KINDS, Timeline
from analytics.readings.counter import CounterEvent
from analytics.readings.counting import Increments
from analytics.readings.interval import Moments
from plant.calendar import ShiftInstance
from plant.kpi import BaseSums, Missing
from plant.measurement import TagRole
from plant.state import StopKind, TimeElement

FORMULA_VERSION = "4"
"""Changes when the same measurements and policy would give other figures."""

PRODUCTION_IN_BREAK = "production_in_break"
_PRODUCTION, _SETUP, _DELAY, _DOWN, _UNKNOWN, _UNSCHEDULED, _BREAK, _MAINTENANCE = (
    ELEMENTS.index(element)
    for element in (
        TimeElement.PRODUCTION,
        TimeElement.SETUP,
        TimeElement.DELAY,
        TimeElement.DOWN,
        TimeElement.UNKNOWN,
        TimeElement.UNSCHEDULED_PRODUCTION,
        TimeElement.PLANNED_BREAK,
        TimeElement.PLANNED_MAINTENANCE,
    )
)
_PRODUCING = (_PRODUCTION, _UNSCHEDULED, _UNKNOWN)
_METERED = frozenset({TagRole.ENERGY})
_PARTS = frozenset(TagRole) - _METERED
_FIELDS = tuple(field.name for field in fields(BaseSums))
_BREAKDOWN = STOP_KINDS.index(StopKind.BREAKDOWN)
_MARKED = {
    CounterEvent.JITTER: "counter_jitter",
    CounterEvent.WRAPPED: "counter_wrap",
    CounterEvent.RESET: "counter_reset",
    CounterEvent.RESTORED: "counter_restored",
    CounterEvent.CORRECTED: "corrected",
    CounterEvent.IMPLAUSIBLE: "counter_implausible",
    CounterEvent.RETURNED: "counter_returned",
    CounterEvent.UNDECIDED: "counter_undecided",
}


@dataclass(frozen=True, slots=True)
class FirstInspection:
    """The first inspection of a part with a serial number at a machine."""

    moment: int
    """When the part was made, else inspected; milliseconds."""
    good: bool
    """Good at first pass."""
    rework: bool
    """To be worked on again."""


@dataclass(frozen=True, slots=True)
class Amendments:
    """What else the base sums of a work unit depend on."""

    pacing: PlannedRunTimes | None = None
    """Planned run times of the line's bottleneck; None where the work unit is that itself."""
    setup_planned: bool = False
    """Whether the policy puts setup outside planned busy time."""
    inspections: tuple[FirstInspection, ...] = ()
    """Of parts with a serial number."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The base sums of one work unit over `[start, end)` milliseconds."""

    start: int
    end: int
    hour: int
    shift: ShiftInstance | None
    order: str | None
    product: str | None
    sums: BaseSums
    marks: tuple[str, ...] = ()
    lot: str | None = None
    minutes: SliceMinutes | None = None
    """What was counted minute by minute; None where nothing was."""


def slices(
    line: Timeline,
    schedule: Schedule,
    counts: Mapping[TagRole, Increments],
    planned: PlannedRunTimes,
    more: Amendments | None = None,
) -> list[Slice]:
    """Return the slices that tile the timeline, with their base sums.

    `counts` has an entry for each counter that the work unit has. Produced quantity is the total
    counter if there is one, else good + scrap + rework; good quantity is the good counter if
    there is one, else total - scrap - rework. What cannot be told is None, never guessed. Failures
    are not counted here: whether one begins may depend on what lies before and after the timeline.
    """
    more = more or Amendments()
    if line.element.size == 0:
        return []
    first = _slice_starts(line)
    bounds = line.edges[np.concatenate((first, [line.element.size]))]
    starts = bounds[:-1]
    hours = line.hour[first]
    times = _times(line, first)
    tell = SliceCounts(line, counts, bounds, hours)
    setting_up = line.element == _SETUP
    standing = np.isin(line.element, (_DELAY, _DOWN))
    unseen = line.element == _UNKNOWN
    resting = ~np.isin(line.element, _PRODUCING)
    marks = _marks(line, starts, counts)
    breakdown = np.where(line.stop_kind == _BREAKDOWN, np.diff(line.edges), 0)
    # Only where it kept planned work from being done: broken in a break, a machine misses nothing.
    breakdown[line.element != _DELAY] = 0
    during = partial(_during, tell, counts)
    select = Selections(
        at_setup=during(setting_up, _PARTS),
        unseen={role: counts[role].bridges | mask for role, mask in during(unseen, _PARTS).items()},
        # What bridges a silence is unseen already: where its reading falls says nothing of when it
        # was made.
        stopped={
            role: ~counts[role].bridges & mask for role, mask in during(standing, _PARTS).items()
        },
        resting=during(resting, _METERED),
    )
    pacing = more.pacing
    orders = line.signals.order
    products = line.signals.product.named(line.product[first])
    begun = list(zip(products, starts.tolist(), strict=True))
    run_times = _numbers(planned.at(product, start) for product, start in begun)
    inspected = [(one.moment, one.good, one.rework) for one in more.inspections]
    minutes = slice_minutes(bounds, counts, tell, select, np.nan_to_num(run_times), inspected)
    sums = _Columns(
        times=times,
        scheduled=line.shift[first] >= 0,
        breakdown=np.add.reduceat(breakdown, first),
        counted=tell.of_all(),
        at_setup=tell.of(select.at_setup),
        unseen=tell.of(select.unseen),
        stopped=tell.of(select.stopped),
        idle_energy=tell.of(select.resting).get(TagRole.ENERGY),
        inspected=_inspected(more.inspections, bounds),
        run_times=run_times,
        line_run_times=run_times
        if pacing is None
        else _numbers(pacing.per_part(*one, planned.routing) for one in begun),
        parts_per_item=np.array([planned.routing.parts_per_item(*one) for one in begun]),
        setup_planned=more.setup_planned,
    ).sums()
    found = []
    for index, (start, end, hour, shift, order, lot) in enumerate(
        zip(
            starts.tolist(),
            bounds[1:].tolist(),
            hours.tolist(),
            line.shift[first].tolist(),
            line.order[first].tolist(),
            line.lot[first].tolist(),
            strict=True,
        )
    ):
        product = products[index]
        if sums[index].unpriced_items:
            marks[index].add(f"{Missing.NO_PLANNED_RUN_TIME}:{product or ''}")
        found.append(
            Slice(
                start=start,
                end=end,
                hour=hour,
                shift=schedule.shifts[shift] if shift >= 0 else None,
                order=orders.name(order) if orders else None,
                product=product,
                sums=sums[index],
                marks=tuple(sorted(marks[index])) if index in marks else (),
                lot=line.signals.lot.name(lot),
                minutes=minutes.get(index),
            )
        )
    return found


def _slice_starts(line: Timeline) -> NDArray[np.intp]:
    changed = np.zeros(line.element.size, dtype=np.bool_)
    changed[0] = True
    for column in (line.hour, line.shift, line.order, line.product, line.lot, line.part):
        changed[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(changed)


def _times(line: Timeline, first: NDArray[np.intp]) -> Moments:
    """Return milliseconds by slice and element, shape (slices, elements)."""
    durations = np.diff(line.edges)
    columns = [
        np.add.reduceat(np.where(line.element == number, durations, 0), first)
        for number in range(len(ELEMENTS))
    ]
    return np.stack(columns, axis=1)


def _during(
    tell: SliceCounts,
    counts: Collection[TagRole],
    tiles: NDArray[np.bool_],
    roles: Collection[TagRole],
) -> dict[TagRole, NDArray[np.bool_]]:
    """Return which increments of some roles lie in chosen tiles."""
    return {role: tell.during(role, tiles) for role in counts if role in roles}


def _numbers(told: Iterable[float | None]) -> Column:
    """Return a column of what may be unknown."""
    return np.array([np.nan if one is None else one for one in told], dtype=np.float64)


def _inspected(inspections: Sequence[FirstInspection], bounds: Moments) -> NDArray[np.int64]:
    """Return parts inspected, good at first and found for rework, by slice: shape (3, slices)."""
    found = np.zeros((3, bounds.size - 1), dtype=np.int64)
    moments = np.array([one.moment for one in inspections], dtype=np.int64)
    index = np.searchsorted(bounds, moments, side="right") - 1
    for one, place in zip(inspections, index.tolist(), strict=True):
        if 0 <= place < bounds.size - 1:
            found[:, place] += (1, one.good, one.rework)
    return found


@dataclass(frozen=True, slots=True)
class _Columns:
    """What the base sums of slices are made of, columns of one entry per slice."""

    times: Moments
    """By slice and element, shape (slices, elements)."""
    scheduled: NDArray[np.bool_]
    breakdown: Moments
    counted: Mapping[TagRole, Column]
    at_setup: Mapping[TagRole, Column]
    unseen: Mapping[TagRole, Column]
    stopped: Mapping[TagRole, Column]
    idle_energy: Column | None
    inspected: NDArray[np.int64]
    run_times: Column
    line_run_times: Column
    parts_per_item: Column
    setup_planned: bool

    def sums(self) -> list[BaseSums]:
        """Return the base sums of each slice."""
        ms = self.times.T
        calendar = self.times.sum(axis=1)
        nothing, unknown = np.zeros_like(calendar), np.full(calendar.size, np.nan)
        setup, planned_setup = ms[_SETUP], nothing
        if self.setup_planned:
            setup, planned_setup = nothing, setup
        # Unknown time is busy time: left out, silence would flatter, and A × E × Q would no longer
        # be the OEE of the window (docs/decisions/0004).
        busy = ms[_PRODUCTION] + setup + ms[_DELAY] + ms[_DOWN] + ms[_UNKNOWN]
        counted = self.counted
        produced, good = quantities_of(counted)
        made, passed = quantities_of(self.at_setup)
        rejected = None if made is None or passed is None else made - passed
        unseen, _ = quantities_of(self.unseen)
        stopped, _ = quantities_of(self.stopped)
        scrap = counted.get(TagRole.SCRAP_COUNT)
        rework = counted.get(TagRole.REWORK_COUNT)
        inspected, good_at_first, rework_found = self.inspected
        told = [one for one in (produced, good) if one is not None]
        # What nothing counts as produced may be counted as good.
        every = reduce(lambda one, other: np.where(np.isnan(one), other, one), told, unknown)
        columns: dict[str, NDArray[Any] | None] = {
            "calendar_ms": calendar,
            "pot_ms": np.where(self.scheduled, calendar, 0),
            "pbt_ms": busy,
            "apt_ms": ms[_PRODUCTION],
            "aust_ms": setup,
            "adet_ms": ms[_DELAY],
            "adot_ms": ms[_DOWN],
            "unknown_ms": ms[_UNKNOWN],
            "unscheduled_production_ms": ms[_UNSCHEDULED],
            "pri_pq_ms": _weighted(produced, self.run_times),
            "pri_gq_ms": _weighted(good, self.run_times),
            "produced_quantity": produced,
            "good_quantity": good,
            "scrap_quantity": scrap,
            "rework_quantity": rework,
            # Whether one begins may depend on what lies before and after: see `slices`.
            "failure_events": nothing,
            "energy_kwh": counted.get(TagRole.ENERGY),
            "planned_break_ms": ms[_BREAK],
            "planned_maintenance_ms": ms[_MAINTENANCE],
            "planned_setup_ms": planned_setup,
            "breakdown_ms": self.breakdown,
            "line_pri_gq_ms": _weighted(good, self.line_run_times),
            "start_up_pri_ms": _weighted(rejected, self.run_times),
            "idle_energy_kwh": self.idle_energy,
            "inspected_parts": inspected,
            "good_at_first_parts": good_at_first,
            "rework_found_parts": rework_found,
            "produced_items": self._items(produced),
            "good_items": self._items(good),
            "scrap_items": self._items(scrap),
            "rework_items": self._items(rework),
            "unpriced_items": np.where(np.isnan(self.run_times), every / self.parts_per_item, 0.0),
            "unseen_pri_pq_ms": _weighted(unseen, self.run_times),
            "stopped_pri_pq_ms": _weighted(stopped, self.run_times),
            "line_pri_sq_ms": _weighted(scrap_of(counted), self.line_run_times),
        }
        in_order = (_listed(columns[name], calendar.size) for name in _FIELDS)
        return [BaseSums(*row) for row in zip(*in_order, strict=True)]

    def _items(self, quantity: Column | None) -> Column | None:
        return None if quantity is None else quantity / self.parts_per_item


def _weighted(quantity: Column | None, run_times_ms: Column) -> Column | None:
    """Return a quantity times the planned run time; what has none adds nothing."""
    return None if quantity is None else quantity * np.nan_to_num(run_times_ms) + 0.0


def _listed(column: NDArray[Any] | None, size: int) -> list[Any]:
    """Return numbers of a column; None where it has none."""
    if column is None:
        return [None] * size
    values: list[Any] = column.tolist()
    if column.dtype.kind == "f":
        for place in np.flatnonzero(np.isnan(column)).tolist():
            values[place] = None
    return values


def _marks(
    line: Timeline,
    starts: Moments,
    counts: Mapping[TagRole, Increments],
) -> defaultdict[int, set[str]]:
    """Return what is said of slices, by the place of those of which anything is."""
    found: defaultdict[int, set[str]] = defaultdict(set)
    end = int(line.edges[-1])

    def note(moments: Moments, mark: str) -> None:
        inside = moments[(moments >= starts[0]) & (moments < end)]
        for index in np.unique(np.searchsorted(starts, inside, side="right") - 1).tolist():
            found[index].add(mark)

    for role, made in counts.items():
        for event, name in _MARKED.items():
            note(made.times[made.events == event], f"{name}:{role}")
    for name, moments in line.signals.unmapped:
        note(moments, f"unmapped_state:{name}")
    note(line.edges[:-1][line.produces_in_break], PRODUCTION_IN_BREAK)
    return found
