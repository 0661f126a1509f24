"""Figures that several boards draw; plain JSON like those of `api.pages.charts`."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from api.pages.charts import INK, NAMES, Figure, axis, figure, or_nothing, plain, wall

if TYPE_CHECKING:
    from api.pages.boards.board import Inquiry

LEGEND: Figure = {
    "orientation": "h",
    "y": 1.05,
    "yanchor": "bottom",
    "x": 0,
    "traceorder": "normal",
}
"""A legend above a figure, where it meets no words of an axis however many lines it takes."""
_MOST_DATES = 10


@dataclass(frozen=True, slots=True)
class Series:
    """Bars of one kind; a pattern tells them apart where colours do not."""

    name: str
    values: Sequence[float | None]
    color: str
    pattern: str = ""

    @property
    def marker(self) -> Figure:
        """How they are drawn."""
        pattern = {"shape": self.pattern, "fillmode": "overlay", "fgcolor": INK, "fgopacity": 0.4}
        more = {"size": 7, "solidity": 0.25}
        return {"color": self.color} | ({"pattern": pattern | more} if self.pattern else {})


@dataclass(frozen=True, slots=True)
class Step:
    """A bar of a waterfall: what is left (`level`), or what was lost before the next level."""

    key: str
    ms: float | None
    """Milliseconds; a gain is negative. None when it is not computable."""
    level: bool
    color: str


def waterfall_figure(steps: Sequence[Step], per_part_ms: float | None, q: "Inquiry") -> Figure:
    """Return bars from calendar time down; a lost bar hangs where the level before it ends."""
    f = q.formatter
    left = 0.0
    bases: list[float] = []
    lengths: list[float] = []
    known = [step for step in steps if step.ms is not None]
    for step in known:
        length = (step.ms or 0) / 3_600_000
        if step.level:
            left = length
            bases.append(0.0)
            lengths.append(length)
        else:
            # A gain (speed above plan) goes up from where the loss would go down.
            left -= length
            bases.append(min(left, left + length))
            lengths.append(abs(length))
    names = [plain(q.words(f"step.{step.key}")) for step in known]
    texts = [_amount(step, per_part_ms, q) for step in known]
    spacer = {
        "type": "bar",
        "orientation": "h",
        "y": names,
        "x": bases,
        "marker": {"color": "rgba(0,0,0,0)"},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": names,
        "x": lengths,
        "marker": {"color": [step.color for step in known]},
        "text": texts,
        "textposition": "outside",
        "cliponaxis": False,
        "textfont": {"color": INK},
        "hoverinfo": "y+text",
        "showlegend": False,
    }
    made = figure([spacer, bars], f, height=80 + 32 * max(4, len(known)))
    longest = max((base + length for base, length in zip(bases, lengths, strict=True)), default=1)
    made["layout"] |= {
        "barmode": "stack",
        "bargap": 0.28,
        "yaxis": axis(autorange="reversed", **NAMES),
        # Room to the right of the longest bar for its words.
        "xaxis": axis(
            range=[0, 1.42 * longest or 1], title={"text": q.words("hours"), "font": {"size": 12}}
        ),
        "margin": {"l": 8, "r": 8, "t": 8, "b": 44},
    }
    return or_nothing(made, any(lengths), f)


def _amount(step: Step, per_part_ms: float | None, q: "Inquiry") -> str:
    f = q.formatter
    ms = step.ms or 0.0
    sign = "" if step.level or round(ms) == 0 else "−" if ms > 0 else "+"
    words = f"{sign}{f.duration(abs(ms) / 1000)}"
    if per_part_ms:
        parts = f.number(abs(ms) / per_part_ms)
        words += f" · {sign if parts != '0' else ''}{parts} {q.words('parts')}"
    return words


def bar_trend(
    moments: Sequence[datetime],
    series: Sequence[Series],
    q: "Inquiry",
    *,
    unit: str,
) -> Figure:
    """Return stacked bars over the steps of a trend."""
    f = q.formatter
    shown = "%d/%m" if q.daily else "%d/%m %H:%M"
    traces: list[Figure] = [
        {
            "type": "bar",
            "name": one.name,
            "x": [wall(moment, f) for moment in moments],
            "y": list(one.values),
            # A lone bar has no neighbour to tell its width from.
            "width": [0.8 * (q.bins / timedelta(milliseconds=1))] * len(moments),
            "marker": one.marker,
            "hovertemplate": f"%{{x|{shown}}} · {plain(one.name)}: %{{y:,.2f}}<extra></extra>",
        }
        for one in series
    ]
    made = figure(traces, f, height=340)
    made["layout"] |= {
        "barmode": "relative",
        "showlegend": True,
        "legend": LEGEND,
        "xaxis": steps_axis(q, daily=q.daily),
        "yaxis": axis(title={"text": unit, "font": {"size": 12}}, automargin=True),
        "margin": {"l": 8, "r": 8, "t": 44, "b": 40},
    }
    return or_nothing(made, bool(moments), f)


def steps_axis(q: "Inquiry", *, daily: bool) -> Figure:
    """Return an axis with a place for every day or hour, whether anything is known of it or not."""
    f = q.formatter
    first, last = q.window.start, q.window.end - timedelta(hours=1)
    step = timedelta(hours=1)
    if daily:
        first, last, step = q.bin_of(first), q.bin_of(last), timedelta(days=1)
    made = axis(
        type="date",
        tickformat="%d/%m" if daily else "%H:%M\n%d/%m",
        range=[wall(first - step / 2, f), wall(last + step / 2, f)],
        showgrid=False,
    )
    if daily:
        days = round((last - first) / step) + 1
        made |= {"tick0": wall(first, f), "dtick": 86_400_000 * math.ceil(days / _MOST_DATES)}
    return made


def grouped_bars(
    names: Sequence[str],
    series: Sequence[Series],
    q: "Inquiry",
    *,
    percent: bool,
    unit: str = "",
    words: Callable[[float | None], str] | None = None,
) -> Figure:
    """Return bars side by side for each name, their values written on them in `words`."""
    f = q.formatter
    said = words or (f.percent if percent else f.short)
    traces: list[Figure] = [
        {
            "type": "bar",
            "name": one.name,
            "x": ["<br>".join(plain(line) for line in name.splitlines()) for name in names],
            "y": list(one.values),
            "marker": one.marker,
            "text": [said(value) for value in one.values],
            "textposition": "outside",
            "cliponaxis": False,
            "textfont": {"color": INK, "size": 12},
            "hovertemplate": f"%{{x}} · {plain(one.name)}: %{{text}}<extra></extra>",
        }
        for one in series
    ]
    made = figure(traces, f, height=300)
    made["layout"] |= {
        "barmode": "group",
        "bargap": 0.25,
        "showlegend": len(series) > 1,
        "legend": {**LEGEND, "y": 1.16},
        "xaxis": axis(type="category", showgrid=False, automargin=True),
        "yaxis": axis(
            rangemode="tozero",
            automargin=True,
            title={"text": unit, "font": {"size": 12}},
            **({"tickformat": ".0%"} if percent else {}),
        ),
        "margin": {"l": 8, "r": 8, "t": 44 if len(series) > 1 else 20, "b": 48},
    }
    return or_nothing(made, bool(names), f)


def line_trace(name: str, x: Sequence[Any], y: Sequence[float | None], **more: Any) -> Figure:
    """Return a line; lines break where there is no value."""
    return {"type": "scatter", "mode": "lines", "name": name, "x": list(x), "y": list(y), **more}
