"""Figures of any place and window: stored base sums under the formulas of `plant.kpi`."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from api.figures.failure_group import GroupFailures, UnitGroup, failure_groups
from api.figures.lacking import Lacking
from api.http.places import PlaceTree
from plant.calendar import Window
from plant.clock import microseconds
from plant.kpi import BaseSums, OeePolicy, OeeResult, add
from plant.kpi.fault import MACHINE_SILENT, POLICIES_DIFFER, Figures, faults_of_marks, is_silent
from plant.kpi.indicator import Evidence, Indicator, indicators
from plant.kpi.loss import Waterfall, waterfall
from plant.kpi.policy import policies_differ
from plant.kpi.reliability import reliability_of
from plant.kpi.rollup import line_figures, place_figures
from plant.kpi.stop import minor_stop_ms
from plant.place import Level, site_of
from plant.state import StopKind
from store.reading.kpi import (
    EVERYTHING,
    Chosen,
    GroupKey,
    GroupRow,
    KpiReading,
    LineFacts,
    UnitFacts,
)
from store.reading.reading import Reading
from store.reading.row import PlaceRow

_MS = timedelta(milliseconds=1)
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class KpiGroup:
    """All figures of one place and group."""

    key: GroupKey
    shift: str | None
    business_date: date | None
    start: datetime
    end: datetime
    result: OeeResult
    indicators: Mapping[str, Indicator]
    sums: BaseSums
    failure_events: int
    waterfall: Waterfall | None
    """None where losses were not asked for or cannot be told."""
    policy_versions: Sequence[int]
    formula_versions: Sequence[str]
    as_of: datetime
    final: bool


@dataclass(frozen=True, slots=True)
class KpiAnswer:
    """The groups of a window as it could be served."""

    window: Window
    rounded: bool
    """Whether the asked window cut slices whose counts cannot be divided: it was widened."""
    known_to_ms: int | None
    """How fine the counts are, where the window is finer; None where it is not."""
    groups: Sequence[KpiGroup]
    policies: Mapping[str, OeePolicy]


@dataclass(slots=True)
class _Unit:
    """What is known of one machine while a window is served."""

    facts: UnitFacts
    policy: OeePolicy
    rows: dict[GroupKey, GroupRow] = field(default_factory=dict)
    minor_ms: dict[GroupKey, int] = field(default_factory=dict)
    """Minor stops that the policy counts as running."""
    lost_ms: dict[GroupKey, int] = field(default_factory=dict)
    """Minor stops that are no breakdowns."""

    @property
    def minor_threshold_ms(self) -> int:
        """Stops shorter than this are minor ones."""
        return self.policy.minor_stop_threshold_ms(self.facts.path)


def roll_up(
    reading: Reading,
    tree: PlaceTree,
    place: PlaceRow,
    by: str,
    asked: Window,
    now: datetime,
    *,
    losses: bool = False,
    chosen: Chosen = EVERYTHING,
) -> KpiAnswer:
    """Return the figures of a place per group of a window, of one order, product or lot if chosen.

    Slices are cut at hours, shifts, orders and products. A window that cuts one is served by its
    minutes; each belongs to the window that holds its beginning, so windows add up. Where a slice
    has not been counted by the minute yet the window is widened to it and `rounded`.
    """
    members = tree.within(place.path, Level.WORK_UNIT)
    first = _first_step(tree, place)

    def of(machines: Sequence[PlaceRow], start: datetime, end: datetime) -> KpiReading:
        zones = [unit.time_zone or "UTC" for unit in machines]
        return reading.kpi([unit.place_id for unit in machines], zones, by, start, end, chosen)

    window, divided, known_to = _served(of(members, asked.start, asked.end), asked)
    kpi = of(members, window.start, window.end)
    policies = kpi.policies()
    units = {
        facts.unit_id: _Unit(facts, policies.get(site_of(facts.path), OeePolicy()))
        for facts in kpi.units()
    }
    for unit_id, rows in _rows(kpi, divided=divided).items():
        units[unit_id].rows.update(rows)
    _add_minor_stops(kpi, units, now, losses=losses)
    keys = sorted({key for unit in units.values() for key in unit.rows}, key=_order)
    stateless = frozenset(unit_id for unit_id, unit in units.items() if unit.facts.is_stateless)
    uncovered = kpi.without_calendar() if _unplanned(units.values()) else set()
    lines = kpi.lines(sorted({unit.facts.line_id for unit in units.values()}))
    failed = failure_groups(
        kpi,
        [
            UnitGroup(row.unit_id, row.key, _millis(row.first), _millis(row.last))
            for unit in units.values()
            for row in unit.rows.values()
        ],
    )
    # Another machine's counts do not widen the window; where it cuts them there is no fall-off.
    step = of(first, window.start, window.end)
    exact, step_divided, _ = _served(step, window) if first else (asked, False, None)
    before = _rows(step, divided=step_divided) if exact == window and first else {}
    lacking = Lacking(stateless, frozenset(uncovered))
    of_time = by not in ("product", "order", "lot") and not chosen
    place_of = _Place(place, units, lines, lacking, failed, before, kpi.marks(), of_time)
    executed, open_hours = kpi.order_execution(), kpi.open_hours()
    groups = [place_of.group(key, executed.get(key, 0), open_hours, losses=losses) for key in keys]
    used = {site_of(unit.facts.path) for unit in units.values()}
    return KpiAnswer(
        window,
        window != asked,
        known_to,
        groups,
        {site: policies.get(site, OeePolicy()) for site in sorted(used)},
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """The place asked for, its machines and lines."""

    place: PlaceRow
    units: Mapping[int, _Unit]
    lines: Sequence[LineFacts]
    lacking: Lacking
    failed: Mapping[GroupKey, GroupFailures]
    before: Mapping[int, Mapping[GroupKey, GroupRow]]
    """The groups of the first machine of the line, where another one is asked for."""
    marks: Mapping[GroupKey, Set[str]]
    of_time: bool
    """Whether a group is a window of all machines, not of a product, order or lot."""

    def group(
        self, key: GroupKey, executed: int, open_hours: Sequence[datetime], *, losses: bool
    ) -> KpiGroup:
        """Return the figures of one group."""
        present = {unit_id: unit for unit_id, unit in self.units.items() if key in unit.rows}
        rows = [unit.rows[key] for unit in present.values()]
        start, end = min(row.first for row in rows), max(row.last for row in rows)
        figures = self._figures(
            {unit_id: self._unit(unit, key) for unit_id, unit in present.items()}
        )
        every = add(row.sums for row in rows)
        failed = self.failed[key]
        policies = {site_of(unit.facts.path): unit.policy for unit in present.values()}.values()
        conventions = {policy.mtbf_per for policy in policies}
        evidence = Evidence(
            figures=figures,
            members=every,
            order_execution_ms=executed,
            first_step=self._first_step(key),
            failures=reliability_of(
                failed.began,
                failed.repairs,
                failed.repair_ms,
                every.apt_ms + every.aust_ms,
                failed.operating_to_last_ms,
                repair_calendar_ms=failed.repair_calendar_ms,
            ),
            corrective_ms=failed.corrective_ms,
        )
        result, found = indicators(evidence, conventions.pop() if len(conventions) == 1 else None)
        silent = {
            f"{MACHINE_SILENT}:{unit.facts.path}"
            for unit in present.values()
            if is_silent(unit.rows[key].sums)
        }
        faults = {*result.faults, *faults_of_marks(self.marks.get(key, ())), *silent}
        if policies_differ(policies):
            faults.add(POLICIES_DIFFER)
        return KpiGroup(
            key=key,
            shift=next((row.shift for row in rows if row.shift), None),
            business_date=next((row.business_date for row in rows if row.business_date), None),
            start=start,
            end=end,
            result=replace(result, faults=tuple(sorted(faults))),
            indicators=found,
            sums=figures.sums,
            failure_events=failed.began,
            waterfall=self._waterfall(present, key, figures) if losses else None,
            policy_versions=sorted({version for row in rows for version in row.policy_versions}),
            formula_versions=sorted({version for row in rows for version in row.formula_versions}),
            as_of=max(row.as_of for row in rows),
            final=not any(hour < end and start < hour + timedelta(hours=1) for hour in open_hours),
        )

    def _waterfall(
        self, units: Mapping[int, _Unit], key: GroupKey, figures: Figures
    ) -> Waterfall | None:
        if figures.absent is not None:
            return None
        lost = self._figures(
            {
                unit_id: Figures(unit.rows[key].sums, None, unit.lost_ms.get(key, 0))
                for unit_id, unit in units.items()
            }
        )
        return waterfall(figures.sums, lost.minor_stop_ms)

    def _unit(self, unit: _Unit, key: GroupKey) -> Figures:
        sums = unit.rows[key].sums
        unit_id = unit.facts.unit_id
        absent = self.lacking.of(unit_id, sums)
        stateless = unit_id in self.lacking.state
        return Figures(sums, absent, unit.minor_ms.get(key, 0), stateless)

    def _figures(self, units: Mapping[int, Figures]) -> Figures:
        if self.place.level == Level.WORK_UNIT:
            return units[self.place.place_id]
        if self.place.level == Level.WORK_CENTER:
            return line_figures(self.lines[0].line, units, of_time=self.of_time)
        return place_figures(
            (
                (facts.line, {one: units[one] for one in facts.line.unit_ids if one in units})
                for facts in self.lines
            ),
            of_time=self.of_time,
        )

    def _first_step(self, key: GroupKey) -> BaseSums | None:
        """Return the sums of the first machine of the one serial line asked about."""
        if self.place.level not in (Level.WORK_UNIT, Level.WORK_CENTER) or not self.lines:
            return None
        line = self.lines[0].line
        if line.kind != "serial":
            return None
        first = self.units.get(line.unit_ids[0])
        rows = self.before.get(line.unit_ids[0], {}) if first is None else first.rows
        return rows[key].sums if key in rows else BaseSums(produced_items=None)


def _first_step(tree: PlaceTree, place: PlaceRow) -> list[PlaceRow]:
    """Return the first machine of a machine's line where that is another one."""
    if place.level != Level.WORK_UNIT or place.parent is None:
        return []
    first = tree.children(place.parent)[0]
    return [] if first.place_id == place.place_id else [first]


