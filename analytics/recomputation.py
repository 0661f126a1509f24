"""Recomputation of whole hours of one work unit, from its readings to the rows of its figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from analytics.amendment import Booking, amended
from analytics.base_sum import (
    FORMULA_VERSION,
    Amendments,
    FirstInspection,
    Slice,
    slices,
)
from analytics.counting import JITTER_HOLD_US, Counter, Increments, added, increments
from analytics.execution import OrderRun
from analytics.interval import Moments, instant, millis
from analytics.machine import MachineSignals, held_signals
from analytics.metering import metered
from analytics.operation import Operation, PlannedRunTime, PlannedRunTimes, Routing
from analytics.schedule import site_schedule
from analytics.signal import Steps, TextReadings, number_readings, text_readings
from analytics.state import ELEMENTS, STOP_KINDS, Timeline, timeline
from plant.kpi.stop import StateInterval, stops
from plant.measurement import COUNT_ROLES, TagRole
from plant.state import StopKind, TimeElement
from store import figure, figure_fact, figure_reading
from store.connection import Connection
from store.figure_reading import NumberColumns, TextColumns
from store.figure_source import PlantSource, RoleTag, SiteSource, UnitSource

Readings = Mapping[int, NumberColumns | TextColumns]


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


NO_FACTS = UnitFacts()


@dataclass(frozen=True, slots=True)
class UnitFigures:
    """The figures of a work unit over a span."""

    tiles: tuple[StateInterval, ...]
    slices: tuple[Slice, ...]


def planned_run_times(unit: UnitSource) -> PlannedRunTimes:
    """Return the planned run times of a work unit."""
    by_product: dict[str, list[PlannedRunTime]] = {}
    for entry in unit.run_times:
        valid_to = None if entry.valid_to is None else millis(entry.valid_to)
        by_product.setdefault(entry.product, []).append(
            PlannedRunTime(millis(entry.valid_from), valid_to, entry.seconds * 1000)
        )
    return PlannedRunTimes(by_product, _routing(unit))


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
    `store.figure_source`). Slices are also cut at `cuts`. `facts` are those of the window.
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
    counted = in_parts(_counts(unit.tags, readings), planned.routing, signals.product)
    counts = amended(counted, facts.bookings)
    return UnitFigures(tuple(tiles(line)), tuple(slices(line, schedule, counts, planned, more)))


def recompute(
    connection: Connection,
    plant: PlantSource,
    unit: UnitSource,
    span: tuple[int, int],
    window: tuple[int, int],
    now: datetime,
) -> None:
    """Compute a span of whole hours of a work unit again and replace its rows.

    `window` is the part of the span of which something is known. Call it in a transaction.
    """
    start, end = window
    site = plant.sites[unit.site_id]
    readings = _read(connection, unit, start, end)
    facts = _facts(connection, unit, start, end)
    more = _amendments(plant, unit, facts)
    found = unit_figures(unit, site, readings, _cuts(plant, unit), *window, facts, more)
    provenance = figure.Provenance(site.policy.version, FORMULA_VERSION, now)
    figure.write_unit(
        connection,
        unit.unit_id,
        (instant(span[0]), instant(span[1])),
        [_interval_row(tile) for tile in found.tiles],
        [_slice_row(part) for part in found.slices],
        provenance,
    )


def rewrite_stops(
    connection: Connection, unit_id: int, start: int, end: int, horizon: int
) -> tuple[int, int]:
    """Derive the stops of a work unit again wherever `[start, end)` may have changed them.

    Returns the span from the first to the last stop that the window touches, at least the window
    itself. Call it in the transaction that rewrote the tiles.
    """
    around = figure.stop_neighbourhood(connection, unit_id, instant(start), instant(end))
    stored = [_tile(row) for row in figure.state_intervals(connection, unit_id, *around)]
    found = stops(stored, horizon)
    rows = [
        figure.StopRow(
            instant(stop.start),
            None if stop.end is None else instant(stop.end),
            stop.element,
            stop.state,
            stop.stop_kind,
            stop.stop_reason,
        )
        for stop in found
    ]
    figure.replace_stops(connection, unit_id, *around, rows)
    touching = [
        (stop.start, horizon if stop.end is None else stop.end)
        for stop in found
        if stop.start <= end and (stop.end is None or stop.end >= start)
    ]
    first = min((begin for begin, _ in touching), default=start)
    return min(start, first), max(end, max((over for _, over in touching), default=end))


def _read(connection: Connection, unit: UnitSource, start: int, end: int) -> Readings:
    window = (instant(start), instant(end))
    counters = [tag.tag_id for tag in unit.tags if tag.role in COUNT_ROLES]
    texts = [tag.tag_id for tag in unit.tags if tag.is_text]
    lookback = timedelta(microseconds=JITTER_HOLD_US)
    return {
        **figure_reading.numbers(connection, counters, *window, lookback),
        **figure_reading.texts(connection, texts, *window),
    }


def _facts(connection: Connection, unit: UnitSource, start: int, end: int) -> UnitFacts:
    found = figure_fact.unit_facts(
        connection, unit.unit_id, unit.path, instant(start), instant(end)
    )
    return UnitFacts(
        maintenance=tuple((millis(begin), millis(over)) for begin, over in found.maintenance),
        bookings=tuple(
            Booking(millis(made), role, quantity) for made, role, quantity in found.bookings
        ),
        # An inspection after a rework that is the first one known: it was not good at first.
        inspections=tuple(
            FirstInspection(
                millis(made), result == "good" and attempt == 1, result == "rework" or attempt > 1
            )
            for made, result, attempt in found.inspections
        ),
        runs=tuple(
            OrderRun(millis(begin), None if over is None else millis(over), order, product, lot)
            for begin, over, order, product, lot in found.runs
        ),
    )


def _amendments(plant: PlantSource, unit: UnitSource, facts: UnitFacts) -> Amendments:
    site = plant.sites[unit.site_id]
    line = next(line for line in site.lines if line.line_id == unit.line_id)
    pacing = None
    if line.kind == "serial" and len(line.unit_ids) > 1:
        bottleneck = plant.units.get(line.bottleneck_id or 0)
        pacing = planned_run_times(bottleneck) if bottleneck else PlannedRunTimes({})
    return Amendments(
        pacing=pacing,
        setup_planned=site.policy.setup_in == "planned_downtime",
        inspections=facts.inspections,
    )


def _cuts(plant: PlantSource, unit: UnitSource) -> Moments:
    """Return where run times change on any machine of the line: its bottleneck paces them all."""
    line = next(line for line in plant.sites[unit.site_id].lines if line.line_id == unit.line_id)
    changes = [planned_run_times(plant.units[unit_id]).changes() for unit_id in line.unit_ids]
    return np.unique(np.concatenate(changes))


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


def _counts(tags: Sequence[RoleTag], readings: Readings) -> dict[TagRole, Increments]:
    found: dict[TagRole, Increments] = {}
    for tag in tags:
        columns = readings.get(tag.tag_id)
        if tag.role not in COUNT_ROLES or not isinstance(columns, NumberColumns):
            continue
        rows = number_readings(columns.time_us, columns.value, columns.quality)
        counter = Counter(tag.counter_modulus, tag.max_rate_per_s)
        if tag.meter is not None:
            made = metered(rows, counter, round(tag.max_silence_s * 1000), tag.meter)
        elif tag.role.is_increment:
            made = added(rows)
        else:
            made = increments(rows, counter)
        role = tag.role.counts
        found[role] = made if role not in found else _both(found[role], made)
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
    )


def tiles(line: Timeline) -> list[StateInterval]:
    """Return the tiles of a timeline under their names."""
    signals = line.signals
    order_name = signals.order.name if signals.order else (lambda _code: None)
    return [
        StateInterval(
            start,
            end,
            ELEMENTS[element],
            signals.state.name(state),
            None if kind < 0 else STOP_KINDS[kind],
            signals.stop_reason.name(reason),
            order_name(order),
            signals.product.name(product),
        )
        for start, end, element, state, kind, reason, order, product in zip(
            line.edges[:-1].tolist(),
            line.edges[1:].tolist(),
            line.element.tolist(),
            line.state.tolist(),
            line.stop_kind.tolist(),
            line.stop_reason.tolist(),
            line.order.tolist(),
            line.product.tolist(),
            strict=True,
        )
    ]


def _interval_row(tile: StateInterval) -> figure.IntervalRow:
    return figure.IntervalRow(
        instant(tile.start),
        instant(tile.end),
        tile.element,
        tile.state,
        tile.stop_kind,
        tile.stop_reason,
        tile.order,
        tile.product,
    )


def _tile(row: figure.IntervalRow) -> StateInterval:
    return StateInterval(
        millis(row.start),
        millis(row.end),
        TimeElement(row.element),
        row.state,
        None if row.stop_kind is None else StopKind(row.stop_kind),
        row.stop_reason,
        row.order_number,
        row.product_code,
    )


def _slice_row(part: Slice) -> figure.SliceRow:
    shift = part.shift
    return figure.SliceRow(
        start=instant(part.start),
        end=instant(part.end),
        hour=instant(part.hour),
        business_date=shift.business_date if shift else None,
        shift=shift.name if shift else None,
        shift_start=shift.window.start if shift else None,
        shift_end=shift.window.end if shift else None,
        order_number=part.order,
        product_code=part.product,
        sums=part.sums,
        marks=part.marks,
        lot_number=part.lot,
    )
