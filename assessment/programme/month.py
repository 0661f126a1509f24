"""What figures say of a monthly sheet: done, since the year began, and the estimate, each apart.

Only what was measured is written; a field that needs people's words stays theirs. Each line names
the metric it comes from; what is estimated is marked `ước`, and nothing is estimated of a period
that is over.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from assessment.evidence import number_vi
from assessment.programme.figures import number_of, part_of
from assessment.programme.rhythm import Cadence, Period, period_of, progress
from store.assessment.production import DayRow

Figures = Mapping[str, Mapping[str, Any]]


def month_values(
    figures: Figures, days: Sequence[DayRow], period: Period, until: date
) -> dict[str, str]:
    """Return answers by field of `ho_so_theo_doi_thang`.

    `figures` are those of the month up to `until`; `days` those of the year so far.
    """
    own = [one for one in days if period.first <= one.day <= until]
    found = {
        "M01": f"{period.code} từ {period.first} đến {until}",
        "M02": _work(own),
        "M03": _connected(figures),
        "M04": _plain(figures, "E02", 100),
        "M05": _plain(figures, "E03", 1),
        "M06": _output(days, period, until),
        "M08": _lines(figures, "E06", "OEE", ("Mức sẵn sàng", "Mức hiệu suất", "Mức chất lượng")),
        "M09": _stops(figures),
        "M10": _scrap(own),
        "M14": _lines(figures, "E14", "Điện năng", ("Suất điện", "Tỷ trọng chạy không tải")),
        "M15": _lines(figures, "E11", "Cảnh báo đã xác nhận", ("Trung vị thời gian đóng",)),
        "M18": _lines(figures, "E10", "Chênh lệch", ("Ca lấy mẫu đã ký",)),
        "M19": _lines(figures, "E18", "So với kỳ nền", ("Trung vị", "Chênh", "Khoảng")),
    }
    return {code: text for code, text in found.items() if text}


def refilled(
    values: Mapping[str, str], written: Mapping[str, str], new: Mapping[str, str]
) -> dict[str, str]:
    """Return answers with the new ones where nobody has written anything else since."""
    kept = {code: text for code, text in values.items() if text and text != written.get(code, None)}
    return dict(new) | kept


def _work(days: Sequence[DayRow]) -> str:
    if not days:
        return ""
    worked = len({one.day for one in days if one.run_ms})
    hours = [Fraction(sum(getattr(one, f"{what}_ms") for one in days), 3_600_000) for what in _TIME]
    return (
        f"Số ngày sản xuất | {worked}\nGiờ kế hoạch (mọi máy) | {number_vi(hours[0], '')}\n"
        f"Giờ chạy (mọi máy) | {number_vi(hours[1], '')}"
    )


_TIME = ("planned", "run")


def _connected(figures: Figures) -> str:
    figure = figures.get("E01", {"parts": []})
    connected, listed = (
        part_of(figure, name) for name in ("Máy kết nối", "Máy trong danh mục (R)")
    )
    if connected is None or listed is None:
        return ""
    return f"{number_vi(connected.value, '')} / {number_vi(listed.value, '')} máy [E01]"


def _plain(figures: Figures, code: str, factor: int) -> str:
    """Return a figure as a field of numbers takes it; nothing where it is not known."""
    value = number_of(figures[code]["value"]) if code in figures else None
    # Rounded first: of a small number a power of ten would be written.
    return "" if value is None else number_vi(round(float(value) * factor, 1), "")


def _lines(figures: Figures, code: str, name: str, parts: Sequence[str]) -> str:
    figure = figures.get(code)
    if figure is None or figure["value"] is None:
        return ""
    found = [f"{name} | {figure['shown_vi']} [{code}]"]
    if not figure["below_gate_vi"]:
        found += [
            f"{label} | {shown}"
            for label, value, _, shown in figure["parts"]
            if value is not None and label.startswith(tuple(parts))
        ]
    return "\n".join(found)


def _stops(figures: Figures) -> str:
    reasons = _lines(figures, "E07", "Tỷ lệ dừng ngoài kế hoạch có lý do", ())
    losses = _lines(figures, "E06", "", ("Tổn thất",)).splitlines()[1:]
    return "\n".join([*([reasons] if reasons else []), *losses])


def _scrap(days: Sequence[DayRow]) -> str:
    produced = sum(one.produced or 0 for one in days)
    scrap = [one.scrap for one in days if one.scrap is not None]
    if not produced or not scrap:
        return ""
    share = sum(scrap) / produced
    return f"Phế phẩm | {number_vi(share, '%')} ({number_vi(sum(scrap), 'sản phẩm')})"


def _output(days: Sequence[DayRow], period: Period, until: date) -> str:
    by_day = [(one.day, one.good) for one in days if one.good is not None]
    if not by_day:
        return ""
    year, quarter = (period_of(cadence, until) for cadence in (Cadence.YEAR, Cadence.QUARTER))
    month, whole = (progress(by_day, one, year, until) for one in (period, quarter))
    lines = [
        ("Sản phẩm đạt trong kỳ", month.done, ""),
        ("Lũy kế từ đầu năm", month.cumulative, ""),
        ("Lũy kế trong quý", whole.done, ""),
        ("Ước cả tháng", month.estimate, " (ước)"),
        ("Ước cả quý", whole.estimate, " (ước)"),
    ]
    shown = [
        f"{name} | {number_vi(round(value), 'sản phẩm')}{mark}"
        for name, value, mark in lines
        if value is not None
    ]
    return "\n".join([*shown, f"Số liệu đến ngày | {until:%d/%m/%Y}"])
