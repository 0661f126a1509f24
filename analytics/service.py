"""The analytics service: computes again what became out of date, pass after pass."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from analytics.anomaly.watch.metrics import AnomalyMetrics
from analytics.anomaly.watch.service import tell_people, watch_machines
from analytics.metrics import Watch
from analytics.oee.unit_figure import silence_ms
from analytics.readings.interval import HOUR_MS, hour_of, instant, millis
from analytics.recomputation.failure import rewrite_failures
from analytics.recomputation.repair import (
    Extent,
    Repair,
    complete_until,
    horizon,
    next_moments,
    plan,
)
from analytics.recomputation.result import settled_until
from analytics.recomputation.service_life import first_readings, own_tags
from analytics.recomputation.site_result import write_site
from analytics.recomputation.unit import recompute, rewrite_stops
from analytics.settings import AnalyticsSettings
from analytics.summing.rollup import sum_up_hours
from plant.errors import TransientError
from plant.exposition import Family, metrics_server
from plant.measurement import TagRole
from plant.state import TELLING_STATES
from store import Connection, check_migrated, connect, store_errors
from store.figure import derived as figure
from store.figure import fact as figure_fact
from store.figure import reading as figure_reading
from store.figure import source as figure_source
from store.figure.derived import DirtyWindow
from store.figure.source import EdgeProgress, PlantSource, UnitSource

_log = structlog.get_logger()
_FIRST_BACKOFF_S = 0.5
_LAST_BACKOFF_S = 15.0
_DIRTY_LIMIT = 20_000


def run(settings: AnalyticsSettings, stop: threading.Event) -> None:
    """Compute figures until `stop` is set.

    Raises ConfigurationError for what a person must mend (no such database, no tables in it). A
    database that is away is waited for.
    """
    watch, watched = Watch(), AnomalyMetrics()

    def collect() -> Iterator[Family]:
        yield from watch.collect()
        if settings.anomaly.enabled:
            yield from watched.collect()

    with metrics_server(settings.metrics_host, settings.metrics_port, collect):
        # Beside the figures: another process may compute those, and machines are shared.
        works: list[Callable[[AnalyticsSettings, threading.Event], None]] = [sum_up_hours]
        if settings.anomaly.enabled:
            works += [partial(one, metrics=watched) for one in (watch_machines, tell_people)]
        with ThreadPoolExecutor(len(works), "beside") as beside:
            loops = [beside.submit(work, settings, stop) for work in works]
            # Whoever fails ends all.
            for one in loops:
                one.add_done_callback(lambda _: stop.set())
            try:
                _run(settings, stop, watch)
            finally:
                stop.set()
            for one in loops:
                one.result()


def _run(settings: AnalyticsSettings, stop: threading.Event, watch: Watch) -> None:
    backoff = _FIRST_BACKOFF_S
    available = True
    while not stop.is_set():
        try:
            with (
                store_errors(settings.database),
                connect(settings.database, autocommit=True) as connection,
            ):
                check_migrated(connection)
                if not available:
                    _log.info("database_available")
                available, backoff = True, _FIRST_BACKOFF_S
                _work(connection, settings, stop, watch)
        except TransientError as exc:
            watch.lost()
            if available:
                _log.warning("database_unavailable", reason=str(exc))
            available = False
            stop.wait(backoff)
            backoff = min(backoff * 2, _LAST_BACKOFF_S)


@dataclass(frozen=True, slots=True)
class PassReport:
    """What one pass did."""

    unit_hours: int
    """Hours of work units computed."""
    results: int
    """OEE results written."""
    complete: bool
    """Whether nothing is left for another pass."""
    dirty_windows: int
    """Hours of work units that were out of date when it began, at most `_DIRTY_LIMIT`."""


def compute_pass(connection: Connection, settings: AnalyticsSettings, now: datetime) -> PassReport:
    """Compute what is out of date as of `now`; running it again changes nothing.

    Each work unit's rows are replaced in one transaction. Results and the removal of the dirty
    windows are the last transaction: a pass that breaks off is simply done again.
    """
    with figure_fact.master_data_held(connection):
        return _compute(connection, settings, now)


def _compute(connection: Connection, settings: AnalyticsSettings, now: datetime) -> PassReport:
    # Progress first: whatever it says has arrived is then visible to the reads that follow.
    progress = figure_source.edge_progress(connection)
    plant = figure_source.plant_source(connection)
    dirty = figure.dirty_windows(connection, _DIRTY_LIMIT, plant.shared_tags())
    work = _plan(connection, settings, plant, progress, dirty, now)
    touched = {
        unit_id: _compute_unit(connection, plant, unit_id, extent, repair, now)
        for unit_id, (extent, repair) in work.items()
        if repair.hours
    }
    complete = len(dirty) < _DIRTY_LIMIT and all(repair.complete for _, repair in work.values())
    settled = _settled(settings, plant, progress, work, now) if complete else {}
    results = 0
    with connection.transaction():
        for site in plant.sites.values():
            results += write_site(connection, plant, site, touched, settled, now, dirty)
        known = {window for _, repair in work.values() for window in repair.done}
        known |= {window for window in dirty if window.unit_id not in work}
        figure.delete_dirty(connection, sorted(known, key=lambda one: (one.unit_id, one.hour)))
    hours = sum(len(repair.hours) for _, repair in work.values())
    return PassReport(hours, results, complete, len(dirty))


def _work(
    connection: Connection, settings: AnalyticsSettings, stop: threading.Event, watch: Watch
) -> None:
    clock = settings.make_clock()
    if not figure.try_lock(connection):
        _log.warning("analytics_waiting", reason="another analytics process works on this database")
        while not figure.try_lock(connection):
            if stop.wait(settings.interval_s):
                return
    _log.info("analytics_started", database=settings.database.name)
    while not stop.is_set():
        started = time.monotonic()
        report = compute_pass(connection, settings, clock())
        took = time.monotonic() - started
        watch.add(
            unit_hours=report.unit_hours,
            results=report.results,
            seconds=took,
            dirty_windows=report.dirty_windows,
            complete=report.complete,
        )
        _log.debug(
            "pass_done",
            unit_hours=report.unit_hours,
            results=report.results,
            seconds=round(took, 3),
        )
        stop.wait(max(0.0, settings.interval_s - took) if report.complete else 0.0)
    _log.info("analytics_stopped")


def _plan(
    connection: Connection,
    settings: AnalyticsSettings,
    plant: PlantSource,
    progress: dict[int, EdgeProgress],
    dirty: Sequence[DirtyWindow],
    now: datetime,
) -> dict[int, tuple[Extent, Repair]]:
    units = list(plant.units.values())
    tags = [tag for unit in units for tag in unit.tags]
    computed = figure.computed_extents(connection, [unit.unit_id for unit in units])
    extents = figure_reading.extents(connection, tags, computed.values())
    by_unit: dict[int, list[DirtyWindow]] = {}
    for window in dirty:
        by_unit.setdefault(window.unit_id, []).append(window)
    begun = first_readings(plant, extents)
    known = {
        unit.unit_id: extent
        for unit in units
        if (extent := _extent(settings, unit, progress, extents, computed, now, begun)) is not None
    }
    asked = [
        moment
        for unit_id, extent in known.items()
        for moment in next_moments(plant.units[unit_id].tags, by_unit.get(unit_id, ()), extent)
    ]
    following = figure_reading.next_readings(connection, asked)
    ahead: dict[int, set[datetime]] = {}
    for unit_id, hour in figure.looking_ahead(
        connection, [(window.unit_id, window.hour) for window in dirty]
    ):
        ahead.setdefault(unit_id, set()).add(hour)
    fill_ms = settings.unknown_fill // timedelta(milliseconds=1)
    return {
        unit_id: (
            extent,
            plan(
                plant.units[unit_id].tags,
                by_unit.get(unit_id, ()),
                extent,
                following,
                settings.hours_per_pass,
                fill_ms,
                ahead.get(unit_id, ()),
                _breakdown_hours(
                    connection, plant.units[unit_id], extent, by_unit.get(unit_id, ())
                ),
            ),
        )
        for unit_id, extent in known.items()
    }


def _breakdown_hours(
    connection: Connection, unit: UnitSource, extent: Extent, dirty: Sequence[DirtyWindow]
) -> set[int]:
    """Return the hours after late ones in which these decide whether a breakdown is open.

    They do until a state says so again. Of hours in a row the last one decides for all.
    """
    states = [tag.tag_id for tag in unit.tags if tag.role is TagRole.STATE]
    if extent.computed_until is None or not states:
        return set()
    last = instant(extent.computed_until)
    hours = {window.hour for window in dirty if window.hour < last}
    found: set[int] = set()
    for after in {hour + timedelta(hours=1) for hour in hours} - hours:
        until = figure_reading.next_telling(
            connection, states, after, unit.state_map, TELLING_STATES
        )
        until = last if until is None else min(until, last)
        if until > after:
            told = figure.hours_told(connection, unit.unit_id, after, until)
            found.update(millis(hour) for hour in told)
    return found


def _extent(
    settings: AnalyticsSettings,
    unit: UnitSource,
    progress: dict[int, EdgeProgress],
    extents: dict[int, tuple[datetime, datetime]],
    computed: dict[int, tuple[datetime, datetime]],
    now: datetime,
    begun: dict[int, int],
) -> Extent | None:
    """Return the extent of a work unit, None before there is anything that it belongs to."""
    first = begun.get(unit.unit_id)
    if first is None:
        return None
    own = [extents[tag.tag_id][0] for tag in own_tags(unit) if tag.tag_id in extents]
    leading = [tag for tag in unit.tags if tag.role is TagRole.STATE] or list(unit.tags)
    last_state = max(
        (millis(extents[tag.tag_id][1]) for tag in leading if tag.tag_id in extents), default=None
    )
    made = computed.get(unit.unit_id)
    until = None if made is None else millis(made[1])
    silence = silence_ms(unit, TagRole.STATE)
    reach = horizon(
        millis(now),
        progress.get(leading[0].edge_id) if leading else None,
        last_state,
        settings.away_after(),
        until,
        stopped_within_ms=silence if _stopped(settings, now) else None,
    )
    if unit.in_service_until is not None:
        reach = min(reach, millis(unit.in_service_until))
    return Extent(
        first=first,
        horizon=reach,
        computed_until=until,
        computed_from=None if made is None else millis(made[0]),
        silent=not own,
        expected=not own or first < millis(min(own)),
    )


def _stopped(settings: AnalyticsSettings, now: datetime) -> bool:
    """Tell whether the plant's clock has come to its end and stands still."""
    until = settings.clock.until if settings.clock else None
    return until is not None and now >= until


