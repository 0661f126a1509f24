"""Additive base sums per slice of a work unit's time; every ratio is formed from their totals.

Slices are cut at hours, shifts, order, product and lot changes, and where a planned run time per
item changes, so each sum belongs to exactly one of each. Counts fall into the slice that holds the
moment of their reading.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.oee.minute import Selections, SliceMinutes, slice_minutes
from analytics.oee.operation import PlannedRunTimes
from analytics.oee.schedule import Schedule
from analytics.oee.slice_count import SliceCounts, quantities_of, scrap_of
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
    marks = _marks(line, first, starts, counts)
    breakdown = np.where(line.stop_kind == _BREAKDOWN, np.diff(line.edges), 0)
    # Only where it kept planned work from being done: broken in a break, a machine misses nothing.
    breakdown[line.element != _DELAY] = 0
    select = Selections(
        at_setup=lambda made: tell.during(made, setting_up),
        unseen=lambda made: made.bridges | tell.during(made, unseen),
        # What bridges a silence is unseen already: where its reading falls says nothing of when it
        # was made.
        stopped=lambda made: ~made.bridges & tell.during(made, standing),
        resting=lambda made: tell.during(made, resting),
    )
    parts = _Columns(
        times=times.tolist(),
        breakdown=np.add.reduceat(breakdown, first).tolist(),
        counted=tell.of(counts),
        at_setup=tell.parts(select.at_setup),
        unseen=tell.parts(select.unseen),
        stopped=tell.parts(select.stopped),
        idle_energy=tell.energy(select.resting),
        inspected=_inspected(more.inspections, bounds),
    )
    pacing = more.pacing
    orders = line.signals.order
    products = [line.signals.product.name(code) for code in line.product[first].tolist()]
    begun = zip(products, starts.tolist(), strict=True)
    run_times = [planned.at(product, start) for product, start in begun]
    inspected = [(one.moment, one.good, one.rework) for one in more.inspections]
    minutes = slice_minutes(bounds, counts, select, run_times, inspected)
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
        product, run_time = products[index], run_times[index]
        sums = parts.sums(
            index,
            run_time,
            run_time if pacing is None else pacing.per_part(product, start, planned.routing),
            parts_per_item=planned.routing.parts_per_item(product, start),
            scheduled=shift >= 0,
            setup_planned=more.setup_planned,
        )
        if sums.unpriced_items:
            marks[index].add(f"{Missing.NO_PLANNED_RUN_TIME}:{product or ''}")
        found.append(
            Slice(
                start=start,
                end=end,
                hour=hour,
                shift=schedule.shifts[shift] if shift >= 0 else None,
                order=orders.name(order) if orders else None,
                product=product,
                sums=sums,
                marks=tuple(sorted(marks[index])),
                lot=line.signals.lot.name(lot),
                minutes=minutes[index],
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


def _inspected(
    inspections: Sequence[FirstInspection], bounds: Moments
) -> dict[int, tuple[int, int, int]]:
    """Return parts inspected, good at first and found for rework, by slice."""
    found: dict[int, tuple[int, int, int]] = {}
    moments = np.array([one.moment for one in inspections], dtype=np.int64)
    index = np.searchsorted(bounds, moments, side="right") - 1
    for one, number in zip(inspections, index.tolist(), strict=True):
        if 0 <= number < bounds.size - 1:
            parts, good, rework = found.get(number, (0, 0, 0))
            found[number] = (parts + 1, good + one.good, rework + one.rework)
    return found


@dataclass(frozen=True, slots=True)
class _Columns:
    """What the base sums of each slice are made of, one entry per slice."""

    times: list[list[int]]
    breakdown: list[int]
    counted: Mapping[TagRole, Sequence[float | None]]
    at_setup: Mapping[TagRole, Sequence[float | None]]
    unseen: Mapping[TagRole, Sequence[float | None]]
    stopped: Mapping[TagRole, Sequence[float | None]]
    idle_energy: Sequence[float | None]
    inspected: Mapping[int, tuple[int, int, int]]

    def sums(
        self,
        index: int,
        run_time_ms: float | None,
        line_run_time_ms: float | None,
        *,
        parts_per_item: float,
        scheduled: bool,
        setup_planned: bool,
    ) -> BaseSums:
        ms = self.times[index]
        calendar = sum(ms)
        setup = ms[_SETUP]
        planned_setup = setup if setup_planned else 0
        setup -= planned_setup
        # Unknown time is busy time: left out, silence would flatter, and A × E × Q would no longer
        # be the OEE of the window (docs/decisions/0004).
        busy = ms[_PRODUCTION] + setup + ms[_DELAY] + ms[_DOWN] + ms[_UNKNOWN]
        quantities = {role: column[index] for role, column in self.counted.items()}
        produced, good = quantities_of(quantities)
        made, passed = self._told(self.at_setup, index)
        rejected = None if made is None or passed is None else made - passed
        unseen, _ = self._told(self.unseen, index)
        stopped, _ = self._told(self.stopped, index)
        scrap = quantities.get(TagRole.SCRAP_COUNT)
        every = good if produced is None else produced
        rework = quantities.get(TagRole.REWORK_COUNT)
        inspected, good_at_first, rework_found = self.inspected.get(index, (0, 0, 0))
        return BaseSums(
            calendar_ms=calendar,
            pot_ms=calendar if scheduled else 0,
            pbt_ms=busy,
            apt_ms=ms[_PRODUCTION],
            aust_ms=setup,
            adet_ms=ms[_DELAY],
            adot_ms=ms[_DOWN],
            unknown_ms=ms[_UNKNOWN],
            unscheduled_production_ms=ms[_UNSCHEDULED],
            pri_pq_ms=_weighted(produced, run_time_ms),
            pri_gq_ms=_weighted(good, run_time_ms),
            produced_quantity=produced,
            good_quantity=good,
            scrap_quantity=scrap,
            rework_quantity=rework,
            energy_kwh=quantities.get(TagRole.ENERGY),
            planned_break_ms=ms[_BREAK],
            planned_maintenance_ms=ms[_MAINTENANCE],
            planned_setup_ms=planned_setup,
            breakdown_ms=self.breakdown[index],
            line_pri_gq_ms=_weighted(good, line_run_time_ms),
            start_up_pri_ms=_weighted(rejected, run_time_ms),
            idle_energy_kwh=self.idle_energy[index],
            inspected_parts=inspected,
            good_at_first_parts=good_at_first,
            rework_found_parts=rework_found,
            produced_items=_items(produced, parts_per_item),
            good_items=_items(good, parts_per_item),
            scrap_items=_items(scrap, parts_per_item),
            rework_items=_items(rework, parts_per_item),
            unpriced_items=_items(every, parts_per_item) if run_time_ms is None else 0.0,
            unseen_pri_pq_ms=_weighted(unseen, run_time_ms),
            stopped_pri_pq_ms=_weighted(stopped, run_time_ms),
            line_pri_sq_ms=_weighted(scrap_of(quantities), line_run_time_ms),
        )

    def _told(
        self, columns: Mapping[TagRole, Sequence[float | None]], index: int
    ) -> tuple[float | None, float | None]:
        return quantities_of({role: each[index] for role, each in columns.items()})


def _weighted(quantity: float | None, run_time_ms: float | None) -> float | None:
    """Return a quantity times the planned run time; what has none adds nothing."""
    if quantity is None:
        return None
    return 0.0 if run_time_ms is None else quantity * run_time_ms


def _items(quantity: float | None, parts_per_item: float) -> float | None:
    return None if quantity is None else quantity / parts_per_item


def _marks(
    line: Timeline,
    first: NDArray[np.intp],
    starts: Moments,
    counts: Mapping[TagRole, Increments],
) -> list[set[str]]:
    found: list[set[str]] = [set() for _ in first]
    end = int(line.edges[-1])

    def note(moments: Moments, mark: str) -> None:
        inside = moments[(moments >= starts[0]) & (moments < end)]
        for index in np.unique(np.searchsorted(starts, inside, side="right") - 1):
            found[index].add(mark)

    for role, made in counts.items():
        for event, name in _MARKED.items():
            note(made.times[made.events == event], f"{name}:{role}")
    for name, moments in line.signals.unmapped:
        note(moments, f"unmapped_state:{name}")
    note(line.edges[:-1][line.produces_in_break], PRODUCTION_IN_BREAK)
    return found
