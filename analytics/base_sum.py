"""Additive base sums per slice of a work unit's time; every ratio is formed from their totals.

Slices are cut at hours, shifts, order and product changes, and where a planned run time per item
changes, so each sum belongs to exactly one of each. Counts fall into the slice that holds the
moment of their reading.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.counting import CounterEvent, Increments
from analytics.interval import HOUR_MS, Moments
from analytics.schedule import Schedule
from analytics.state import ELEMENTS, Timeline
from plant.calendar import ShiftInstance
from plant.kpi import BaseSums
from plant.measurement import TagRole
from plant.state import TimeElement

FORMULA_VERSION = "1"
"""Changes when the same measurements and policy would give other figures."""

PRODUCTION_IN_BREAK = "production_in_break"
_MARKED = {
    CounterEvent.JITTER: "counter_jitter",
    CounterEvent.WRAPPED: "counter_wrap",
    CounterEvent.RESET: "counter_reset",
    CounterEvent.RESTORED: "counter_restored",
}


@dataclass(frozen=True, slots=True)
class PlannedRunTime:
    """A planned run time per item (PRI) of one product on one machine, and when it holds."""

    valid_from: int
    valid_to: int | None
    """Milliseconds, half-open; None for an end not known yet."""
    run_time_ms: float


class PlannedRunTimes:
    """The planned run times of one work unit, by product."""

    def __init__(self, by_product: Mapping[str, Iterable[PlannedRunTime]]) -> None:
        self._by_product = {
            product: sorted(entries, key=lambda entry: entry.valid_from)
            for product, entries in by_product.items()
        }

    def at(self, product: str | None, moment: int) -> float | None:
        """Return the run time in milliseconds of a product made at a moment, None without one.

        The entry that began last holds until its own end; an ended one is not followed by an
        older one.
        """
        held = None
        for entry in self._by_product.get(product or "", ()):
            if entry.valid_from > moment:
                break
            held = entry
        if held is None or (held.valid_to is not None and moment >= held.valid_to):
            return None
        return held.run_time_ms

    def changes(self) -> Moments:
        """Return the moments at which any run time begins or ends."""
        found = {
            moment
            for entries in self._by_product.values()
            for entry in entries
            for moment in (entry.valid_from, entry.valid_to)
            if moment is not None
        }
        return np.array(sorted(found), dtype=np.int64)


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


def slices(
    line: Timeline,
    schedule: Schedule,
    counts: Mapping[TagRole, Increments],
    planned: PlannedRunTimes,
) -> list[Slice]:
    """Return the slices that tile the timeline, with their base sums.

    `counts` has an entry for each counter that the work unit has. Produced quantity is the total
    counter if there is one, else good + scrap + rework; good quantity is the good counter if
    there is one, else total - scrap - rework. What cannot be told is None, never guessed.
    """
    if line.element.size == 0:
        return []
    first = _slice_starts(line)
    bounds = line.edges[np.concatenate((first, [line.element.size]))]
    starts, ends = bounds[:-1], bounds[1:]
    times = _times(line, first)
    counted = {
        role: _counted(made, starts, int(bounds[-1]), line.hour[first])
        for role, made in counts.items()
    }
    failures = np.bincount(
        np.searchsorted(starts, line.failures, side="right") - 1, minlength=starts.size
    )
    marks = _marks(line, first, starts, counts)
    found = []
    for index, tile in enumerate(first):
        product = line.signals.product.name(int(line.product[tile]))
        quantities = {role: column[index] for role, column in counted.items()}
        run_time = planned.at(product, int(starts[index]))
        shift = int(line.shift[tile])
        found.append(
            Slice(
                start=int(starts[index]),
                end=int(ends[index]),
                hour=int(line.hour[tile]),
                shift=schedule.shifts[shift] if shift >= 0 else None,
                order=line.signals.order.name(int(line.order[tile]))
                if line.signals.order
                else None,
                product=product,
                sums=_sums(
                    times[index], quantities, run_time, int(failures[index]), scheduled=shift >= 0
                ),
                marks=marks[index],
            )
        )
    return found


def _slice_starts(line: Timeline) -> NDArray[np.intp]:
    changed = np.zeros(line.element.size, dtype=np.bool_)
    changed[0] = True
    for column in (line.hour, line.shift, line.order, line.product, line.part):
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


def _counted(made: Increments, starts: Moments, end: int, hours: Moments) -> list[float | None]:
    """Return what was counted in each slice; None in hours that end before the first reading."""
    inside = (made.times >= starts[0]) & (made.times < end)
    index = np.searchsorted(starts, made.times[inside], side="right") - 1
    amounts = np.bincount(index, weights=made.amounts[inside], minlength=starts.size)
    known_until = np.minimum(hours + HOUR_MS, end)
    first = made.first_reading
    return [
        float(amount) if first is not None and first < until else None
        for amount, until in zip(amounts, known_until.tolist(), strict=True)
    ]


def _sums(
    times: Moments,
    quantities: Mapping[TagRole, float | None],
    run_time_ms: float | None,
    failures: int,
    *,
    scheduled: bool,
) -> BaseSums:
    ms = {element: int(times[number]) for number, element in enumerate(ELEMENTS)}
    calendar = sum(ms.values())
    busy = (
        ms[TimeElement.PRODUCTION]
        + ms[TimeElement.SETUP]
        + ms[TimeElement.DELAY]
        + ms[TimeElement.DOWN]
        + ms[TimeElement.UNKNOWN]
    )
    produced, good = quantities_of(quantities)
    return BaseSums(
        calendar_ms=calendar,
        pot_ms=calendar if scheduled else 0,
        pbt_ms=busy,
        apt_ms=ms[TimeElement.PRODUCTION],
        aust_ms=ms[TimeElement.SETUP],
        adet_ms=ms[TimeElement.DELAY],
        adot_ms=ms[TimeElement.DOWN],
        unknown_ms=ms[TimeElement.UNKNOWN],
        unscheduled_production_ms=ms[TimeElement.UNSCHEDULED_PRODUCTION],
        pri_pq_ms=_weighted(produced, run_time_ms),
        pri_gq_ms=_weighted(good, run_time_ms),
        produced_quantity=produced,
        good_quantity=good,
        scrap_quantity=quantities.get(TagRole.SCRAP_COUNT),
        rework_quantity=quantities.get(TagRole.REWORK_COUNT),
        failure_events=failures,
        energy_kwh=quantities.get(TagRole.ENERGY),
    )


def quantities_of(
    quantities: Mapping[TagRole, float | None],
) -> tuple[float | None, float | None]:
    """Return produced and good quantity as far as the counters tell them.

    Rework failed at first pass: it is produced but not good, and a rework pass adds nothing.
    """
    bad = [
        quantities[role]
        for role in (TagRole.SCRAP_COUNT, TagRole.REWORK_COUNT)
        if role in quantities
    ]
    good = quantities.get(TagRole.GOOD_COUNT)
    total = quantities.get(TagRole.TOTAL_COUNT)
    if TagRole.TOTAL_COUNT in quantities:
        if TagRole.GOOD_COUNT not in quantities and bad:
            good = _total([total, *(None if part is None else -part for part in bad)])
        return total, good
    if TagRole.GOOD_COUNT in quantities and TagRole.SCRAP_COUNT in quantities:
        return _total([good, *bad]), good
    return None, good


def _total(parts: Iterable[float | None]) -> float | None:
    known = list(parts)
    if any(part is None for part in known):
        return None
    return sum(part for part in known if part is not None)


def _weighted(quantity: float | None, run_time_ms: float | None) -> float | None:
    if quantity is None:
        return None
    if quantity == 0:
        return 0.0
    return None if run_time_ms is None else quantity * run_time_ms


def _marks(
    line: Timeline,
    first: NDArray[np.intp],
    starts: Moments,
    counts: Mapping[TagRole, Increments],
) -> list[tuple[str, ...]]:
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
    return [tuple(sorted(marks)) for marks in found]
