"""A programme walked through HTTP by its people: survey, register, assessment, review, closing."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from fastapi.testclient import TestClient

from api.access.role import Role
from assessment.form import forms
from assessment.framework import CriteriaSet, shipped
from tests.plants.two_enterprises import OWN, OWN_MACHINE, Town

PERIOD = "2026-03-03_2026-03-03"
NOW = datetime(2026, 3, 4, 6, tzinfo=UTC)
ENTERPRISE_FORM: dict[str, Any] = {
    "name": "Cơ khí Mẫu",
    "tax_code": "3600000001",
    "sector": "1",
    "size": "small",
    "commune": "26041",
}


def answer_of(kind: str) -> str:
    """Return an answer that a type of field takes."""
    return {
        "number": "1.234,5",
        "integer": "12",
        "scale0-5": "3",
        "bool": "có",
        "date": "2020-01-31",
        "datetime": "2026-03-01 08:00, Đồng Nai",
        "period": "202603 từ 2026-02-15 đến 2026-03-14",
    }.get(kind, "đã điền")


def filled_in(form: str) -> dict[str, Any]:
    """Return answers to every field of a form."""
    found = {one.code: answer_of(one.type) for one in forms()[form].fields if one.is_filled_in}
    return found | ({"A02": "3600000001"} if "A02" in found else {})


def all_points(level: int = 3) -> dict[str, Any]:
    """Return points of a level for every criterion of DBI-SME-1970."""
    framework = shipped("DBI-SME-1970")
    assert isinstance(framework, CriteriaSet)
    return {one.id: str(one.points[level]) for one in framework.criteria}


@dataclass(slots=True)
class Walk:
    """People of one enterprise and of the department at their pages."""

    town: Town
    engineer: TestClient
    manager: TestClient
    officer: TestClient
    approver: TestClient
    records: dict[str, int] = field(default_factory=dict)

    def post(self, who: TestClient, path: str, *, expect: int = 303, **form: Any) -> Any:
        answer = who.post(path, data=form)
        assert answer.status_code == expect, (path, answer.status_code, answer.text[:2000])
        return answer

    def begin(self) -> None:
        """Begin the programme with its one enterprise."""
        self.post(
            self.officer,
            "/programme",
            code="nmtm-2026",
            name="Nhà máy thông minh 2026",
            year="2026",
            framework="DBI-SME-1970@1.0.0",
        )
        self.post(self.officer, "/programme/enterprises", enterprise=OWN, **ENTERPRISE_FORM)

    def open(self, who: TestClient, kind: str, period: str, place: str = "") -> int:
        """Begin a record; return its number."""
        answer = self.post(who, "/programme/records", kind=kind, period=period, place=place)
        record = int(answer.headers["location"].rpartition("/")[2])
        self.records[kind] = record
        return record

    def step(self, who: TestClient, record: int, to: str, expect: int = 303, say: str = "") -> Any:
        path = f"/programme/record/{record}/step"
        return self.post(who, path, expect=expect, to=to, comment=say)

    def through(self, record: int, until: str = "closed") -> None:
        """Lead a record of the enterprise through the offices."""
        for who, to in (
            (self.manager, "confirmed"),
            (self.officer, "reviewed"),
            (self.approver, "closed"),
        ):
            self.step(who, record, to)
            if to == until:
                return

    def register(self) -> int:
        record = self.open(self.engineer, "register", "lần-1", OWN)
        machines = f"M1 | Máy cưa | Gia công | Hãng | S1 | 2019 | {OWN_MACHINE}\n"
        machines += "M2 | Máy mài | Hoàn thiện | Hãng | G1 | 2020 |"
        path = f"/programme/record/{record}/machines"
        self.post(self.engineer, path, machines=machines)
        self.through(record)
        return record

    def assessment(self, until: str = "closed") -> int:
        record = self.open(self.engineer, "assessment", PERIOD, OWN)
        self.post(self.engineer, f"/programme/record/{record}/points", **all_points())
        self.post(self.engineer, f"/programme/record/{record}/evidence")
        self.through(record, until)
        return record


def walk_of(town: Town) -> Walk:
    """Return everybody signed in."""
    clients = {role: _signed_in(town, role) for role in _WHO}
    engineer, manager, officer, approver = (clients[role] for role in _WHO)
    return Walk(town, engineer, manager, officer, approver)


_WHO = (Role.ENGINEER, Role.MANAGER, Role.OFFICER, Role.APPROVER)


def _signed_in(town: Town, role: Role) -> TestClient:
    if role not in town.logins:
        town.logins[role] = town.add(role, f"{role.value}.mot")
    client = town.signed_in(town.logins[role])
    if role in {Role.OFFICER, Role.APPROVER}:
        with town.store.transaction() as t:
            t._connection.execute("update access.session set strong = true")
    return client
