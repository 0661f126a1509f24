"""`nm-energy`: what was used, for how many good parts, and while nothing was made."""

from grafana_foundation_sdk.models import dashboard as model

from dashboards.board import board, said
from dashboards.boards.choice import place, said_of_range
from dashboards.panel import Shown, coverage, lines, rows
from dashboards.query import SqlQuery, board_table

UID = "nm-energy"


def dashboard() -> model.Dashboard:
    """Return the dashboard."""
    machine = Shown("machine", "Máy · machine", "string", 260)
    used = Shown("energy_kwh", "Điện · energy", "kwatth", 130)
    return board(
        uid=UID,
        title="Nhịp Máy · năng lượng",
        description="Điện dùng, mỗi sản phẩm đạt, và khi không sản xuất · energy, per good "
        "part, and "
        "while nothing was produced.",
        variables=[place()],
        annotations=[said()],
        panels=[
            lines(
                "Điện theo bước · energy",
                "Giờ, ngày hoặc tuần tùy khoảng · hours, days or weeks.",
                SqlQuery("energy_steps", "time_series"),
                unit="kwatth",
                stacked=True,
                bars=True,
            ),
            rows(
                "Mỗi sản phẩm đạt · per good part",
                "Nhiều nhất 93 ngày gần nhất · at most the newest 93 days.",
                board_table(
                    "energy",
                    "energy",
                    ("machine", "string"),
                    ("energy_kwh", "number"),
                    ("good", "number"),
                    ("kwh_per_good", "number"),
                    ("coverage", "number"),
                ),
                [
                    machine,
                    used,
                    Shown("good", "Đạt · good", "locale", 110),
                    Shown("kwh_per_good", "Mỗi sản phẩm · per good part", "kwatth", 170),
                    coverage(),
                ],
                span=12,
            ),
            rows(
                "Khi không sản xuất · while nothing was produced",
                "Nhiều nhất 93 ngày gần nhất · at most the newest 93 days.",
                board_table(
                    "energy",
                    "idle_energy",
                    ("machine", "string"),
                    ("energy_kwh", "number"),
                    ("idle_kwh", "number"),
                    ("idle_share", "number"),
                    ("coverage", "number"),
                ),
                [
                    machine,
                    used,
                    Shown("idle_kwh", "Khi nghỉ · idle", "kwatth", 130),
                    Shown("idle_share", "Phần khi nghỉ · idle share", "percentunit", 150),
                    coverage(),
                ],
                span=12,
            ),
            said_of_range(),
        ],
    )
