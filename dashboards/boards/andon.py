"""`nm-andon`: what runs and what does not, on one large screen, to be read from ten metres."""

from grafana_foundation_sdk.models import dashboard as model

from dashboards.appearance import state_mappings
from dashboards.board import board
from dashboards.boards.choice import COUNTS, FAULTS, PATH, name_leading_to, place
from dashboards.panel import TIME, Shown, coverage, ratio, rows
from dashboards.query import SqlQuery

UID = "nm-andon"
_COLOURED = {"custom__cellOptions": {"type": "color-background", "mode": "basic"}}


def dashboard() -> model.Dashboard:
    """Return the dashboard."""
    return board(
        uid=UID,
        title="Nhịp Máy · andon",
        description="Cho màn hình lớn: mở bằng chế độ kiosk (&kiosk) và phóng to trình "
        "duyệt · for a "
        "large screen: open it as a kiosk.",
        variables=[place()],
        since="now-12h",
        refresh="10s",
        panels=[
            rows(
                "Đang làm gì · what each machine does",
                "Trạng thái hiện tại và ca đang chạy đến lúc này · the present state, and "
                "the shift "
                "so far.",
                SqlQuery("now_running"),
                [
                    name_leading_to("nm-machine"),
                    Shown(
                        "state",
                        "Trạng thái · state",
                        "string",
                        340,
                        {"mappings": state_mappings(), **_COLOURED},
                    ),
                    Shown("since", "Từ · since", "dateTimeFromNow", 200),
                    ratio("oee", "OEE đến lúc này · so far"),
                    *COUNTS,
                    coverage(),
                    FAULTS,
                    Shown("as_of", "Tính đến · as of", TIME, 190),
                    PATH,
                ],
                height=22,
                large=True,
            )
        ],
    )
