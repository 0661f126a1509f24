"""What people choose on a board, and what several boards show alike."""

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model

from dashboards.panel import Shown, coverage, final, hidden, ratio
from dashboards.query import POSTGRES, sql

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
