"""`nm-platform`: whether the platform itself keeps up."""

from grafana_foundation_sdk.models import dashboard as model

from dashboards.appearance import LAG, NONE_WANTED
from dashboards.board import board
from dashboards.panel import Shown, figures, lines
from dashboards.query import SqlQuery

UID = "nm-platform"


def dashboard() -> model.Dashboard:
    """Return the dashboard."""
    return board(
        uid=UID,
        title="Nhịp Máy · nền tảng",
        description="Nền tảng có theo kịp không · whether the platform keeps up.",
        panels=[
            figures(
                "Tình hình · how it stands",
                "Giờ chờ tính lại, độ trễ của số liệu, dữ liệu bị từ chối trong khoảng, "
                "cổng kết nối "
                "· hours to compute again, age of the newest figure, refusals, edges.",
                SqlQuery("platform_summary"),
                [
                    Shown("dirty", "Giờ chờ tính lại · hours to compute", "locale"),
                    Shown(
                        "behind_s",
                        "Số liệu trễ · figures behind",
                        "s",
                        settings={"thresholds": LAG.build()},
                    ),
                    Shown(
                        "refused",
                        "Bị từ chối · refused",
                        "locale",
                        settings={"thresholds": NONE_WANTED.build()},
                    ),
                    Shown("online", "Cổng kết nối được · edges online", "locale"),
                    Shown("edges", "Tất cả cổng · all edges", "locale"),
                    Shown("schema_version", "Phiên bản dữ liệu · schema", "none"),
                ],
                last=True,
            ),
            lines(
                "Số đo mỗi phút · measurements per minute",
                "Trung bình của từng giờ, theo lúc đến · mean of each hour, as they arrived.",
                SqlQuery("platform_rates", "time_series"),
                unit="locale",
                fields=[Shown("per_minute", "Số đo · measurements", "locale")],
            ),
        ],
    )
