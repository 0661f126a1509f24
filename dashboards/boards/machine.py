"""`nm-machine`: one machine, its signals with its stops and orders on them."""

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model

from dashboards.appearance import STATES
from dashboards.board import board, marks, said
from dashboards.boards.choice import FAULTS, FIGURES, kind, place
from dashboards.boards.line import stop_table
from dashboards.panel import Shown, bands, figures, lines
from dashboards.query import POSTGRES, SqlQuery, sql

UID = "nm-machine"


def dashboard() -> model.Dashboard:
    """Return the dashboard."""
    return board(
        uid=UID,
        title="Nhịp Máy · máy",
        description="Một máy: số liệu, trạng thái, tín hiệu, với lần dừng và lệnh sản xuất "
        "đánh dấu "
        "trên đó · one machine: figures, states and signals, with its stops and orders on them.",
        variables=[place("machine_places"), kind(), _tag()],
        annotations=[
            marks("Dừng · stops", "stop_marks", STATES["stopped"][1]),
            marks("Lệnh · orders", "order_marks", "blue"),
            said(),
        ],
        panels=[
            figures(
                "Khoảng trọn mới nhất · newest whole window",
                "Kèm độ phủ · with its coverage.",
                SqlQuery("newest"),
                (*FIGURES, FAULTS),
                last=True,
            ),
            bands(
                "Trạng thái · states",
                "Xám: không có tín hiệu tin cậy · grey: no trustworthy signal.",
                SqlQuery("states"),
                height=5,
            ),
            lines(
                "Tín hiệu · signal",
                "Trung bình, thấp nhất và cao nhất của từng bước; dữ liệu xấu không được "
                "vẽ · mean, "
                "lowest and highest of each step; bad readings are not drawn.",
                SqlQuery("signal", "time_series"),
                unit="short",
                fields=[
                    Shown("mean", "Trung bình · mean", "short"),
                    Shown("low", "Thấp nhất · lowest", "short", settings=_BOUND),
                    Shown("high", "Cao nhất · highest", "short", settings=_BOUND),
                ],
                height=11,
                from_zero=False,
            ),
            lines(
                "Đạt theo bước · good parts",
                "“chưa trọn” là bước chưa hết · a step that is not over.",
                SqlQuery("good_parts", "time_series"),
                unit="locale",
                stacked=True,
                bars=True,
                span=12,
            ),
            lines(
                "Phế phẩm theo bước · scrap",
                "“chưa trọn” là bước chưa hết · a step that is not over.",
                SqlQuery("scrap_parts", "time_series"),
                unit="locale",
                stacked=True,
                bars=True,
                span=12,
            ),
            stop_table(),
        ],
    )


_BOUND = {"custom__lineWidth": 0, "custom__fillOpacity": 0, "custom__showPoints": "always"}


def _tag() -> build.QueryVariable:
    return (
        build.QueryVariable("tag")
        .label("Tín hiệu · signal")
        .datasource(POSTGRES)
        .query(sql("number_tags"))
        .refresh(model.VariableRefresh.ON_DASHBOARD_LOAD)
        .sort(model.VariableSort.DISABLED)
        .multi(False)
        .include_all(False)
    )
