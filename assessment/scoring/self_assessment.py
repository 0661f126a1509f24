"""The levels of a self-assessment, from points that a person declared for every criterion.

Only a `Declaration`, which names the person and the day, can be added up. What telemetry proposes
is another type (`assessment.scoring.proposal.Proposal`), per criterion and without points: a total
of an enterprise cannot be made of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from assessment.framework import CriteriaSet
from plant.errors import DataError

RULE_VERSION: Final = "self-assessment/1"


@dataclass(frozen=True, slots=True)
class Declaration:
    """The points of one criterion as a person of the enterprise declared them."""

    criterion_id: str
    points: int
    declared_by: str
    declared_on: date

    def __post_init__(self) -> None:
        if isinstance(self.points, bool) or not isinstance(self.points, int):
            raise DataError("points_not_whole", f"{self.criterion_id}: {self.points!r}")
        if not self.declared_by.strip():
            raise DataError("declared_by_nobody", f"{self.criterion_id}: thiếu người tự đánh giá")


@dataclass(frozen=True, slots=True)
class SelfAssessment:
    """The declarations of an enterprise under one edition of a framework."""

    framework: CriteriaSet
    declarations: tuple[Declaration, ...]

    def __post_init__(self) -> None:
        """Refuse what the framework does not allow.

        Raises:
            DataError: A criterion is unknown or declared twice, or its points are not allowed.
        """
        seen: set[str] = set()
        for one in self.declarations:
            if not isinstance(one, Declaration):
                raise DataError("not_declared", "chỉ điểm do người tự đánh giá khai mới được cộng")
            criterion = self.framework.criterion(one.criterion_id)
            if one.criterion_id in seen:
                raise DataError("declared_twice", f"tiêu chí {one.criterion_id} được khai hai lần")
            seen.add(one.criterion_id)
            if one.points not in criterion.points:
                allowed = "/".join(str(points) for points in criterion.points)
                words = f"tiêu chí {one.criterion_id}: {one.points} điểm; cho phép {allowed}"
                raise DataError("points_not_allowed", words)

    @property
    def missing(self) -> tuple[str, ...]:
        """The criteria without a declaration, in the order of the framework."""
        declared = {one.criterion_id for one in self.declarations}
        return tuple(one.id for one in self.framework.criteria if one.id not in declared)

    def result(self) -> "SelfAssessmentResult":
        """Return pillar levels and the overall level.

        Raises:
            DataError: A criterion is not declared, or the framework has no criteria or rules.
        """
        framework = self.framework
        if framework.is_empty or not framework.pillar_rule or framework.overall_rule is None:
            words = f"{framework.edition} chưa có tiêu chí hoặc quy tắc xếp mức; hãy nhập trước"
            raise DataError("framework_without_rules", words)
        if self.missing:
            raise DataError("not_complete", f"chưa khai: {', '.join(self.missing)}")
        points = {pillar.id: 0 for pillar in framework.pillars}
        for one in self.declarations:
            points[framework.pillar_of(one.criterion_id)] += one.points
        pillars = tuple(
            _pillar_level(framework, pillar.id, points[pillar.id], pillar.max_points)
            for pillar in framework.pillars
        )
        level, undefined = _overall(framework, points, pillars)
        return SelfAssessmentResult(
            framework_edition=framework.edition,
            rule_version=RULE_VERSION,
            declared_points=sum(points.values()),
            pillars=pillars,
            level=level,
            level_name_vi=_band_name(framework, level),
            undefined_vi=undefined,
        )


@dataclass(frozen=True, slots=True)
class PillarLevel:
    """The level of a pillar; `undefined_vi` says where the text of the framework leaves a gap."""

    pillar_id: str
    points: int
    max_points: int
    level: int
    name_vi: str
    undefined_vi: str | None


@dataclass(frozen=True, slots=True)
class SelfAssessmentResult:
    """What follows from an enterprise's own declarations, never from telemetry."""

    framework_edition: str
    rule_version: str
    declared_points: int
    pillars: tuple[PillarLevel, ...]
    level: int
    level_name_vi: str
    undefined_vi: str | None

    @property
    def flags_vi(self) -> tuple[str, ...]:
        """Every undefined case, of pillars and overall."""
        flags = (*(pillar.undefined_vi for pillar in self.pillars), self.undefined_vi)
        return tuple(flag for flag in flags if flag is not None)


def _pillar_level(
    framework: CriteriaSet, pillar_id: str, points: int, max_points: int
) -> PillarLevel:
    lower = framework.pillar_rule[0]
    for band in framework.pillar_rule:
        if band.holds(points, max_points):
            return PillarLevel(pillar_id, points, max_points, band.level, band.name_vi, None)
        # At an edge that no band holds, as the text has one, the band below it counts
        # (docs/decisions/0030).
        if points * 100 >= band.to_percent * max_points:
            lower = band
    words = (
        f"Trụ cột {pillar_id}: {points}/{max_points} điểm (đúng {lower.to_percent} %) không thuộc "
        f"mức nào theo văn bản; lấy mức thấp hơn ({lower.level})."
    )
    return PillarLevel(pillar_id, points, max_points, lower.level, lower.name_vi, words)


def _overall(
    framework: CriteriaSet, points: Mapping[str, int], pillars: tuple[PillarLevel, ...]
) -> tuple[int, str | None]:
    rule = framework.overall_rule
    if rule is None:
        raise DataError("framework_without_rules", framework.edition)
    total, level = sum(points.values()), 0
    for step in rule.steps:
        reached = sum(pillar.level >= step.pillar_level for pillar in pillars)
        if total > step.above_points and reached >= step.pillars:
            level = step.level
    if level == 0 and total > rule.lowest_up_to_points:
        words = (
            f"Tổng {total} điểm (trên {rule.lowest_up_to_points}) nhưng chưa đủ "
            f"{rule.steps[0].pillars} trụ cột đạt mức {rule.steps[0].pillar_level}: văn bản không "
            "quy định; lấy mức thấp hơn (0)."
        )
        return 0, words
    return level, None


def _band_name(framework: CriteriaSet, level: int) -> str:
    return next((band.name_vi for band in framework.pillar_rule if band.level == level), str(level))
