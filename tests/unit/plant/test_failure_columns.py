"""Failures of many machines at once."""

import numpy as np

from plant.kpi.reliability import OPEN, FailureColumns, failure_columns

NOW = 1_000


def found(
    stops: list[tuple[int, int, int]], at_least_ms: int = 0, merge_ms: int = 0
) -> list[tuple[int, int, int]]:
    columns = FailureColumns(*np.array(stops, dtype=np.int64).reshape(-1, 3).T)
    each = np.ones(len(stops), dtype=np.int64)
    failed = failure_columns(columns, at_least_ms * each, merge_ms * each, NOW)
    rows = zip(failed.machine.tolist(), failed.start.tolist(), failed.end.tolist(), strict=True)
    return list(rows)


def test_nothing_fails_when_nothing_stops() -> None:
    assert found([]) == []


def test_stops_of_two_machines_stay_apart_when_they_follow_closely() -> None:
    assert found([(2, 12, 20), (1, 0, 10)], merge_ms=5) == [(1, 0, 10), (2, 12, 20)]


def test_stops_of_a_machine_are_one_failure_when_they_follow_closely() -> None:
    stops = [(1, 30, 40), (1, 12, 20), (1, 0, 10), (1, 45, 50)]
    assert found(stops, merge_ms=5) == [(1, 0, 20), (1, 30, 40), (1, 45, 50)]


def test_a_short_stop_joins_nothing_when_it_is_no_failure() -> None:
    assert found([(1, 0, 10), (1, 11, 12), (1, 13, 30)], at_least_ms=5, merge_ms=2) == [
        (1, 0, 10),
        (1, 13, 30),
    ]


def test_an_open_stop_is_as_long_as_until_now_and_nothing_follows_it() -> None:
    assert found([(1, 900, OPEN), (2, 5, 9)], at_least_ms=100, merge_ms=50) == [(1, 900, OPEN)]
    assert found([(1, 900, OPEN)], at_least_ms=101) == []
