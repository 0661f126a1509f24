"""`nm-line`: how a site, a line or a machine runs; each level leads to the one below."""

from grafana_foundation_sdk.builders import common, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as look
from grafana_foundation_sdk.models import dashboard as model

from dashboards.appearance import (
    COVERAGE,
    NEUTRAL,
    NO_VALUE,
    STATES,
    properties,
    state_mappings,
)
from dashboards.board import board
from dashboards.query import API, POSTGRES, ApiQuery, Column, SqlQuery, sql

UID = "nm-line"

FIGURES = (
    Column("oee", "OEE"),
    Column("availability", "A · availability"),
    Column("effectiveness", "E · effectiveness"),
    Column("quality_ratio", "Q · quality"),
)
COVERED = Column("coverage", "Độ phủ · coverage")
BOUNDS = (
    Column("availability_low", "A ≥"),
    Column("availability_high", "A ≤"),
)
STARTED = Column("start", "Từ · from", "timestamp")
PLACE = Column("place", "place", "string")
FINAL = Column("final", "Chốt · final", "boolean")

_DOWN = f"/d/{UID}?var-place=${{__data.fields.place}}&var-kind=${{kind}}&${{__url_time_range}}"


def dashboard() -> model.Dashboard:
    """Return the dashboard."""
    return board(
        uid=UID,
        title="Nhịp Máy · dây chuyền",
        description="OEE, trạng thái và sản lượng · OEE, states and counts, with their coverage.",
        variables=[_place(), _kind()],
        panels=[
            *(_stat(figure) for figure in FIGURES),
            _trend(),
            _table("Dây chuyền · lines", "work_center"),
            _table("Máy · machines", "work_unit"),
            _states(),
            _hourly("Đạt theo giờ · good parts per hour", "line_good", "short"),
            _hourly("Phế phẩm theo giờ · scrap per hour", "line_scrap", "short"),
            _hourly("Độ phủ theo giờ · coverage per hour", "line_coverage", "percentunit"),
        ],
    )


def _place() -> build.QueryVariable:
    return (
        build.QueryVariable("place")
        .label("Nơi · place")
        .datasource(POSTGRES)
        .query(sql("line_places"))
        .refresh(model.VariableRefresh.ON_DASHBOARD_LOAD)
        .sort(model.VariableSort.DISABLED)
        .multi(False)
        .include_all(False)
    )


def _kind() -> build.CustomVariable:
    return (
        build.CustomVariable("kind")
        .label("Khoảng · window")
        .values("Ca · shift : shift, Giờ · hour : hour")
        .current(model.VariableOption(selected=True, text="Ca · shift", value="shift"))
        .multi(False)
        .include_all(False)
    )


def _oee(*columns: Column, level: str | None = None) -> ApiQuery:
    """Return the query of OEE windows that overlap the dashboard's time, oldest first."""
    below = {"level": level} if level else {}
    return ApiQuery(
        "/api/v1/oee",
        columns,
        {
            "place": "${place}",
            "kind": "${kind}",
            # The bare form would be milliseconds.
            "start": "${__timeFrom:date:iso}",
            "end": "${__timeTo:date:iso}",
            **below,
        },
    )


def _stat(figure: Column) -> stat.Panel:
    return (
        stat.Panel()
        .title(figure.text)
        .description("Khoảng mới nhất, kèm độ phủ · newest window, with its coverage.")
        .datasource(API)
        .height(5)
        .span(6)
        .with_target(_oee(figure, COVERED))
        .unit("percentunit")
        .decimals(1)
        .min(0)
        .max(1)
        .no_value(NO_VALUE)
        .thresholds(NEUTRAL)
        # `last`, not `lastNotNull`: an older figure must not stand in for a missing one.
        .reduce_options(common.ReduceDataOptions().calcs(["last"]).values(False).fields(""))
        .text_mode(look.BigValueTextMode.VALUE_AND_NAME)
        .graph_mode(look.BigValueGraphMode.NONE)
        .override_by_name(COVERED.text, properties(thresholds=COVERAGE.build()))
    )


def _trend() -> timeseries.Panel:
    return (
        timeseries.Panel()
        .title("OEE theo khoảng · OEE per window")
        .description("Đường xám là độ phủ · the grey line is the coverage of the other four.")
        .datasource(API)
        .height(8)
        .span(24)
        .with_target(_oee(STARTED, *FIGURES, COVERED))
        .unit("percentunit")
        .decimals(1)
        .min(0)
        .max(1)
        .no_value(NO_VALUE)
        .show_points(look.VisibilityMode.ALWAYS)
        .span_nulls(False)
        .override_by_name(
            COVERED.text,
            properties(
                color={"mode": "fixed", "fixedColor": STATES["unknown"][1]},
                custom__lineStyle={"fill": "dash", "dash": [6, 6]},
            ),
        )
    )


def _table(title: str, level: str) -> table.Panel:
    columns = (PLACE, STARTED, *FIGURES, COVERED, *BOUNDS, FINAL)
    found = (
        table.Panel()
        .title(title)
        .description("Bấm tên để xuống cấp dưới · a place leads to its own page.")
        .datasource(API)
        .height(9)
        .span(12)
        .with_target(_oee(*columns, level=level))
        .thresholds(NEUTRAL)
        .unit("percentunit")
        .decimals(1)
        .min(0)
        .max(1)
        .no_value(NO_VALUE)
        .override_by_name(STARTED.text, properties(unit="dateTimeAsLocal"))
        .override_by_name(
            PLACE.text,
            properties(
                displayName="Nơi · place",
                unit="string",
                links=[{"title": "Xem · open", "url": _DOWN}],
            ),
        )
        .override_by_name(FINAL.text, properties(unit="bool_yes_no"))
        .override_by_name(COVERED.text, properties(thresholds=COVERAGE.build()))
        .sort_by([common.TableSortByFieldState().display_name(STARTED.text).desc(True)])
    )
    for column in (*FIGURES, COVERED):
        found.override_by_name(
            column.text,
            properties(custom__cellOptions={"type": "gauge", "mode": "basic"}),
        )
    return found


def _states() -> statetimeline.Panel:
    return (
        statetimeline.Panel()
        .title("Trạng thái máy · machine states")
        .description("Xám: không có tín hiệu tin cậy · grey: no trustworthy signal.")
        .datasource(POSTGRES)
        .height(8)
        .span(24)
        .with_target(SqlQuery("line_states"))
        .with_transformation(
            model.DataTransformerConfig(
                id_val="partitionByValues",
                options={"fields": ["machine"], "keepFields": False, "naming": {"asLabels": True}},
            )
        )
        .display_name("${__field.labels.machine}")
        .unit("string")
        .mappings(state_mappings())
        .merge_values(True)
        .span_nulls(False)
        .show_value(look.VisibilityMode.AUTO)
        .row_height(0.8)
        .fill_opacity(85)
    )


def _hourly(title: str, query: str, unit: str) -> timeseries.Panel:
    panel = (
        timeseries.Panel()
        .title(title)
        .datasource(POSTGRES)
        .height(9)
        .span(8)
        .with_target(SqlQuery(query, "time_series"))
        .unit(unit)
        .min(0)
        .no_value(NO_VALUE)
        .draw_style(look.GraphDrawStyle.BARS)
        .bar_alignment(look.BarAlignment.AFTER)
        .fill_opacity(70)
        .span_nulls(False)
    )
    # Of a share, the whole is always seen.
    return panel.max(1) if unit == "percentunit" else panel
