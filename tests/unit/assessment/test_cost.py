"""Cost per machine: from the budget that people wrote and the registers that hold."""

from dataclasses import replace
from fractions import Fraction

import pytest

from assessment.document import report_lines
from assessment.programme.cost import budget_of, connected_machines, cost_lines_vi, unit_cost
from assessment.report.letterhead import LetterSettings
from assessment.report.writing import report_of
from store.assessment.record import RecordRow
from tests.unit.assessment.test_documents import material, record

BUDGET = """Cổng kết nối | 96 | ngân sách
Cảm biến | 1.234,5 | doanh nghiệp | dong-nai
Cảm biến | 0,000001 | doanh nghiệp | co-khi

Lắp đặt | 240,25 | ngân sách | co-khi"""


def register(number: int, enterprise: str, connected: dict[str, int]) -> RecordRow:
    departments = {name: {"machines": 9, "connected": many} for name, many in connected.items()}
    made = record(number, "register", "lần-1", {"departments": departments})
    return replace(made, enterprise=enterprise)


REGISTERS = [
    register(1, "dong-nai", {"Gia công": 5, "Hoàn thiện": 3}),
    register(2, "co-khi", {"Gia công": 4}),
    register(3, "chua-ket-noi", {"Gia công": 0}),
]


def test_a_budget_is_exact_in_dong_and_divided_by_the_machines_that_are_connected() -> None:
    lines, problems = budget_of(BUDGET)
    cost = unit_cost(lines, connected_machines(REGISTERS))

    assert problems == []
    assert cost.total == 96_000_000 + 1_234_500_000 + 1 + 240_250_000
    assert cost.by_source == (("doanh nghiệp", 1_234_500_001), ("ngân sách", 336_250_000))
    assert (cost.machines, cost.enterprises) == (12, 2)
    assert cost.per_machine == Fraction(1_570_750_001, 12)
    assert cost.span == (Fraction(240_250_001, 4), Fraction(1_234_500_000, 8))


def test_what_is_computed_is_said_with_what_it_rests_on() -> None:
    said = "\n".join(cost_lines_vi(BUDGET, REGISTERS))

    assert "Tổng dự toán 1.570.750.001 đồng" in said
    assert "Trên một máy đã kết nối: 130.895.833 đồng (12 máy" in said
    assert "từ 60.062.500 đồng đến 154.312.500 đồng trên một máy" in said


def test_without_a_connected_machine_or_a_budget_nothing_is_divided() -> None:
    none = cost_lines_vi(BUDGET, [])
    assert "Chưa đủ dữ liệu" in none[-1]
    assert not any("Trên một máy" in one for one in none)
    assert cost_lines_vi("", REGISTERS) == [
        "Chưa có dự toán (R06) nên chưa tính được chi phí trên một máy."
    ]


@pytest.mark.parametrize(
    "line",
    [
        "Cổng | 96",
        "Cổng | chín sáu | ngân sách",
        "Cổng | 96.5 | ngân sách",
        "Cổng | -5 | ngân sách",
        " | 5 | ngân sách",
        "Cổng | 5 | ngân sách | dong-nai | gì nữa",
    ],
)
def test_a_line_that_is_no_amount_is_named_and_nothing_is_computed_of_the_rest(line: str) -> None:
    said = cost_lines_vi(f"Lắp đặt | 5 | ngân sách\n{line}", REGISTERS)

    assert len(said) == 1
    assert said[0].startswith("R06 dòng 2")


def test_a_record_of_another_kind_says_nothing_of_machines() -> None:
    survey = replace(register(4, "dong-nai", {"Gia công": 5}), kind="survey")
    assert connected_machines([survey]) == {}


def test_the_proposal_says_what_a_machine_costs_and_where_that_comes_from() -> None:
    held = material()
    said = record(11, "replication", "2026", {"values": {"R06": BUDGET, "R10": "Đã gồm bảo trì."}})
    with_budget = replace(held, records=[*held.records, *REGISTERS, said])
    report = report_of(with_budget, LetterSettings(), "replication", "2026")
    text = "\n".join(str(content) for _, content in report_lines(report))

    assert "Đã gồm bảo trì." in text
    assert "Trên một máy đã kết nối: 130.895.833 đồng" in text
