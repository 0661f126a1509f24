"""What is wrong: process values out of control, and faults of the master data with their fixes."""

from collections.abc import Sequence
from datetime import datetime
from statistics import stdev
from typing import Any

from api.http.problems import bad_option
from api.pages.boards.board import Board, Inquiry, Option, Section
from api.pages.boards.figures import LEGEND, line_trace
from api.pages.charts import INK, Figure, axis, figure, or_nothing, wall
from api.tables.table import Table
from plant.kpi.capability import capability
from plant.kpi.spc import (
    FEWEST,
    ControlChart,
    ControlCharts,
    individuals_charts,
    nelson_rules,
    subgroup_charts,
)
from plant.measurement import TagRole, ValueType
from store.reading.board_row import ValueRow
from store.reading.row import TagRow

MOST_VALUES = 50_000
POINTS = 60
"""Points that a control chart has at most."""
SUBGROUP = 5


def spc_board(q: Inquiry) -> Board:
    """Return control charts of a process value with broken rules, and its capability."""
    f = q.formatter
    tags = [
        tag
        for tag in q.reading.tags(q.unit_ids)
        if tag.role == TagRole.NONE and tag.value_type == ValueType.NUMBER
    ]
    tag = _chosen(tags, q.options.get("tag"))
    kind = q.options.get("chart", "imr")
    if kind not in {"imr", "xbar"}:
        raise bad_option("chart", "imr or xbar")
    lower, upper = _limit(q, "lsl"), _limit(q, "usl")
    if lower is not None and upper is not None and lower >= upper:
        raise bad_option("lsl", "below usl")
    options = (
        Option(
            "tag",
            q.words("tag"),
            tag.name if tag else "",
            tuple((one.name, _tag_words(one, q)) for one in tags),
        ),
        Option(
            "chart",
            q.words("chart"),
            kind,
            (("imr", q.words("imr")), ("xbar", q.words("xbar", n=SUBGROUP))),
        ),
        Option("lsl", q.words("lsl"), q.options.get("lsl", "")),
        Option("usl", q.words("usl"), q.options.get("usl", "")),
    )
    title = q.words("title.spc")
    if tag is None:
        return Board((Section("spc", title, warnings=(q.words("note.no_tags"),)),), options)
    values = q.reading.boards.process_values(
        tag.tag_id, q.window.start, q.window.end, limit=MOST_VALUES
    )
    groups = subgroups(values, SUBGROUP if kind == "xbar" else 1, q)
    if len(groups) < FEWEST:
        words = q.words("note.few_values", count=len(groups), fewest=FEWEST)
        return Board((Section("spc", title, warnings=(words,)),), options)
    samples = [[row.value for row in group] for group in groups]
    charts = (
        subgroup_charts(samples)
        if kind == "xbar"
        else individuals_charts([group[0] for group in samples])
    )
    used = [value for group in samples for value in group]
    moments = [group[0].source_time for group in groups]
    name = f"{tag.description or tag.name}, {f.unit(tag.unit)}".rstrip(", ")
    broken = nelson_rules(charts.location)
    points = _points_table(moments, charts, broken, q)
    return Board(
        (
            Section(
                "location",
                f"{q.words('individuals' if kind == 'imr' else 'means')} · {name}",
                _chart_figure(moments, charts.location, broken, q),
                notes=(q.words("note.spc", points=len(groups)),),
                warnings=tuple(
                    q.words("broken", rule=rule, words=q.words(f"nelson.{rule}"), count=len(points))
                    for rule, points in broken.items()
                ),
            ),
            Section(
                "spread",
                q.words("moving_ranges" if kind == "imr" else "ranges"),
                _chart_figure(
                    moments[len(moments) - len(charts.spread.points) :],
                    charts.spread,
                    {1: _beyond(charts.spread)},
                    q,
                ),
            ),
            _capability_section(charts, used, lower, upper, q),
            Section("points", points.title, tables=(points,)),
        ),
        options,
    )


