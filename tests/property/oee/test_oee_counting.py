"""Counters: order, repeats and the size of buckets change nothing."""

import itertools
from typing import Any

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from analytics.readings.counter import Counter
from analytics.readings.counting import increments
from analytics.readings.signal import number_readings

readings = st.lists(
    st.tuples(
        st.integers(0, 20_000),
        st.integers(0, 300).map(float),
        st.sampled_from([0, 0, 0, 1, 2]),
    ),
    max_size=30,
)
counters = st.builds(
    Counter, st.sampled_from([None, 256.0]), st.sampled_from([None, 0.5, 5.0, 1000.0])
)


def columns(rows: list[tuple[int, float, int]]) -> Any:
    return number_readings(
        [seconds * 1_000_000 for seconds, _, _ in rows],
        [value for _, value, _ in rows],
        [quality for _, _, quality in rows],
    )


@given(readings, counters, st.randoms(use_true_random=False))
def test_counts_are_the_same_when_readings_are_shuffled_and_repeated(
    rows: list[tuple[int, float, int]], counter: Counter, rng: Any
) -> None:
    made = increments(columns(rows), counter)
    disorder = rows + [row for row in rows if rng.random() < 0.5]
    rng.shuffle(disorder)
    again = increments(columns(disorder), counter)
    assert made.times.tolist() == again.times.tolist()
    assert made.amounts.tolist() == again.amounts.tolist()
    assert made.events.tolist() == again.events.tolist()


@given(readings, counters, st.lists(st.integers(0, 5_000_000), max_size=6))
def test_buckets_add_up_to_the_total_when_cut_anywhere(
    rows: list[tuple[int, float, int]], counter: Counter, cuts: list[int]
) -> None:
    made = increments(columns(rows), counter)
    edges = [-1, *sorted(cuts), 10**9]
    buckets = [
        made.amounts[(made.times >= start) & (made.times < end)].sum()
        for start, end in itertools.pairwise(edges)
    ]
    assert sum(buckets) == made.total
    assert (made.amounts >= 0).all()


@given(readings, counters, st.integers(0, 20_000))
def test_a_window_counts_the_same_when_only_its_neighbourhood_is_read(
    rows: list[tuple[int, float, int]], counter: Counter, start: int
) -> None:
    good = sorted((row for row in rows if row[2] < 2), key=lambda row: row[0])
    before = [row for row in good if row[0] < start // 3600 * 3600]
    first = before[-1][0] // 3600 * 3600 if before else start // 3600 * 3600
    near = [row for row in good if row[0] >= first]
    assume(near)
    whole = increments(columns(good), counter)
    part = increments(columns(near), counter)
    inside = whole.times >= start * 1000
    inside &= whole.times > near[0][0] * 1000
    assert whole.amounts[inside].tolist() == part.amounts[part.times >= start * 1000].tolist()
    assert whole.events[inside].tolist() == part.events[part.times >= start * 1000].tolist()


@given(st.lists(st.integers(0, 40), min_size=2, max_size=40), st.integers(0, 255))
def test_true_count_is_found_when_a_counter_wraps_at_a_plausible_rate(
    steps: list[int], first: int
) -> None:
    # At most 20 per 256 between readings: near the top is reached before every wrap.
    true = first + np.concatenate(([0], np.cumsum(np.array(steps) // 2)))
    times = np.arange(true.size, dtype=np.int64) * 1_000_000
    made = increments(number_readings(times, (true % 256).astype(float)), Counter(256.0, 20.0))
    assert made.total == true[-1] - first


@given(
    st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=40),
    st.integers(0, 255),
)
def test_true_count_is_found_when_a_counter_dips_around_its_wraps(
    steps: list[tuple[int, bool]], first: int
) -> None:
    true = first + np.concatenate(([0], np.cumsum([step for step, _ in steps])))
    # A dip from one or two to less cannot be told from a reset; the last reading shows the truth.
    dips = np.array([False, *(dips for _, dips in steps)]) & ~np.isin(true % 256, (1, 2))
    dips[-1] = False
    times = np.arange(true.size, dtype=np.int64) * 10_000_000
    shown = ((true - dips) % 256).astype(float)
    made = increments(number_readings(times, shown), Counter(256.0, 5.0))
    assert made.total == true[-1] - first
