"""The steps of records through the offices, and what the department adds on the way."""

import json
from collections.abc import Mapping
from typing import Final

from assessment.form import forms, problems_vi
from assessment.framework import Document
from assessment.programme.content import (
    chain_faults_vi,
    step_hash,
)
from assessment.programme.cost import BUDGET, budget_of
from assessment.programme.desk.computing import Computing
from assessment.programme.desk.held import window_of_period
from assessment.programme.kind import KINDS
from assessment.programme.workflow import Actor, Office, Status, check_step
from plant.errors import DataError
from store.assessment.record import PilotTransaction, RecordRow

_LONGEST_COMMENT: Final = 2000


class Desk(Computing):
    """Records of one installation."""

    def confirm_documents(
        self, actor: Actor, record_id: int, documents: Mapping[str, str], *, all_departments: bool
    ) -> None:
        """Say which documents the department has seen; what evidence supports follows anew.

        Raises:
            DataError: The actor is no officer, it is not with them, or there is no such document.
        """
        with self._writer.transaction() as t:
            record = self._with_officer(t, actor, record_id)
            content = json.loads(record.content)
            content["documents"] = {
                Document(name).value: {
                    "by": actor.name,
                    "on": self._today().isoformat(),
                    "comment": comment[:_LONGEST_COMMENT],
                    "all_departments": all_departments and name == "asset_register",
                }
                for name, comment in documents.items()
            }
            figures = {one.metric_code: one.content for one in t.evidence(record_id)}
            content["proposals"] = self._proposals(content, figures)
            self._write(t, record_id, content)

    def confirm_level(
        self, actor: Actor, record_id: int, criterion_id: str, level: int | None, comment: str
    ) -> None:
        """Write the level that the department confirms for a criterion; `None` takes it back.

        Raises:
            DataError: The actor is no officer, the assessment is not with them, or no such level.
        """
        with self._writer.transaction() as t:
            record = self._with_officer(t, actor, record_id)
            content = json.loads(record.content)
            criterion = self.criteria(content["framework"]).criterion(criterion_id)
            if level is not None and not 0 <= level <= criterion.max_level:
                words = f"{criterion_id}: mức {level} ngoài 0..{criterion.max_level}"
                raise DataError("level_not_allowed", words)
            confirmed = content.setdefault("confirmed", {})
            confirmed.pop(criterion_id, None)
            if level is not None:
                confirmed[criterion_id] = {
                    "level": level,
                    "by": actor.name,
                    "on": self._today().isoformat(),
                    "comment": comment[:_LONGEST_COMMENT],
                }
            self._write(t, record_id, content)

    def move(self, actor: Actor, record_id: int, to: str, comment: str) -> str:
        """Move a record a step on, or back with a reason; return what the audit keeps of the step.

        Raises:
            DataError: It is no step of this office, or the record is not complete.
        """
        with self._writer.transaction() as t:
            record = self._known(t, record_id, lock=True)
            target = Status(to)
            kind = KINDS[record.kind]
            check_step(kind, record.status, record.enterprise, target, actor, comment)
            forward = target in {Status.CONFIRMED, Status.REVIEWED}
            if forward and (problems := self.problems_vi(t, record)):
                raise DataError("not_complete", "; ".join(problems[:20]))
            return self._step(t, record, target, actor.name, actor.office, comment)

    def _step(
        self,
        t: PilotTransaction,
        record: RecordRow,
        to: Status,
        who: str,
        office: Office,
        comment: str,
    ) -> str:
        steps = t.steps(record.record_id)
        before = steps[-1].hash if steps else ""
        position, now = len(steps) + 1, self._clock()
        said = comment.strip()[:_LONGEST_COMMENT]
        hashed = step_hash(
            before,
            record.record_id,
            position,
            (record.status, to),
            who,
            office,
            now,
            said,
            record.sha256,
        )
        t.do(
            "add_step",
            {
                "record_id": record.record_id,
                "position": position,
                "enterprise": record.enterprise,
                "from_status": record.status,
                "to_status": to,
                "who": who,
                "office": office,
                "at": now,
                "comment": said,
                "sha256": record.sha256,
                "hash": hashed,
            },
        )
        t.do("move_record", {"record_id": record.record_id, "status": to, "at": now})
        return f"HS{record.record_id}/{position} {hashed}"

    def problems_vi(self, t: PilotTransaction, record: RecordRow) -> tuple[str, ...]:
        """Return what a record still lacks before it may go on."""
        content = json.loads(record.content)
        kind = KINDS[record.kind]
        if kind.form:
            values = content.get("values", {})
            wrong = budget_of(values.get(BUDGET, ""))[1] if record.kind == "replication" else ()
            return (*problems_vi(forms()[kind.form], values), *wrong)
        if record.kind == "register" and not content.get("departments"):
            return ("danh mục chưa có máy",)
        if record.kind == "assessment":
            found = []
            framework = self.criteria(content["framework"])
            missing = [one.id for one in framework.criteria if one.id not in content["self"]]
            if missing:
                found.append(f"chưa tự đánh giá: {', '.join(missing)}")
            if not content.get("evidence"):
                found.append("chưa lập bằng chứng")
            return tuple(found)
        if record.kind == "baseline":
            window = window_of_period(record.period, self._zone)
            if window.length < self._gate.period:
                return (f"kỳ nền dưới {self._gate.period.days} ngày",)
        return ()

    def faults_vi(self, t: PilotTransaction, record: RecordRow, *, machines: bool) -> list[str]:
        """Return what was changed behind the back of the workflow; `machines` where visible."""
        rows = t.machines(record.record_id) if machines and record.kind == "register" else None
        return chain_faults_vi(
            record, t.steps(record.record_id), t.evidence(record.record_id), rows
        )

    def _with_officer(self, t: PilotTransaction, actor: Actor, record_id: int) -> RecordRow:
        record = self._known(t, record_id, lock=True)
        if (
            actor.office is not Office.OFFICER
            or record.kind != "assessment"
            or record.status != Status.CONFIRMED
        ):
            words = "chỉ Phòng Quản lý Công nghiệp, khi doanh nghiệp đã xác nhận"
            raise DataError("not_allowed", words)
        return record