def subgroups(values: Sequence[ValueRow], size: int, q: Inquiry) -> list[list[ValueRow]]:
    """Return at most `POINTS` groups of `size` consecutive values, evenly over the window.

    Values that follow each other closely say the same twice and make limits too narrow, so the
    window is divided and the first values of each part stand for it.
    """
    width = (q.end - q.window.start) / POINTS
    if not values or not width:
        return []
    parts: dict[int, list[ValueRow]] = {}
    for row in values:
        part = parts.setdefault(int((row.source_time - q.window.start) / width), [])
        if len(part) < size:
            part.append(row)
    return [part for _, part in sorted(parts.items()) if len(part) == size]


def _chosen(tags: Sequence[TagRow], name: str | None) -> TagRow | None:
    if not name:
        return tags[0] if tags else None
    for tag in tags:
        if tag.name == name:
            return tag
    raise bad_option("tag", "a number tag of this place without another role")


def _tag_words(tag: TagRow, q: Inquiry) -> str:
    """Return what a tag measures, and on which machine where there are several."""
    words = tag.description or tag.name
    return f"{q.name_at(tag.work_unit)} · {words}" if len(q.units) > 1 else words


def _limit(q: Inquiry, name: str) -> float | None:
    text = q.options.get(name, "").strip().replace(",", ".")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError as exc:
        raise bad_option(name, "a number") from exc
    if abs(value) > 1e12 or value != value:  # noqa: PLR0124  # NaN is no limit
        raise bad_option(name, "a number")
    return value


def _beyond(chart: ControlChart) -> tuple[int, ...]:
    return tuple(
        i for i, point in enumerate(chart.points) if point > chart.upper or point < chart.lower
    )


def _chart_figure(
    moments: Sequence[datetime],
    chart: ControlChart,
    broken: dict[int, tuple[int, ...]],
    q: Inquiry,
) -> Figure:
    f = q.formatter
    x = [wall(moment, f) for moment in moments]
    hits: dict[int, list[int]] = {}
    for rule, points in broken.items():
        for index in points:
            hits.setdefault(index, []).append(rule)
    ends = [x[0], x[-1]]
    limits = [
        line_trace(
            name,
            ends,
            [value, value],
            line={"color": color, "width": 1.5, "dash": dash},
            hoverinfo="skip",
        )
        for name, value, color, dash in (
            (f"{q.words('ucl')} {f.short(chart.upper)}", chart.upper, "var(--scrap)", "dash"),
            (f"{q.words('center')} {f.short(chart.center)}", chart.center, "var(--good)", "solid"),
            (f"{q.words('lcl')} {f.short(chart.lower)}", chart.lower, "var(--scrap)", "dash"),
        )
    ]
    odd = sorted(hits)
    course = line_trace(
        q.words("value"),
        x,
        chart.points,
        mode="lines+markers",
        line={"color": "var(--bar)", "width": 1.5},
        marker={"color": "var(--bar)", "size": 6},
        text=[f.short(point) for point in chart.points],
        hovertemplate="%{x|%d/%m %H:%M} · %{text}<extra></extra>",
    )
    marked = line_trace(
        q.words("out_of_control"),
        [x[index] for index in odd],
        [chart.points[index] for index in odd],
        mode="markers",
        marker={
            "symbol": "diamond",
            "size": 12,
            "color": "var(--scrap)",
            "line": {"color": INK, "width": 1},
        },
        text=[
            ", ".join(q.words("rule", rule=rule) for rule in hits[index]) for index in sorted(hits)
        ],
        hovertemplate="%{x|%d/%m %H:%M} · %{y:.4g} · %{text}<extra></extra>",
    )
    drawn = figure([*limits, course, *([marked] if hits else [])], f, height=300)
    drawn["layout"] |= {
        "showlegend": True,
        "legend": LEGEND,
        "xaxis": axis(type="date", tickformat="%H:%M\n%d/%m", showgrid=False),
        "yaxis": axis(automargin=True, tickformat=".4~g"),
        "margin": {"l": 8, "r": 8, "t": 40, "b": 40},
    }
    return or_nothing(drawn, bool(x), f)


