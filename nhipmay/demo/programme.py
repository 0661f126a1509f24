"""A pilot programme with drafts for four enterprises, to be led through the offices by people."""

from datetime import date, timedelta
from typing import Final

from assessment.form import FormField, forms
from assessment.framework import CriteriaSet, shipped
from assessment.programme import Actor, Desk, Office
from nhipmay.demo.pilots import COMPANIES, DAYS, Company, machine
from plant.clock import system_clock
from plant.settings import DatabaseSettings
from store.assessment.record import MachineRow, PilotStore

FRAMEWORK: Final = "DBI-SME-1970"
_BY_TYPE: Final = {
    "number": "12,5",
    "integer": "12",
    "scale0-5": "3",
    "bool": "có",
    "date": "2012-05-20",
    "code": "theo danh mục",
    "datetime": "08:00 ngày 05/10/2026, tại nhà máy",
    "consent": "chỉ tiêu tổng hợp, bên nhận IOC, 12 tháng, rút bất cứ lúc nào",
}
_LONG: Final = "Ghi theo lời khai của doanh nghiệp tại buổi khảo sát."


def baseline_period(until: date) -> str:
    """Return the first half of the history as a period of days."""
    return _period(until - timedelta(days=DAYS), until - timedelta(days=DAYS // 2 + 1))


def assessed_period(until: date) -> str:
    """Return the second half."""
    return _period(until - timedelta(days=DAYS // 2), until - timedelta(days=1))


def seed_programme(settings: DatabaseSettings, until: date) -> None:
    """Begin the programme; each enterprise has drafts of survey, register, baseline, assessment."""
    store = PilotStore(settings)
    desk = Desk(store, store, system_clock)
    framework = shipped(FRAMEWORK)
    assert isinstance(framework, CriteriaSet)
    with store.transaction() as t:
        programme_id = t.number(
            "add_programme",
            {
                "code": f"nmtm-{until.year}",
                "name_vi": f"Thí điểm mô hình nhà máy thông minh năm {until.year}",
                "year": until.year,
                "framework": framework.edition,
                "who": "demo",
                "at": system_clock(),
            },
        )
        for company in COMPANIES:
            t.do(
                "add_enterprise",
                {
                    "programme_id": programme_id,
                    "enterprise": company.code,
                    "name_vi": company.name_vi,
                    "tax_code": company.tax_code,
                    "sector": company.sector,
                    "size": company.size,
                    "commune": company.commune,
                    "at": system_clock(),
                },
            )
    for number, company in enumerate(COMPANIES):
        _drafts(desk, programme_id, company, framework, until, 1 + number % 3)


def _drafts(
    desk: Desk,
    programme_id: int,
    company: Company,
    framework: CriteriaSet,
    until: date,
    level: int,
) -> None:
    actor = Actor(f"ky-su.{company.code}", Office.ENGINEER, company.code)

    def opened(kind: str, period: str) -> int:
        return desk.open_record(actor, programme_id, company.code, kind, period)

    desk.write_values(actor, opened("survey", "lần-1"), survey_answers(company))
    desk.write_machines(actor, opened("register", "lần-1"), register(company))
    desk.write_values(
        actor, opened("baseline", baseline_period(until)), {"mo_ta": "Một ca, sản phẩm 1."}
    )
    points = {
        one.id: one.points[min(level + index % 2, one.max_level)]
        for index, one in enumerate(framework.criteria)
    }
    desk.declare(actor, opened("assessment", assessed_period(until)), points)


def survey_answers(company: Company) -> dict[str, str]:
    """Return answers to the survey's questions."""
    found = {one.code: _answer(one) for one in forms()["phieu_khao_sat"].fields if one.is_filled_in}
    return found | {
        "A01": company.name_vi,
        "A02": company.tax_code,
        "A06": "85",
        "A08": {"small": "nhỏ", "medium": "vừa"}[company.size],
        "A09": f"Xã/phường mã {company.commune}",
        "A12": f"Phụ lục {company.sector}",
        "B01": "\n".join(company.departments),
        "H05": "không",
    }


def register(company: Company) -> list[MachineRow]:
    """Return the machines of an enterprise: two that are connected, one that is not."""
    connected = [
        MachineRow(
            f"M{index + 1}",
            f"Máy {index + 1} {department}",
            department,
            "Hãng M",
            f"X{index + 1}",
            2018,
            machine(company, index),
        )
        for index, department in enumerate(company.departments)
    ]
    old = MachineRow("M3", "Máy cũ", company.departments[0], "Hãng N", "", 2004, None)
    return [*connected, old]


def _answer(field: FormField) -> str:
    return _BY_TYPE.get(field.type, _LONG)


def _period(first: date, last: date) -> str:
    return f"{first.isoformat()}_{last.isoformat()}"
