"""Who a visitor of the demo may be: a person of each role, at an enterprise or the department."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from api.access.administration import add_account
from api.access.role import OF_DEPARTMENT, OF_ENTERPRISE, Role
from plant.clock import system_clock
from plant.description import PlantDescription
from plant.settings import DatabaseSettings
from store.access.account import AccessStore
from store.access.tenant import make_tenants

_DEPARTMENT = "so-cong-thuong"
_LOGINS = {
    Role.ENGINEER: "ky-su",
    Role.OPERATOR: "van-hanh",
    Role.MANAGER: "quan-ly",
    Role.TECHNICIAN: "ky-thuat",
    Role.OFFICER: "chuyen-vien",
    Role.APPROVER: "phe-duyet",
    Role.ADMINISTRATOR: "quan-tri",
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """An account without a password."""

    login: str
    name: str
    role: Role
    organisation: str
    kind: str


def visitors(plants: Sequence[PlantDescription]) -> list[Visitor]:
    """Return who there is; the first is an engineer, and what a visitor begins as."""
    enterprises = [(plant.enterprise.code, plant.enterprise.name_vi) for plant in plants]
    found = [
        Visitor(f"{word}.{code}", name, role, code, "enterprise")
        for code, name in enterprises
        for role, word in _LOGINS.items()
        if role in OF_ENTERPRISE
    ]
    found += [
        Visitor(word, "Sở Công Thương", role, _DEPARTMENT, "department")
        for role, word in _LOGINS.items()
        if role in OF_DEPARTMENT
    ]
    return found


def invite_visitors(
    settings: DatabaseSettings, logins_secret: Path, plants: Sequence[PlantDescription]
) -> None:
    """Make the logins of the enterprises, and an account per visitor. None has a password."""
    make_tenants(settings, logins_secret.read_text(encoding="ascii"))
    store, now = AccessStore(settings), system_clock()
    for one in visitors(plants):
        add_account(store, one.login, one.name, one.role, one.organisation, one.kind, now, "demo")
    store.close()
