"""What figures of any place and window are formed from: base sums by group, stops, open hours."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plant.calendar import Window
from plant.clock import microseconds
from plant.kpi import BaseSums, OeePolicy
from plant.kpi.reliability import OPEN, FailureColumns
from plant.kpi.rollup import Line
from plant.kpi.stop import StateInterval, Stop
from plant.state import StopKind, TimeElement
from store.engine.array_column import array_cursor
from store.engine.connection import Connection
from store.engine.queries import queries
from store.place.stored import oee_policy
from store.reading.cut_slice import BY_MINUTE, WHOLE, added, counted_within

_Q = queries("reading/kpi")

GroupKey = tuple[datetime | None, str | None]
"""What a group is about: the start of its hour or shift, or its day, product, order or lot."""


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """A work unit and what its figures depend on."""

    unit_id: int
    path: str
    line_id: int
    has_state: bool
    has_signals: bool

    @property
    def is_stateless(self) -> bool:
        """Whether it sends something, but nothing that tells when it ran."""
        return self.has_signals and not self.has_state


@dataclass(frozen=True, slots=True)
class LineFacts:
    """A line with all of its machines."""

    line_id: int
    path: str
    line: Line


@dataclass(frozen=True, slots=True)
class GroupRow:
    """The base sums of one work unit and group."""

    unit_id: int
    key: GroupKey
    shift: str | None
    business_date: date | None
    first: datetime
    last: datetime
    as_of: datetime
    policy_versions: tuple[int, ...]
    formula_versions: tuple[str, ...]
    sums: BaseSums


@dataclass(frozen=True, slots=True)
class CutSlice:
    """A slice that an end of the window cuts."""

    unit_id: int
    start: datetime
    end: datetime
    counted: bool
    """Whether anything was counted in it."""
    coarse_ms: int | None
    """Over how long its counters tell more than one part at once; None where what was counted is
    not known by the minute, so that it cannot be divided."""


@dataclass(frozen=True, slots=True)
class SliceGroups:
    """Slices with the group of each, in columns of n rows; times in milliseconds."""

    unit: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    text: list[str | None]
    """Their day, product, order or lot; None where figures are grouped by none of these."""


@dataclass(frozen=True, slots=True)
class MinorStopTile:
    """Delay time within a short stop."""

    unit_id: int
    key: GroupKey
    stop: Stop
    tile: StateInterval


@dataclass(frozen=True, slots=True)
class RestatementRow:
    """A final figure that changed."""

    place: str
    kind: str
    start: datetime
    figure: str
    old_value: float | None
    new_value: float | None
    cause: str
    restated_at: datetime


@dataclass(frozen=True, slots=True)
class FaultRow:
    """Something wrong in the set-up, as far as figures show it."""

    place: str
    fault: str
    count: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Chosen:
    """Of what alone figures are asked; None for everything."""

    order: str | None = None
    product: str | None = None
    lot: str | None = None

    def __bool__(self) -> bool:
        return (self.order, self.product, self.lot) != (None, None, None)


EVERYTHING = Chosen()


class KpiReading:
    """The questions of one window, asked over one connection.

    `units` and `zones` are the machines asked for and the IANA zone of each; `by` is `hour`,
    `shift`, `day`, `product`, `order`, `lot` or empty for one group.
    """

    def __init__(
        self,
        connection: Connection,
        units: Sequence[int],
        zones: Sequence[str],
        by: str,
        start: datetime,
        end: datetime,
        chosen: Chosen = EVERYTHING,
    ) -> None:
        self._connection = connection
        self.window = Window(start, end)
        self.by = by
        self.chosen = chosen
        self._asked: dict[str, Any] = {
            "units": list(units),
            "zones": list(zones),
            "by": by,
            "start": start,
            "end": end,
            **asdict(chosen),
        }

    def units(self) -> list[UnitFacts]:
        """Return the machines in the order of the flow."""
        return [UnitFacts(*row) for row in self._run("units")]

    def lines(self, line_ids: Sequence[int]) -> list[LineFacts]:
        """Return lines with all of their machines."""
        return [
            LineFacts(line_id, path, Line(kind, bottleneck, tuple(units)))
            for line_id, path, kind, bottleneck, units in self._run("lines", lines=list(line_ids))
        ]

    def policies(self) -> dict[str, OeePolicy]:
        """Return the policy in force by the path of its site."""
        return {site: oee_policy(choices) for site, *choices in self._run("policies")}

    def sums(self) -> list[GroupRow]:
        """Return the base sums of whole slices in the window, per machine and group."""
        return [_group(row) for row in self._run("grouped_sums")]

    def partial_sums(self) -> list[GroupRow]:
        """Return the sums of slices that the window cuts within it, per machine and group."""
        found = {(row.unit_id, row.key): row for row in map(_group, self._run("partial_sums"))}
        window = self.window.start, self.window.end
        for unit_id, at, text, start, *values in self._run("cut_minutes"):
            whole = dict(zip(WHOLE, values[: len(WHOLE)], strict=True))
            minutes = dict(zip(BY_MINUTE, values[len(WHOLE) :], strict=True))
            row = found.get((unit_id, (at, text)))
            if row is not None:
                counted = counted_within(start, whole, minutes, window)
                found[row.unit_id, row.key] = replace(row, sums=added(row.sums, counted))
        return list(found.values())

    def marks(self) -> dict[GroupKey, set[str]]:
        """Return the marks of the slices of each group."""
        found: dict[GroupKey, set[str]] = {}
        for start, text, mark in self._run("marks"):
            found.setdefault((start, text), set()).add(mark)
        return found

    def cut_slices(self, moment: datetime) -> list[CutSlice]:
        """Return the slices that a moment cuts."""
        return [CutSlice(*row) for row in self._run("cut_slices", moment=moment)]

    def order_execution(self) -> dict[GroupKey, int]:
        """Return the order execution time (AOET) of the machines together, in milliseconds."""
        return {(start, text): ms for start, text, ms in self._run("order_execution")}

    def failures(self) -> FailureColumns:
        """Return the failures that touch the window, by machine and beginning."""
        unit, start, end, worked = self._columns("failures")
        # An array that is read as a column holds no nulls, so the query says 0 for what lasts.
        return FailureColumns(unit, start // 1000, np.where(end == 0, OPEN, end // 1000), worked)

    def slice_groups(self) -> SliceGroups:
        """Return the chosen slices of the window with the group of each."""
        unit, start, end, text = self._columns("slice_groups")
        return SliceGroups(unit, start // 1000, end // 1000, text)

    def operating_before(self, asked: Sequence[tuple[int, int, int, GroupKey]]) -> dict[int, int]:
        """Return operating time by the index asked for: machine, from, until (ms), group."""
        rows = self._run(
            "operating_before",
            units=[unit for unit, *_ in asked],
            firsts=[first for _, first, *_ in asked],
            untils=[until for _, _, until, _ in asked],
            key_texts=[key[1] for *_, key in asked],
        )
        return {number - 1: ms for number, ms in rows}

    def worked_within(self, asked: Sequence[tuple[int, int, int]]) -> NDArray[np.int64]:
        """Return the working time of spans of failures (machine, from, until in ms), shape (n,)."""
        found = np.zeros(len(asked), dtype=np.int64)
        if asked:
            spans = np.array(asked, dtype=np.int64)
            units, firsts, untils = (column.tolist() for column in spans.T)
            more = {"units": units, "firsts": firsts, "untils": untils}
            for number, ms in self._run("worked_within", **more):
                found[number - 1] = ms
        return found

    def minor_stop_tiles(self, thresholds: Sequence[float], now: datetime) -> list[MinorStopTile]:
        """Return the delay time in stops shorter than each machine's threshold in seconds."""
        return [
            MinorStopTile(
                unit_id,
                (at, text),
                _delay(start, end, kind, paused),
                StateInterval(_millis(tile_start), _millis(tile_end), TimeElement.DELAY),
            )
            for unit_id, start, end, kind, paused, tile_start, tile_end, at, text in self._run(
                "minor_stop_tiles", thresholds=list(thresholds), now=now
            )
        ]

    def open_hours(self) -> list[datetime]:
        """Return the hours of the window whose figures may still change."""
        return [row[0] for row in self._run("open_hours")]

    def without_calendar(self) -> set[int]:
        """Return the machines with an hour in the window that no calendar covers."""
        return {row[0] for row in self._run("without_calendar")}

    def restatements(
        self, places: Sequence[int], limit: int, as_of: datetime | None = None
    ) -> list[RestatementRow]:
        """Return final figures of places that changed (until `as_of`), newest change first."""
        rows = self._run("restatements", places=list(places), limit=limit, as_of=as_of)
        return [RestatementRow(*row) for row in rows]

    def faults(self, places: Sequence[int]) -> list[FaultRow]:
        """Return faults and reasons for missing ratios that the hours of places name."""
        return [FaultRow(*row) for row in self._run("faults", places=list(places))]

    def products_without_run_time(self) -> list[FaultRow]:
        """Return products made without a planned run time; `fault` is the product's code."""
        return [FaultRow(*row) for row in self._run("products_without_run_time")]

    def _columns(self, query: str, **more: Any) -> tuple[Any, ...]:
        with array_cursor(self._connection) as cursor:
            row = cursor.execute(_Q[query], self._asked | more).fetchone()
        assert row is not None, "an aggregate returns a row"
        return row

    def _run(self, query: str, **more: Any) -> list[tuple[Any, ...]]:
        with self._connection.cursor(binary=True) as cursor:
            return cursor.execute(_Q[query], self._asked | more).fetchall()


def _group(row: Sequence[Any]) -> GroupRow:
    unit_id, start, text, shift, day, first, last, as_of, policies, formulas, *sums = row
    return GroupRow(
        unit_id,
        (start, text),
        shift,
        day,
        first,
        last,
        as_of,
        tuple(policies),
        tuple(formulas),
        BaseSums(*sums),
    )


def _delay(start: datetime, end: datetime | None, kind: str | None, paused_ms: int) -> Stop:
    return Stop(
        _millis(start),
        None if end is None else _millis(end),
        TimeElement.DELAY,
        state=None,
        stop_kind=None if kind is None else StopKind(kind),
        stop_reason=None,
        paused_ms=paused_ms,
    )


def _millis(moment: datetime) -> int:
    return microseconds(moment) // 1000
