"""`nm-line`: how a site, a line or a machine runs; each level leads to the one below."""

from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models import dashboard as model

from dashboards.appearance import STATES, state_mappings
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
    said_of_range,
)
from dashboards.panel import (
    TIME,
    Shown,
    bands,
    bar_list,
    coverage,
    figures,
    lines,
    marked,
    ratio,
    rows,
    yes_no,
)
from dashboards.query import SqlQuery, board_table

UID = "nm-line"
_MACHINE = "nm-machine"
_GREY = STATES["unknown"][1]
_STEPS = (
    "Giờ; quá 4 ngày: ngày; quá 120 ngày: tuần. “chưa trọn” là bước chưa hết · hours, days "
    "or weeks; "
    "“chưa trọn” is a step that is not over."
)
_DASHED = {
    "color": {"mode": "fixed", "fixedColor": _GREY},
    "custom__lineStyle": {"fill": "dash", "dash": [6, 6]},
}


def dashboard() -> model.Dashboard:
    """Return the dashboard."""
    return board(
        uid=UID,
        title="Nhịp Máy · dây chuyền",
        description="OEE, trạng thái và sản lượng · OEE, states and counts, with their coverage.",
        variables=[place(), kind()],
        annotations=[said()],
        panels=[
            figures(
                "Khoảng trọn mới nhất · newest whole window",
                "Số liệu của ca (giờ) mới nhất đã kết thúc, kèm độ phủ · of the newest window that "
                "is over, with its coverage.",
                SqlQuery("newest"),
                (*FIGURES, FAULTS),
                last=True,
                span=15,
            ),
            figures(
                "Đang chạy, đến lúc này · running, so far",
                "Ca (giờ) đang chạy: chỉ một phần thời gian · a part of its time only.",
                SqlQuery("running"),
                [
                    ratio("oee", "OEE đến lúc này · so far"),
                    *COUNTS,
                    coverage(),
                    Shown("as_of", "Tính đến · as of", TIME),
                    Shown("whole_start", "Khoảng trọn từ · whole from", TIME),
                    Shown("whole_end", "đến · to", TIME),
                    Shown(
                        "whole_final",
                        "Chốt · final",
                        settings={"mappings": yes_no("Đã chốt", "Tạm tính")},
                    ),
                ],
                span=9,
                last=True,
            ),
            lines(
                "OEE theo khoảng · OEE per window",
                "Chỉ các khoảng đã kết thúc; đường xám là độ phủ của bốn đường kia · windows that "
                "are over; the grey line is the coverage of the other four.",
                SqlQuery("place_trend", "time_series"),
                unit="percentunit",
                fields=[
                    Shown("oee", "OEE", "percentunit"),
                    Shown("availability", "A · availability", "percentunit"),
                    Shown("effectiveness", "E · effectiveness", "percentunit"),
                    Shown("quality_ratio", "Q · quality", "percentunit"),
                    Shown("coverage", "Độ phủ · coverage", "percentunit", settings=_DASHED),
                    marked("Cần xem · look at"),
                ],
            ),
            rows(
                "Từng nơi, khoảng trọn mới nhất · each place, newest whole window",
                "Bấm tên để xuống cấp dưới · a name leads to its own page.",
                SqlQuery("places_below"),
                [
                    name_leading_to(UID),
                    Shown("window_start", "Từ · from", TIME, 170),
                    Shown("shift", "Ca · shift", "string", 90),
                    *FIGURES,
                    *BOUNDS,
                    *COUNTS,
                    FAULTS,
                    FINAL,
                    PATH,
                ],
            ),
            bands(
                "Trạng thái máy · machine states",
                "Xám: không có tín hiệu tin cậy. Khoảng dài: trạng thái chiếm nhiều nhất "
                "mỗi bước · "
                "grey: no trustworthy signal; over a long range, what took most of each step.",
                SqlQuery("states"),
            ),
            bar_list(
                "Thời gian đi đâu · where the time went",
                "Từ thời gian lịch đến thời gian hữu ích, giờ tròn, nhiều nhất 93 ngày gần nhất · "
                "from calendar time to fully productive time; at most the newest 93 days.",
                board_table("waterfall", "waterfall", ("step", "string"), ("time_s", "number")),
                "step",
                [Shown("step", "Bước · step"), Shown("time_s", "Thời gian · time", "s")],
                height=12,
            ),
            bar_list(
                "Dừng theo lý do · stops by reason",
                "Dài nhất trước · longest first; at most the newest 93 days.",
                board_table("stops", "pareto", ("reason", "string"), ("time_s", "number")),
                "reason",
                [Shown("reason", "Lý do · reason"), Shown("time_s", "Thời gian · time", "s")],
                height=12,
            ),
            stop_table(),
            hour_table(),
            lines(
                "Đạt theo bước · good parts",
                _STEPS,
                SqlQuery("good_parts", "time_series"),
                unit="locale",
                stacked=True,
                bars=True,
                span=8,
            ),
            lines(
                "Phế phẩm theo bước · scrap",
                _STEPS,
                SqlQuery("scrap_parts", "time_series"),
                unit="locale",
                stacked=True,
                bars=True,
                span=8,
            ),
            lines(
                "Độ phủ theo bước · coverage",
                _STEPS,
                SqlQuery("coverage_steps", "time_series"),
                unit="percentunit",
                span=8,
            ),
            said_of_range(),
        ],
    )


def stop_table() -> table.Panel:
    """Return the longest stops, each leading to its machine."""
    return rows(
        "Lần dừng dài nhất · longest stops",
        "Một trăm lần dừng dài nhất của khoảng; trống ở “đến”: còn dừng · the hundred longest.",
        SqlQuery("stop_list"),
        [
            name_leading_to(_MACHINE),
            Shown("start", "Từ · from", TIME, 170),
            Shown("end", "Đến · to", TIME, 170),
            Shown("lasted_s", "Dài · lasted", "s", 110),
            Shown("state", "Trạng thái · state", "string", 240, {"mappings": state_mappings()}),
            Shown("reason", "Lý do · reason", "string", 260),
            PATH,
        ],
        span=12,
    )


def hour_table() -> table.Panel:
    """Return parts per hour against the target."""
    return rows(
        "Từng giờ so với mục tiêu · hour by hour",
        "Nhiều nhất 93 ngày gần nhất · at most the newest 93 days.",
        board_table(
            "hours",
            "hours",
            ("time", "timestamp"),
            ("target", "number"),
            ("good", "number"),
            ("difference", "number"),
            ("scrap", "number"),
            ("coverage", "number"),
            ("lost_to", "string"),
        ),
        [
            Shown("time", "Giờ · hour", TIME, 170),
            Shown("target", "Mục tiêu · target", "locale", 110),
            Shown("good", "Đạt · good", "locale", 90),
            Shown("difference", "Chênh · difference", "locale", 110),
            Shown("scrap", "Phế phẩm · scrap", "locale", 90),
            coverage(),
            Shown("lost_to", "Mất vì · lost to", "string"),
        ],
        span=12,
    )
