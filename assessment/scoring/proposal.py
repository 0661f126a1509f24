"""A level that evidence supports for one criterion, for a person to confirm.

proposed = min(metric level, telemetry cap, data-quality cap). There is no sum over criteria here:
`Proposal` holds no points, and cannot be added, compared with or turned into a number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Final, NoReturn

from assessment.framework import CriteriaSet, Document
from plant.errors import DataError

PROPOSAL_VERSION: Final = "proposal/1"
NOT_ENOUGH_VI: Final = "Chưa đủ dữ liệu"

DOCUMENT_VI: Final = {
    Document.ASSET_REGISTER: "danh mục máy đã xác nhận, bao gồm mọi bộ phận sản xuất",
    Document.STRATEGY_DECISION: "quyết định hoặc văn bản chiến lược",
    Document.STAFFING_DOCUMENT: "văn bản về cán bộ hoặc bộ phận chuyên trách",
}


class CapReason(StrEnum):
    """Which of the three bounds gave the proposed level."""

    METRIC = "metric"
    """The figure itself supports no more."""
    TELEMETRY = "telemetry"
    """More needs a document that is not confirmed, or that telemetry cannot replace."""
    DATA_QUALITY = "data_quality"
    """The data are below the gate."""
    UNDEFINED = "undefined"
    """The framework does not say which figure makes which level."""


@dataclass(frozen=True, slots=True)
class ConfirmedDocuments:
    """The documents that a person of the department confirmed for an enterprise."""

    documents: frozenset[Document] = frozenset()
    register_covers_all_departments: bool = False

    def counted(self) -> frozenset[Document]:
        """Return those that lift a cap: a register must cover all production departments."""
        if self.register_covers_all_departments:
            return self.documents
        return self.documents - {Document.ASSET_REGISTER}


@dataclass(frozen=True, slots=True)
class GateSettings:
    """The data gate: below it a figure supports no level."""

    period: timedelta = timedelta(days=28)
    completeness: Fraction = Fraction(9, 10)
    clock_error: timedelta = timedelta(seconds=2)

    def __post_init__(self) -> None:
        if self.period <= timedelta() or not 0 < self.completeness <= 1:
            raise DataError("gate_not_valid", "ngưỡng dữ liệu phải dương, độ đầy đủ không quá 1")
        if self.clock_error < timedelta():
            raise DataError("gate_not_valid", "sai số đồng hồ không được âm")


@dataclass(frozen=True, slots=True)
class DataQuality:
    """How good the data behind a figure are; `None` is not known, which never passes."""

    period: timedelta | None
    completeness: Fraction | None
    """Share of planned time with data."""
    clock_error: timedelta | None

    def failures_vi(self, gate: GateSettings) -> tuple[str, ...]:
        """Return why the data do not pass the gate, () if they do."""
        found = []
        if self.period is None:
            found.append("không biết kỳ đo")
        elif self.period < gate.period:
            days, least = (_number(one / timedelta(days=1)) for one in (self.period, gate.period))
            found.append(f"kỳ đo {days} ngày, cần ≥ {least} ngày")
        if self.completeness is None:
            found.append("không biết độ đầy đủ")
        elif not gate.completeness <= self.completeness <= 1:
            share, wanted = _percent(self.completeness), _percent(gate.completeness)
            found.append(f"độ đầy đủ {share}, cần ≥ {wanted} giờ kế hoạch")
        if self.clock_error is None:
            found.append("không biết sai số đồng hồ")
        elif abs(self.clock_error) > gate.clock_error:
            error = _number(abs(self.clock_error.total_seconds()))
            most = _number(gate.clock_error.total_seconds())
            found.append(f"sai số đồng hồ {error} giây, cần ≤ {most} giây")
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What evidence supports for a criterion; `level` is `None` with the reason in words.

    Not a number: adding, ordering or converting one raises.
    """

    criterion_id: str
    framework_edition: str
    level: int | None
    cap: CapReason | None
    reasons_vi: tuple[str, ...]
    version: str = PROPOSAL_VERSION

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("mức đề xuất theo tiêu chí không cộng, không so sánh, không thành điểm")

    __add__ = __radd__ = __mul__ = __rmul__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __int__ = __float__ = __index__ = _refuse

    @property
    def shown_vi(self) -> str:
        """What the column *Bằng chứng* shows; never 0 for missing data."""
        return NOT_ENOUGH_VI if self.level is None else f"Mức {self.level}"


