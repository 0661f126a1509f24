"""OEE results of machines, lines and sites per hour and shift, from stored base sums."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from analytics.oee.base_sum import FORMULA_VERSION
from analytics.oee.schedule import Schedule
from analytics.readings.interval import HOUR_MS, instant, millis
from plant.kpi import Missing, OeeResult, ResultWindow
from plant.kpi.fault import MACHINE_SILENT, Figures, faults_of_marks, is_silent
from plant.kpi.oee import oee_of, pooled
from plant.kpi.rollup import Line, line_figures
from plant.kpi.sums import add
from plant.measurement import TagRole
from store.figure.derived import Provenance, StoredSlice
from store.figure.result import PUBLISHED, PublishedFigures, Restatement, ResultRow
from store.figure.source import LineSource, SiteSource, UnitSource

SliceKey = tuple[int, str, datetime]
"""Work unit, kind and start of a window."""

MinorStops = Callable[[int, ResultWindow], int]
"""Milliseconds of minor stops that the policy counts as running, by work unit and window."""


@dataclass(frozen=True, slots=True)
class PlaceFigures:
    """Figures of one place and window, with the faults found below it."""

    figures: Figures
    faults: frozenset[str]


def windows(schedule: Schedule, hours: Iterable[int]) -> list[ResultWindow]:
    """Return the hour windows of the given hours (milliseconds) and the shifts they touch."""
    starts = sorted(set(hours))
    found = [ResultWindow("", "hour", instant(hour), instant(hour + HOUR_MS)) for hour in starts]
    for shift in schedule.shifts:
        after = bisect_right(starts, millis(shift.window.start) - HOUR_MS)
        if after < len(starts) and starts[after] < millis(shift.window.end):
            found.append(
                ResultWindow(
                    "",
                    "shift",
                    shift.window.start,
                    shift.window.end,
                    shift.business_date,
                    shift.name,
                )
            )
    return found


def slices_by_window(stored: Iterable[StoredSlice]) -> dict[SliceKey, list[StoredSlice]]:
    """Return base sums by the hour and by the shift that they belong to, in the order given."""
    found: dict[SliceKey, list[StoredSlice]] = {}
    for part in stored:
        found.setdefault((part.unit_id, "hour", part.hour), []).append(part)
        if part.shift_start is not None:
            found.setdefault((part.unit_id, "shift", part.shift_start), []).append(part)
    return found


@dataclass(frozen=True, slots=True)
class SiteFigures:
    """Everything from which the results of a site are formed."""

    site: SiteSource
    units: Mapping[int, UnitSource]
    slices: Mapping[SliceKey, Sequence[StoredSlice]]
    """Those of every window asked for, in order of time; see `slices_by_window`."""
    calendar_known: Callable[[ResultWindow], bool]
    minor_stops: MinorStops

    def of_window(self, window: ResultWindow) -> dict[int, PlaceFigures]:
        """Return the figures of every machine, line and the site itself, by place id.

        Places of which nothing at all is computed in the window are left out.
        """
        found: dict[int, PlaceFigures] = {}
        lines: list[PlaceFigures] = []
        for line in self.site.lines:
            parts = {
                unit_id: own
                for unit_id in line.unit_ids
                if (own := self.slices.get((unit_id, window.kind, window.start)))
            }
            found |= {unit_id: self._unit(unit_id, own, window) for unit_id, own in parts.items()}
            if parts:
                found[line.line_id] = self._line(line, found, parts)
                lines.append(found[line.line_id])
        if lines:
            found[self.site.site_id] = PlaceFigures(
                pooled(line.figures for line in lines), _faults_of(lines)
            )
        return found

    def _unit(self, unit_id: int, own: Sequence[StoredSlice], window: ResultWindow) -> PlaceFigures:
        roles = {tag.role for tag in self.units[unit_id].tags}
        absent = None if self.calendar_known(window) else Missing.NO_CALENDAR
        minor_ms = self.minor_stops(unit_id, window)
        # A machine that was never connected has no tags at all: it is silent, not without a state.
        stateless = bool(roles) and TagRole.STATE not in roles
        sums = add(part.sums for part in own)
        faults = _faults_in(own)
        if is_silent(sums):
            faults |= {f"{MACHINE_SILENT}:{self.units[unit_id].path}"}
        return PlaceFigures(Figures(sums, absent, minor_ms, stateless), faults)

    def _line(
        self,
        line: LineSource,
        units: Mapping[int, PlaceFigures],
        parts: Mapping[int, Sequence[StoredSlice]],
    ) -> PlaceFigures:
        members = {unit_id: units[unit_id] for unit_id in line.unit_ids if unit_id in parts}
        figures = {unit_id: member.figures for unit_id, member in members.items()}
        return PlaceFigures(
            line_figures(Line(line.kind, line.bottleneck_id, line.unit_ids), figures),
            _faults_of(members.values()),
        )


def result_row(
    place_id: int,
    place: PlaceFigures,
    window: ResultWindow,
    policy_version: int,
    now: datetime,
    *,
    final: bool,
) -> ResultRow:
    """Return the row of a place's result."""
    figures = place.figures
    computed: OeeResult = oee_of(figures)
    return ResultRow(
        place_id=place_id,
        window=window,
        result=replace(computed, faults=tuple(sorted({*computed.faults, *place.faults}))),
        sums=figures.sums,
        provenance=Provenance(policy_version, FORMULA_VERSION, now),
        final=final,
    )


def restatements(
    row: ResultRow, published: PublishedFigures | None, told: str | None = None
) -> list[Restatement]:
    """Return which figures of a result differ from those published as final, and why.

    `told` is the cause that whoever marked the hours gave; without it the cause is inferred.
    """
    if published is None:
        return []
    new = {
        name: getattr(row.result, name, None)
        if hasattr(row.result, name)
        else getattr(row.sums, name)
        for name in PUBLISHED
    }
    changed = [name for name in PUBLISHED if new[name] != published.values[name]]
    cause = _cause(row, published, changed, told)
    return [
        Restatement(
            place_id=row.place_id,
            kind=row.window.kind,
            window_start=row.window.start,
            figure=name,
            old_value=published.values[name],
            new_value=new[name],
            cause=cause,
            restated_at=row.provenance.as_of,
        )
        for name in changed
    ]


def settled_until(
    complete: Iterable[int | None], now: int, grace: timedelta, *, stopped: bool
) -> int | None:
    """Return until when figures are final, given until when each edge's data are complete.

    None when that is not known of some edge. While the clock runs, `grace` is left for late data.
    """
    known = list(complete)
    if not known or any(moment is None for moment in known):
        return None
    patience = 0 if stopped else round(grace / timedelta(milliseconds=1))
    return min(now - patience, *(moment for moment in known if moment is not None))


def _cause(
    row: ResultRow, published: PublishedFigures, changed: Sequence[str], told: str | None
) -> str:
    # From what explains every change to what explains one figure: a new formula may change all of
    # them whatever else happened.
    if row.provenance.formula_version != published.formula_version:
        return "formula"
    if row.provenance.policy_version != published.policy_version:
        return "policy"
    if told is not None and told != "master_data":
        return told
    if "pbt_ms" in changed:
        return "calendar"
    if {"apt_ms", "produced_quantity", "good_quantity"}.isdisjoint(changed):
        return "master_data"
    return told or "late_data"


def _faults_in(own: Iterable[StoredSlice]) -> frozenset[str]:
    return faults_of_marks(mark for part in own for mark in part.marks)


def _faults_of(members: Iterable[PlaceFigures]) -> frozenset[str]:
    return frozenset(fault for member in members for fault in member.faults)