def _rows(kpi: KpiReading, *, divided: bool) -> dict[int, dict[GroupKey, GroupRow]]:
    """Return the base sums by machine and group, also of slices that the window divides."""
    found: dict[int, dict[GroupKey, GroupRow]] = {}
    for row in [*kpi.sums(), *(kpi.partial_sums() if divided else ())]:
        rows = found.setdefault(row.unit_id, {})
        rows[row.key] = _joined(rows[row.key], row) if row.key in rows else row
    return found


def _served(kpi: KpiReading, asked: Window) -> tuple[Window, bool, int | None]:
    """Return the window that can be served, whether slices must be divided for it, how fine.

    The last is how fine the counts of those slices are, in milliseconds, where the window is finer.
    """
    divided, off_minute, coarse_ms = False, False, 0
    ends: list[datetime] = []
    for moment, outward in ((asked.start, min), (asked.end, max)):
        at = moment
        # Once more after each widening: the new end may cut a slice of another machine.
        while True:
            cut = kpi.cut_slices(at)
            blocking = [one for one in cut if one.counted and one.coarse_ms is None]
            if not blocking:
                divided = divided or bool(cut)
                break
            at = outward(one.start if outward is min else one.end for one in blocking)
        counted = [one.coarse_ms or 0 for one in cut if one.counted]
        off_minute = off_minute or (bool(counted) and _millis(at) % _MINUTE_MS != 0)
        coarse_ms = max([coarse_ms, *counted])
        ends.append(at)
    served = Window(*ends)
    finer = off_minute or (served.end - served.start) < coarse_ms * _MS
    return served, divided, max(coarse_ms, _MINUTE_MS) if finer else None


