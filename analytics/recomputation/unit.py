"""Recomputation of whole hours of one work unit, from its readings to the rows of its figures."""

from datetime import datetime

import numpy as np

from analytics.oee.amendment import Booking
from analytics.oee.base_sum import FORMULA_VERSION, Amendments, FirstInspection, Slice
from analytics.oee.execution import OrderRun
from analytics.oee.operation import PlannedRunTimes
from analytics.oee.unit_figure import Readings, UnitFacts, planned_run_times, unit_figures
from analytics.readings.counter import Judgement, Verdict
from analytics.readings.interval import Moments, instant, millis
from plant.clock import from_microseconds, microseconds
from plant.kpi.stop import StateInterval, stops
from plant.measurement import COUNT_ROLES, TagRole
from plant.state import TELLING_STATES, StopKind, TimeElement
from store.engine.connection import Connection
from store.figure import counter_judgement
from store.figure import derived as figure
from store.figure import fact as figure_fact
from store.figure import reading as figure_reading
from store.figure.source import PlantSource, UnitSource


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
    counter_judgement.replace_judgements(
        connection,
        unit.unit_id,
        (instant(span[0]), instant(span[1])),
        [_judgement_row(tag_id, judged) for tag_id, judged in found.judgements],
    )


def rewrite_stops(
    connection: Connection, unit_id: int, start: int, end: int, horizon: int
) -> tuple[int, int]:
    """Derive the stops of a work unit again wherever `[start, end)` may have changed them.

    Returns the span from the first to the last stop that the window touches, at least the window
    itself. Call it in the transaction that rewrote the tiles.
    """
    around = figure.stop_neighbourhood(connection, unit_id, instant(start), instant(end))
    stored = [tile_of(row) for row in figure.state_intervals(connection, unit_id, *around)]
    cuts, joints = figure.stop_divisions(connection, unit_id, *around)
    found = stops(stored, horizon, {*map(millis, cuts)}, {*map(millis, joints)})
    rows = [
        figure.StopRow(
            instant(stop.start),
            None if stop.end is None else instant(stop.end),
            stop.element,
            stop.state,
            stop.stop_kind,
            stop.stop_reason,
            stop.paused_ms,
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
    tags = [tag.tag_id for tag in unit.tags if tag.is_text]
    texts = figure_reading.texts(connection, tags, *window)
    # Whether a breakdown is open at the start, only an earlier reading may tell.
    states = [tag.tag_id for tag in unit.tags if tag.role is TagRole.STATE]
    telling = figure_reading.last_telling(
        connection, states, window[0], unit.state_map, TELLING_STATES
    )
    for tag_id, (time_us, value) in telling.items():
        texts[tag_id] = texts[tag_id].with_earlier(time_us, value)
    return {**figure_reading.numbers(connection, counters, *window), **texts}


def _facts(connection: Connection, unit: UnitSource, start: int, end: int) -> UnitFacts:
    counters = [tag.tag_id for tag in unit.tags if tag.role in COUNT_ROLES]
    verdicts = counter_judgement.verdicts(connection, counters)
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
        verdicts={
            tag_id: {microseconds(moment): Verdict(verdict) for moment, verdict in said}
            for tag_id, said in verdicts.items()
        },
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


def tile_of(row: figure.IntervalRow) -> StateInterval:
    """Return a tile as it was stored."""
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


def _judgement_row(tag_id: int, judged: Judgement) -> counter_judgement.JudgementRow:
    following = judged.next_us
    return counter_judgement.JudgementRow(
        from_microseconds(judged.time_us),
        tag_id,
        judged.event.name.lower(),
        judged.before,
        judged.shown,
        judged.counted,
        judged.doubt,
        None if following is None else from_microseconds(following),
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
        minutes=None if part.minutes is None else part.minutes.amounts,
        coarse_ms=0 if part.minutes is None else part.minutes.coarse_ms,
    )
