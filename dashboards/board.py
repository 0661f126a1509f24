"""What every dashboard of ours has in common."""

from collections.abc import Iterable, Sequence

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as model

from dashboards.appearance import STATES
from dashboards.query import POSTGRES, SqlQuery


def board(
    *,
    uid: str,
    title: str,
    description: str,
    panels: Iterable[Builder[model.Panel]],
    variables: Sequence[Builder[model.VariableModel]] = (),
    annotations: Iterable[Builder[model.AnnotationQuery]] = (),
    since: str = "now-24h",
    refresh: str = "30s",
) -> model.Dashboard:
    """Return a classic dashboard; a panel's id is its position, counted from 1.

    The SDK gives panels no ids, and Grafana would number them anew at each load, so that no link to
    a panel and no alert would last.
    """
    built = (
        build.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["nhipmay"])
        .timezone("Asia/Ho_Chi_Minh")
        .week_start("monday")
        .time(since, "now")
        .refresh(refresh)
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .link(
            build.DashboardLink("Các bảng khác · other boards")
            .type(model.DashboardLinkType.DASHBOARDS)
            .tags(["nhipmay"])
            .as_dropdown(True)
            .keep_time(True)
            .include_vars(True)
        )
        # Files are the truth: what is changed by hand is lost at the next start.
        .readonly()
    )
    for variable in variables:
        built.with_variable(variable)
    for annotation in annotations:
        built.annotation(annotation)
    for number, panel in enumerate(panels, start=1):
        built.with_panel(_Numbered(panel, number))
    return built.build()


def marks(name: str, query: str, color: str) -> build.AnnotationQuery:
    """Return spans to mark on every panel with time: columns `time`, `timeEnd`, `text`, `tags`."""
    return (
        build.AnnotationQuery()
        .name(name)
        .datasource(POSTGRES)
        .enable(True)
        .hide(False)
        .icon_color(color)
        .target(SqlQuery(query))
    )


def said(query: str = "figure_marks") -> build.AnnotationQuery:
    """Return what is said of the figures of a time, over every panel that shows that time."""
    return marks("Cần xem · look at", query, STATES["held"][1])


class _Numbered(Builder[model.Panel]):
    def __init__(self, panel: Builder[model.Panel], number: int) -> None:
        self._panel = panel
        self._number = number

    def build(self) -> model.Panel:
        panel = self._panel.build()
        panel.id_val = self._number
        return panel
