"""Releases: rows of datasets from closed records, never computed on request.

What is told is fixed when an officer releases it, judged with everything that was told before. A
question of a consumer only reads these rows, so no choice of window or filter makes a new sum.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any, Final

from assessment.evidence import number_vi
from assessment.programme.content import canonical_text, digest_of
from assessment.programme.desk import holding
from assessment.programme.disclosure import Cell, DisclosureSettings, Told, Verdict, judge
from assessment.programme.figures import number_of, part_of
from assessment.programme.workflow import Actor, Office
from assessment.sharing.dataset import DATASETS, INDICATORS
from plant.clock import Clock
from plant.errors import DataError
from store.assessment.record import (
    ConsentRow,
    PilotStore,
    PilotTransaction,
    RecordRow,
    ReleaseRow,
)

_FIGURES: Final = {
    "NMTM04": ("E01", "Máy kết nối"),
    "NMTM05": ("E01", "Máy trong danh mục (R)"),
}
_TYPED: Final = ("NMTM07", "NMTM08", "NMTM09")
MOST_ROWS: Final = 1000
_USUAL: Final = DisclosureSettings()


@dataclass(frozen=True, slots=True)
class Release:
    """A row that would be, or was, told."""

    dataset: str
    row_key: str
    content: dict[str, Any]
    contributors: tuple[str, ...]
    withheld_vi: str | None


@dataclass(frozen=True, slots=True)
class _Assessed:
    """The closed assessment of an enterprise with its figures."""

    record: RecordRow
    content: dict[str, Any]
    figures: dict[str, dict[str, Any]]


class Releasing:
    """Prepares, makes and hands out releases."""

    def __init__(
        self,
        writer: PilotStore,
        reader: PilotStore,
        clock: Clock,
        settings: DisclosureSettings = _USUAL,
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._clock = clock
        self._settings = settings

    def preview(
        self, programme_id: int, dataset: str, period: str, day: date, receiver: str = "ioc"
    ) -> list[Release]:
        """Return the rows of a dataset as they would be released.

        Raises:
            DataError: There is no such dataset.
        """
        with self._reader.transaction() as t:
            return self._rows(t, programme_id, dataset, period, day, receiver)

    def release(
        self,
        actor: Actor,
        programme_id: int,
        dataset: str,
        period: str,
        day: date,
        receiver: str = "ioc",
    ) -> int:
        """Release the rows of a dataset that changed since; return how many.

        Raises:
            DataError: The actor is no officer, or there is no such dataset.
        """
        if actor.office not in {Office.OFFICER, Office.APPROVER}:
            raise DataError("not_allowed", "chỉ Sở công bố tập dữ liệu")
        made = 0
        with self._writer.transaction() as t:
            # Two releases at once would each be judged without the other, and the difference of the
            # two may tell of one enterprise.
            t.do("lock_releases", {})
            # They come in the order of their release: of each row the last one stays.
            last = {one.row_key: one for one in _all(t, dataset, self._clock())}
            rows = self._rows(t, programme_id, dataset, period, day, receiver)
            for row in rows:
                text = canonical_text(row.content)
                before = last.get(row.row_key)
                if before is not None and before.content == text and not before.withdrawn:
                    continue
                t.number("add_release", self._values(programme_id, row, text, actor, gone=False))
                made += 1
            # A consent that was taken back takes its rows with it.
            present = {row.row_key for row in rows}
            if dataset == "nmtm-bang-chung":
                for key, one in last.items():
                    if (
                        not one.withdrawn
                        and one.programme_id == programme_id
                        and key not in present
                    ):
                        row = Release(dataset, key, {"thu_hoi": True}, (), None)
                        text = canonical_text(row.content)
                        values = self._values(programme_id, row, text, actor, gone=True)
                        t.number("add_release", values | {"contributors": one.contributors})
                        made += 1
        return made

    def _values(
        self, programme_id: int, row: Release, text: str, actor: Actor, *, gone: bool
    ) -> dict[str, Any]:
        return {
            "programme_id": programme_id,
            "dataset": row.dataset,
            "row_key": row.row_key,
            "content": text,
            "sha256": digest_of(text),
            "contributors": list(row.contributors),
            "who": actor.name,
            "at": self._clock(),
            "withdrawn": gone,
        }

    def pull(
        self,
        consumer: str,
        dataset: str,
        after: int,
        as_of: datetime | None,
        most: int,
        correlation: str,
        way: str = "api",
    ) -> tuple[list[ReleaseRow], datetime]:
        """Return released rows after a cursor as they were at a moment; the log has it before.

        Raises:
            DataError: There is no such dataset.
        """
        if dataset not in DATASETS:
            raise DataError("unknown_dataset", f"không có tập dữ liệu {dataset!r}")
        # Never the future: whoever pages on as of this moment would get rows released meanwhile.
        moment = min(as_of or self._clock(), self._clock())
        with self._reader.transaction() as t:
            rows = t.releases(dataset, after, moment, min(most, MOST_ROWS))
        enterprises = sorted({name for row in rows for name in row.contributors})
        with self._writer.transaction() as t:
            t.do(
                "add_pull",
                {
                    "at": self._clock(),
                    "consumer": consumer,
                    "dataset": dataset,
                    "way": way,
                    "rows_given": len(rows),
                    "first_release": rows[0].release_id if rows else None,
                    "last_release": rows[-1].release_id if rows else None,
                    "correlation": correlation[:200],
                    "enterprises": enterprises,
                },
            )
        return rows, moment

    def _rows(
        self,
        t: PilotTransaction,
        programme_id: int,
        dataset: str,
        period: str,
        day: date,
        receiver: str,
    ) -> list[Release]:
        if dataset not in DATASETS:
            raise DataError("unknown_dataset", f"không có tập dữ liệu {dataset!r}")
        records = holding(t.records(programme_id))
        assessed = _assessed(t, records)
        given = t.consents(programme_id)
        consents = [one for one in given if _holds(one, dataset, receiver, day)]
        # Whose own figures were told somewhere, once, can be taken out of a sum by who has them.
        public = frozenset(one.enterprise for one in given if one.detail != "counts")
        if dataset == "nmtm-bang-chung":
            return list(_evidence_rows(assessed, consents))
        told = _told(_all(t, dataset, self._clock()))
        names = {one.enterprise for one in t.enterprises(programme_id)}
        return self._indicator_rows(
            records, assessed, consents, told, public, period, day, receiver, names
        )

    def _indicator_rows(
        self,
        records: Sequence[RecordRow],
        assessed: Mapping[str, _Assessed],
        consents: Sequence[ConsentRow],
        told: Sequence[Told],
        public: frozenset[str],
        period: str,
        day: date,
        receiver: str,
        members: set[str],
    ) -> list[Release]:
        allowed = {one.enterprise for one in consents}
        held = {name: one for name, one in assessed.items() if name in allowed}
        cells = _cells(held)
        verdicts = {
            one.cell.key: one for one in judge(cells, told, receiver, self._settings, public)
        }
        counted = _counts(records, assessed, members)
        typed = _typed(records, period)
        rows = []
        for indicator in INDICATORS:
            value, note, group = _told_value(indicator.code, verdicts, counted, typed)
            number = (
                len(group) if group and len(group) >= self._settings.group_for(receiver) else None
            )
            content = {
                "ma": indicator.code,
                "ten": indicator.name_vi,
                "dvt": indicator.unit,
                "ky": period,
                "den_ngay": day.isoformat(),
                "ke_hoach": typed.get(f"{indicator.code}.ke_hoach"),
                "thuc_hien_ky": value,
                "luy_ke": value if not indicator.sums else None,
                "uoc_ky": None,
                "nguon": "nhập tay" if indicator.code in _TYPED else "hệ thống",
                "n_doanh_nghiep": number,
                "ghi_chu": note,
            }
            rows.append(
                Release("nmtm-chi-tieu", f"{period}/{indicator.code}", content, tuple(group), note)
            )
        return rows


def _all(t: PilotTransaction, dataset: str, now: datetime) -> list[ReleaseRow]:
    rows: list[ReleaseRow] = []
    while True:
        more = t.releases(dataset, rows[-1].release_id if rows else 0, now, MOST_ROWS)
        rows += more
        if len(more) < MOST_ROWS:
            return rows


def _told(rows: Sequence[ReleaseRow]) -> list[Told]:
    """Return what was told of sums; a row that was taken back was told all the same."""
    found = []
    for row in rows:
        content = json.loads(row.content)
        if row.contributors and content.get("thuc_hien_ky") is not None:
            found.append(Told(content["ma"], frozenset(row.contributors)))
    return found


def _holds(consent: ConsentRow, dataset: str, receiver: str, day: date) -> bool:
    return (
        consent.withdrawn_at is None
        and consent.dataset == dataset
        and consent.receiver == receiver
        and consent.valid_from <= day
        and (consent.valid_to is None or day < consent.valid_to)
    )


def _assessed(t: PilotTransaction, records: Sequence[RecordRow]) -> dict[str, _Assessed]:
    """Return the newest closed assessment by enterprise."""
    found: dict[str, _Assessed] = {}
    for one in sorted(records, key=lambda record: (record.period, record.record_id)):
        if one.kind == "assessment" and one.enterprise is not None:
            figures = {
                row.metric_code: json.loads(row.content) for row in t.evidence(one.record_id)
            }
            found[one.enterprise] = _Assessed(one, json.loads(one.content), figures)
    return found


def _cells(assessed: Mapping[str, _Assessed]) -> list[Cell]:
    sums: dict[str, dict[str, Fraction]] = {}
    for name, one in assessed.items():
        for code, (metric, label) in _FIGURES.items():
            part = part_of(one.figures.get(metric, {"parts": []}), label)
            if part is not None and part.value is not None:
                sums.setdefault(code, {})[name] = Fraction(part.value)
        completeness = one.figures.get("E02", {})
        if completeness.get("value") is not None and len(completeness["parts"]) == 2:
            received, expected = (number_of(part[1]) for part in completeness["parts"])
            sums.setdefault("NMTM06.received", {})[name] = Fraction(received or 0)
            sums.setdefault("NMTM06", {})[name] = Fraction(expected or 0)
        change = one.figures.get("E18", {})
        if change.get("value") is not None and not change["below_gate_vi"]:
            value = number_of(change["value"])
            sums.setdefault("NMTM11", {})[name] = Fraction(value or 0)
    return [Cell(key, key, contributions) for key, contributions in sorted(sums.items())]


def _counts(
    records: Sequence[RecordRow], assessed: Mapping[str, _Assessed], members: set[str]
) -> dict[str, int]:
    of = {
        kind: {one.enterprise for one in records if one.kind == kind} & members
        for kind in ("survey", "baseline", "monthly")
    }
    return {
        "NMTM01": len(of["survey"]),
        "NMTM02": len(of["baseline"] | of["monthly"]),
        "NMTM03": len(assessed),
        "NMTM10": sum(one.kind == "replication" for one in records),
    }


def _typed(records: Sequence[RecordRow], period: str) -> dict[str, str]:
    """Return what officers typed into the closed results of a quarter."""
    for one in records:
        if one.kind == "quarterly" and one.period == period:
            values: dict[str, str] = json.loads(one.content).get("values", {})
            return values
    return {}


def _told_value(
    code: str, verdicts: Mapping[str, Verdict], counted: Mapping[str, int], typed: Mapping[str, str]
) -> tuple[str | int | None, str | None, list[str]]:
    """Return value, note and contributing enterprises of an indicator."""
    if code in counted:
        return counted[code], None, []
    if code in _TYPED:
        return typed.get(code), None if code in typed else "chưa có người nhập", []
    verdict = verdicts.get(code)
    if verdict is None:
        return None, "chưa có hồ sơ đã chốt của doanh nghiệp đồng ý chia sẻ", []
    group = sorted(verdict.cell.contributions)
    above = {"NMTM05": "NMTM04", "NMTM06": "NMTM06.received"}.get(code)
    if above is not None:
        top = verdicts.get(above)
        if top is None or top.value is None or verdict.value is None:
            reason = verdict.reason_vi or (top.reason_vi if top else None)
            return None, f"không công bố: {reason}", group
        # A ratio of sums over two different groups would be nobody's.
        if set(top.cell.contributions) != set(verdict.cell.contributions) or not verdict.value:
            return None, "tử số và mẫu số không cùng doanh nghiệp", group
        return number_vi(top.value / verdict.value, "%"), None, group
    if verdict.value is None:
        return None, f"không công bố: {verdict.reason_vi}", group
    if code == "NMTM11":
        return number_vi(verdict.value / len(group), "%"), "trùng thời điểm với thí điểm", group
    return int(verdict.value), None, group


def _evidence_rows(
    assessed: Mapping[str, _Assessed], consents: Sequence[ConsentRow]
) -> list[Release]:
    details = {one.enterprise: one.detail for one in consents if one.detail != "counts"}
    rows = []
    for name, one in sorted(assessed.items()):
        if name not in details:
            continue
        # Without a name: a code that nobody can make from a list of names.
        code = digest_of(f"{one.record.sha256}{name}")[:8]
        shown = name if details[name] == "named" else f"DN-{code}"
        for criterion, proposal in sorted(one.content.get("proposals", {}).items()):
            for metric in proposal["metrics"]:
                figure = one.figures[metric]
                said = one.content["self"].get(criterion, {})
                content = {
                    "doanh_nghiep": shown,
                    "ky": one.record.period,
                    "bo_tieu_chi": one.content["framework"],
                    "tieu_chi": criterion,
                    "tu_danh_gia": said.get("points"),
                    "bang_chung": proposal["shown_vi"],
                    "xac_nhan": one.content.get("confirmed", {}).get(criterion, {}).get("level"),
                    "so_do": f"{metric} {figure['label_vi']}",
                    "gia_tri": figure["shown_vi"],
                    "do_day_du": number_vi(_completeness(figure), "%"),
                    "cong_thuc": figure["formula_version"],
                    "ma_truy_nguyen": trace_code(one.record.record_id, metric),
                    "gioi_han": figure["limits_vi"],
                }
                key = f"{shown}/{one.record.period}/{criterion}/{metric}"
                rows.append(Release("nmtm-bang-chung", key, content, (name,), None))
    return rows


def _completeness(figure: Mapping[str, Any]) -> Fraction | None:
    held = figure["quality"]["completeness"]
    return Fraction(held) if held is not None else None


def trace_code(record_id: int, metric: str) -> str:
    """Return the short code that leads from a document back to a figure of a record."""
    return f"HS{record_id}-{metric}"
