"""Why ids are missing."""

from hypothesis import given
from hypothesis import strategies as st

from plant.delivery.gap import Gap, GapReason, gaps
from plant.delivery.idset import EMPTY, IdSet

IDS = st.sets(st.integers(1, 40))


def id_set(ids: set[int]) -> IdSet:
    return IdSet.of((number, number + 1) for number in ids)


def test_what_the_edge_keeps_waits_and_what_is_older_is_unknown() -> None:
    committed = IdSet.of([(1, 5), (8, 11)])
    found = gaps(committed, IdSet.of([(5, 6)]), 20, pending=10, present=True)
    assert found == [
        Gap(5, 5, GapReason.DROPPED),
        Gap(6, 7, GapReason.UNKNOWN),
        Gap(11, 20, GapReason.WAITING),
    ]


def test_a_range_is_cut_when_the_edge_keeps_only_its_end() -> None:
    assert gaps(EMPTY, EMPTY, 10, pending=4, present=True) == [
        Gap(1, 6, GapReason.UNKNOWN),
        Gap(7, 10, GapReason.WAITING),
    ]


def test_everything_missing_is_lost_when_its_life_is_over() -> None:
    assert gaps(IdSet.of([(1, 4)]), EMPTY, 9, pending=None, present=False) == [
        Gap(4, 9, GapReason.LOST_LIFE)
    ]


@given(IDS, IDS, st.integers(0, 45), st.none() | st.integers(0, 45), st.booleans())
def test_every_id_is_committed_or_in_one_gap(
    committed: set[int], dropped: set[int], issued: int, pending: int | None, present: bool
) -> None:
    found = gaps(id_set(committed), id_set(dropped), issued, pending, present=present)
    named = [number for gap in found for number in range(gap.first_id, gap.last_id + 1)]
    assert len(named) == len(set(named)) == sum(gap.count for gap in found)
    assert set(named) == (set(range(1, issued + 1)) | dropped) - committed
    given_up = {
        number
        for gap in found
        if gap.reason is GapReason.DROPPED
        for number in range(gap.first_id, gap.last_id + 1)
    }
    assert given_up == dropped - committed
