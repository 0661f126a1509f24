"""What pages show of records: rows of boards, the criterion matrix, figures."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from assessment.evidence import number_vi
from assessment.framework import CriteriaSet
from assessment.programme import KINDS, Kind
from assessment.programme.workflow import STATUS_VI, Status
from assessment.scoring import (
    Declaration,
    LevelView,
    Proposal,
    SelfAssessment,
    SelfAssessmentResult,
)
from assessment.sharing.releasing import trace_code
from plant.errors import DataError
from store.assessment.record import EnterpriseRow, EvidenceRow, RecordRow

SECTORS_VI = (
    "cơ khí – luyện kim – điện tử – công nghiệp hỗ trợ",
    "thực phẩm",
    "cụm công nghiệp",
    "tiêu dùng",
    "công nghiệp nông thôn",
    "công nghệ cao – sinh học",
    "vật liệu nổ – khai khoáng",
)
"""The appendices of the department's plan, the first is number 1."""


@dataclass(frozen=True, slots=True)
class RecordLine:
    """A record as a board shows it."""

    record: RecordRow
    kind: Kind
    status_vi: str
    replaced_by: int | None

    @property
    def name(self) -> str:
        """Kind, period and version."""
        version = f" (bản {self.record.version})" if self.record.version > 1 else ""
        return f"{self.kind.name_vi} {shown_period(self.record.period)}{version}"


def shown_period(period: str) -> str:
    """Return a period as people write it: days as dd/mm/yyyy, others as they are."""
    if "_" not in period:
        return period
    days = (date.fromisoformat(one) for one in period.split("_"))
    return " – ".join(f"{one:%d/%m/%Y}" for one in days)


def lines(records: Sequence[RecordRow]) -> list[RecordLine]:
    """Return records as a board shows them, in the order of their kinds."""
    replaced = {one.supersedes: one.record_id for one in records if one.supersedes}
    order = {code: number for number, code in enumerate(KINDS)}
    found = [
        RecordLine(one, KINDS[one.kind], STATUS_VI[Status(one.status)], replaced.get(one.record_id))
        for one in records
        if one.kind in KINDS
    ]
    return sorted(found, key=lambda line: (order[line.kind.code], line.record.period))


@dataclass(frozen=True, slots=True)
class BoardRow:
    """An enterprise and, for each kind, its newest record."""

    enterprise: EnterpriseRow
    sector_vi: str
    cells: list[RecordLine | None]


def board(
    enterprises: Sequence[EnterpriseRow], records: Sequence[RecordRow]
) -> tuple[list[Kind], list[BoardRow], list[RecordLine]]:
    """Return the kinds, a row per enterprise, and the records of the programme itself."""
    kinds = [one for one in KINDS.values() if not one.of_programme]
    all_lines = lines(records)
    rows = []
    for one in enterprises:
        own = [line for line in all_lines if line.record.enterprise == one.enterprise]
        cells = [
            next((line for line in reversed(own) if line.kind is kind), None) for kind in kinds
        ]
        rows.append(BoardRow(one, SECTORS_VI[one.sector - 1], cells))
    return kinds, rows, [line for line in all_lines if line.record.enterprise is None]


@dataclass(frozen=True, slots=True)
class CriterionRow:
    """A criterion with its three columns: Tự đánh giá | Bằng chứng | Xác nhận."""

    id: str
    name_vi: str
    component: str
    levels_vi: tuple[str, ...]
    points: tuple[int, ...]
    declared: int | None
    declared_level: int | None
    proposal: Mapping[str, Any] | None
    figures: list[Mapping[str, Any]]
    confirmed: Mapping[str, Any] | None
    conflict_vi: str | None


@dataclass(frozen=True, slots=True)
class Matrix:
    """All criteria of an assessment; levels of what was declared, never of what was measured."""

    framework: CriteriaSet
    rows: list[CriterionRow]
    conflicts: list[str]
    result: SelfAssessmentResult | None
    touched: int


