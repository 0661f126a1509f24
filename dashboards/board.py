"""What every dashboard of ours has in common."""

from collections.abc import Iterable, Sequence

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as model


def board(
    *,
    uid: str,
    title: str,
    description: str,
    panels: Iterable[Builder[model.Panel]],
    variables: Sequence[Builder[model.VariableModel]] = (),
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
        .time("now-24h", "now")
        .refresh("30s")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        # Files are the truth: what is changed by hand is lost at the next start.
        .readonly()
    )
    for variable in variables:
        built.with_variable(variable)
    for number, panel in enumerate(panels, start=1):
        built.with_panel(_Numbered(panel, number))
    return built.build()


class _Numbered(Builder[model.Panel]):
    def __init__(self, panel: Builder[model.Panel], number: int) -> None:
        self._panel = panel
        self._number = number

    def build(self) -> model.Panel:
        panel = self._panel.build()
        panel.id_val = self._number
        return panel
