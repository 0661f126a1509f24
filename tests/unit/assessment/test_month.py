"""A monthly sheet from figures: done, cumulative and estimated apart, people's words kept."""

from datetime import date, timedelta
from typing import Any

from assessment.form import forms, problems_vi
from assessment.programme.month import month_values, refilled
from assessment.programme.rhythm import period_named
from store.assessment.production import DayRow

MARCH = period_named("202603")
HOUR = 3_600_000


def day(at: date, good: float | None, unit: str = "a/b/c/m1") -> DayRow:
    return DayRow(
        work_unit=unit,
        day=at,
        planned_ms=8 * HOUR,
        known_ms=8 * HOUR,
        run_ms=6 * HOUR,
        ordered_ms=None,
        setup_ms=0,
        delay_ms=0,
        down_ms=0,
        pri_pq_ms=None,
        pri_gq_ms=None,
        produced=None if good is None else good + 2,
        good=good,
        scrap=None if good is None else 2.0,
        energy_kwh=None,
        idle_kwh=None,
        inspected=0,
        passed_first=0,
        counted=0,
        formula_version="1",
        last_formula_version="1",
    )


def figure(value: str | None, shown: str, *parts: list[Any], gate: bool = True) -> dict[str, Any]:
    below = [] if gate else ["kỳ dưới 28 ngày"]
    return {"value": value, "shown_vi": shown, "parts": list(parts), "below_gate_vi": below}


FIGURES = {
    "E01": figure(
        "1/2", "50,0 %", ["Máy kết nối", 1, "máy", "1"], ["Máy trong danh mục (R)", 2, "máy", "2"]
    ),
    "E02": figure("987/1000", "98,7 %"),
    "E03": figure("1/100000", "0 giây"),
    "E06": figure(
        "7/10",
        "70,0 %",
        ["Mức sẵn sàng (A)", "8/10", "%", "80,0 %"],
        ["Mức chất lượng (Q)", None, "%", "—"],
        ["Tổn thất: hỏng máy", 30, "phút", "30 phút"],
    ),
    "E14": figure(None, "Chưa đủ dữ liệu"),
}
# 100 good parts a day: 10 in January's quarter before the month, then from 15/02 on.
DAYS = [day(date(2026, 1, 10), 1000.0)] + [
    day(MARCH.first + timedelta(days=number), 100.0) for number in range(14)
]


def test_an_open_month_has_what_was_done_the_cumulative_figure_and_estimates_apart() -> None:
    until = MARCH.first + timedelta(days=13)
    said = month_values(FIGURES, DAYS, MARCH, until)

    assert said["M01"] == "202603 từ 2026-02-15 đến 2026-02-28"
    assert said["M02"].splitlines() == [
        "Số ngày sản xuất | 14",
        "Giờ kế hoạch (mọi máy) | 112,0",
        "Giờ chạy (mọi máy) | 84,0",
    ]
    assert said["M03"] == "1 / 2 máy [E01]"
    assert (said["M04"], said["M05"]) == ("98,7", "0,0")
    # 28 days of the month at 100 a day; 90 of the quarter, 76 of which have passed.
    assert said["M06"].splitlines() == [
        "Sản phẩm đạt trong kỳ | 1.400 sản phẩm",
        "Lũy kế từ đầu năm | 2.400 sản phẩm",
        "Lũy kế trong quý | 2.400 sản phẩm",
        "Ước cả tháng | 2.800 sản phẩm (ước)",
        f"Ước cả quý | {round(2400 / 76 * 90):,} sản phẩm (ước)".replace(",", "."),
        "Số liệu đến ngày | 28/02/2026",
    ]
    assert said["M08"].splitlines() == ["OEE | 70,0 % [E06]", "Mức sẵn sàng (A) | 80,0 %"]
    assert said["M09"] == "Tổn thất: hỏng máy | 30 phút"
    assert said["M10"] == "Phế phẩm | 2,0 % (28,0 sản phẩm)"
    # What was not measured is left to people.
    assert not {"M07", "M11", "M14", "M16", "M17", "M19"} & set(said)


def test_nothing_is_estimated_of_a_period_that_is_over() -> None:
    said = month_values(FIGURES, DAYS, MARCH, MARCH.last)
    assert "ước" not in said["M06"].lower()


def test_below_the_gate_only_the_verdict_is_shown() -> None:
    figures = {
        "E06": figure("7/10", "Chưa đủ dữ liệu", ["Mức sẵn sàng (A)", 1, "%", "1"], gate=False)
    }
    assert month_values(figures, [], MARCH, MARCH.last)["M08"] == "OEE | Chưa đủ dữ liệu [E06]"


def test_every_answer_is_one_that_the_form_takes() -> None:
    form = forms()["ho_so_theo_doi_thang"]
    said = month_values(FIGURES, DAYS, MARCH, MARCH.last)
    wrong = [one for one in problems_vi(form, said) if "chưa điền" not in one]
    assert wrong == []


def test_what_people_wrote_stays_and_what_was_filled_in_is_replaced() -> None:
    values = {"M04": "98,7", "M08": "OEE theo sổ tay", "M17": "Đã làm"}
    again = refilled(values, {"M04": "98,7", "M08": "OEE | 70,0 %"}, {"M04": "99,0", "M08": "mới"})
    assert again == {"M04": "99,0", "M08": "OEE theo sổ tay", "M17": "Đã làm"}
