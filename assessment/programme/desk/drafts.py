"""Drafts: begun, written, corrected by a version that supersedes."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from assessment.form import forms
from assessment.programme.content import (
    canonical_text,
    digest_of,
    machines_digest,
)
from assessment.programme.desk.editions import Editions
from assessment.programme.desk.held import window_of_period
from assessment.programme.kind import KINDS
from assessment.programme.workflow import Actor, Status, may_write
from assessment.scoring import Declaration, GateSettings, SelfAssessment
from plant.clock import Clock
from plant.errors import DataError
from store.assessment.record import MachineRow, PilotStore, PilotTransaction, RecordRow

_USUAL_GATE: Final = GateSettings()
_MOST_MACHINES: Final = 2000
_LONGEST_WINDOW: Final = timedelta(days=400)


class Drafts(Editions):
    """Records that are being written."""

    def __init__(
        self,
        writer: PilotStore,
        reader: PilotStore,
        clock: Clock,
        gate: GateSettings = _USUAL_GATE,
        zone: str = "Asia/Ho_Chi_Minh",
    ) -> None:
        super().__init__(writer, reader, clock)
        self._gate = gate
        self._zone = ZoneInfo(zone)

    def open_record(
        self, actor: Actor, programme_id: int, enterprise: str | None, kind: str, period: str
    ) -> int:
        """Begin a record, or a version that supersedes a closed one; return its number.

        Raises:
            DataError: The kind or period is none, the actor may not, or a version is under way.
        """
        of = KINDS.get(kind)
        if of is None:
            raise DataError("unknown_kind", f"không có loại hồ sơ {kind!r}")
        of.check_period(period)
        if kind in {"assessment", "baseline"}:
            window = window_of_period(period, self._zone)
            if window.length > _LONGEST_WINDOW:
                raise DataError("period_too_long", f"kỳ dài hơn {_LONGEST_WINDOW.days} ngày")
        if of.of_programme != (enterprise is None) or not may_write(
            of, Status.DRAFT, enterprise, actor
        ):
            raise DataError("not_allowed", f"{of.name_vi}: không thuộc quyền lập của bạn")
        with self._writer.transaction() as t:
            # Two who begin a version at once would each find none under way.
            t.do("lock_programme", {"programme_id": programme_id})
            versions = [
                one
                for one in t.records(programme_id, enterprise, kind)
                if one.period == period and one.enterprise == enterprise
            ]
            last = versions[-1] if versions else None
            if last is not None and last.status not in {Status.CLOSED, Status.WITHDRAWN}:
                raise DataError("version_under_way", f"{of.name_vi} {period} đang được lập")
            content = self._first_content(t, programme_id, kind, period, last)
            return self._add(t, actor.name, programme_id, enterprise, kind, period, content, last)

    def _first_content(
        self,
        t: PilotTransaction,
        programme_id: int,
        kind: str,
        period: str,
        last: RecordRow | None,
    ) -> dict[str, Any]:
        if last is not None:
            # What people said is the beginning of a correction; what the department found is not.
            held: dict[str, Any] = json.loads(last.content)
            gone = (
                "confirmed",
                "documents",
                "evidence",
                "from_figures",
                "proposals",
                "machines_sha256",
            )
            return {name: value for name, value in held.items() if name not in gone}
        if kind == "assessment":
            (programme,) = [one for one in t.programmes() if one.programme_id == programme_id]
            return {"framework": programme.framework, "self": {}}
        return {"values": {}}

    def _add(
        self,
        t: PilotTransaction,
        who: str,
        programme_id: int,
        enterprise: str | None,
        kind: str,
        period: str,
        content: Mapping[str, Any],
        last: RecordRow | None,
    ) -> int:
        text = canonical_text(content)
        values = {
            "programme_id": programme_id,
            "enterprise": enterprise,
            "kind": kind,
            "period": period,
            "supersedes": last.record_id if last else None,
            "content": text,
            "sha256": digest_of(text),
            "who": who,
            "at": self._clock(),
        }
        return t.number("add_record", values)

    def write_values(self, actor: Actor, record_id: int, values: Mapping[str, str]) -> None:
        """Write the answers of a form into a draft; empty ones are left out.

        Raises:
            DataError: The actor may not, or an answer is of no field.
        """

        def changed(record: RecordRow, content: dict[str, Any]) -> None:
            said = {name: text.strip() for name, text in values.items() if text.strip()}
            form_id = KINDS[record.kind].form
            if form_id:
                known = {one.code for one in forms()[form_id].fields if one.is_filled_in}
                unknown = sorted(said.keys() - known)
                if unknown:
                    raise DataError("unknown_field", ", ".join(unknown))
            if any(len(text) > 20_000 for text in said.values()) or len(said) > 200:
                raise DataError("too_long", "câu trả lời dài quá 20.000 ký tự")
            content["values"] = said

        self._change(actor, record_id, changed)

    def write_machines(self, actor: Actor, record_id: int, machines: Sequence[MachineRow]) -> None:
        """Write the machines of a register's draft; its record has their numbers by department.

        Raises:
            DataError: The actor may not, a code comes twice, or a signal is of another enterprise.
        """
        codes = [one.code for one in machines]
        if len(set(codes)) != len(codes) or len(codes) > _MOST_MACHINES:
            raise DataError("machines_not_valid", "mã máy trùng, hoặc quá nhiều máy")
        with self._writer.transaction() as t:
            record = self._draft(t, actor, record_id)
            if record.kind != "register":
                raise DataError("not_a_register", f"hồ sơ {record_id} không phải danh mục máy")
            foreign = [
                one.work_unit
                for one in machines
                if one.work_unit and one.work_unit.partition("/")[0] != record.enterprise
            ]
            if foreign:
                raise DataError("foreign_machine", "máy không thuộc doanh nghiệp này")
            t.do("drop_machines", {"record_id": record_id})
            for one in machines:
                t.do(
                    "add_machine",
                    {
                        "record_id": record_id,
                        "enterprise": record.enterprise,
                        "code": one.code,
                        "name_vi": one.name_vi,
                        "department": one.department,
                        "maker": one.maker,
                        "model": one.model,
                        "made_in": one.made_in,
                        "work_unit": one.work_unit,
                    },
                )
            content = json.loads(record.content)
            content["departments"] = _by_department(machines)
            content["machines_sha256"] = machines_digest(machines)
            self._write(t, record_id, content)

    def attach(
        self, actor: Actor, record_id: int, name: str, media_type: str, content: bytes
    ) -> int:
        """Add a file to a draft, such as the photo of a nameplate; return its number.

        Raises:
            DataError: The actor may not, or the file is empty or larger than 5 MB.
        """
        if not content or len(content) > 5_000_000:
            raise DataError("file_not_valid", "tệp rỗng hoặc lớn hơn 5 MB")
        with self._writer.transaction() as t:
            record = self._draft(t, actor, record_id)
            values = {
                "record_id": record_id,
                "enterprise": record.enterprise,
                "name": name[:200] or "tệp",
                "media_type": media_type[:100],
                "content": content,
                "sha256": hashlib.sha256(content).hexdigest(),
                "who": actor.name,
                "at": self._clock(),
            }
            return t.number("add_attachment", values)

    def declare(self, actor: Actor, record_id: int, points: Mapping[str, int]) -> None:
        """Write the enterprise's own points by criterion into a draft.

        Raises:
            DataError: The actor may not, or points are not allowed by the framework.
        """

        def changed(record: RecordRow, content: dict[str, Any]) -> None:
            framework = self.criteria(content["framework"])
            today = self._today()
            said = tuple(
                Declaration(one, number, actor.name, today) for one, number in points.items()
            )
            SelfAssessment(framework, said)
            content["self"] = {
                one.criterion_id: {
                    "points": one.points,
                    "by": one.declared_by,
                    "on": one.declared_on.isoformat(),
                }
                for one in said
            }

        self._change(actor, record_id, changed, only="assessment")

    def _change(
        self, actor: Actor, record_id: int, change: Any, *, only: str | None = None
    ) -> None:
        with self._writer.transaction() as t:
            record = self._draft(t, actor, record_id)
            if only is not None and record.kind != only:
                raise DataError("other_kind", f"hồ sơ {record_id} là {KINDS[record.kind].name_vi}")
            content = json.loads(record.content)
            change(record, content)
            self._write(t, record_id, content)

    def _draft(self, t: PilotTransaction, actor: Actor, record_id: int) -> RecordRow:
        record = self._known(t, record_id, lock=True)
        if not may_write(KINDS[record.kind], record.status, record.enterprise, actor):
            raise DataError("not_allowed", f"hồ sơ {record_id}: chỉ sửa được bản nháp của mình")
        return record

    def _known(self, t: PilotTransaction, record_id: int, *, lock: bool = False) -> RecordRow:
        record = t.record(record_id, lock=lock)
        if record is None:
            raise DataError("unknown_record", f"không có hồ sơ {record_id}")
        return record

    def _write(self, t: PilotTransaction, record_id: int, content: Mapping[str, Any]) -> None:
        text = canonical_text(content)
        values = {
            "record_id": record_id,
            "content": text,
            "sha256": digest_of(text),
            "at": self._clock(),
        }
        t.do("write_record", values)

    def _today(self) -> date:
        return self._clock().astimezone(self._zone).date()


def _by_department(machines: Sequence[MachineRow]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for one in machines:
        row = found.setdefault(one.department, {"machines": 0, "connected": 0})
        row["machines"] += 1
        row["connected"] += one.work_unit is not None
    return found
