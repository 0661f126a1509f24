"""Levels rise with points, stay in bounds, and every case outside of the text is flagged."""

from datetime import date, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from assessment.framework import CriteriaSet, Document, shipped
from assessment.scoring import (
    ConfirmedDocuments,
    DataQuality,
    Declaration,
    SelfAssessment,
    SelfAssessmentResult,
    propose,
)


def _dbi() -> CriteriaSet:
    found = shipped("DBI-SME-1970")
    assert isinstance(found, CriteriaSet)
    return found


DBI = _dbi()
levels_of_all = st.one_of(
    st.lists(st.integers(0, 5), min_size=60, max_size=60),
    # Whole pillars alike, so that the edges of the bands are met.
    st.lists(st.integers(0, 5), min_size=6, max_size=6).map(
        lambda pillars: [pillars[int(one.id[0]) - 1] for one in DBI.criteria]
    ),
    # Few points, so that a tenth is met.
    st.lists(st.sampled_from([0] * 9 + [1, 5]), min_size=60, max_size=60),
)
qualities = st.builds(
    DataQuality,
    st.none() | st.timedeltas(timedelta(0), timedelta(days=60)),
    st.none() | st.fractions(0, 1),
    st.none() | st.timedeltas(timedelta(seconds=-5), timedelta(seconds=5)),
)
documents = st.builds(
    ConfirmedDocuments, st.frozensets(st.sampled_from(list(Document))), st.booleans()
)


def result(levels: list[int]) -> SelfAssessmentResult:
    declared = tuple(
        Declaration(one.id, one.points[level], "người khai", date(2026, 9, 1))
        for one, level in zip(DBI.criteria, levels, strict=True)
    )
    return SelfAssessment(DBI, declared).result()


@given(levels_of_all, st.integers(0, 59))
def test_more_points_never_lower_a_level(levels: list[int], index: int) -> None:
    before = result(levels)
    raised = [*levels[:index], min(5, levels[index] + 1), *levels[index + 1 :]]
    after = result(raised)

    assert after.level >= before.level
    for old, new in zip(before.pillars, after.pillars, strict=True):
        assert new.level >= old.level


@given(levels_of_all)
def test_levels_stay_in_bounds_and_gaps_are_flagged(levels: list[int]) -> None:
    found = result(levels)

    assert 0 <= found.declared_points <= 320
    assert 0 <= found.level <= 5
    assert sum(pillar.points for pillar in found.pillars) == found.declared_points
    for pillar in found.pillars:
        share = Fraction(pillar.points, pillar.max_points)
        assert 0 <= pillar.level <= 5
        assert (pillar.undefined_vi is not None) == (share == Fraction(1, 10))
        if share != Fraction(1, 10):
            bands = [Fraction(part, 10) for part in (1, 2, 4, 6, 8)]
            assert pillar.level == sum(share > edge for edge in bands)
    reached = sum(pillar.level >= 1 for pillar in found.pillars)
    assert (found.undefined_vi is not None) == (found.declared_points > 20 and reached < 4)


@given(
    st.sampled_from([one.id for one in DBI.criteria]),
    st.none() | st.integers(0, 5),
    qualities,
    documents,
)
def test_a_proposal_never_exceeds_any_bound(
    criterion: str, metric: int | None, quality: DataQuality, confirmed: ConfirmedDocuments
) -> None:
    found = propose(DBI, criterion, metric, quality, confirmed)

    if found.level is None:
        assert found.reasons_vi
        return
    assert metric is not None
    assert found.level <= metric
    assert found.level <= 2 or Document.ASSET_REGISTER in confirmed.counted()
    assert found.level <= 3 or Document.STRATEGY_DECISION in confirmed.documents
    assert found.level <= 4 or Document.STAFFING_DOCUMENT in confirmed.documents
    assert quality.period is not None
    assert quality.period >= timedelta(days=28)
    assert quality.completeness is not None
    assert quality.completeness >= Fraction(9, 10)
    # More documents or a higher figure never lower what is proposed.
    everything = ConfirmedDocuments(frozenset(Document), register_covers_all_departments=True)
    more = propose(DBI, criterion, min(5, metric + 1), quality, everything)
    assert more.level is not None
    assert more.level >= found.level
