"""`nm-delivery`: whether everything that was measured has arrived, and what was refused and why."""

from grafana_foundation_sdk.builders import barchart, common, stat, table, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as look
from grafana_foundation_sdk.models import dashboard as model

from dashboards.appearance import (
    BUFFER_HOURS,
    COVERAGE,
    LAG,
    NEUTRAL,
    NO_VALUE,
    NONE_WANTED,
    properties,
    refusal_mappings,
)
from dashboards.board import board
from dashboards.query import POSTGRES, SqlQuery

UID = "nm-delivery"

COMPLETENESS = "completeness"


def dashboard() -> model.Dashboard:
    """Return the dashboard."""
    return board(
        uid=UID,
        title="Nhịp Máy · truyền dữ liệu",
        description="Sổ giao nhận dữ liệu · the delivery ledger: what is here and what is not.",
        panels=[
            _stat("Đã gửi · sent", "issued", "locale", NEUTRAL),
            _stat("Đã ghi · committed", "committed", "locale", NEUTRAL),
            _stat("Chưa có · missing", "missing", "locale", NONE_WANTED),
            _stat("Chờ xác nhận · pending", "pending", "locale", NEUTRAL),
            _stat("Trễ nhất · longest lag", "lag_s", "s", LAG),
            _stat("Bộ đệm còn · buffer left", "buffer_hours_left", "h", BUFFER_HOURS),
            _edges(),
            _rejections_by_reason(),
            _rejections_hourly(),
            _rejections_latest(),
        ],
    )


def _stat(title: str, field: str, unit: str, colours: build.ThresholdsConfig) -> stat.Panel:
    # Completeness stands beside each figure: it says how much of the truth the figure sees.
    return (
        stat.Panel()
        .title(title)
        .datasource(POSTGRES)
        .height(5)
        .span(4)
        .with_target(SqlQuery("delivery_summary"))
        .unit(unit)
        .no_value(NO_VALUE)
        .thresholds(colours)
        .reduce_options(
            common.ReduceDataOptions()
            .calcs(["last"])
            .values(False)
            .fields(f"/^({field}|{COMPLETENESS})$/")
        )
        .text_mode(look.BigValueTextMode.VALUE_AND_NAME)
        .graph_mode(look.BigValueGraphMode.NONE)
        .override_by_name(
            COMPLETENESS,
            properties(
                displayName="Đầy đủ · completeness",
                unit="percentunit",
                decimals=2,
                thresholds=COVERAGE.build(),
            ),
        )
    )


def _edges() -> table.Panel:
    words = {
        "edge": ("Cổng · edge", "string"),
        "online": ("Kết nối · online", "bool_yes_no"),
        "reported_at": ("Báo lúc · reported", "dateTimeAsLocal"),
        "issued": ("Đã gửi · sent", "locale"),
        "committed": ("Đã ghi · committed", "locale"),
        "completeness": ("Đầy đủ · completeness", "percentunit"),
        "missing": ("Chưa có · missing", "locale"),
        "dropped": ("Đã bỏ · dropped", "locale"),
        "rejected": ("Từ chối · rejected", "locale"),
        "duplicates": ("Trùng · duplicates", "locale"),
        "pending": ("Chờ · pending", "locale"),
        "lag_s": ("Trễ · lag", "s"),
        "buffer_hours_left": ("Bộ đệm còn · buffer left", "h"),
        "clock_offset_ms": ("Lệch đồng hồ · clock offset", "ms"),
        "unreachable": ("Không đọc được · unreachable", "string"),
        "epoch": ("Kỳ · epoch", "string"),
    }
    panel = (
        table.Panel()
        .title("Cổng kết nối · edges")
        .description("Mỗi dòng là một đời của bộ đệm · one row per life of an outbox.")
        .datasource(POSTGRES)
        .height(9)
        .span(24)
        .with_target(SqlQuery("delivery_edges"))
        .unit("short")
        .no_value(NO_VALUE)
    )
    for name, (shown, unit) in words.items():
        panel.override_by_name(name, properties(displayName=shown, unit=unit))
    return panel.override_by_name(
        "missing",
        properties(thresholds=NONE_WANTED.build(), custom__cellOptions={"type": "color-text"}),
    )


def _rejections_by_reason() -> barchart.Panel:
    return (
        barchart.Panel()
        .title("Từ chối theo lý do · rejections by reason")
        .datasource(POSTGRES)
        .height(9)
        .span(12)
        .with_target(SqlQuery("delivery_reasons"))
        .unit("short")
        .min(0)
        .no_value("0")
        .orientation(look.VizOrientation.HORIZONTAL)
        .x_field("reason")
        .override_by_name("reason", properties(mappings=refusal_mappings()))
        .override_by_name("rejections", properties(displayName="Số dòng · rows"))
    )


def _rejections_hourly() -> timeseries.Panel:
    return (
        timeseries.Panel()
        .title("Từ chối theo giờ · rejections per hour")
        .datasource(POSTGRES)
        .height(9)
        .span(12)
        .with_target(SqlQuery("delivery_rejections_hourly", "time_series"))
        .unit("short")
        .min(0)
        .no_value("0")
        .draw_style(look.GraphDrawStyle.BARS)
        .bar_alignment(look.BarAlignment.AFTER)
        .fill_opacity(70)
        .stacking(common.StackingConfig().mode(look.StackingMode.NORMAL))
    )


def _rejections_latest() -> table.Panel:
    panel = (
        table.Panel()
        .title("Từ chối mới nhất · latest rejections")
        .description("Dữ liệu gốc vẫn được giữ · the raw form is kept in the table rejection.")
        .datasource(POSTGRES)
        .height(9)
        .span(24)
        .with_target(SqlQuery("delivery_rejections_latest"))
        .unit("string")
        .no_value(NO_VALUE)
    )
    words = {
        "received_time": ("Nhận lúc · received", "dateTimeAsLocal"),
        "edge": ("Cổng · edge", "string"),
        "tag_name": ("Điểm đo · tag", "string"),
        "detail": ("Chi tiết · detail", "string"),
        "topic": ("Chủ đề MQTT · topic", "string"),
        "replayed_at": ("Đã nạp lại lúc · replayed", "dateTimeAsLocal"),
    }
    for name, (shown, unit) in words.items():
        panel.override_by_name(name, properties(displayName=shown, unit=unit))
    return panel.override_by_name(
        "reason", properties(displayName="Lý do · reason", mappings=refusal_mappings())
    )
