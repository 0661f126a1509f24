"""Self-assessments by the rules of the framework, and proposals that are no score."""

import dataclasses
import operator
from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, cast

import pytest

from assessment.framework import CriteriaSet, Document, shipped
from assessment.scoring import (
    CapReason,
    ConfirmedDocuments,
    DataQuality,
    Declaration,
    LevelView,
    SelfAssessment,
    conflicts,
    propose,
)
from plant.errors import DataError

DAY = date(2026, 9, 1)
GOOD = DataQuality(timedelta(days=28), Fraction(9, 10), timedelta(seconds=2))


def dbi() -> CriteriaSet:
    found = shipped("DBI-SME-1970")
    assert isinstance(found, CriteriaSet)
    return found


def assessed(level_of: Callable[[str], int]) -> SelfAssessment:
    framework = dbi()
    return SelfAssessment(
        framework,
        tuple(
            Declaration(one.id, one.points[level_of(one.id)], "Giám đốc", DAY)
            for one in framework.criteria
        ),
    )


@pytest.mark.parametrize(("level", "points"), [(0, 0), (3, 192), (4, 256), (5, 320)])
def test_all_criteria_at_one_level(level: int, points: int) -> None:
    result = assessed(lambda _: level).result()

    assert (result.declared_points, result.level) == (points, level)
    assert result.flags_vi == ()


def test_39_of_65_is_level_3() -> None:
    ones = {f"1.1.{number}" for number in range(1, 10)} | {f"1.2.{n}" for n in range(1, 5)}
    result = assessed(lambda name: 3 if name in ones else 0).result()

    pillar = result.pillars[0]
    assert (pillar.points, pillar.max_points, pillar.level, pillar.name_vi) == (
        39,
        65,
        3,
        "Hình thành",
    )


def test_exactly_a_tenth_is_flagged_and_takes_the_lower_level() -> None:
    result = assessed(lambda name: {"5.1.1": 5}.get(name, 0)).result()

    assert result.pillars[4].level == 0
    assert "5/50 điểm (đúng 10 %) không thuộc mức nào" in result.flags_vi[0]


def test_a_high_total_in_few_pillars_is_flagged() -> None:
    result = assessed(lambda name: 5 if name[0] in "13" else 0).result()

    assert (result.declared_points, result.level) == (145, 0)
    assert result.undefined_vi is not None
    assert "chưa đủ 4 trụ cột đạt mức 1" in result.undefined_vi


def test_a_total_of_twenty_is_the_lowest_level_without_a_flag() -> None:
    result = assessed(lambda name: 4 if name == "2.1.1" else 0).result()

    assert (result.declared_points, result.level, result.undefined_vi) == (20, 0, None)


@pytest.mark.parametrize(
    ("criterion", "points", "words"),
    [("2.1.1", 3, "cho phép 0/5/10"), ("1.1.1", 6, "cho phép 0/1"), ("9.9.9", 1, "không có tiêu")],
)
def test_points_that_are_not_allowed_are_refused(criterion: str, points: int, words: str) -> None:
    with pytest.raises(DataError, match=words):
        SelfAssessment(dbi(), (Declaration(criterion, points, "Giám đốc", DAY),))


def test_what_is_not_declared_is_not_zero() -> None:
    half = SelfAssessment(dbi(), (Declaration("1.1.1", 1, "Giám đốc", DAY),))

    with pytest.raises(DataError, match=r"chưa khai: 1\.1\.2"):
        half.result()


def test_a_declaration_has_an_author_and_whole_points() -> None:
    with pytest.raises(DataError, match="thiếu người"):
        Declaration("1.1.1", 1, " ", DAY)
    with pytest.raises(DataError, match="points_not_whole"):
        Declaration("1.1.1", cast("int", 1.5), "Giám đốc", DAY)


def test_an_empty_framework_gives_no_level() -> None:
    empty = shipped("DBI-1567")
    assert isinstance(empty, CriteriaSet)
    with pytest.raises(DataError, match="chưa có tiêu chí"):
        SelfAssessment(empty, ()).result()


# --- proposals ---


