"""What every board is made of, and what it is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from urllib.parse import urlencode

from api.figures.lacking import Lacking
from api.http.places import PlaceTree, name_of
from api.pages.appearance import Category
from api.pages.boards.minor import minor_delay_ms
from api.pages.boards.roll_up import figures_of
from api.pages.charts import Figure
from api.tables.table import Column, Kind, Table
from api.words.formatting import Formatter
from plant.calendar import Window
from plant.kpi import BaseSums, OeePolicy, add
from plant.kpi.fault import MACHINE_SILENT, POLICIES_DIFFER, Figures, faults_of_marks, is_silent
from plant.kpi.oee import oee_of
from plant.kpi.policy import policies_differ
from plant.kpi.reliability import Failure
from plant.kpi.target import Target, planned_oee
from plant.place import Level, site_of
from store.reading.board_row import SliceRow, StateTimeRow
from store.reading.kpi import KpiReading
from store.reading.reading import Reading
from store.reading.row import PlaceRow, StateRow, StopRow

MOST_STOPS = 10_000
_BEHIND = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a board: a figure, the table behind it, and what must be said beside them."""

    name: str
    title: str
    figure: Figure | None = None
    tables: tuple[Table, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    """Single figures by their names, as text."""
    notes: tuple[str, ...] = ()
    """How the figures are formed; what they cannot tell."""
    warnings: tuple[str, ...] = ()
    legend: tuple[Category, ...] = ()
    """The states that the figure shows, named below it."""


@dataclass(frozen=True, slots=True)
class Board:
    """The content of a board."""

    sections: tuple[Section, ...]
    options: tuple["Option", ...] = ()


@dataclass(frozen=True, slots=True)
class Option:
    """A choice that a board offers beside place and window."""

    name: str
    label: str
    chosen: str
    choices: tuple[tuple[str, str], ...] = ()
    """Values with their words; without any it is a number to write."""


@dataclass
class Inquiry:
    """What a board is asked: where, when, in which words; what several boards read is read once."""

    reading: Reading
    tree: PlaceTree
    place: PlaceRow
    window: Window
    """Whole hours."""
    now: datetime
    formatter: Formatter
    default_planned_oee: float = 1.0
    """Where no place has a target of its own."""
    options: Mapping[str, str] = field(default_factory=dict)
    address: Mapping[str, str] = field(default_factory=dict)
    """The values of a page's address that name the window."""

    def link(self, board: str, path: str | None = None, **more: str) -> str:
        """Return the address of another board over the same window."""
        return f"/board/{board}/{path or self.place.path}?{urlencode({**self.address, **more})}"

    @property
    def end(self) -> datetime:
        """The end of what can be known: the window's, or the present."""
        return max(self.window.start, min(self.window.end, self.now))

    @cached_property
    def units(self) -> list[PlaceRow]:
        """The machines at or below the place, in the order of the flow."""
        return self.tree.within(self.place.path, Level.WORK_UNIT)

    @cached_property
    def unit_ids(self) -> list[int]:
        """Their ids."""
        return [unit.place_id for unit in self.units]

    @cached_property
    def slices(self) -> list[SliceRow]:
        """Base sums of all machines of the place."""
        return self.reading.boards.slices(self.unit_ids, self.window.start, self.window.end)

    @cached_property
    def state_times(self) -> list[StateTimeRow]:
        """Time of all machines by hour, element, kind of stop and reason."""
        return self.reading.boards.state_times(self.unit_ids, self.window.start, self.window.end)

    @cached_property
    def behind(self) -> list[tuple[PlaceRow, datetime | None]]:
        """Machines of which less is known than of the others, and until when.

        A figure of all of them is none of the whole window while one is behind.
        """
        ends: dict[str, datetime] = {}
        for row in self.slices:
            ends[row.place] = max(row.end, ends.get(row.place, row.end))
        newest = max(ends.values(), default=None)
        if newest is None:
            return []
        known = [(unit, ends.get(unit.path)) for unit in self.units]
        return [one for one in known if one[1] is None or newest - one[1] > _BEHIND]

    @cached_property
    def reasons(self) -> dict[str, tuple[str, str]]:
        """Names of stop reasons by code."""
        return self.reading.stop_reasons(self.place.path.split("/", 1)[0])

    @property
    def bins(self) -> timedelta:
        """How wide the steps of a trend are: hours, or days where those would be too many."""
        return timedelta(days=1) if self.daily else timedelta(hours=1)

    @property
    def daily(self) -> bool:
        """Whether the steps of a trend are days."""
        return self.window.duration > timedelta(hours=48)

    def bin_of(self, hour: datetime) -> datetime:
        """Return the beginning of the step that an hour belongs to; days are the site's."""
        if not self.daily:
            return hour
        local = self.formatter.local(hour)
        return local.replace(hour=0, minute=0, second=0, microsecond=0)

    @cached_property
    def policies(self) -> dict[str, OeePolicy]:
        """The present policies of the place's sites, by their paths."""
        every = self._kpi.policies()
        sites = {site_of(unit.path) for unit in self.units}
        return {site: every.get(site, OeePolicy()) for site in sorted(sites)}

    def policy_of(self, path: str) -> OeePolicy:
        """Return the present policy of a machine's site."""
        return self.policies[site_of(path)]

    @cached_property
    def targets(self) -> list[Target]:
        """The targets of the place and of those that hold it."""
        return self.reading.boards.targets(self.place.path)

    def planned_oee(self, moment: datetime) -> float:
        """Return the OEE that the place is planned to reach at a moment."""
        return planned_oee(self.targets, moment) or self.default_planned_oee

    @cached_property
    def stops(self) -> list[StopRow]:
        """Whole stops that overlap the window, newest first."""
        return self.reading.stops(
            self.unit_ids, self.window.start, self.window.end, now=self.now, limit=MOST_STOPS
        )

    @cached_property
    def failures(self) -> dict[int, list[Failure]]:
        """Failures that touch the window by machine, in order."""
        return self._kpi.failures().by_machine()

    @cached_property
    def lacking(self) -> Lacking:
        """Which machines lack what every figure needs."""
        stateless = (facts.unit_id for facts in self._kpi.units() if facts.is_stateless)
        return Lacking(frozenset(stateless), frozenset(self._kpi.without_calendar()))

    @property
    def _kpi(self) -> KpiReading:
        return self.reading.kpi(self.unit_ids, [], "", self.window.start, self.window.end)

    @cached_property
    def states(self) -> list[StateRow]:
        """States of all machines, clipped to the window."""
        if self.end <= self.window.start:
            return []
        return self.reading.states(self.unit_ids, self.window.start, self.end)

    def minor_stops(self, path: str, windows: Sequence[Window], *, breakdowns: bool) -> int:
        """Return one machine's milliseconds of delay in minor stops within windows, in order."""
        return minor_delay_ms(
            [stop for stop in self.stops if stop.place == path],
            [state for state in self.states if state.place == path],
            windows,
            self.policy_of(path).minor_stop_threshold_ms(path),
            self.now,
            breakdowns=breakdowns,
        )

    def figures(self, slices: Sequence[SliceRow] | None = None, *, of_time: bool = True) -> Figures:
        """Return the place's figures over all slices, or over some of them, in order.

        Slices `of_time` are all of a window, not those of a product.

        Minor stops that the policy counts as running move between availability and
        effectiveness.
        """
        rows = self.slices if slices is None else slices
        windows: dict[str, list[Window]] = {}
        for row in rows:
            if self.policy_of(row.place).minor_stops_in == "effectiveness":
                windows.setdefault(row.place, []).append(Window(row.start, row.end))
        minor = {
            path: self.minor_stops(path, own, breakdowns=True) for path, own in windows.items()
        }
        return figures_of(self.tree, self.place, rows, minor, self.lacking, of_time=of_time)

    @cached_property
    def faults(self) -> list[str]:
        """What must be said beside every figure of the place and window, as codes."""
        marks = (mark for row in self.slices for mark in row.marks)
        sums: dict[str, list[BaseSums]] = {}
        for row in self.slices:
            sums.setdefault(row.place, []).append(row.sums)
        silent = {f"{MACHINE_SILENT}:{path}" for path, own in sums.items() if is_silent(add(own))}
        found = {*oee_of(self.figures()).faults, *faults_of_marks(marks), *silent}
        if policies_differ(self.policies.values()):
            found.add(POLICIES_DIFFER)
        return sorted(found)

    def name(self, place: PlaceRow) -> str:
        """Return a place's name in the reader's language; no two machines have the same."""
        return self._unit_names.get(place.path) or name_of(place, self.formatter.language)

    @cached_property
    def _unit_names(self) -> dict[str, str]:
        return self.tree.names(self.units, self.formatter.language)

    def name_at(self, path: str) -> str:
        """Return the name of a path's place."""
        return self.name(self.tree.get(path))

    def reason_name(self, code: str | None) -> str:
        """Return a reason's name in the reader's language."""
        if code is None:
            return self.formatter.text("reason.unassigned")
        names = self.reasons.get(code, (code, code))
        return names[0] if self.formatter.language == "vi" else names[1]

    def words(self, key: str, **values: object) -> str:
        """Return words of the boards."""
        return self.formatter.text(f"board.{key}", **values)

    def column(self, key: str, kind: Kind = "text") -> Column:
        """Return a column with its words."""
        return Column(key, self.formatter.text(f"column.{key}"), kind)

    @property
    def step_column(self) -> Column:
        """The column of the steps of a trend."""
        return self.column("time", "date" if self.daily else "time")


def tables_of(board: Board) -> list[Table]:
    """Return every table of a board."""
    return [table for section in board.sections for table in section.tables]
