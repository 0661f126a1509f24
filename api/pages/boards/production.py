"""What was made: hour by hour against the plan, and by shift and product."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from api.pages.boards.board import Board, Inquiry, Section
from api.pages.boards.changeover import changeovers_section
from api.pages.boards.figures import LEGEND, Series, grouped_bars, line_trace, steps_axis
from api.pages.boards.paced import last_units, paced_units
from api.pages.charts import INK, Figure, axis, figure, or_nothing, wall
from api.tables.table import Table
from plant.kpi import add
from plant.kpi.oee import oee, oee_of
from plant.state import TimeElement
from store.reading.board_row import SliceRow

_LOST = frozenset({TimeElement.DELAY, TimeElement.DOWN, TimeElement.SETUP, TimeElement.UNKNOWN})
_MOST_REASONS = 3


def hours_board(q: Inquiry) -> Board:
    """Return parts per hour against the target, and why time was lost."""
    paced = {unit.path for unit in paced_units(q)}
    last = {unit.path for unit in last_units(q)}
    hours = sorted({row.hour for row in q.slices})
    rows: list[tuple[Any, ...]] = []
    planned: float | None = None
    made: float | None = None
    ahead: float | None = None
    for hour in hours:
        pacing = [row for row in q.slices if row.hour == hour and row.place in paced]
        leaving = [row.sums for row in q.slices if row.hour == hour and row.place in last]
        clock, out = add(row.sums for row in pacing), add(leaving)
        target = _target(pacing, q.planned_oee(hour)) if pacing else None
        good = out.good_quantity if leaving else None
        difference = None if target is None or good is None else good - target
        planned, made, ahead = _plus(planned, target), _plus(made, good), _plus(ahead, difference)
        rows.append(
            (
                hour,
                clock.pbt_ms / 1000 if pacing else None,
                target,
                good,
                out.scrap_quantity if leaving else None,
                difference,
                planned,
                made,
                oee(clock).coverage,
                _reasons(q, hour, paced),
            )
        )
    columns = (
        q.column("time", "time"),
        q.column("pbt_s", "duration"),
        *(q.column(key, "number") for key in ("target", "good", "scrap", "difference")),
        *(q.column(key, "number") for key in ("cumulative_target", "cumulative_good")),
        q.column("coverage", "percent"),
        q.column("lost_to"),
    )
    f = q.formatter
    total = q.words("title.hours")
    untold = any(row[5] is None for row in rows)
    shares = sorted({q.planned_oee(hour) for hour in hours or [q.window.start]})
    share = " – ".join(f.percent(one) for one in shares)
    return Board(
        (
            Section(
                "hours",
                total,
                _hours_figure(rows, q),
                (Table("hours", total, columns, tuple(rows)),),
                facts=(
                    (f.text("count.target"), f.number(planned)),
                    (f.text("count.good"), f.number(made)),
                    (q.words("difference"), f.number(ahead)),
                    (q.words("planned_oee"), share),
                ),
                notes=(q.words("note.hours", share=share),),
                warnings=(q.words("note.no_difference"),) if untold else (),
            ),
        )
    )


def _plus(total: float | None, more: float | None) -> float | None:
    """Return a running total; None until there is something to add."""
    return total if more is None else (total or 0.0) + more


def _target(rows: Sequence[SliceRow], planned_oee: float) -> float | None:
    """Return PBT / PRI x planned OEE over the products of an hour; None where none is planned.

    Time without a product adds nothing: nobody can say how many parts it would have made.
    """
    known = [row for row in rows if row.run_time_s is not None]
    if not known and any(row.sums.pbt_ms for row in rows):
        return None
    return planned_oee * sum(row.sums.pbt_ms / (1000 * (row.run_time_s or 1)) for row in known)


def _reasons(q: Inquiry, hour: datetime, paced: set[str]) -> str:
    lost: dict[str, int] = {}
    for row in q.state_times:
        if row.hour != hour or row.place not in paced or row.element not in _LOST:
            continue
        if row.element == TimeElement.DELAY or row.reason:
            name = q.reason_name(row.reason)
        else:
            name = q.formatter.text(f"state.{row.element}")
        lost[name] = lost.get(name, 0) + row.duration_ms
    longest = sorted(lost.items(), key=lambda entry: -entry[1])[:_MOST_REASONS]
    return " · ".join(f"{name} {q.formatter.duration(ms / 1000)}" for name, ms in longest)


def _hours_figure(rows: Sequence[tuple[Any, ...]], q: Inquiry) -> Figure:
    f = q.formatter
    x = [wall(row[0], f) for row in rows]
    count = "%{x|%H:%M} · %{fullData.name}: %{y:,.0f}<extra></extra>"
    shared: Figure = {"hovertemplate": count}
    bars = [
        {
            "type": "bar",
            "name": f.text(f"count.{name}"),
            "x": x,
            "y": values,
            "width": [48 * 60_000] * len(x),
            "marker": marker,
        }
        | shared
        for name, values, marker in (
            ("good", [row[3] for row in rows], {"color": "var(--good)"}),
            (
                "scrap",
                [row[4] for row in rows],
                {"color": "var(--scrap)", "pattern": {"shape": "x", "fillmode": "overlay"}},
            ),
        )
    ]
    target = line_trace(
        f.text("count.target"),
        x,
        [row[2] for row in rows],
        mode="markers",
        marker={
            "symbol": "line-ew-open",
            "size": 26,
            "color": INK,
            "line": {"width": 2.5, "color": INK},
        },
        **shared,
    )
    sums = [
        line_trace(q.words(name), x, [row[index] for row in rows], yaxis="y2", line=style, **shared)
        for name, index, style in (
            ("cumulative_target", 6, {"color": INK, "dash": "dot", "width": 1.5}),
            ("cumulative_good", 7, {"color": "var(--accent)", "width": 2.5}),
        )
    ]
    drawn = figure([*bars, target, *sums], f, height=380)
    drawn["layout"] |= {
        "barmode": "stack",
        "showlegend": True,
        "legend": LEGEND,
        "xaxis": steps_axis(q, daily=False),
        "yaxis": axis(
            rangemode="tozero",
            tickformat=",.0f",
            automargin=True,
            title={"text": q.words("parts_per_hour"), "font": {"size": 12}},
        ),
        "yaxis2": axis(
            overlaying="y",
            side="right",
            # Round numbers of its own, not those at the heights of the other axis.
            tickmode="auto",
            rangemode="tozero",
            showgrid=False,
            automargin=True,
            tickformat=",.0f",
            title={"text": q.words("cumulative"), "font": {"size": 12}},
        ),
        "margin": {"l": 8, "r": 8, "t": 44, "b": 40},
    }
    told = any(row[2] is not None or row[3] is not None for row in rows)
    return or_nothing(drawn, told, f)


def comparison_board(q: Inquiry) -> Board:
    """Return OEE by shift and by product, each with the planned busy time it stands on."""
    return Board(
        (
            _compared(q, "shifts", lambda row: row.shift or ""),
            _compared(q, "products", lambda row: row.product or ""),
            changeovers_section(q),
        )
    )


def _compared(q: Inquiry, name: str, key: Any) -> Section:
    f = q.formatter
    groups: dict[str, list[SliceRow]] = {}
    for row in q.slices:
        groups.setdefault(key(row), []).append(row)
    rows: list[tuple[Any, ...]] = []
    total = q.figures().sums.pbt_ms
    for label, own in sorted(groups.items()):
        figures = q.figures(own, of_time=name == "shifts")
        sums = figures.sums
        if not sums.pbt_ms:
            continue
        result = oee_of(figures)
        rows.append(
            (
                label or q.words(f"none_{name}"),
                sums.pbt_ms / 1000,
                sums.pbt_ms / total if total else None,
                result.oee,
                result.availability,
                result.effectiveness,
                result.quality_ratio,
                result.coverage,
                sums.good_quantity,
                " ".join(
                    f.catalogue.name_of("missing", code)
                    for code in sorted(set(result.missing.values()))
                ),
            )
        )
    columns = (
        q.column("shift" if name == "shifts" else "product"),
        q.column("pbt_s", "duration"),
        q.column("pbt_share", "percent"),
        *(q.column(one, "percent") for one in ("oee", "availability", "effectiveness")),
        *(q.column(one, "percent") for one in ("quality_ratio", "coverage")),
        q.column("good", "number"),
        q.column("missing"),
    )
    labels = [f"{row[0]}\n{q.words('weight', share=f.percent(row[2], 0))}" for row in rows]
    series = [
        Series("OEE", [row[3] for row in rows], "var(--bar)"),
        Series(f.text("ratio.availability"), [row[4] for row in rows], "var(--state-production)"),
        Series(f.text("ratio.effectiveness"), [row[5] for row in rows], "var(--state-suspended)"),
        Series(f.text("ratio.quality_ratio"), [row[6] for row in rows], "var(--state-down)", "."),
    ]
    title = q.words(f"title.{name}")
    return Section(
        name,
        title,
        grouped_bars(labels, series, q, percent=True),
        (Table(name, title, columns, tuple(rows)),),
        notes=(q.words("note.comparison"),) if name == "shifts" else (),
    )
