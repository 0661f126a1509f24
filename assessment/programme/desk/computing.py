"""What is computed for a record: evidence, a monthly sheet, and closed ones again."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from assessment.evidence.figure import Window
from assessment.framework import Document
from assessment.programme.content import (
    digest_of,
)
from assessment.programme.desk.drafts import Drafts
from assessment.programme.desk.held import LIVE, newest, window_of_period
from assessment.programme.desk.journal import declared_in
from assessment.programme.figures import Computed, compute, proposals
from assessment.programme.gathering import OF_A_MOMENT, Gathered, gather
from assessment.programme.kind import KINDS
from assessment.programme.month import month_values, refilled
from assessment.programme.rhythm import Cadence, period_named, period_of
from assessment.programme.workflow import Actor, Status, may_write
from assessment.scoring import ConfirmedDocuments
from plant.errors import DataError
from store.assessment.production import Production, zone_of
from store.assessment.record import PilotTransaction, RecordRow


class Computing(Drafts):
    """Figures of records, from what the reader may see."""

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
            register = newest(own, "register", LIVE)
            baseline = newest(own, "baseline", LIVE)
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
            declared=declared_in(own, record.period),
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


def _fill(filled: Mapping[str, str], record: RecordRow, content: dict[str, Any]) -> None:
    content["values"] = refilled(content["values"], content.get("from_figures", {}), filled)
    content["from_figures"] = dict(filled)
