import json
import re
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import plotly.graph_objects as go  # type: ignore[import-untyped]  # it has no types
import pytest

from api.figures.pareto import with_shares
from api.pages.appearance import Category, category
from api.pages.charts import (
    MOST_BARS,
    Figure,
    hour_board,
    shown_categories,
    state_timeline,
    stop_pareto,
)
from api.settings import Language
from api.words.catalogue import CATALOGUES
from api.words.formatting import Formatter
from plant.calendar import Window
from plant.state import StopKind, TimeElement
from store.reading.row import HourRow, ParetoRow, StateRow

NOW = datetime(2026, 3, 2, 5, 30, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=8), NOW)


def formatter(language: Language = "vi") -> Formatter:
    return Formatter(CATALOGUES[language], ZoneInfo("Asia/Ho_Chi_Minh"), NOW)


def coloured(value: Any) -> Any:
    """Return a figure as a browser sees it: named colours resolved."""
    text = re.sub(r"var\((--[\w-]+)\)", "#123456", json.dumps(value, allow_nan=False))
    return json.loads(text)


def assert_plotly_takes(figure: Figure) -> None:
    go.Figure(coloured(figure))


def state(start: float, end: float, element: str, kind: str | None = None) -> StateRow:
    return StateRow(
        "p",
        WINDOW.start + timedelta(hours=start),
        WINDOW.start + timedelta(hours=end),
        element,
        "<HELD>",
        kind,
        "a<b",
        "LSX-1",
        "truc-a",
    )


def test_a_timeline_tiles_the_window_when_states_do() -> None:
    rows = [
        state(0, 2, "not_scheduled"),
        state(2, 5, "production"),
        state(5, 6, "delay", "breakdown"),
        state(6, 8, "unknown"),
    ]
    figure = state_timeline(rows, WINDOW, formatter())
    assert_plotly_takes(figure)
    drawn = sum(sum(trace["x"]) for trace in figure["data"])
    assert drawn == WINDOW.duration / timedelta(milliseconds=1)
    assert figure["layout"]["xaxis"]["range"] == [
        "2026-03-02T04:30:00.000",
        "2026-03-02T12:30:00.000",
    ]


def test_only_planned_time_is_hatched() -> None:
    rows = [state(0, 1, element) for element in TimeElement]
    figure = state_timeline(rows, WINDOW, formatter())
    assert_plotly_takes(figure)
    hatched = {
        trace["name"]
        for trace in figure["data"]
        if trace["marker"].get("pattern", {}).get("shape") == "/"
    }
    words = formatter().text
    assert hatched == {
        words("state.planned_break"),
        words("state.planned_maintenance"),
        words("state.not_scheduled"),
    }


def test_every_texture_is_drawn_in_charts_and_in_the_page() -> None:
    base = (files("api.pages") / "templates/base.html").read_text()
    style = (files("api.pages") / "static/style.css").read_text()
    for kind in Category:
        if kind.texture:
            assert f'<pattern id="{kind.texture}"' in base
            assert f".texture-{kind.texture} {{ fill: url(#{kind.texture}); }}" in style
        assert f".fill-{kind.value.replace('_', '-')} {{" in style
    apart = {Category.PRODUCTION, Category.BREAKDOWN, Category.UNKNOWN, Category.DOWN}
    assert len({kind.texture for kind in apart}) == len(apart)


def test_the_legend_names_what_is_drawn_and_nothing_else() -> None:
    rows = [state(0, 1, "unknown"), state(1, 2, "production"), state(2, 3, "delay", "breakdown")]
    shown = shown_categories(rows)
    assert shown == (Category.PRODUCTION, Category.BREAKDOWN, Category.UNKNOWN)
    drawn = [trace["name"] for trace in state_timeline(rows, WINDOW, formatter())["data"]]
    assert drawn == [formatter().text(f"state.{kind.value}") for kind in shown]


def test_what_a_machine_says_is_never_markup() -> None:
    figure = state_timeline([state(0, 1, "production")], WINDOW, formatter())
    assert "<HELD>" not in figure["data"][0]["hovertext"][0]
    assert "a&lt;b" in figure["data"][0]["hovertext"][0]


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_chart_is_valid_when_there_is_nothing_to_draw(language: Language) -> None:
    f = formatter(language)
    for figure in (state_timeline([], WINDOW, f), hour_board([], f)):
        assert_plotly_takes(figure)
        assert figure["layout"]["annotations"][0]["text"] == f.text("chart.nothing")
        # An hourly axis over an empty year stops a browser.
        assert figure["layout"]["xaxis"] == {
            "fixedrange": True,
            "gridcolor": "var(--line)",
            "zerolinecolor": "var(--line)",
            "visible": False,
        }
    assert_plotly_takes(stop_pareto(with_shares([]), f))


def test_unassigned_is_drawn_when_it_is_the_smallest_of_many() -> None:
    rows = [
        ParetoRow(f"r{rank}", f"Lý do {rank}", f"Reason {rank}", 1000.0 - rank, 1)
        for rank in range(MOST_BARS + 5)
    ]
    figure = stop_pareto(with_shares(rows), formatter())
    assert_plotly_takes(figure)
    assert figure["data"][0]["y"][-1] == "Chưa phân loại"
    assert len(figure["data"][0]["y"]) == MOST_BARS + 1


@pytest.mark.parametrize(
    ("most", "step"), [(0, 1), (2, 1), (3, 2), (38, 20), (45, 50), (1999, 1000)]
)
def test_numbers_of_stops_are_counted_in_round_steps(most: int, step: int) -> None:
    figure = stop_pareto(with_shares([ParetoRow("r", "Lý do", "Reason", 60.0, most)]), formatter())
    assert figure["layout"]["xaxis2"]["dtick"] == step


def test_targets_are_drawn_only_where_they_are_known() -> None:
    known = HourRow(NOW, 3_600_000, 200.0, 190.0, 10.0, 240.0)
    unknown = HourRow(NOW, 3_600_000, None, None, None, None)
    both = hour_board([known, unknown], formatter())
    assert_plotly_takes(both)
    assert both["data"][-1]["y"] == [240.0, None]
    assert len(hour_board([unknown], formatter())["data"]) == 2


def test_every_kind_of_time_has_its_own_category() -> None:
    plain = {category(element, None) for element in TimeElement if element != TimeElement.DELAY}
    stops = {category(TimeElement.DELAY, kind) for kind in StopKind}
    assert plain | stops == set(Category)
    assert category("delay", None) is Category.STOPPED


def test_every_named_colour_is_in_the_style_sheet() -> None:
    style = (files("api.pages") / "static/style.css").read_text()
    source = (files("api.pages") / "charts.py").read_text()
    names = set(re.findall(r"var\((--[\w-]+)\)", source))
    assert {"--ink", "--good", "--scrap", "--unassigned"} <= names
    for name in names:
        assert f"{name}: #" in style, name
