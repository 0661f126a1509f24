"""What connecting a machine costs, from a budget and the registers; in whole đồng.

A line of the budget (R06) is `hạng mục | triệu đồng | nguồn`, and of what one enterprise alone
needs also `| mã doanh nghiệp`. Machines are those that closed registers say are connected.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from store.assessment.record import RecordRow

BUDGET = "R06"
"""The field of the proposal that holds the budget."""
_AMOUNT = re.compile(r"^\d{1,3}(\.\d{3})*(,\d{1,6})?$|^\d+(,\d{1,6})?$")
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """An amount in đồng; `enterprise` where it is one's alone."""

    what: str
    amount: int
    source: str
    enterprise: str | None


@dataclass(frozen=True, slots=True)
class UnitCost:
    """Sums in đồng; what is divided by nothing is None."""

    total: int
    by_source: tuple[tuple[str, int], ...]
    machines: int
    enterprises: int
    own: tuple[tuple[str, int, int], ...]
    """Of enterprises with amounts of their own: code, đồng, connected machines."""

    @property
    def per_machine(self) -> Fraction | None:
        """Return đồng per connected machine."""
        return Fraction(self.total, self.machines) if self.machines else None

    @property
    def per_enterprise(self) -> Fraction | None:
        """Return đồng per enterprise with a connected machine."""
        return Fraction(self.total, self.enterprises) if self.enterprises else None

    @property
    def span(self) -> tuple[Fraction, Fraction] | None:
        """Return the least and most đồng per machine of what enterprises need for themselves."""
        each = [Fraction(amount, machines) for _, amount, machines in self.own if machines]
        return (min(each), max(each)) if len(each) > 1 else None


def budget_of(text: str) -> tuple[list[BudgetLine], list[str]]:
    """Return the lines of a budget, and what is wrong with others, in Vietnamese."""
    lines, problems = [], []
    for number, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip() for cell in line.split("|")]
        if not any(cells):
            continue
        if len(cells) not in {3, 4} or not all(cells[:3]) or not _AMOUNT.match(cells[1]):
            problems.append(
                f"{BUDGET} dòng {number}: cần hạng mục | triệu đồng (như 1.234,5) | nguồn"
                " | mã doanh nghiệp nếu chi riêng"
            )
            continue
        amount = Fraction(cells[1].replace(".", "").replace(",", ".")) * _MILLION
        own = cells[3] if len(cells) == 4 and cells[3] else None
        lines.append(BudgetLine(cells[0], int(amount), cells[2], own))
    return lines, problems


def connected_machines(records: Sequence[RecordRow]) -> dict[str, int]:
    """Return the connected machines by enterprise, from registers that hold; none: left out."""
    found: dict[str, int] = {}
    for one in records:
        if one.kind == "register" and one.enterprise is not None:
            departments = json.loads(one.content).get("departments", {})
            number = sum(int(row["connected"]) for row in departments.values())
            if number:
                found[one.enterprise] = number
    return found


def unit_cost(lines: Sequence[BudgetLine], connected: Mapping[str, int]) -> UnitCost:
    """Return what a budget comes to by machine and enterprise."""
    by_source: dict[str, int] = {}
    own: dict[str, int] = {}
    for one in lines:
        by_source[one.source] = by_source.get(one.source, 0) + one.amount
        if one.enterprise is not None:
            own[one.enterprise] = own.get(one.enterprise, 0) + one.amount
    return UnitCost(
        total=sum(one.amount for one in lines),
        by_source=tuple(sorted(by_source.items())),
        machines=sum(connected.values()),
        enterprises=len(connected),
        own=tuple((code, amount, connected.get(code, 0)) for code, amount in sorted(own.items())),
    )


def cost_lines_vi(text: str, records: Sequence[RecordRow]) -> list[str]:
    """Return what is computed from a budget and the registers that hold, as sentences."""
    lines, problems = budget_of(text)
    if problems or not lines:
        return problems or ["Chưa có dự toán (R06) nên chưa tính được chi phí trên một máy."]
    connected = connected_machines(records)
    cost = unit_cost(lines, connected)
    sources = "; ".join(f"{name} {_dong(amount)}" for name, amount in cost.by_source)
    found = [f"Tổng dự toán {_dong(cost.total)} ({sources})."]
    if cost.per_machine is None or cost.per_enterprise is None:
        found.append("Chưa đủ dữ liệu: chưa có danh mục máy đã chốt nào có máy kết nối.")
        return found
    found.append(
        f"Trên một máy đã kết nối: {_dong(cost.per_machine)} ({cost.machines} máy, theo danh mục đã"
        f" chốt); trên một doanh nghiệp: {_dong(cost.per_enterprise)} ({cost.enterprises} doanh"
        " nghiệp)."
    )
    if cost.span is not None:
        least, most = cost.span
        found.append(
            f"Phần chi riêng của từng doanh nghiệp: từ {_dong(least)} đến {_dong(most)} trên một"
            " máy."
        )
    unknown = [code for code, _, machines in cost.own if not machines]
    if unknown:
        found.append(f"Chưa có máy kết nối trong danh mục đã chốt: {', '.join(unknown)}.")
    return found


def _dong(amount: Fraction | int) -> str:
    return f"{round(amount):,}".replace(",", ".") + " đồng"
