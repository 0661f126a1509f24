"""Which stops are failures, and the mean times of them."""

from dataclasses import replace

import pytest

from plant.kpi import OeePolicy
from plant.kpi.reliability import Failure, failures, mean_time_between_failures, reliability
from plant.kpi.stop import Stop
from plant.state import StopKind, TimeElement

POLICY = OeePolicy()


def stop(start: int, end: int | None, kind: StopKind = StopKind.BREAKDOWN) -> Stop:
    """Return a stop in seconds."""
    return Stop(
        start * 1000, None if end is None else end * 1000, TimeElement.DELAY, "ABORTED", kind, None
    )


def seconds(found: list[Failure]) -> list[tuple[int, int | None]]:
    return [(one.start // 1000, None if one.end is None else one.end // 1000) for one in found]


def test_only_the_kinds_that_the_policy_names_are_failures() -> None:
    stops = [stop(0, 10), stop(20, 30, StopKind.HELD), stop(40, 50, StopKind.SUSPENDED)]
    assert seconds(failures(stops, POLICY, 99_000)) == [(0, 10)]
    wide = replace(POLICY, failure_states=("breakdown", "held"))
    assert seconds(failures(stops, wide, 99_000)) == [(0, 10), (20, 30)]


def test_failures_with_less_than_the_limit_between_them_are_one() -> None:
    stops = [stop(0, 10), stop(19, 30), stop(40, 50)]
    merging = replace(POLICY, failure_merge_s=10)
    assert seconds(failures(stops, merging, 99_000)) == [(0, 30), (40, 50)]
    assert len(failures(stops, POLICY, 99_000)) == 3


def test_merging_goes_on_from_failure_to_failure_in_any_order() -> None:
    stops = [stop(38, None), stop(0, 10), stop(19, 30)]
    assert seconds(failures(stops, replace(POLICY, failure_merge_s=10), 99_000)) == [(0, None)]


def test_a_stop_shorter_than_the_least_is_no_failure() -> None:
    least = replace(POLICY, failure_at_least_s=10)
    assert seconds(failures([stop(0, 9), stop(20, 30)], least, 99_000)) == [(20, 30)]


def test_an_open_stop_is_as_long_as_it_lasts_by_now() -> None:
    least = replace(POLICY, failure_at_least_s=10)
    assert failures([stop(0, None)], least, 9_000) == []
    assert seconds(failures([stop(0, None)], least, 10_000)) == [(0, None)]


def test_an_open_failure_counts_but_has_no_repair_time() -> None:
    found = reliability([Failure(0, 4_000), Failure(9_000, None)], 60_000, 50_000)
    assert found.failure_events == 2
    assert found.mtbf_per_failure_ms == 30_000
    assert found.mtbf_per_failure_plus_1_ms == 20_000
    assert found.mttf_ms == 25_000
    assert found.mttr_ms == 4_000


def test_nothing_is_divided_by_when_nothing_failed() -> None:
    found = reliability([], 60_000, 60_000)
    assert (found.mtbf_per_failure_ms, found.mtbf_per_failure_plus_1_ms) == (None, None)
    assert (found.mttf_ms, found.mttr_ms) == (None, None)


@pytest.mark.parametrize(("plus_one", "expected"), [(False, 16.0), (True, 12.0)])
def test_conventions_differ_by_the_stretch_that_has_not_failed(
    plus_one: bool, expected: float
) -> None:
    assert mean_time_between_failures(48.0, 3, plus_one=plus_one) == expected