def _joined(one: GroupRow, other: GroupRow) -> GroupRow:
    return GroupRow(
        one.unit_id,
        one.key,
        one.shift or other.shift,
        one.business_date or other.business_date,
        min(one.first, other.first),
        max(one.last, other.last),
        max(one.as_of, other.as_of),
        (*one.policy_versions, *other.policy_versions),
        (*one.formula_versions, *other.formula_versions),
        add((one.sums, other.sums)),
    )


def _add_minor_stops(
    kpi: KpiReading, units: Mapping[int, _Unit], now: datetime, *, losses: bool
) -> None:
    """Measure minor stops where a policy counts them as running, or losses are asked for."""
    thresholds = [
        unit.minor_threshold_ms / 1000
        if losses or unit.policy.minor_stops_in == "effectiveness"
        else 0.0
        for unit in units.values()
    ]
    if not any(thresholds):
        return
    wanted = dict(zip(units, thresholds, strict=True))
    for row in kpi.minor_stop_tiles([wanted[unit_id] for unit_id in units], now):
        unit = units[row.unit_id]
        length = minor_stop_ms([row.stop], [row.tile], unit.minor_threshold_ms, _millis(now))
        if unit.policy.minor_stops_in == "effectiveness":
            unit.minor_ms[row.key] = unit.minor_ms.get(row.key, 0) + length
        if row.stop.stop_kind is not StopKind.BREAKDOWN:
            unit.lost_ms[row.key] = unit.lost_ms.get(row.key, 0) + length


def _unplanned(units: Iterable[_Unit]) -> bool:
    return any(row.sums.pbt_ms == 0 for unit in units for row in unit.rows.values())


def _order(key: GroupKey) -> tuple[float, str]:
    start, text = key
    return (0.0 if start is None else start.timestamp(), text or "")


def _millis(moment: datetime) -> int:
    return microseconds(moment) // 1000
