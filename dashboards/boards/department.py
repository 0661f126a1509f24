"""`nm-department`: what the department sees of all enterprises, aggregates of sites alone."""

from grafana_foundation_sdk.models import dashboard as model

from dashboards.board import board, said
from dashboards.boards.choice import FIGURES, FINAL
from dashboards.panel import MARKED_PLACES, TIME, Shown, lines, rows
from dashboards.query import SqlQuery

UID = "nm-department"


def dashboard() -> model.Dashboard:
    """Return the dashboard."""
    return board(
        uid=UID,
        title="Nhịp Máy · Sở Công Thương",
        description="Số liệu tổng hợp của từng nhà máy, không có máy nào · aggregates of "
        "each site, no "
        "machine.",
        since="now-30d",
        refresh="5m",
        annotations=[said("department_marks")],
        panels=[
            rows(
                "Từng nhà máy, ca trọn mới nhất · each site, newest whole shift",
                "So sánh chỉ có nghĩa khi độ phủ đủ và cùng loại sản xuất · compare only where "
                "coverage suffices and the kind of production is the same.",
                SqlQuery("department_sites"),
                [
                    Shown("name", "Nhà máy · site", "string", 320),
                    Shown("window_start", "Ca từ · shift from", TIME, 170),
                    *FIGURES,
                    FINAL,
                ],
            ),
            lines(
                "OEE theo ca · OEE per shift",
                "Chỉ các ca đã kết thúc · shifts that are over.",
                SqlQuery("department_trend", "time_series"),
                unit="percentunit",
                fields=MARKED_PLACES,
                height=12,
            ),
        ],
    )