def matrix(
    content: Mapping[str, Any], framework: CriteriaSet, evidence: Sequence[EvidenceRow]
) -> Matrix:
    """Return the criterion matrix of an assessment's content."""
    figures = {one.metric_code: json.loads(one.content) for one in evidence}
    rows = []
    for criterion in framework.criteria:
        said = content["self"].get(criterion.id)
        points = said["points"] if said else None
        level = criterion.points.index(points) if points in criterion.points else None
        proposal = content.get("proposals", {}).get(criterion.id)
        confirmed = content.get("confirmed", {}).get(criterion.id)
        proposed = (
            Proposal(
                criterion.id,
                framework.edition,
                proposal["level"],
                None,
                tuple(proposal["reasons_vi"]),
            )
            if proposal
            else None
        )
        view = LevelView(criterion.id, level, proposed, confirmed["level"] if confirmed else None)
        rows.append(
            CriterionRow(
                criterion.id,
                criterion.name_vi,
                criterion.component,
                criterion.levels_vi or (),
                criterion.points,
                points,
                level,
                proposal,
                [figures[one] for one in proposal["metrics"] if one in figures] if proposal else [],
                confirmed,
                view.conflict_vi(),
            )
        )
    return Matrix(
        framework,
        rows,
        [row.conflict_vi for row in rows if row.conflict_vi],
        _result(content, framework),
        sum(row.proposal is not None for row in rows),
    )


def _result(content: Mapping[str, Any], framework: CriteriaSet) -> SelfAssessmentResult | None:
    said = tuple(
        Declaration(name, one["points"], one["by"], date.fromisoformat(one["on"]))
        for name, one in content["self"].items()
    )
    try:
        return SelfAssessment(framework, said).result()
    except DataError:
        # Not complete yet: no level of a part.
        return None


@dataclass(frozen=True, slots=True)
class FigureView:
    """A figure of a record, ready to be read."""

    trace: str
    figure: Mapping[str, Any]
    completeness: str
    coverage: str
    clock_error: str
    criteria: list[str]


def figure_view(record_id: int, row: EvidenceRow, content: Mapping[str, Any]) -> FigureView:
    """Return a figure with its window's quality, and the criteria that it is evidence for."""
    figure = json.loads(row.content)
    quality = figure["quality"]
    completeness = quality["completeness"]
    clock = quality["clock_error"]
    return FigureView(
        trace_code(record_id, row.metric_code),
        figure,
        number_vi(Fraction(completeness) if completeness is not None else None, "%"),
        number_vi(Fraction(figure["coverage"]) if figure["coverage"] is not None else None, "%"),
        number_vi(clock["us"] / 1_000_000 if clock is not None else None, "giây"),
        [
            criterion
            for criterion, one in content.get("proposals", {}).items()
            if row.metric_code in one["metrics"]
        ],
    )


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """An enterprise beside others, under one formula version."""

    name_vi: str
    record_id: int
    period: str
    formula: str
    cells: list[tuple[str, str]]
    """Shown value and completeness per metric."""


COMPARED = ("E01", "E02", "E06", "E07", "E08")


def comparison(
    enterprises: Sequence[EnterpriseRow],
    assessments: Mapping[str, tuple[RecordRow, Sequence[EvidenceRow]]],
) -> dict[str, list[ComparisonRow]]:
    """Return enterprises by formula version; never in an order of their figures."""
    found: dict[str, list[ComparisonRow]] = {}
    names = {one.enterprise: one.name_vi for one in enterprises}
    for enterprise, (record, evidence) in assessments.items():
        if enterprise not in names:
            continue
        figures = {one.metric_code: json.loads(one.content) for one in evidence}
        formula = _formula(figures)
        cells = []
        for code in COMPARED:
            figure = figures.get(code)
            if figure is None:
                cells.append(("—", "—"))
                continue
            completeness = figure["quality"]["completeness"]
            share = Fraction(completeness) if completeness is not None else None
            cells.append((figure["shown_vi"], number_vi(share, "%")))
        row = ComparisonRow(names[enterprise], record.record_id, record.period, formula, cells)
        found.setdefault(formula, []).append(row)
    return {formula: sorted(rows, key=lambda row: row.name_vi) for formula, rows in found.items()}


def _formula(figures: Mapping[str, Mapping[str, Any]]) -> str:
    notes = figures.get("E06", {}).get("notes_vi", [])
    return notes[0].removeprefix("Công thức ").rstrip(".") if notes else "chưa có OEE"
