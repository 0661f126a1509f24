"""The desk at which records of a programme are written, moved on and looked at.

Whoever calls says who acts; what they may do is decided by the workflow, and what they see by the
login that `reader` has. Changes are made by `writer`, in one transaction each.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from assessment.evidence.figure import Window
from assessment.evidence.inputs import CheckedShift
from assessment.form import forms, problems_vi
from assessment.framework import CriteriaSet, Document, Orientation, framework_from_json, shipped
from assessment.programme.content import (
    canonical_text,
    chain_faults_vi,
    digest_of,
    machines_digest,
    step_hash,
)
from assessment.programme.cost import BUDGET, budget_of
from assessment.programme.figures import Computed, compute, proposals
from assessment.programme.gathering import OF_A_MOMENT, Declared, Gathered, gather
from assessment.programme.kind import KINDS
from assessment.programme.month import month_values, refilled
from assessment.programme.rhythm import Cadence, period_named, period_of
from assessment.programme.workflow import Actor, Office, Status, check_step, may_write
from assessment.scoring import ConfirmedDocuments, Declaration, GateSettings, SelfAssessment
from plant.clock import Clock
from plant.errors import DataError
from store.assessment.production import Production, zone_of
from store.assessment.record import MachineRow, PilotStore, PilotTransaction, RecordRow

_USUAL_GATE: Final = GateSettings()
_LIVE: Final = frozenset({Status.CONFIRMED, Status.REVIEWED, Status.CLOSED})
_LONGEST_COMMENT: Final = 2000
_MOST_MACHINES: Final = 2000
_LONGEST_WINDOW: Final = timedelta(days=400)


class Desk:
    """Records of one installation."""

    def __init__(
        self,
        writer: PilotStore,
        reader: PilotStore,
        clock: Clock,
        gate: GateSettings = _USUAL_GATE,
        zone: str = "Asia/Ho_Chi_Minh",
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._clock = clock
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

    def make_evidence(self, actor: Actor, record_id: int) -> None:
        """Compute every metric of an assessment's window anew, from what the actor may see.

        A monthly sheet is filled in from them where nobody has written anything else.

        Raises:
            DataError: The actor may not, it is no draft of either, or the month has not begun.
        """
        with self._reader.transaction() as t:
            record = self._known(t, record_id)
            if record.kind not in {"assessment", "monthly"} or not may_write(
                KINDS[record.kind], record.status, record.enterprise, actor
            ):
                raise DataError("not_allowed", "chỉ lập bằng chứng cho bản nháp của mình")
            if record.kind == "monthly":
                filled = self._month(t, record)
            else:
                made = self._gathered(t, record)
        if record.kind == "monthly":
            self._change(actor, record_id, partial(_fill, filled), only="monthly")
            return
        self._keep_evidence(record_id, actor, *made)

    def _keep_evidence(
        self, record_id: int, actor: Actor | None, computed: Computed, sources: Mapping[str, Any]
    ) -> None:
        with self._writer.transaction() as t:
            record = self._known(t, record_id, lock=True)
            # Asked once more: the draft may have been confirmed while its figures were computed.
            if actor is not None:
                self._draft(t, actor, record_id)
            content = json.loads(record.content)
            t.do("drop_evidence", {"record_id": record_id})
            t.do("drop_evidence_inputs", {"record_id": record_id})
            for code, text in computed.evidence.items():
                values = {
                    "record_id": record_id,
                    "enterprise": record.enterprise,
                    "metric_code": code,
                    "content": text,
                    "sha256": digest_of(text),
                }
                t.do("add_evidence", values)
                if code in computed.inputs:
                    t.do("add_evidence_input", values | {"content": computed.inputs[code]})
            content["evidence"] = {
                code: digest_of(text) for code, text in computed.evidence.items()
            }
            content.update(sources)
            content["proposals"] = self._proposals(content, computed.evidence)
            self._write(t, record_id, content)

    def _gathered(
        self, t: PilotTransaction, record: RecordRow, sources: Mapping[str, Any] | None = None
    ) -> tuple[Computed, dict[str, Any]]:
        """Return the figures of an assessment, and the records that they rest on."""
        enterprise = record.enterprise or ""
        zone = ZoneInfo(zone_of(t.connection, enterprise) or self._zone.key)
        window = window_of_period(record.period, zone)
        own = t.records(record.programme_id, enterprise)
        if sources is None:
            register = _newest(own, "register", _LIVE)
            baseline = _newest(own, "baseline", _LIVE)
        else:
            register, baseline = (
                next((one for one in own if one.record_id == sources.get(name)), None)
                for name in ("register", "baseline")
            )
        machines = t.machines(register.record_id) if register else []
        units = [one.work_unit for one in machines if one.work_unit]

        def over(span: Window) -> Production:
            return Production(t.connection, enterprise, units, span.start, span.end)

        gathered: Gathered = gather(
            over(window),
            window,
            machines,
            register_confirmed=register is not None,
            declared=_declared(own, record.period),
            baseline=over(window_of_period(baseline.period, zone)) if baseline else None,
        )
        return compute(gathered, window, self._gate), {
            "register": register.record_id if register else None,
            "baseline": baseline.record_id if baseline else None,
        }

    def _month(self, t: PilotTransaction, record: RecordRow) -> dict[str, str]:
        """Return what figures say of a month, of its whole days until yesterday."""
        period = period_named(record.period)
        until = min(period.last, self._today() - timedelta(days=1))
        if until < period.first:
            words = (
                f"kỳ {record.period} bắt đầu ngày {period.first:%d/%m/%Y}, chưa có ngày trọn vẹn"
            )
            raise DataError("period_not_begun", words)
        span = replace(record, period=f"{period.first}_{until}")
        computed, sources = self._gathered(t, span)
        zone = ZoneInfo(zone_of(t.connection, record.enterprise or "") or self._zone.key)
        year = window_of_period(f"{period_of(Cadence.YEAR, until).first}_{until}", zone)
        register = sources["register"]
        machines = t.machines(register) if register is not None else []
        units = [one.work_unit for one in machines if one.work_unit]
        production = Production(t.connection, record.enterprise or "", units, year.start, year.end)
        figures = {code: json.loads(text) for code, text in computed.evidence.items()}
        return month_values(figures, production.days(), period, until)

    def _proposals(
        self, content: Mapping[str, Any], figures: Mapping[str, str]
    ) -> dict[str, dict[str, Any]]:
        documents = content.get("documents", {})
        confirmed = ConfirmedDocuments(
            frozenset(Document(name) for name in documents),
            bool(documents.get("asset_register", {}).get("all_departments")),
        )
        read = {code: json.loads(text) for code, text in figures.items()}
        return proposals(self.criteria(content["framework"]), read, confirmed, self._gate)

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

    def recheck(self, record_id: int) -> list[str]:
        """Compute a closed assessment again; what differs becomes a draft that supersedes it.

        Return the differences in Vietnamese, [] where every figure is as it was. The closed record
        never changes. `reader` must see the enterprise's rows.

        Raises:
            DataError: It is no closed assessment.
        """
        with self._reader.transaction() as t:
            record, computed, sources = self._again(t, record_id)
            kept = {one.metric_code: json.loads(one.content) for one in t.evidence(record_id)}
        differences = []
        for code, figure in sorted(kept.items()):
            if code in OF_A_MOMENT:
                continue
            now = json.loads(computed.evidence[code])
            if now["inputs_hash"] != figure["inputs_hash"] or now["value"] != figure["value"]:
                words = f"{code}: hồ sơ {figure['shown_vi']}, tính lại {now['shown_vi']}"
                differences.append(words)
        if differences:
            self._supersede(record, computed, sources)
        return differences

    def computed_again(self, record_id: int) -> dict[str, str]:
        """Return the figures of a closed assessment by metric, from what is stored now.

        Those of a moment (how many tags are described now) are left out: it is over.

        Raises:
            DataError: It is no closed assessment.
        """
        with self._reader.transaction() as t:
            _, computed, _ = self._again(t, record_id)
        return {code: text for code, text in computed.evidence.items() if code not in OF_A_MOMENT}

    def _again(
        self, t: PilotTransaction, record_id: int
    ) -> tuple[RecordRow, Computed, dict[str, Any]]:
        record = self._known(t, record_id)
        if record.kind != "assessment" or record.status != Status.CLOSED:
            raise DataError("not_closed", f"hồ sơ {record_id} không phải đánh giá đã chốt")
        return record, *self._gathered(t, record, json.loads(record.content))

    def _supersede(self, record: RecordRow, computed: Computed, sources: Mapping[str, Any]) -> None:
        with self._writer.transaction() as t:
            t.do("lock_programme", {"programme_id": record.programme_id})
            versions = [
                one
                for one in t.records(record.programme_id, record.enterprise, record.kind)
                if one.period == record.period
            ]
            last = versions[-1]
            if last.status == Status.DRAFT:
                # What somebody has begun to correct goes on: its figures are replaced, their words
                # are not.
                draft = last.record_id
            elif last.status == Status.CLOSED:
                content = self._first_content(
                    t, record.programme_id, record.kind, record.period, last
                )
                content["because_vi"] = "Số liệu đến sau khi chốt"
                draft = self._add(
                    t,
                    "nhipmay",
                    record.programme_id,
                    record.enterprise,
                    record.kind,
                    record.period,
                    content,
                    last,
                )
            else:
                return
        self._keep_evidence(draft, None, computed, sources)

    def faults_vi(self, t: PilotTransaction, record: RecordRow, *, machines: bool) -> list[str]:
        """Return what was changed behind the back of the workflow; `machines` where visible."""
        rows = t.machines(record.record_id) if machines and record.kind == "register" else None
        return chain_faults_vi(
            record, t.steps(record.record_id), t.evidence(record.record_id), rows
        )

    def criteria(self, edition: str) -> CriteriaSet:
        """Return the criteria set of an edition, shipped or imported.

        Raises:
            DataError: There is none.
        """
        found = self.framework(edition)
        if not isinstance(found, CriteriaSet):
            raise DataError("not_scored", f"{edition} chỉ để định hướng")
        return found

    def framework(self, edition: str) -> CriteriaSet | Orientation:
        """Return a framework by its edition.

        Raises:
            DataError: There is none.
        """
        for one in self.frameworks():
            if one.edition == edition:
                return one
        raise DataError("unknown_framework", f"không có bộ tiêu chí {edition!r}")

    def frameworks(self) -> list[CriteriaSet | Orientation]:
        """Return every framework: shipped ones, then imported ones."""
        with self._reader.transaction() as t:
            imported = [framework_from_json(one.document) for one in t.frameworks()]
        return [*(shipped(one) for one in ("DBI-SME-1970", "DBI-1567", "SIRI")), *imported]

    def add_framework(self, actor: Actor, document: str) -> str:
        """Keep an edition that was imported or edited; return its name.

        Raises:
            DataError: The actor is no officer, the document is not sound, or the edition is there.
        """
        if actor.office is not Office.OFFICER:
            raise DataError("not_allowed", "chỉ Phòng Quản lý Công nghiệp nhập bộ tiêu chí")
        framework = framework_from_json(document)
        if any(one.edition == framework.edition for one in self.frameworks()):
            raise DataError("edition_exists", f"{framework.edition} đã có; hãy tăng phiên bản")
        text = canonical_text(json.loads(document))
        with self._writer.transaction() as t:
            t.do(
                "add_framework",
                {
                    "edition": framework.edition,
                    "document": text,
                    "sha256": digest_of(text),
                    "who": actor.name,
                    "at": self._clock(),
                },
            )
        return framework.edition

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


def window_of_period(period: str, zone: ZoneInfo) -> Window:
    """Return the window of a period `YYYY-MM-DD_YYYY-MM-DD`, both days included.

    Raises:
        DataError: It is none.
    """
    try:
        first, last = (date.fromisoformat(one) for one in period.split("_"))
        start, end = (
            datetime(one.year, one.month, one.day, tzinfo=zone)
            for one in (first, last + timedelta(days=1))
        )
    except (ValueError, OverflowError) as exc:
        raise DataError("period_not_valid", f"kỳ {period!r}") from exc
    if end <= start:
        raise DataError("period_not_valid", f"kỳ {period!r} kết thúc trước khi bắt đầu")
    return Window(start, end)


def holding(records: Sequence[RecordRow]) -> list[RecordRow]:
    """Return the records that hold: of each, the newest version that is closed."""
    newest: dict[tuple[str | None, str, str], RecordRow] = {}
    for one in records:
        if one.status == Status.CLOSED:
            newest[one.enterprise, one.kind, one.period] = one
    return list(newest.values())


def _fill(filled: Mapping[str, str], record: RecordRow, content: dict[str, Any]) -> None:
    content["values"] = refilled(content["values"], content.get("from_figures", {}), filled)
    content["from_figures"] = dict(filled)


def _newest(
    records: Sequence[RecordRow], kind: str, statuses: frozenset[Status]
) -> RecordRow | None:
    found = [one for one in records if one.kind == kind and one.status in statuses]
    return max(found, key=lambda one: one.record_id, default=None)


def _by_department(machines: Sequence[MachineRow]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for one in machines:
        row = found.setdefault(one.department, {"machines": 0, "connected": 0})
        row["machines"] += 1
        row["connected"] += one.work_unit is not None
    return found


def _declared(records: Sequence[RecordRow], period: str) -> Declared:
    """Return what the journals of the months of a period say of checks and decisions."""
    first, last = (part.replace("-", "")[:6] for part in period.split("_"))
    held = Declared()
    for one in records:
        if one.kind != "journal" or one.status not in _LIVE or not first <= one.period <= last:
            continue
        values = json.loads(one.content).get("values", {})
        held = replace(held, checks=(*held.checks, *_checks(one.period, values.get("checks", ""))))
        if "decisions" in values:
            with_metric = _whole(one.period, values.get("decisions_with_metric", "0"))
            held = replace(
                held,
                decisions=(held.decisions or 0) + _whole(one.period, values["decisions"]),
                decisions_with_metric=(held.decisions_with_metric or 0) + with_metric,
            )
    return held


def _whole(month: str, text: str) -> int:
    if not text.strip().isdecimal() or len(text) > 9:
        words = f"nhật ký {month}: số quyết định {text[:20]!r} phải là số nguyên"
        raise DataError("decisions_not_valid", words)
    return int(text)


def _checks(month: str, text: str) -> list[CheckedShift]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) < 4:
            continue
        try:
            automatic, inspected = int(cells[1]), int(cells[2])
        except ValueError as exc:
            words = f"nhật ký {month}, dòng kiểm chứng {number}: số đếm phải là số nguyên"
            raise DataError("check_not_valid", words) from exc
        found.append(CheckedShift(cells[0], automatic, inspected, cells[3] == "đã ký"))
    return found
