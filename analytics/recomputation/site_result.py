"""Writing the results of one site: which windows are touched, what they need, what they replace."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from analytics.oee.schedule import Schedule, is_known, site_schedule
from analytics.readings.interval import HOUR_MS, instant, intervals, millis
from analytics.recomputation.result import (
    SiteFigures,
    restatements,
    result_row,
    slices_by_window,
    windows,
)
from plant.kpi import ResultWindow
from plant.kpi.stop import StateInterval, Stop, minor_stop_ms
from plant.state import TimeElement
from store.engine.connection import Connection
from store.figure import derived as figure
from store.figure import result as figure_result
from store.figure.source import PlantSource, SiteSource

_OPEN_LIMIT = 500
_DAY_MS = 24 * HOUR_MS


def write_site(
    connection: Connection,
    plant: PlantSource,
    site: SiteSource,
    touched: Mapping[int, set[int]],
    settled: Mapping[int, datetime],
    now: datetime,
    dirty: Sequence[figure.DirtyWindow] = (),
) -> int:
    """Write the results that recomputed hours touch and those that can become final.

    `touched` holds hours (milliseconds) by work unit, `settled` until when figures are final by
    place. Returns how many results were written. Call it in a transaction.
    """
    wanted = _wanted(connection, site, touched, settled)
    if not wanted:
        return 0
    found = _site_figures(connection, plant, site, list(wanted), now)
    rows = [
        result_row(
            place_id,
            place,
            window,
            site.policy.version,
            now,
            final=place_id in settled and window.end <= settled[place_id],
        )
        for window, places in wanted.items()
        for place_id, place in found.of_window(window).items()
        if place_id in places
    ]
    keys = [(row.place_id, row.window.kind, row.window.start) for row in rows]
    published = figure_result.final_results(connection, keys)
    trail = [
        restatement
        for key, row in zip(keys, rows, strict=True)
        for restatement in restatements(row, published.get(key), _told(site, row, dirty))
    ]
    figure_result.write_results(connection, rows, trail, published.keys())
    _delete_replaced_shifts(connection, site, touched, now)
    return len(rows)


def _told(
    site: SiteSource, row: figure_result.ResultRow, dirty: Sequence[figure.DirtyWindow]
) -> str | None:
    """Return the cause given for hours of a place within a window, None where none was."""
    lines = [line for line in site.lines if row.place_id in (line.line_id, site.site_id)]
    members = {row.place_id, *(unit_id for line in lines for unit_id in line.unit_ids)}
    causes = {
        window.cause
        for window in dirty
        if window.cause is not None
        and window.unit_id in members
        and window.hour < row.window.end
        and row.window.start < window.hour + timedelta(hours=1)
    }
    return min(causes, default=None)


def _delete_replaced_shifts(
    connection: Connection, site: SiteSource, touched: Mapping[int, set[int]], now: datetime
) -> None:
    """Remove results of shifts that the calendar no longer has, where hours were recomputed."""
    units = {unit_id for line in site.lines for unit_id in line.unit_ids} & touched.keys()
    hours = intervals(
        (hour, hour + HOUR_MS) for unit_id in units for hour in touched.get(unit_id, ())
    )
    places = [site.site_id, *(line.line_id for line in site.lines), *units]
    for start, end in hours.pairs():
        kept = [shift.window.start for shift in _schedule(site, start, end).shifts]
        span = (instant(start), instant(end))
        figure_result.delete_replaced_shifts(connection, places, span, kept, now)


def _wanted(
    connection: Connection,
    site: SiteSource,
    touched: Mapping[int, set[int]],
    settled: Mapping[int, datetime],
) -> dict[ResultWindow, set[int]]:
    """Return the windows to write, each with the places whose result is written."""
    found: dict[ResultWindow, set[int]] = {}
    own = [unit_id for line in site.lines for unit_id in line.unit_ids]
    hours = set[int]().union(*(touched.get(unit_id, ()) for unit_id in own))
    places = {site.site_id, *(line.line_id for line in site.lines), *own}
    if hours:
        schedule = _schedule(site, min(hours), max(hours) + HOUR_MS)
        for line in site.lines:
            for unit_id in line.unit_ids:
                for window in windows(schedule, touched.get(unit_id, ())):
                    found.setdefault(window, set()).update((unit_id, line.line_id, site.site_id))
    ready = {place: until for place, until in settled.items() if place in places}
    waiting: dict[tuple[str, datetime, datetime], set[int]] = {}
    for place_id, kind, start, end in figure_result.open_results(connection, ready, _OPEN_LIMIT):
        waiting.setdefault((kind, start, end), set()).add(place_id)
    for (kind, start, end), members in waiting.items():
        schedule = _schedule(site, millis(start), millis(end))
        for window in windows(schedule, [millis(start)]):
            # A shift that the calendar no longer has does not become final any more.
            if (window.kind, window.start, window.end) == (kind, start, end):
                found.setdefault(window, set()).update(members)
    return found


def _schedule(site: SiteSource, start: int, end: int) -> Schedule:
    return site_schedule(site.patterns, site.zone, start, end, rules=site.day_rules)


def _site_figures(
    connection: Connection,
    plant: PlantSource,
    site: SiteSource,
    wanted: list[ResultWindow],
    now: datetime,
) -> SiteFigures:
    unit_ids = [unit_id for line in site.lines for unit_id in line.unit_ids]
    spans = intervals((millis(window.start), millis(window.end)) for window in wanted)
    stored = figure.slices(
        connection, unit_ids, [(instant(start), instant(end)) for start, end in spans.pairs()]
    )

    def calendar_known(window: ResultWindow) -> bool:
        return is_known(site.patterns, site.zone, window.start, window.end)

    def minor_stops(unit_id: int, window: ResultWindow) -> int:
        if site.policy.minor_stops_in != "effectiveness":
            return 0
        threshold_ms = site.policy.minor_stop_threshold_ms(plant.units[unit_id].path)
        return _minor_stop_ms(connection, unit_id, window, threshold_ms, now)

    return SiteFigures(
        site=site,
        units=plant.units,
        slices=slices_by_window(stored),
        calendar_known=calendar_known,
        minor_stops=minor_stops,
    )


def _minor_stop_ms(
    connection: Connection, unit_id: int, window: ResultWindow, threshold_ms: int, now: datetime
) -> int:
    found = [
        Stop(
            millis(row.start),
            None if row.end is None else millis(row.end),
            TimeElement(row.element),
            row.state,
            None,
            row.stop_reason,
            row.paused_ms,
        )
        for row in figure.stops_overlapping(connection, unit_id, window.start, window.end)
    ]
    delays = [
        StateInterval(millis(row.start), millis(row.end), TimeElement(row.element))
        for row in figure.state_intervals(connection, unit_id, window.start, window.end)
    ]
    return minor_stop_ms(found, delays, threshold_ms, millis(now))
