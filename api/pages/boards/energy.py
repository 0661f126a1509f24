"""Energy: how much per good part, and how much of it while nothing was produced."""

from datetime import datetime
from typing import Any

from api.pages.boards.board import Board, Inquiry, Section
from api.pages.boards.figures import Series, bar_trend, grouped_bars
from api.tables.table import Table
from plant.kpi import BaseSums, add
from plant.kpi.ratio import energy_per_good_item, idle_energy_share, ratio

_COLORS = ("bar", "state-production", "state-suspended", "state-down", "state-held", "soft")
_PATTERNS = ("", "x", "|", ".")


def energy_board(q: Inquiry) -> Board:
    """Return energy per machine, per good part, idle, and over time."""
    rows: list[tuple[Any, ...]] = []
    for unit in q.units:
        sums = add(row.sums for row in q.slices if row.place == unit.path)
        rows.append(
            (
                q.name(unit),
                sums.energy_kwh,
                sums.good_quantity,
                energy_per_good_item(sums),
                sums.idle_energy_kwh,
                idle_energy_share(sums),
                ratio(sums.pbt_ms - sums.unknown_ms, sums.pbt_ms),
            )
        )
    machine, coverage = q.column("machine"), q.column("coverage", "percent")
    used = q.column("energy_kwh", "decimal")
    per_good = (q.column("good", "number"), q.column("kwh_per_good", "decimal"))
    idle = (q.column("idle_kwh", "decimal"), q.column("idle_share", "percent"))
    named = [row[0] for row in rows]
    title, idle_title = q.words("title.energy"), q.words("title.idle_energy")
    return Board(
        (
            Section(
                "energy",
                title,
                grouped_bars(
                    named,
                    [Series(q.words("kwh_per_good"), [row[3] for row in rows], "var(--bar)")],
                    q,
                    percent=False,
                    unit=q.words("kwh_per_good"),
                ),
                (
                    Table(
                        "energy",
                        title,
                        (machine, used, *per_good, coverage),
                        tuple((*row[:4], row[6]) for row in rows),
                    ),
                ),
                notes=(q.words("note.energy"),),
                warnings=(q.words("note.no_meter"),) if all(row[1] is None for row in rows) else (),
            ),
            Section(
                "idle_energy",
                idle_title,
                grouped_bars(
                    named,
                    [Series(q.words("idle_share"), [row[5] for row in rows], "var(--state-down)")],
                    q,
                    percent=True,
                ),
                (
                    Table(
                        "idle_energy",
                        idle_title,
                        (machine, used, *idle, coverage),
                        tuple((*row[:2], *row[4:]) for row in rows),
                    ),
                ),
                notes=(q.words("note.idle_energy"),),
            ),
            _trend(q),
        )
    )


def _trend(q: Inquiry) -> Section:
    by_bin: dict[datetime, dict[str, list[BaseSums]]] = {}
    for row in q.slices:
        by_bin.setdefault(q.bin_of(row.hour), {}).setdefault(row.place, []).append(row.sums)
    moments = sorted(by_bin)
    used = {
        unit.path: [
            add(by_bin[moment][unit.path]).energy_kwh if unit.path in by_bin[moment] else None
            for moment in moments
        ]
        for unit in q.units
    }
    series = [
        Series(
            q.name(unit),
            used[unit.path],
            f"var(--{_COLORS[index % len(_COLORS)]})",
            _PATTERNS[index // len(_COLORS) % len(_PATTERNS)],
        )
        for index, unit in enumerate(q.units)
    ]
    title = q.words("title.energy_trend")
    columns = (
        q.step_column,
        q.column("machine"),
        q.column("energy_kwh", "decimal"),
    )
    rows = tuple(
        (moment, q.name(unit), used[unit.path][index])
        for index, moment in enumerate(moments)
        for unit in q.units
    )
    return Section(
        "energy_trend",
        title,
        bar_trend(moments, series, q, unit="kWh"),
        (Table("energy_trend", title, columns, rows),),
    )
