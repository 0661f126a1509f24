"""What analytics derives per work unit: dirty windows, state intervals, stops, base sums.

A dirty window is an hour of a work unit whose figures may be out of date. Whoever stores or changes
what they depend on marks it, in the transaction of that change. Marking it again raises `revision`;
only the revision that was read is deleted once the hour is computed: what came in meanwhile, which
may not have been seen, leaves the hour dirty. So nothing has to be locked while it runs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import Any

from plant.kpi import BaseSums
from store.engine.connection import Connection
from store.engine.queries import queries
from store.figure.classification import apply_classifications, lock_stops

_Q = queries("figure/derived")

MINUTE_SUMS = (
    *("produced_quantity", "good_quantity", "scrap_quantity", "rework_quantity", "energy_kwh"),
    *("idle_energy_kwh", "start_up_pri_ms", "unseen_pri_pq_ms", "stopped_pri_pq_ms"),
    *("inspected_parts", "good_at_first_parts", "rework_found_parts"),
)
"""The base sums that are kept minute by minute too."""

# A stop goes on across a planned break; none is longer than this.
_BREAK_REACH = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class DirtyWindow:
    """An hour of a work unit whose figures are out of date."""

    unit_id: int
    hour: datetime
    revision: int
    cause: str | None = None
    """Why, where that is known: `master_data`, `correction`, `recomputation`."""


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """A row of `state_interval`."""

    start: datetime
    end: datetime
    element: str
    state: str | None
    stop_kind: str | None
    stop_reason: str | None
    order_number: str | None
    product_code: str | None


@dataclass(frozen=True, slots=True)
class StopRow:
    """A row of `stop`."""

    start: datetime
    end: datetime | None
    element: str
    state: str | None
    stop_kind: str | None
    stop_reason: str | None
    paused_ms: int = 0


@dataclass(frozen=True, slots=True)
class SliceRow:
    """A row of `base_sum` to be written."""

    start: datetime
    end: datetime
    hour: datetime
    business_date: date | None
    shift: str | None
    shift_start: datetime | None
    shift_end: datetime | None
    order_number: str | None
    product_code: str | None
    sums: BaseSums
    marks: tuple[str, ...]
    lot_number: str | None = None
    minutes: Mapping[str, bytes] | None = None
    """What was counted minute by minute, a float64 each, by name of the base sum."""
    coarse_ms: int = 0
    """Over how long a counter tells more than one part at once."""


@dataclass(frozen=True, slots=True)
class StoredSlice:
    """What results need of a row of `base_sum`."""

    unit_id: int
    start: datetime
    end: datetime
    hour: datetime
    shift_start: datetime | None
    product_code: str | None
    marks: tuple[str, ...]
    sums: BaseSums


@dataclass(frozen=True, slots=True)
class Provenance:
    """By which policy and formula, and as of when, a figure was computed."""

    policy_version: int
    formula_version: str
    as_of: datetime


def try_lock(connection: Connection) -> bool:
    """Take the lock that keeps analytics single, for the life of the session."""
    row = connection.execute(_Q["try_lock"]).fetchone()
    return bool(row and row[0])


def dirty_windows(
    connection: Connection, limit: int, shared: Sequence[tuple[int, int]] = ()
) -> list[DirtyWindow]:
    """Return up to `limit` dirty windows, oldest hours first.

    `shared` are tags and the work units that share them: what is out of date at the tag's own
    work unit is then so at all of them.
    """
    if not shared:
        rows = connection.execute(_Q["dirty_windows"], {"limit": limit})
    else:
        tags, units = map(list, zip(*shared, strict=True))
        rows = connection.execute(
            _Q["dirty_windows_shared"], {"limit": limit, "tags": tags, "units": units}
        )
    return [DirtyWindow(*row) for row in rows]


def delete_dirty(connection: Connection, done: Sequence[DirtyWindow]) -> None:
    """Remove windows that are repaired; one marked again since it was read stays."""
    connection.execute(
        _Q["delete_dirty"],
        {
            "units": [window.unit_id for window in done],
            "hours": [window.hour for window in done],
            "revisions": [window.revision for window in done],
        },
    )


def computed_extents(
    connection: Connection, unit_ids: Sequence[int]
) -> dict[int, tuple[datetime, datetime]]:
    """Return by work unit from when until when its base sums reach; units without are left out."""
    rows = connection.execute(_Q["computed_extents"], {"units": list(unit_ids)})
    return {unit_id: (first, last) for unit_id, first, last in rows if first is not None}


def write_unit(
    connection: Connection,
    unit_id: int,
    window: tuple[datetime, datetime],
    intervals: Iterable[IntervalRow],
    slices: Sequence[SliceRow],
    provenance: Provenance,
) -> None:
    """Replace the state intervals and base sums of a work unit in whole hours."""
    span = {"unit": unit_id, "start": window[0], "end": window[1]}
    # Deleted and written, not compared: what a late reading takes away has to go as well.
    connection.execute(_Q["delete_state_intervals"], span)
    connection.execute(_Q["delete_base_sums"], span)
    connection.execute(_Q["delete_minute_sums"], span)
    with connection.cursor() as cursor:
        with cursor.copy(_Q["copy_state_intervals"]) as copy:
            copy.set_types(["int4", "timestamptz", "timestamptz"] + ["text"] * 6)
            for interval in intervals:
                copy.write_row((unit_id, *_interval_values(interval)))
        with cursor.copy(_Q["copy_base_sums"]) as copy:
            copy.set_types(_SLICE_TYPES)
            for row in slices:
                copy.write_row(_slice_values(unit_id, row, provenance))
        with cursor.copy(_Q["copy_minute_sums"]) as copy:
            copy.set_types(["int4", "timestamptz", "int8"] + ["bytea"] * len(MINUTE_SUMS))
            for row in slices:
                if row.minutes is not None:
                    told = (row.minutes.get(name) for name in MINUTE_SUMS)
                    copy.write_row((unit_id, row.start, row.coarse_ms, *told))


def looking_ahead(
    connection: Connection, asked: Sequence[tuple[int, datetime]]
) -> set[tuple[int, datetime]]:
    """Return the work units and hours that may tell the hour before differently."""
    if not asked:
        return set()
    units, hours = map(list, zip(*asked, strict=True))
    rows = connection.execute(_Q["looking_ahead"], {"units": units, "hours": hours})
    return {(unit, hour) for unit, hour in rows}


def hours_told(
    connection: Connection, unit_id: int, start: datetime, end: datetime
) -> list[datetime]:
    """Return the hours of a span in which a work unit says what state it is in."""
    rows = connection.execute(_Q["hours_told"], {"unit": unit_id, "start": start, "end": end})
    return [row[0] for row in rows]


def stop_neighbourhood(
    connection: Connection, unit_id: int, start: datetime, end: datetime
) -> tuple[datetime, datetime]:
    """Return the span in which stops may change when the tiles of `[start, end)` did."""
    row = connection.execute(
        _Q["stop_neighbourhood"],
        {"unit": unit_id, "start": start, "end": end, "reach": _BREAK_REACH},
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def state_intervals(
    connection: Connection, unit_id: int, start: datetime, end: datetime
) -> list[IntervalRow]:
    """Return the tiles of a work unit that begin in `[start, end)`."""
    rows = connection.execute(_Q["state_intervals"], {"unit": unit_id, "start": start, "end": end})
    return [IntervalRow(*row) for row in rows]


def replace_stops(
    connection: Connection, unit_id: int, start: datetime, end: datetime, stops: Iterable[StopRow]
) -> None:
    """Replace the stops of a work unit that begin in `[start, end)`.

    Each gets the reason that people gave for its time, else the one of the machine.
    """
    lock_stops(connection, unit_id)
    connection.execute(_Q["delete_stops"], {"unit": unit_id, "start": start, "end": end})
    columns = zip(*map(_stop_values, stops), strict=True)
    named = dict(zip(_STOP_COLUMNS, map(list, columns), strict=False))
    if named:
        connection.execute(_Q["insert_stops"], {"unit": unit_id} | named)
    apply_classifications(connection, unit_id, start, end)


def stop_divisions(
    connection: Connection, unit_id: int, start: datetime, end: datetime
) -> tuple[list[datetime], list[datetime]]:
    """Return where people divided stops of a work unit, and where they joined them."""
    rows = connection.execute(
        _Q["stop_divisions"], {"unit": unit_id, "start": start, "end": end}
    ).fetchall()
    return (
        [moment for moment, kind in rows if kind == "split"],
        [moment for moment, kind in rows if kind == "merge"],
    )


def stops_overlapping(
    connection: Connection, unit_id: int, start: datetime, end: datetime
) -> list[StopRow]:
    """Return the whole stops of a work unit that overlap `[start, end)`."""
    rows = connection.execute(
        _Q["stops_overlapping"], {"unit": unit_id, "start": start, "end": end}
    )
    return [StopRow(*row) for row in rows]


def slices(
    connection: Connection,
    unit_ids: Sequence[int],
    spans: Sequence[tuple[datetime, datetime]],
) -> list[StoredSlice]:
    """Return the base sums of work units in disjoint spans, by unit and time."""
    rows = connection.execute(
        _Q["slices"],
        {
            "units": list(unit_ids),
            "starts": [start for start, _ in spans],
            "ends": [end for _, end in spans],
        },
    )
    return [
        StoredSlice(unit_id, start, end, hour, shift, product, tuple(marks), BaseSums(*sums))
        for unit_id, start, end, hour, shift, product, marks, *sums in rows
    ]


# `dataclasses.astuple` copies every value; a year of rows feels that.
_sum_values = attrgetter(*(field.name for field in fields(BaseSums)))
_interval_values = attrgetter(*(field.name for field in fields(IntervalRow)))
_STOP_COLUMNS = tuple(field.name for field in fields(StopRow))
_stop_values = attrgetter(*_STOP_COLUMNS)
_SLICE_TYPES = (
    ["int4", "timestamptz", "timestamptz", "timestamptz", "date", "text"]
    + ["timestamptz", "timestamptz", "text", "text"]
    + ["int8"] * 9
    + ["float8"] * 6
    + ["int4", "float8"]
    + ["int8"] * 4
    + ["float8"] * 3
    + ["int4"] * 3
    + ["float8"] * 8
    + ["text[]", "text", "int4", "text", "timestamptz"]
)


def _slice_values(unit_id: int, row: SliceRow, provenance: Provenance) -> tuple[Any, ...]:
    return (
        unit_id,
        row.start,
        row.end,
        row.hour,
        row.business_date,
        row.shift,
        row.shift_start,
        row.shift_end,
        row.order_number,
        row.product_code,
        # In the order of the fields of `BaseSums`: the columns of `copy_base_sums` have to follow
        # it.
        *_sum_values(row.sums),
        list(row.marks),
        row.lot_number,
        provenance.policy_version,
        provenance.formula_version,
        provenance.as_of,
    )
