"""`nm-shift`: the report of every shift, its losses and its stops."""

from grafana_foundation_sdk.models import dashboard as model

from dashboards.board import board
from dashboards.boards.choice import COUNTS, FAULTS, FIGURES, FINAL, PATH, name_leading_to, place
from dashboards.boards.line import hour_table, stop_table
from dashboards.panel import Shown, rows, yes_no
from dashboards.query import SqlQuery, board_table

UID = "nm-shift"


def dashboard() -> model.Dashboard:
    """Return the dashboard."""
    return board(
        uid=UID,
        title="Nhịp Máy · báo cáo ca",
        description="Từng ca của từng dây chuyền và máy · each shift of each line and machine.",
        variables=[place()],
        panels=[
            rows(
                "Từng ca · each shift",
                "“Chưa hết ca” là số liệu đến lúc này · a shift that is not over shows "
                "what is known "
                "so far.",
                SqlQuery("shift_report"),
                [
                    Shown("day", "Ngày · day", "string", 110),
                    Shown("shift", "Ca · shift", "string", 90),
                    name_leading_to("nm-line"),
                    *FIGURES,
                    *COUNTS,
                    Shown("failures", "Hỏng · failures", "locale", 110),
                    Shown("unknown_s", "Không rõ · unknown", "s", 120),
                    Shown("energy_kwh", "Điện · energy", "kwatth", 110),
                    Shown(
                        "whole",
                        "Ca · shift",
                        "string",
                        130,
                        {"mappings": yes_no("Đã hết ca", "Chưa hết ca · so far")},
                    ),
                    FAULTS,
                    FINAL,
                    PATH,
                ],
                height=14,
            ),
            stop_table(),
            hour_table(),
            rows(
                "Thời gian đi đâu · where the time went",
                "Nhiều nhất 93 ngày gần nhất · at most the newest 93 days.",
                board_table(
                    "waterfall",
                    "waterfall",
                    ("step", "string"),
                    ("time_s", "number"),
                    ("share_of_calendar", "number"),
                    ("share_of_pbt", "number"),
                ),
                [
                    Shown("step", "Bước · step", "string", 280),
                    Shown("time_s", "Thời gian · time", "s", 130),
                    Shown("share_of_calendar", "Của lịch · of calendar", "percentunit", 150),
                    Shown("share_of_pbt", "Của thời gian kế hoạch · of planned", "percentunit"),
                ],
            ),
        ],
    )