def _points_table(
    moments: Sequence[datetime],
    charts: ControlCharts,
    broken: dict[int, tuple[int, ...]],
    q: Inquiry,
) -> Table:
    # A moving range belongs to the later of two values, so the first value has none.
    before: list[float | None] = [None] * (len(moments) - len(charts.spread.points))
    ranges = [*before, *charts.spread.points]
    return Table(
        "points",
        q.words("title.points"),
        (
            q.column("time", "time"),
            q.column("value", "decimal"),
            q.column("range", "decimal"),
            q.column("rules"),
        ),
        tuple(
            (
                moments[index],
                point,
                ranges[index],
                ", ".join(str(rule) for rule, points in broken.items() if index in points),
            )
            for index, point in enumerate(charts.location.points)
        ),
    )


def _capability_section(
    charts: ControlCharts,
    values: Sequence[float],
    lower: float | None,
    upper: float | None,
    q: Inquiry,
) -> Section:
    f = q.formatter
    found = capability(values, lower, upper, subgroup=charts.subgroup_size)
    rows: list[tuple[Any, ...]] = []
    for name, words in (("cp", "Cp"), ("cpk", "Cpk"), ("pp", "Pp"), ("ppk", "Ppk")):
        index = found.indices.get(name)
        reason = found.missing.get(name)
        rows.append(
            (
                words,
                *((None, None, None) if index is None else (index.value, index.low, index.high)),
                found.count,
                f.catalogue.name_of("missing", reason) if reason else "",
            )
        )
    title = q.words("title.capability")
    return Section(
        "capability",
        title,
        tables=(
            Table(
                "capability",
                title,
                (
                    q.column("index"),
                    q.column("value", "decimal"),
                    q.column("low", "decimal"),
                    q.column("high", "decimal"),
                    q.column("n", "number"),
                    q.column("missing"),
                ),
                tuple(rows),
            ),
        ),
        facts=(
            ("n", f.number(found.count)),
            (q.words("mean"), f.short(charts.location.center)),
            (q.words("sigma_within"), f.short(charts.sigma_within)),
            (q.words("sigma_overall"), f.short(stdev(values))),
        ),
        notes=(q.words("note.capability", confidence=f.percent(0.95, 0)),),
        warnings=() if lower is not None or upper is not None else (q.words("note.no_limits"),),
    )


def faults_board(q: Inquiry) -> Board:
    """Return what makes figures wrong or impossible, per place, with what mends it."""
    f = q.formatter
    places = [place for place in q.tree if _below(place.path, q.place.path)]
    rows = tuple(
        (
            q.name_at(row.place),
            plain_words(row.code, q),
            _fix(row.code, q),
            row.windows,
            row.first_start,
            row.last_start,
        )
        for row in q.reading.boards.faults(
            [place.place_id for place in places], q.window.start, q.window.end
        )
        if f"fix.{row.code.partition(':')[0]}" in f.catalogue.words()
    )
    title = q.words("title.faults")
    columns = (
        q.column("place"),
        q.column("fault"),
        q.column("fix"),
        q.column("shifts", "number"),
        q.column("first", "time"),
        q.column("last", "time"),
    )
    return Board(
        (
            Section(
                "faults",
                title,
                tables=(Table("faults", title, columns, rows),),
                notes=(q.words("note.faults") if rows else q.words("note.no_faults"),),
            ),
        )
    )


def _below(path: str, top: str) -> bool:
    return path == top or path.startswith(f"{top}/")


def plain_words(code: str, q: Inquiry) -> str:
    """Return a fault or a missing input in words; some name what is at fault after a colon."""
    kind, _, detail = code.partition(":")
    words = q.formatter.catalogue
    named = words.name_of("missing", kind)
    return words.name_of("fault", kind, detail=detail) if named == kind else named


def _fix(code: str, q: Inquiry) -> str:
    kind, _, detail = code.partition(":")
    return q.formatter.text(f"fix.{kind}", detail=detail)
