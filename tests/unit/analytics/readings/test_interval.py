"""Overlaps count once."""

from analytics.readings.interval import intervals, union


def test_what_overlaps_is_united_and_never_added() -> None:
    found = intervals([(6, 12), (0, 10), (2, 5)])
    assert found.pairs() == [(0, 12)]
    assert found.total_ms == 12


def test_one_within_another_changes_nothing() -> None:
    whole = intervals([(0, 100)])
    assert union(whole, intervals([(10, 20), (30, 99)])).pairs() == [(0, 100)]


def test_neighbours_that_touch_are_one() -> None:
    assert intervals([(0, 5), (5, 9)]).pairs() == [(0, 9)]
