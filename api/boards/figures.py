"""Figures that several boards draw; plain JSON like those of `api.charts`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from api.charts import INK, Figure, axis, figure, or_nothing, plain, wall

if TYPE_CHECKING:
    from api.boards.board import Inquiry

Series = Sequence[tuple[str, Sequence[float | None], str]]
_LEGEND = {"orientation": "h", "y": -0.16, "yanchor": "top", "x": 0}


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
        "yaxis": axis(autorange="reversed", automargin=True, showgrid=False, type="category"),
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
    series: Series,
    q: "Inquiry",
    *,
    unit: str,
    stacked: bool = True,
    percent: bool = False,
) -> Figure:
    """Return bars over the steps of a trend, stacked or side by side."""
    f = q.formatter
    form = "%{y:.1%}" if percent else "%{y:,.2f}"
    traces: list[Figure] = [
        {
            "type": "bar",
            "name": name,
            "x": [wall(moment, f) for moment in moments],
            "y": list(values),
            "marker": {"color": color},
            "hovertemplate": f"%{{x|%d/%m %H:%M}} · {plain(name)}: {form}<extra></extra>",
        }
        for name, values, color in series
    ]
    made = figure(traces, f, height=340)
    made["layout"] |= {
        "barmode": "relative" if stacked else "group",
        "showlegend": True,
        "legend": _LEGEND,
        "xaxis": axis(type="date", tickformat="%H:%M\n%d/%m", showgrid=False),
        "yaxis": axis(
            title={"text": unit, "font": {"size": 12}},
            automargin=True,
            **({"tickformat": ".0%"} if percent else {}),
        ),
        "margin": {"l": 8, "r": 8, "t": 12, "b": 84},
    }
    return or_nothing(made, bool(moments), f)


def grouped_bars(
    names: Sequence[str], series: Series, q: "Inquiry", *, percent: bool, unit: str = ""
) -> Figure:
    """Return bars side by side for each name, their values written on them."""
    f = q.formatter
    words = f.percent if percent else f.short
    traces: list[Figure] = [
        {
            "type": "bar",
            "name": name,
            "x": ["<br>".join(plain(line) for line in one.splitlines()) for one in names],
            "y": list(values),
            "marker": {"color": color},
            "text": [words(value) for value in values],
            "textposition": "outside",
            "cliponaxis": False,
            "textfont": {"color": INK, "size": 12},
            "hovertemplate": f"%{{x}} · {plain(name)}: %{{text}}<extra></extra>",
        }
        for name, values, color in series
    ]
    made = figure(traces, f, height=300)
    made["layout"] |= {
        "barmode": "group",
        "bargap": 0.25,
        "showlegend": len(series) > 1,
        "legend": {**_LEGEND, "y": 1.16, "yanchor": "bottom"},
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
