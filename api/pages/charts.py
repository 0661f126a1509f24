"""Figures as plain JSON values, which `static/plot.js` draws as SVG.

Their words are plotly's, as far as they are used here, so that the tests can hold every figure
against its schema; its script of 1.4 MB is not sent. Colours are CSS variables.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from api.figures.pareto import UNASSIGNED
from api.http.wire import ParetoOut
from api.pages.appearance import Category, category
from api.words.formatting import Formatter
from plant.calendar import Window
from store.reading.row import HourRow, StateRow

Figure = dict[str, Any]

MOST_BARS = 8
INK = "var(--ink)"
GRID = "var(--line)"
NAMES: Figure = {
    "automargin": True,
    "showgrid": False,
    "type": "category",
    "ticklabelstandoff": 6,
}
"""What an axis of names has."""
_SHAPES = {"hatch": "/", "cross": "x", "lines": "-", "dots": "."}


def state_timeline(
    rows: Sequence[StateRow],
    window: Window,
    f: Formatter,
    machines: Mapping[str, str] | None = None,
) -> Figure:
    """Return states as coloured stretches of the window; planned time is hatched.

    Of one machine without a name, or of several, each in a row with its name, by path. The page
    names the colours below it (`shown_categories`): a legend within would not fit narrow screens.
    """
    traces = []
    for kind in shown_categories(rows):
        mine = [row for row in rows if category(row.element, row.stop_kind) is kind]
        traces.append(_stretches(kind, mine, f, machines or {}))
    made = figure(traces, f, height=46 + (44 * len(machines) if machines else 74))
    made["layout"] |= {
        "barmode": "overlay",
        "bargap": 0.18 if machines else 0,
        "showlegend": False,
        "xaxis": axis(
            type="date",
            range=[wall(window.start, f), wall(window.end, f)],
            tickformat="%H:%M\n%d/%m",
        ),
        "yaxis": axis(
            visible=machines is not None,
            **NAMES,
            categoryorder="array",
            # The first machine of the flow on top.
            categoryarray=list(machines or {})[::-1],
            tickvals=list(machines or {}),
            ticktext=[plain(name) for name in (machines or {}).values()],
        ),
        "margin": {"l": 4, "r": 4, "t": 4, "b": 42},
    }
    return or_nothing(made, bool(rows), f)


def shown_categories(rows: Sequence[StateRow]) -> tuple[Category, ...]:
    """Return the categories that states have, in their fixed order."""
    found = {category(row.element, row.stop_kind) for row in rows}
    return tuple(kind for kind in Category if kind in found)


def _stretches(
    kind: Category, rows: Sequence[StateRow], f: Formatter, machines: Mapping[str, str]
) -> Figure:
    name = f.text(f"state.{kind.value}")
    marker: Figure = {"color": kind.color, "line": {"width": 0}}
    if kind.texture:
        marker["pattern"] = {
            "shape": _SHAPES[kind.texture],
            "fillmode": "overlay",
            "fgcolor": INK,
            "fgopacity": 0.35,
            "size": 7,
            "solidity": 0.25,
        }
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        # By path: names of machines may be equal.
        "y": [row.place for row in rows],
        "base": [wall(row.start, f) for row in rows],
        "x": [(row.end - row.start) / timedelta(milliseconds=1) for row in rows],
        "marker": marker,
        "hovertext": [_story(name, row, f) for row in rows],
        "hoverinfo": "text",
    }


def _story(name: str, row: StateRow, f: Formatter) -> str:
    length = (row.end - row.start).total_seconds()
    lines = [
        f"<b>{name}</b>",
        f"{f.clock(row.start)}–{f.clock(row.end)} · {f.duration(length)}",
    ]
    if row.state:
        lines.append(f"PackML: {plain(row.state)}")
    if row.stop_reason:
        lines.append(f"{f.text('machine.reason')}: {plain(row.stop_reason)}")
    if row.order:
        lines.append(f"{f.text('machine.order')}: {plain(row.order)}")
    return "<br>".join(lines)


def stop_pareto(bars: Sequence[ParetoOut], f: Formatter) -> Figure:
    """Return stops per reason: by time, the cumulative share of it, and by number.

    The longest `MOST_BARS` reasons and `unassigned` are drawn, whatever its size.
    """
    shown = [bar for rank, bar in enumerate(bars) if rank < MOST_BARS or bar.reason == UNASSIGNED]
    names = [plain(bar.name_vi if f.language == "vi" else bar.name_en) for bar in shown]
    colors = ["var(--unassigned)" if bar.reason == UNASSIGNED else "var(--bar)" for bar in shown]
    shared: Figure = {
        "type": "bar",
        "orientation": "h",
        "y": names,
        "marker": {"color": colors},
        "textfont": {"color": INK},
        "cliponaxis": False,
        "hoverinfo": "y+text",
        "showlegend": False,
    }
    traces: list[Figure] = [
        shared
        | {
            "x": [bar.duration_s / 60 for bar in shown],
            "text": [f.duration(bar.duration_s) for bar in shown],
            "textposition": "outside",
        },
        shared
        | {
            "x": [bar.count for bar in shown],
            "text": [f.number(bar.count) for bar in shown],
            "textposition": "outside",
            "xaxis": "x2",
        },
    ]
    shares = [bar for bar in shown if bar.cumulative_share is not None]
    if shares:
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": [bar.cumulative_share for bar in shown],
                "y": names,
                "xaxis": "x3",
                "line": {"color": INK, "width": 1.5, "dash": "dot"},
                "marker": {"color": INK, "size": 6},
                "text": [f.percent(bar.cumulative_share) for bar in shown],
                "hovertemplate": f"{f.text('chart.cumulative')}: %{{text}}<extra></extra>",
                "showlegend": False,
            }
        )
    made = figure(traces, f, height=60 + 34 * max(3, len(shown)))
    longest = max(bar.duration_s / 60 for bar in shown)
    most = max(bar.count for bar in shown)
    # Each bar's words stand right of it, and no line crosses them.
    made["layout"] |= {
        "bargap": 0.28,
        "yaxis": axis(autorange="reversed", **NAMES),
        "xaxis": axis(
            domain=[0, 0.52],
            range=[0, 1.5 * longest or 1],
            nticks=5,
            title={"text": f.text("chart.minutes"), "font": {"size": 12}},
        ),
        "xaxis2": axis(
            domain=[0.82, 1],
            range=[0, 1.3 * most or 1],
            tickformat=",d",
            dtick=_round_step(most / 2),
            title={"text": f.text("chart.stops"), "font": {"size": 12}},
        ),
        "xaxis3": axis(
            domain=[0.58, 0.76],
            range=[0, 1.08],
            tickvals=[0, 0.5, 1],
            tickformat=".0%",
            tickangle=0,
            title={"text": f.text("chart.cumulative"), "font": {"size": 12}},
        ),
        "margin": {"l": 8, "r": 12, "t": 8, "b": 44},
    }
    return made


def _round_step(least: float) -> int:
    """Return the smallest of 1, 2, 5, 10, 20, ... that is not below a number."""
    power = 1
    while 10 * power < least:
        power *= 10
    return next(step * power for step in (1, 2, 5, 10) if step * power >= least)


def hour_board(rows: Sequence[HourRow], f: Formatter) -> Figure:
    """Return good and scrapped parts per hour against the planned number where there is one."""
    hours = [wall(row.hour, f) for row in rows]
    width = timedelta(minutes=48) / timedelta(milliseconds=1)
    traces: list[Figure] = [
        {
            "type": "bar",
            "name": f.text(f"count.{name}"),
            "x": hours,
            "y": values,
            "width": [width] * len(rows),
            "marker": {"color": color, "pattern": {"shape": shape, "fillmode": "overlay"}},
            "hovertemplate": _count_hover(f.text(f"count.{name}")),
        }
        for name, values, color, shape in (
            ("good", [row.good_quantity for row in rows], "var(--good)", ""),
            ("scrap", [row.scrap_quantity for row in rows], "var(--scrap)", "x"),
        )
    ]
    if any(row.target is not None for row in rows):
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": f.text("count.target"),
                "x": hours,
                "y": [row.target for row in rows],
                "marker": {
                    "symbol": "line-ew-open",
                    "size": 30,
                    "color": INK,
                    "line": {"width": 2.5, "color": INK},
                },
                "hovertemplate": _count_hover(f.text("count.target")),
            }
        )
    made = figure(traces, f, height=260)
    made["layout"] |= {
        "barmode": "stack",
        "showlegend": True,
        "legend": {"orientation": "h", "y": 1.18, "x": 0, "traceorder": "normal"},
        "xaxis": axis(
            type="date",
            tickformat="%H:%M",
            dtick=3_600_000 * max(1, math.ceil(len(rows) / 12)),
            showgrid=False,
        ),
        "yaxis": axis(rangemode="tozero", tickformat=",.0f", automargin=True),
        "margin": {"l": 8, "r": 8, "t": 36, "b": 32},
    }
    return or_nothing(made, bool(rows), f)


def _count_hover(name: str) -> str:
    return f"%{{x|%H:%M}} · {name}: %{{y:,.0f}}<extra></extra>"


def figure(traces: list[Figure], f: Formatter, *, height: int) -> Figure:
    """Return a figure of traces in the look of the pages."""
    return {
        "data": traces,
        "layout": {
            "height": height,
            "separators": ",." if f.language == "vi" else ".,",
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": "inherit", "size": 13, "color": INK},
            "hoverlabel": {
                "bgcolor": "var(--card)",
                "bordercolor": GRID,
                "font": {"color": INK},
            },
            "hovermode": "closest",
            "dragmode": False,
        },
    }


def axis(**more: Any) -> Figure:
    """Return an axis in the look of the pages."""
    return {"fixedrange": True, "gridcolor": GRID, "zerolinecolor": GRID, **more}


def or_nothing(made: Figure, anything: bool, f: Formatter) -> Figure:
    """Return the figure, or one that says that there is nothing to draw."""
    if not anything:
        made["data"] = []
        made["layout"] |= {
            "showlegend": False,
            # An axis without data spans a year, which takes a browser for ever to tick by hours.
            "xaxis": axis(visible=False),
            "yaxis": axis(visible=False),
            "annotations": [
                {
                    "text": f.text("chart.nothing"),
                    "showarrow": False,
                    "xref": "paper",
                    "yref": "paper",
                    "x": 0.5,
                    "y": 0.5,
                }
            ],
        }
    return made


def wall(moment: datetime, f: Formatter) -> str:
    """Return a moment as a chart has it."""
    # The browser draws the wall time that it is given.
    return f.local(moment).replace(tzinfo=None).isoformat(timespec="milliseconds")


def plain(text: str) -> str:
    """Return a text that a chart shows as it is."""
    # Charts read a little HTML in texts; what a machine says is never markup.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
