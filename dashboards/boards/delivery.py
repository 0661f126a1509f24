"""`nm-delivery`: whether everything that was measured has arrived, and what was refused and why."""

from grafana_foundation_sdk.models import dashboard as model

from dashboards.appearance import BUFFER_HOURS, COVERAGE, LAG, NONE_WANTED, refusal_mappings
from dashboards.board import board
from dashboards.panel import TIME, Shown, bar_list, figures, lines, ratio, rows, yes_no
from dashboards.query import SqlQuery

UID = "nm-delivery"


def dashboard() -> model.Dashboard:
    """Return the dashboard."""
    complete = ratio(
        "completeness", "Đầy đủ · completeness", thresholds=COVERAGE.build(), decimals=2
    )
    missing = {"thresholds": NONE_WANTED.build(), "custom__cellOptions": {"type": "color-text"}}
    return board(
        uid=UID,
        title="Nhịp Máy · truyền dữ liệu",
        description="Sổ giao nhận dữ liệu · the delivery ledger: what is here and what is not.",
        panels=[
            figures(
                "Tất cả cổng kết nối · all edges",
                "Đầy đủ nói phần nào của sự thật các số kia thấy được · completeness says "
                "how much of "
                "the truth the other figures see.",
                SqlQuery("delivery_summary"),
                [
                    complete,
                    Shown("issued", "Đã gửi · sent", "locale"),
                    Shown("committed", "Đã ghi · committed", "locale"),
                    Shown(
                        "missing",
                        "Chưa có · missing",
                        "locale",
                        settings={"thresholds": NONE_WANTED.build()},
                    ),
                    Shown(
                        "dropped",
                        "Đã bỏ · dropped",
                        "locale",
                        settings={"thresholds": NONE_WANTED.build()},
                    ),
                    Shown("pending", "Chờ xác nhận · pending", "locale"),
                    Shown(
                        "lag_s", "Trễ nhất · longest lag", "s", settings={"thresholds": LAG.build()}
                    ),
                    Shown(
                        "buffer_hours_left",
                        "Bộ đệm còn · buffer left",
                        "h",
                        settings={"thresholds": BUFFER_HOURS.build()},
                    ),
                ],
            ),
            rows(
                "Cổng kết nối · edges",
                "Mỗi dòng là một đời của bộ đệm · one row per life of an outbox.",
                SqlQuery("delivery_edges"),
                [
                    Shown("edge", "Cổng · edge", "string", 240),
                    Shown(
                        "online",
                        "Kết nối · online",
                        "string",
                        120,
                        {"mappings": yes_no("Có", "Mất liên lạc")},
                    ),
                    Shown("reported_at", "Báo lúc · reported", TIME, 170),
                    complete,
                    Shown("issued", "Đã gửi · sent", "locale", 110),
                    Shown("committed", "Đã ghi · committed", "locale", 110),
                    Shown("missing", "Chưa có · missing", "locale", 110, missing),
                    Shown("dropped", "Đã bỏ · dropped", "locale", 100),
                    Shown("rejected", "Từ chối · rejected", "locale", 100),
                    Shown("duplicates", "Trùng · duplicates", "locale", 100),
                    Shown("pending", "Chờ · pending", "locale", 90),
                    Shown("lag_s", "Trễ · lag", "s", 90),
                    Shown("buffer_hours_left", "Bộ đệm còn · buffer left", "h", 120),
                    Shown("clock_offset_ms", "Lệch đồng hồ · clock offset", "ms", 120),
                    Shown("unreachable", "Không đọc được · unreachable", "string", 260),
                    Shown("epoch", "Kỳ · epoch", "string", 260),
                ],
            ),
            bar_list(
                "Từ chối theo lý do · rejections by reason",
                "Trong khoảng đã chọn · of the range.",
                SqlQuery("delivery_reasons"),
                "reason",
                [
                    Shown("reason", "Lý do · reason", settings={"mappings": refusal_mappings()}),
                    Shown("rejections", "Số dòng · rows", "locale"),
                ],
            ),
            lines(
                "Từ chối theo giờ · rejections per hour",
                "Giờ trọn, theo lúc nhận · whole hours, as they were received.",
                SqlQuery("delivery_rejections_hourly", "time_series"),
                unit="locale",
                stacked=True,
                bars=True,
                height=9,
                span=12,
            ),
            rows(
                "Từ chối mới nhất · latest rejections",
                "Dữ liệu vẫn được giữ nguyên dạng · the raw form is kept.",
                SqlQuery("delivery_rejections_latest"),
                [
                    Shown("received_time", "Nhận lúc · received", TIME, 170),
                    Shown("edge", "Cổng · edge", "string", 240),
                    Shown("tag_name", "Điểm đo · tag", "string", 220),
                    Shown(
                        "reason", "Lý do · reason", "string", 240, {"mappings": refusal_mappings()}
                    ),
                    Shown("detail", "Chi tiết · detail", "string", 320),
                    Shown("topic", "Chủ đề MQTT · topic", "string", 320),
                    Shown("replayed_at", "Đã nạp lại lúc · replayed", TIME, 170),
                ],
            ),
        ],
    )
