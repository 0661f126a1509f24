"""Interval algebra against sets of single milliseconds."""

from hypothesis import given
from hypothesis import strategies as st

from analytics.readings.interval import (
    Intervals,
    clip,
    intersection,
    intervals,
    overlay,
    subtraction,
    union,
)

END = 60
pairs = st.lists(st.tuples(st.integers(0, END), st.integers(0, END)), max_size=8)


def moments(part: Intervals) -> set[int]:
    return {moment for start, end in part.pairs() for moment in range(start, end)}


def is_canonical(part: Intervals) -> bool:
    flat = [moment for pair in part.pairs() for moment in pair]
    return flat == sorted(set(flat))


@given(pairs, pairs)
def test_algebra_agrees_with_sets_of_moments(
    one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    a, b = intervals(one), intervals(other)
    assert moments(a) == {moment for start, end in one for moment in range(start, end)}
    assert moments(union(a, b)) == moments(a) | moments(b)
    assert moments(intersection(a, b)) == moments(a) & moments(b)
    assert moments(subtraction(a, b)) == moments(a) - moments(b)
    assert moments(clip(a, 10, 40)) == moments(a) & set(range(10, 40))
    for part in (a, b, union(a, b), intersection(a, b), subtraction(a, b), clip(a, 10, 40)):
        assert is_canonical(part)
        assert part.total_ms == len(moments(part))


@given(st.lists(pairs, max_size=5), st.integers(0, 30), st.integers(0, 30))
def test_overlay_tiles_the_window_exactly_by_precedence(
    layers: list[list[tuple[int, int]]], start: int, length: int
) -> None:
    end = start + length
    parts = [intervals(layer) for layer in layers]
    tiling = overlay(start, end, parts)
    assert tiling.edges[0] == start
    assert tiling.edges[-1] == end
    assert tiling.durations.sum() == length
    assert (tiling.durations > 0).all()
    for code, begin, over in zip(tiling.codes, tiling.edges[:-1], tiling.edges[1:], strict=True):
        for moment in range(begin, over):
            covering = [number for number, part in enumerate(parts) if moment in moments(part)]
            assert code == min(covering, default=len(parts))
