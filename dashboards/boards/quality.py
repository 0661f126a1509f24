"""`nm-quality`: what was scrapped, by shift and product."""

from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models import dashboard as model

from dashboards.board import board, said
from dashboards.boards.choice import place, said_of_range
from dashboards.panel import Shown, lines, ratio, rows
from dashboards.query import SqlQuery, board_table

UID = "nm-quality"


def dashboard() -> model.Dashboard:
    """Return the dashboard."""
    return board(
        uid=UID,
        title="Nhịp Máy · chất lượng",
        description="Phế phẩm và tỷ lệ đạt · scrap and the quality ratio.",
        variables=[place()],
        annotations=[said()],
        panels=[
            lines(
                "Phế phẩm theo bước · scrap",
                "“chưa trọn” là bước chưa hết · a step that is not over.",
                SqlQuery("scrap_parts", "time_series"),
                unit="locale",
                stacked=True,
                bars=True,
            ),
            *(_compared(table, words) for table, words in _TABLES),
            said_of_range(),
        ],
    )


_TABLES = (
    ("products", ("product", "Sản phẩm · product", "Từng sản phẩm · each product")),
    ("shifts", ("shift", "Ca · shift", "Từng ca · each shift")),
)


def _compared(compared: str, words: tuple[str, str, str]) -> table.Panel:
    key, shown, title = words
    return rows(
        title,
        "Phần thời gian kế hoạch là trọng số; nhiều nhất 93 ngày gần nhất · planned busy "
        "time is the "
        "weight; at most the newest 93 days.",
        board_table(
            "comparison",
            compared,
            (key, "string"),
            ("pbt_share", "number"),
            ("quality_ratio", "number"),
            ("oee", "number"),
            ("good", "number"),
            ("coverage", "number"),
        ),
        [
            Shown(key, shown, "string", 220),
            Shown("pbt_share", "Phần thời gian · weight", "percentunit", 130),
            ratio("quality_ratio", "Q · quality"),
            ratio("oee", "OEE"),
            Shown("good", "Đạt · good", "locale", 110),
            ratio("coverage", "Độ phủ · coverage"),
        ],
        span=12,
    )