@pytest.mark.parametrize(
    ("metric", "documents", "covers", "level", "cap"),
    [
        (1, set(), False, 1, CapReason.METRIC),
        (3, set(), False, 2, CapReason.TELEMETRY),
        (3, {Document.ASSET_REGISTER}, False, 2, CapReason.TELEMETRY),
        (3, {Document.ASSET_REGISTER}, True, 3, CapReason.METRIC),
        (5, set(Document), True, 5, CapReason.METRIC),
        (0, set(), False, 0, CapReason.METRIC),
    ],
)
def test_the_lowest_of_the_bounds_is_proposed(
    metric: int, documents: set[Document], covers: bool, level: int, cap: CapReason
) -> None:
    confirmed = ConfirmedDocuments(frozenset(documents), covers)
    found = propose(dbi(), "3.2.9", metric, GOOD, confirmed)

    assert (found.level, found.cap) == (level, cap)
    assert bool(found.reasons_vi) == (cap is CapReason.TELEMETRY)


@pytest.mark.parametrize(
    ("quality", "words"),
    [
        (dataclasses.replace(GOOD, period=timedelta(days=27)), "kỳ đo 27 ngày, cần ≥ 28 ngày"),
        (dataclasses.replace(GOOD, completeness=Fraction(899, 1000)), "độ đầy đủ 89,9 %"),
        (dataclasses.replace(GOOD, completeness=Fraction(2)), "độ đầy đủ 200 %"),
        (dataclasses.replace(GOOD, clock_error=timedelta(seconds=-2.5)), "sai số đồng hồ 2,5 giây"),
        (dataclasses.replace(GOOD, clock_error=None), "không biết sai số đồng hồ"),
        (DataQuality(None, None, None), "không biết kỳ đo"),
    ],
)
def test_below_the_gate_there_are_not_enough_data(quality: DataQuality, words: str) -> None:
    found = propose(dbi(), "3.2.9", 2, quality)

    assert (found.level, found.cap) == (None, CapReason.DATA_QUALITY)
    assert found.shown_vi == "Chưa đủ dữ liệu"
    assert any(words in reason for reason in found.reasons_vi)


@pytest.mark.parametrize(
    ("criterion", "cap"),
    [
        ("1.1.1", CapReason.TELEMETRY),
        ("6.1.1", CapReason.TELEMETRY),
        ("6.1.7", CapReason.UNDEFINED),
        ("3.2.2", CapReason.UNDEFINED),
    ],
)
def test_no_level_where_telemetry_or_the_text_gives_none(criterion: str, cap: CapReason) -> None:
    found = propose(dbi(), criterion, 1, GOOD)

    assert (found.level, found.cap) == (None, cap)


def test_a_metric_that_is_missing_says_why() -> None:
    found = propose(dbi(), "3.2.9", None, GOOD, missing_vi="chưa có danh mục máy")

    assert found.reasons_vi == ("Chưa đủ dữ liệu: chưa có danh mục máy.",)
    with pytest.raises(DataError, match="ngoài 0"):
        propose(dbi(), "3.2.9", 6, GOOD)


def test_proposals_cannot_be_added_up() -> None:
    found = propose(dbi(), "3.2.9", 2, GOOD)
    anything = cast("Any", found)
    refused: list[Callable[[], object]] = [
        lambda: sum([anything, anything]),
        lambda: anything * 2,
        lambda: sorted([anything, anything]),
        lambda: int(anything),
        lambda: float(anything),
        lambda: operator.index(anything),
    ]

    for attempt in refused:
        with pytest.raises(TypeError, match="không cộng"):
            attempt()
    with pytest.raises(DataError, match="chỉ điểm do người"):
        SelfAssessment(dbi(), cast("Any", (found,)))
    assert not any("point" in field.name for field in dataclasses.fields(found))


def test_conflicts_are_listed_and_not_resolved() -> None:
    two = propose(dbi(), "3.2.9", 2, GOOD)
    none = propose(dbi(), "3.2.9", None, GOOD)

    assert conflicts(
        [
            LevelView("3.2.9", 4, two, None),
            LevelView("3.2.9", 2, two, 2),
            LevelView("3.2.9", 4, none, None),
            LevelView("3.2.9", 2, two, 3),
        ]
    ) == (
        "Tiêu chí 3.2.9: tự đánh giá mức 4, bằng chứng mức 2.",
        "Tiêu chí 3.2.9: tự đánh giá mức 2, bằng chứng mức 2, xác nhận mức 3.",
    )
