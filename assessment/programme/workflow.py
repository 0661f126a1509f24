"""Who may move a record where: Nháp → Doanh nghiệp xác nhận → Thẩm tra → Đã chốt → Thu hồi."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from assessment.programme.kind import Kind
from plant.errors import DataError


class Status(StrEnum):
    """How far a record is."""

    DRAFT = "draft"
    """Nháp."""
    CONFIRMED = "confirmed"
    """Doanh nghiệp xác nhận."""
    REVIEWED = "reviewed"
    """Phòng Quản lý Công nghiệp thẩm tra."""
    CLOSED = "closed"
    """Đã chốt."""
    WITHDRAWN = "withdrawn"
    """Thu hồi."""


STATUS_VI: Final = {
    Status.DRAFT: "Nháp",
    Status.CONFIRMED: "Doanh nghiệp xác nhận",
    Status.REVIEWED: "Phòng QLCN thẩm tra",
    Status.CLOSED: "Đã chốt",
    Status.WITHDRAWN: "Thu hồi",
}


class Office(StrEnum):
    """In what office somebody acts."""

    ENTERPRISE = "enterprise"
    """Confirms the enterprise's own data."""
    ENGINEER = "engineer"
    """Writes drafts of the enterprise."""
    OFFICER = "officer"
    """Phòng Quản lý Công nghiệp: reviews."""
    APPROVER = "approver"
    """Ban Giám đốc: closes and withdraws."""


OFFICE_VI: Final = {
    Office.ENTERPRISE: "Doanh nghiệp",
    Office.ENGINEER: "Doanh nghiệp (kỹ thuật)",
    Office.OFFICER: "Phòng Quản lý Công nghiệp",
    Office.APPROVER: "Ban Giám đốc",
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts; `enterprise` is theirs, `None` of the department."""

    name: str
    office: Office
    enterprise: str | None


_OF_ENTERPRISE: Final = {
    (Status.DRAFT, Status.CONFIRMED): Office.ENTERPRISE,
    (Status.CONFIRMED, Status.REVIEWED): Office.OFFICER,
    (Status.CONFIRMED, Status.DRAFT): Office.OFFICER,
    (Status.REVIEWED, Status.CLOSED): Office.APPROVER,
    (Status.REVIEWED, Status.CONFIRMED): Office.APPROVER,
    (Status.CLOSED, Status.WITHDRAWN): Office.APPROVER,
}
_OF_PROGRAMME: Final = {
    (Status.DRAFT, Status.REVIEWED): Office.OFFICER,
    (Status.REVIEWED, Status.DRAFT): Office.APPROVER,
    (Status.REVIEWED, Status.CLOSED): Office.APPROVER,
    (Status.CLOSED, Status.WITHDRAWN): Office.APPROVER,
}
NEEDS_COMMENT: Final = frozenset(
    {
        (Status.CONFIRMED, Status.DRAFT),
        (Status.REVIEWED, Status.CONFIRMED),
        (Status.REVIEWED, Status.DRAFT),
        (Status.CLOSED, Status.WITHDRAWN),
    }
)
"""Steps back and withdrawals say why."""


def next_steps(kind: Kind, status: str, enterprise: str | None, actor: Actor) -> list[Status]:
    """Return where an actor may move a record."""
    steps = _OF_PROGRAMME if kind.of_programme else _OF_ENTERPRISE
    return [
        to
        for (at, to), office in steps.items()
        if at == status
        and office is actor.office
        and (actor.enterprise is None or actor.enterprise == enterprise)
        and (office is not Office.ENTERPRISE or actor.enterprise == enterprise)
    ]


def may_write(kind: Kind, status: str, enterprise: str | None, actor: Actor) -> bool:
    """Tell whether an actor may change what a record says: drafts of one's own house only."""
    if status != Status.DRAFT:
        return False
    if kind.of_programme:
        return actor.office is Office.OFFICER
    return actor.office in {Office.ENTERPRISE, Office.ENGINEER} and actor.enterprise == enterprise


def check_step(
    kind: Kind, status: str, enterprise: str | None, to: Status, actor: Actor, comment: str
) -> None:
    """Let a step through.

    Raises:
        DataError: It is not a step of this office from there, or says no reason.
    """
    if to not in next_steps(kind, status, enterprise, actor):
        words = (
            f"{OFFICE_VI[actor.office]} không chuyển được hồ sơ từ "
            f"'{STATUS_VI[Status(status)]}' sang '{STATUS_VI[to]}'"
        )
        raise DataError("step_not_allowed", words)
    if (Status(status), to) in NEEDS_COMMENT and not comment.strip():
        raise DataError("step_without_reason", "trả lại hoặc thu hồi phải ghi lý do")