def _compute_unit(
    connection: Connection,
    plant: PlantSource,
    unit_id: int,
    extent: Extent,
    repair: Repair,
    now: datetime,
) -> set[int]:
    """Replace the rows of a work unit and return the hours whose results this touches."""
    touched = set(repair.hours)
    policy = plant.sites[plant.units[unit_id].site_id].policy
    widened = policy.minor_stops_in == "effectiveness"
    with connection.transaction():
        spans = repair.spans()
        for start, end in spans:
            window = max(start, extent.first), min(end, extent.horizon)
            recompute(connection, plant, plant.units[unit_id], (start, end), window, now)
        # The end of what is computed, not of what could be: an open stop reaches to it.
        reach = max(min(spans[-1][1], extent.horizon), extent.computed_until or 0)
        for start, end in spans:
            changed = rewrite_stops(connection, unit_id, start, min(end, reach), reach)
            if widened:
                # A stop that grew may be minor no longer, also in the hours before.
                touched.update(range(hour_of(changed[0]), changed[1], HOUR_MS))
        for start, end in spans:
            # A failure counts where it began, which may be hours before what was computed.
            touched |= rewrite_failures(connection, unit_id, policy, (start, end), reach)
    return touched


def _settled(
    settings: AnalyticsSettings,
    plant: PlantSource,
    progress: dict[int, EdgeProgress],
    work: dict[int, tuple[Extent, Repair]],
    now: datetime,
) -> dict[int, datetime]:
    """Return by place until when its figures are final, where that is known."""
    stopped = _stopped(settings, now)
    units: dict[int, int] = {}
    for unit_id, (extent, _) in work.items():
        if extent.silent:
            continue
        edges = {tag.edge_id for tag in plant.units[unit_id].tags}
        complete = [
            complete_until(progress[edge_id])
            if edge_id in progress and progress[edge_id].contiguous
            else None
            for edge_id in edges
        ]
        until = settled_until(complete, millis(now), settings.grace, stopped=stopped)
        if until is not None:
            units[unit_id] = min(until, extent.horizon)
    found = dict(units)
    for site in plant.sites.values():
        members = []
        for line in site.lines:
            own = [one for one in line.unit_ids if one in work and not work[one][0].silent]
            if own and all(unit_id in units for unit_id in own):
                found[line.line_id] = min(units[unit_id] for unit_id in own)
            members += own
        if members and all(unit_id in units for unit_id in members):
            found[site.site_id] = min(units[unit_id] for unit_id in members)
    return {place_id: instant(until) for place_id, until in found.items()}