def propose(
    framework: CriteriaSet,
    criterion_id: str,
    metric_level: int | None,
    quality: DataQuality,
    documents: ConfirmedDocuments = ConfirmedDocuments(),
    gate: GateSettings = GateSettings(),
    missing_vi: str | None = None,
) -> Proposal:
    """Return the proposed level of a criterion, with every reason that bounds it.

    `metric_level` is what the figure alone would support; `None` if it could not be computed, with
    `missing_vi` saying why.

    Raises:
        DataError: The criterion is unknown, or the level is none of its levels.
    """
    criterion = framework.criterion(criterion_id)
    if metric_level is not None and not 0 <= metric_level <= criterion.max_level:
        words = f"{criterion_id}: mức {metric_level} ngoài 0..{criterion.max_level}"
        raise DataError("level_not_allowed", words)

    def without_level(cap: CapReason, *reasons: str) -> Proposal:
        return Proposal(criterion_id, framework.edition, None, cap, reasons)

    # In the order of what helps least: better data mend nothing that the criterion itself rules
    # out.
    cap, needed = framework.telemetry_cap(criterion_id, documents.counted())
    if cap == 0:
        return without_level(CapReason.TELEMETRY, "Số liệu đo không cho biết mức của tiêu chí này.")
    if criterion.unknown is not None:
        return without_level(
            CapReason.UNDEFINED, "Bộ tiêu chí chưa cho biết cách đổi giá trị đo thành mức."
        )
    if metric_level is None:
        return without_level(
            CapReason.METRIC, f"{NOT_ENOUGH_VI}: {missing_vi or 'không có số đo'}."
        )
    if failures := quality.failures_vi(gate):
        return without_level(
            CapReason.DATA_QUALITY, *(f"{NOT_ENOUGH_VI}: {failure}." for failure in failures)
        )
    if metric_level <= cap:
        return Proposal(criterion_id, framework.edition, metric_level, CapReason.METRIC, ())
    reason = f"Số liệu đo chỉ chứng minh được đến mức {cap}"
    reason += f"; mức cao hơn cần {DOCUMENT_VI[needed]}." if needed else "."
    return Proposal(criterion_id, framework.edition, cap, CapReason.TELEMETRY, (reason,))


@dataclass(frozen=True, slots=True)
class LevelView:
    """The three columns of a criterion: Tự đánh giá | Bằng chứng | Xác nhận."""

    criterion_id: str
    self_assessed: int | None
    proposal: Proposal | None
    confirmed: int | None

    def conflict_vi(self) -> str | None:
        """Return how the columns disagree, `None` if they do not; nothing is resolved."""
        proposed = self.proposal.level if self.proposal else None
        columns = {
            "tự đánh giá": self.self_assessed,
            "bằng chứng": proposed,
            "xác nhận": self.confirmed,
        }
        known = {name: level for name, level in columns.items() if level is not None}
        if len(set(known.values())) <= 1:
            return None
        words = ", ".join(f"{name} mức {level}" for name, level in known.items())
        return f"Tiêu chí {self.criterion_id}: {words}."


def conflicts(views: Sequence[LevelView]) -> tuple[str, ...]:
    """Return the conflicts of all criteria, in their order."""
    return tuple(words for view in views if (words := view.conflict_vi()) is not None)


def _percent(share: Fraction) -> str:
    return _number(float(share) * 100) + " %"


def _number(value: float) -> str:
    return f"{value:.4g}".replace(".", ",")
