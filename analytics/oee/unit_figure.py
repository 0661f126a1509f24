"""The figures of one work unit over a span, from its readings and what an MES knows of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from analytics.oee.amendment import Booking, amended
from analytics.oee.base_sum import Amendments, FirstInspection, Slice, slices
from analytics.oee.execution import OrderRun
from analytics.oee.machine import MachineSignals, held_signals
from analytics.oee.metering import metered
from analytics.oee.operation import Operation, PlannedRunTime, PlannedRunTimes, Routing
from analytics.oee.schedule import site_schedule
from analytics.oee.state import ELEMENTS, STOP_KINDS, Timeline, timeline
from analytics.readings.counter import NO_VERDICTS, Counter, Judgement, Verdict
from analytics.readings.counting import Increments, added, increments
from analytics.readings.interval import Moments, millis
from analytics.readings.signal import Steps, TextReadings, number_readings, text_readings
from plant.kpi.stop import StateInterval
from plant.measurement import COUNT_ROLES, TagRole
from store.figure.reading import NumberColumns, TextColumns
from store.figure.source import RoleTag, SiteSource, UnitSource

Readings = Mapping[int, NumberColumns | TextColumns]
# Readings are not taken to the second: a counter is silent from twice its limit on.
_SILENT_FOR = 2


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """What an MES knows of a work unit and its signals do not tell; milliseconds."""

    maintenance: tuple[tuple[int, int], ...] = ()
    """Planned maintenance as `(start, end)`."""
    bookings: tuple[Booking, ...] = ()
    """Parts found bad after they were counted."""
    inspections: tuple[FirstInspection, ...] = ()
    """Of parts with a serial number."""
    runs: tuple[OrderRun, ...] = ()
    """Orders executed in the window, and the one before it."""
    verdicts: Mapping[int, Mapping[int, Verdict]] = field(default_factory=dict)
    """What people say of readings of counters, by tag id and microsecond."""


NO_FACTS = UnitFacts()


@dataclass(frozen=True, slots=True)
class UnitFigures:
    """The figures of a work unit over a span."""

    tiles: tuple[StateInterval, ...]
    slices: tuple[Slice, ...]
    judgements: tuple[tuple[int, Judgement], ...] = ()
    """What was decided of readings of counters in the span, each with its tag id."""


def planned_run_times(unit: UnitSource) -> PlannedRunTimes:
    """Return the planned run times of a work unit."""
    by_product: dict[str, list[PlannedRunTime]] = {}
    for entry in unit.run_times:
        valid_to = None if entry.valid_to is None else millis(entry.valid_to)
        by_product.setdefault(entry.product, []).append(
            PlannedRunTime(millis(entry.valid_from), valid_to, entry.seconds * 1000)
        )
    own = unit.planned_run_time_s
    return PlannedRunTimes(by_product, _routing(unit), None if own is None else own * 1000)


def _routing(unit: UnitSource) -> Routing:
    by_product: dict[str, list[Operation]] = {}
    for entry in unit.operations:
        by_product.setdefault(entry.product, []).append(
            Operation(
                millis(entry.valid_from),
                None if entry.valid_to is None else millis(entry.valid_to),
                entry.parts_per_item,
                entry.parts_per_cycle,
                None if entry.cycle_s is None else entry.cycle_s * 1000,
            )
        )
    return Routing(by_product)


def unit_figures(
    unit: UnitSource,
    site: SiteSource,
    readings: Readings,
    cuts: Moments,
    start: int,
    end: int,
    facts: UnitFacts = NO_FACTS,
    more: Amendments | None = None,
) -> UnitFigures:
    """Return tiles and slices of `[start, end)` milliseconds from the readings of a work unit.

    `readings` holds columns by tag id: those of the window and what carries into it (see
    `store.figure.reading`). Slices are also cut at `cuts`. `facts` are those of the window.
    """
    schedule = site_schedule(
        site.patterns,
        site.zone,
        start,
        end,
        facts.maintenance,
        site.day_rules,
        breaks_planned=site.policy.breaks_in == "planned_downtime",
    )
    signals = held_signals(_machine(unit, site, readings, facts.runs))
    line = timeline(start, end, signals, schedule, cuts)
    planned = planned_run_times(unit)
    made = _counts(unit.tags, readings, facts.verdicts)
    # Bookings come last, as they are in parts already: only what a counter counts is turned into
    # them.
    counts = amended(in_parts(_by_role(made), planned.routing, signals.product), facts.bookings)
    return UnitFigures(
        tuple(tiles(line)),
        tuple(slices(line, schedule, counts, planned, more)),
        tuple(
            (tag.tag_id, judged)
            for tag, one in made
            for judged in one.judgements
            # Judgements of the hours read around the span are those hours' own.
            if start <= judged.time_us // 1000 < end
        ),
    )


def _machine(
    unit: UnitSource, site: SiteSource, readings: Readings, runs: tuple[OrderRun, ...]
) -> MachineSignals:
    return MachineSignals(
        state=_text(unit, TagRole.STATE, readings),
        state_silence_ms=silence_ms(unit, TagRole.STATE),
        mode=_text(unit, TagRole.MODE, readings),
        mode_silence_ms=silence_ms(unit, TagRole.MODE),
        order=_text(unit, TagRole.ORDER, readings),
        product=_text(unit, TagRole.PRODUCT, readings),
        stop_reason=_text(unit, TagRole.STOP_REASON, readings),
        state_map=unit.state_map,
        order_products=site.order_products,
        runs=runs,
        mes_first=site.policy.order_from == "mes",
    )


def silence_ms(unit: UnitSource, role: TagRole) -> int:
    """Return how long the last value of a role may stand, 0 where no tag has it."""
    limits = [tag.max_silence_s for tag in unit.tags if tag.role == role]
    return round(max(limits, default=0.0) * 1000)


def _text(unit: UnitSource, role: TagRole, readings: Readings) -> TextReadings | None:
    """Return the readings of all tags of a role, None without such a tag."""
    times: list[int] = []
    values: list[str | None] = []
    quality: list[int] = []
    tags = [tag for tag in unit.tags if tag.role == role]
    for tag in tags:
        columns = readings[tag.tag_id]
        if isinstance(columns, TextColumns):
            times += columns.time_us.tolist()
            values += columns.values
            quality += columns.quality.tolist()
    return text_readings(times, values, quality) if tags else None


def _counts(
    tags: Sequence[RoleTag], readings: Readings, verdicts: Mapping[int, Mapping[int, Verdict]]
) -> list[tuple[RoleTag, Increments]]:
    found = []
    for tag in tags:
        columns = readings.get(tag.tag_id)
        if tag.role not in COUNT_ROLES or not isinstance(columns, NumberColumns):
            continue
        rows = number_readings(columns.time_us, columns.value, columns.quality)
        counter = Counter(tag.counter_modulus, tag.max_rate_per_s)
        silence = round(tag.max_silence_s * 1000)
        said = verdicts.get(tag.tag_id, NO_VERDICTS)
        if tag.meter is not None:
            made = metered(rows, counter, silence, tag.meter, said)
        elif tag.role.is_increment:
            made = added(rows)
        else:
            made = increments(rows, counter, said, _SILENT_FOR * silence)
        found.append((tag, made))
    return found


def _by_role(made: Sequence[tuple[RoleTag, Increments]]) -> dict[TagRole, Increments]:
    found: dict[TagRole, Increments] = {}
    for tag, one in made:
        role = tag.role.counts
        found[role] = one if role not in found else _both(found[role], one)
    return found


def in_parts(
    counts: dict[TagRole, Increments], routing: Routing, product: Steps
) -> dict[TagRole, Increments]:
    """Return counts of parts: a cycle may make several, or several cycles one."""
    if routing.counts_parts:
        return counts
    return {
        role: made
        if role is TagRole.ENERGY
        else replace(made, amounts=made.amounts * routing.parts_per_count(product, made.times))
        for role, made in counts.items()
    }


def _both(one: Increments, other: Increments) -> Increments:
    """Return the increments of two counters of the same role: they add up."""
    times = np.concatenate((one.times, other.times))
    order = np.argsort(times, kind="stable")
    ends = (one.known_until, other.known_until)
    firsts = [each for each in (one.first_reading, other.first_reading) if each is not None]
    return Increments(
        times[order],
        np.concatenate((one.amounts, other.amounts))[order],
        np.concatenate((one.events, other.events))[order],
        min(firsts, default=None),
        None if None in ends else max(end for end in ends if end is not None),
        unseen=np.concatenate((one.bridges, other.bridges))[order],
    )


def tiles(line: Timeline) -> list[StateInterval]:
    """Return the tiles of a timeline under their names."""
    signals = line.signals
    order = [None] * line.order.size if signals.order is None else signals.order.named(line.order)
    kinds = (*STOP_KINDS, None)
    return [
        StateInterval(*told)
        for told in zip(
            line.edges[:-1].tolist(),
            line.edges[1:].tolist(),
            [ELEMENTS[element] for element in line.element.tolist()],
            signals.state.named(line.state),
            [kinds[kind] for kind in line.stop_kind.tolist()],
            signals.stop_reason.named(line.stop_reason),
            order,
            signals.product.named(line.product),
            strict=True,
        )
    ]
