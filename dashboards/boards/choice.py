"""What people choose on a board, and what several boards show alike."""

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models import dashboard as model

from dashboards.panel import TIME, Shown, coverage, final, hidden, ratio, rows
from dashboards.query import POSTGRES, SqlQuery, sql

FACTORS = (
    ratio("oee", "OEE"),
    ratio("availability", "A · availability"),
    ratio("effectiveness", "E · effectiveness"),
    ratio("quality_ratio", "Q · quality"),
)
FIGURES = (*FACTORS, coverage())
BOUNDS = (ratio("availability_low", "A ≥"), ratio("availability_high", "A ≤"))
COUNTS = (
    Shown("good", "Đạt · good", "locale", 90),
    Shown("scrap", "Phế phẩm · scrap", "locale", 90),
)
FAULTS = Shown("faults", "Cần xem · look at", "string", 240)
"""What is said beside a figure: its faults, with the marks of every hour within."""
FINAL = final()
PATH = hidden("path")


def link(uid: str, title: str) -> list[dict[str, str]]:
    """Return a link of a row to the board of the place that its column `path` names."""
    address = f"/d/{uid}?var-place=${{__data.fields.path}}&${{__url_time_range}}"
    return [{"title": title, "url": address}]


def name_leading_to(uid: str) -> Shown:
    """Return the column of a place's name, which leads to its own board."""
    return Shown("name", "Nơi · place", "string", 260, {"links": link(uid, "Xem · open")})


def place(query: str = "line_places") -> build.QueryVariable:
    """Return the choice of a place."""
    return (
        build.QueryVariable("place")
        .label("Nơi · place")
        .datasource(POSTGRES)
        .query(sql(query))
        .refresh(model.VariableRefresh.ON_DASHBOARD_LOAD)
        .sort(model.VariableSort.DISABLED)
        .multi(False)
        .include_all(False)
    )


def said_of_range() -> table.Panel:
    """Return what is said of the figures of the range, for boards that add them up."""
    return rows(
        "Cần xem trong khoảng · what is said of these figures",
        "Điều cần biết về các số liệu trên trang này, theo nơi · marks of every hour of the range.",
        SqlQuery("said_of_range"),
        [
            name_leading_to("nm-line"),
            FAULTS,
            Shown("hours", "Số giờ · hours", "locale", 110),
            Shown("first", "Từ · from", TIME, 170),
            Shown("last", "Đến · to", TIME, 170),
            PATH,
        ],
    )


def kind() -> build.CustomVariable:
    """Return the choice between shifts and hours."""
    return (
        build.CustomVariable("kind")
        .label("Khoảng · window")
        .values("Ca · shift : shift, Giờ · hour : hour")
        .current(model.VariableOption(selected=True, text="Ca · shift", value="shift"))
        .multi(False)
        .include_all(False)
    )
