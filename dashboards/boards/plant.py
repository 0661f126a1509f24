"""`nm-enterprise`: everything of an enterprise or site, its lines side by side."""

from grafana_foundation_sdk.models import dashboard as model

from dashboards.board import board, said
from dashboards.boards.choice import (
    BOUNDS,
    COUNTS,
    FAULTS,
    FIGURES,
    FINAL,
    PATH,
    kind,
    name_leading_to,
    place,
)
from dashboards.panel import MARKED_PLACES, TIME, Shown, bands, lines, rows
from dashboards.query import SqlQuery

UID = "nm-enterprise"


def dashboard() -> model.Dashboard:
    """Return the dashboard."""
    return board(
        uid=UID,
        title="Nhịp Máy · doanh nghiệp",
        description="Mọi dây chuyền của doanh nghiệp · every line of the enterprise.",
        variables=[place("site_places"), kind()],
        annotations=[said()],
        panels=[
            rows(
                "Từng nơi, khoảng trọn mới nhất · each place, newest whole window",
                "Bấm tên để xuống dây chuyền · a name leads to its line.",
                SqlQuery("places_below"),
                [
                    name_leading_to("nm-line"),
                    Shown("window_start", "Từ · from", TIME, 170),
                    Shown("shift", "Ca · shift", "string", 90),
                    *FIGURES,
                    *BOUNDS,
                    *COUNTS,
                    FAULTS,
                    FINAL,
                    PATH,
                ],
                height=12,
            ),
            lines(
                "OEE từng dây chuyền · OEE of each line",
                "Chỉ các khoảng đã kết thúc · windows that are over.",
                SqlQuery("oee_trend", "time_series"),
                unit="percentunit",
                fields=MARKED_PLACES,
                span=12,
            ),
            lines(
                "Độ phủ từng máy · coverage of each machine",
                "Phần thời gian có tín hiệu tin cậy · share of time with a trustworthy signal.",
                SqlQuery("coverage_steps", "time_series"),
                unit="percentunit",
                span=12,
            ),
            bands(
                "Trạng thái máy · machine states",
                "Khoảng dài: trạng thái chiếm nhiều nhất mỗi bước · over a long range, what took "
                "most of each step.",
                SqlQuery("states"),
                height=14,
            ),
        ],
    )
