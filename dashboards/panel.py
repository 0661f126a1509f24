"""The kinds of panels that our boards are made of, with every default said.

The SDK's defaults are not those of Grafana's editor: what is not said here is off there (legends)
or guessed (columns of a table, units).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from grafana_foundation_sdk.builders import barchart, common, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as look
from grafana_foundation_sdk.models import dashboard as model

from dashboards.appearance import COVERAGE, NEUTRAL, NO_VALUE, STATES, properties, state_mappings
from dashboards.query import API, POSTGRES, ApiQuery, SqlQuery

TIME = "dateTimeAsIso"
"""24 hours, whatever the browser's language."""
GREY = STATES["unknown"][1]

Query = SqlQuery | ApiQuery
Kind = TypeVar(
    "Kind", stat.Panel, table.Panel, timeseries.Panel, barchart.Panel, statetimeline.Panel
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A field as people read it: words, unit, width in a table, further settings."""

    key: str
    words: str
    unit: str = "string"
    width: int | None = None
    settings: Mapping[str, object] = field(default_factory=dict)

    def override(self) -> list[model.DynamicConfigValue]:
        """Return the settings of the field; by its raw name, as a new name hides the field."""
        width = {} if self.width is None else {"custom__width": self.width}
        values: dict[str, object] = {"displayName": self.words, "unit": self.unit}
        return properties(**values, **width, **self.settings)


def ratio(key: str, words: str, **settings: object) -> Shown:
    """Return a share of the whole, with a bar."""
    gauge = {"custom__cellOptions": {"type": "gauge", "mode": "basic"}}
    return Shown(
        key, words, "percentunit", 120, {"min": 0, "max": 1, "decimals": 1, **gauge, **settings}
    )


def coverage(key: str = "coverage") -> Shown:
    """Return how much of the truth the figures beside it have seen."""
    return ratio(key, "Độ phủ · coverage", thresholds=COVERAGE.build())


def hidden(key: str) -> Shown:
    """Return a column that links need and people do not."""
    return Shown(key, key, settings={"custom__hidden": True})


def final(key: str = "final") -> Shown:
    """Return whether a figure may still change, in words: units are not for booleans."""
    return Shown(
        key, "Chốt · final", width=110, settings={"mappings": yes_no("Đã chốt", "Tạm tính")}
    )


def marked(words: str) -> Shown:
    """Return the points of a trend of which something is said: of `marked`, where it is not null.

    What is said stands in the annotation of its time (`board.said`) and in the tables.
    """
    return Shown(
        "marked",
        words,
        "percentunit",
        settings={
            "color": {"mode": "fixed", "fixedColor": STATES["held"][1]},
            "custom__drawStyle": "points",
            "custom__pointSize": 12,
        },
    )


MARKED_PLACES = (
    Shown("value", "${__field.labels.name}", "percentunit"),
    marked("${__field.labels.name} · cần xem"),
)
"""Series of a long query with a column `marked`."""


def yes_no(yes: str, no: str) -> list[model.ValueMapping]:
    """Return words for a boolean."""
    return [
        model.ValueMap(
            options={
                "true": model.ValueMappingResult(text=yes, index=0),
                "false": model.ValueMappingResult(text=no, index=1),
            }
        )
    ]


def _of(panel: Kind, title: str, description: str, query: Query, height: int, span: int) -> Kind:
    source = API if isinstance(query, ApiQuery) else POSTGRES
    return (
        panel.title(title)
        .description(description)
        .datasource(source)
        .height(height)
        .span(span)
        .with_target(query)
        .no_value(NO_VALUE)
    )


def figures(
    title: str,
    description: str,
    query: Query,
    fields: Sequence[Shown],
    *,
    height: int = 5,
    span: int = 24,
    last: bool = False,
) -> stat.Panel:
    """Return single figures side by side, all of one query."""
    panel = (
        _of(stat.Panel(), title, description, query, height, span)
        .unit("short")
        .thresholds(NEUTRAL)
        # `last`, not `lastNotNull`: an older figure must not stand in for a missing one.
        .reduce_options(
            common.ReduceDataOptions().calcs(["last"]).values(False).fields("/.*/" if last else "")
        )
        .text_mode(look.BigValueTextMode.VALUE_AND_NAME)
        .graph_mode(look.BigValueGraphMode.NONE)
        .color_mode(look.BigValueColorMode.VALUE)
    )
    for one in fields:
        panel.override_by_name(one.key, one.override())
    return panel


def rows(
    title: str,
    description: str,
    query: Query,
    columns: Sequence[Shown],
    *,
    height: int = 9,
    span: int = 24,
    large: bool = False,
) -> table.Panel:
    """Return a table, its columns in the order given whatever order they come in."""
    panel = (
        _of(table.Panel(), title, description, query, height, span)
        .unit("string")
        .thresholds(NEUTRAL)
        .cell_height(look.TableCellHeight.LG if large else look.TableCellHeight.SM)
        .with_transformation(
            model.DataTransformerConfig(
                id_val="organize",
                options={
                    "indexByName": {one.key: place for place, one in enumerate(columns)},
                    "excludeByName": {},
                    "renameByName": {},
                },
            )
        )
    )
    for one in columns:
        panel.override_by_name(one.key, one.override())
    return panel


def lines(
    title: str,
    description: str,
    query: Query,
    *,
    unit: str,
    fields: Sequence[Shown] = (),
    stacked: bool = False,
    bars: bool = False,
    from_zero: bool = True,
    height: int = 8,
    span: int = 24,
) -> timeseries.Panel:
    """Return values over time with a legend.

    Series of a long query are told apart by the label `path` and named by the label `name`: two
    machines of one name stay two.
    """
    mode = look.StackingMode.NORMAL if stacked else look.StackingMode.NONE
    panel = (
        _of(timeseries.Panel(), title, description, query, height, span)
        .unit(unit)
        .span_nulls(False)
        .show_points(look.VisibilityMode.NEVER if bars else look.VisibilityMode.ALWAYS)
        .stacking(common.StackingConfig().mode(mode).group("A"))
        .legend(_legend())
        .tooltip(
            common.VizTooltipOptions().mode(look.TooltipDisplayMode.MULTI).sort(look.SortOrder.NONE)
        )
    )
    if from_zero:
        panel.min(0)
    if bars:
        panel.draw_style(look.GraphDrawStyle.BARS).bar_alignment(look.BarAlignment.AFTER)
        panel.fill_opacity(70)
    if unit == "percentunit":
        # Of a share, the whole is always seen.
        panel.max(1).decimals(1)
    if not fields:
        panel.display_name("${__field.labels.name}")
    for one in fields:
        panel.override_by_name(one.key, one.override())
    return panel


def bands(
    title: str, description: str, query: Query, *, height: int = 9, span: int = 24
) -> statetimeline.Panel:
    """Return states over time, a row a machine, in the order of the flow."""
    return (
        _of(statetimeline.Panel(), title, description, query, height, span)
        .with_transformation(
            model.DataTransformerConfig(
                id_val="partitionByValues",
                options={
                    "fields": ["path", "name"],
                    "keepFields": False,
                    "naming": {"asLabels": True},
                },
            )
        )
        .display_name("${__field.labels.name}")
        .unit("string")
        # A legend only comes with colours that do not run into one another.
        .color_scheme(build.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
        .mappings(state_mappings())
        .merge_values(True)
        .span_nulls(False)
        .show_value(look.VisibilityMode.AUTO)
        .row_height(0.8)
        .fill_opacity(85)
        .legend(_legend())
    )


def bar_list(
    title: str,
    description: str,
    query: Query,
    x: str,
    fields: Sequence[Shown],
    *,
    height: int = 9,
    span: int = 12,
) -> barchart.Panel:
    """Return bars by name, in the order of the query."""
    panel = (
        _of(barchart.Panel(), title, description, query, height, span)
        .unit("short")
        .min(0)
        .orientation(look.VizOrientation.HORIZONTAL)
        .x_field(x)
        .legend(_legend())
        .show_value(look.VisibilityMode.AUTO)
        .stacking(look.StackingMode.NONE)
    )
    for one in fields:
        panel.override_by_name(one.key, one.override())
    return panel


def _legend() -> Any:
    return (
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(look.LegendDisplayMode.LIST)
        .placement(look.LegendPlacement.BOTTOM)
        .calcs([])
    )
