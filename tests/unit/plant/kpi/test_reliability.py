"""What is a failure, and the mean times of failures."""

from dataclasses import replace

import pytest

from plant.kpi import OeePolicy
from plant.kpi.reliability import Failure, failures, mean_time_between_failures, reliability
from plant.kpi.stop import StateInterval
from plant.state import StopKind, TimeElement

POLICY = OeePolicy()
_ELEMENT = {
    "run": TimeElement.PRODUCTION,
    "unknown": TimeElement.UNKNOWN,
    "setup": TimeElement.SETUP,
    "idle": TimeElement.DOWN,
    "night": TimeElement.NOT_SCHEDULED,
    "break": TimeElement.PLANNED_BREAK,
}
_KIND = {"broken": StopKind.BREAKDOWN, "held": StopKind.HELD, "idle": StopKind.STOPPED}


def told(*words: str) -> list[StateInterval]:
    """Return tiles of `element state seconds`, the state left out where it follows."""
    found: list[StateInterval] = []
    at = 0
    for each in words:
        name, *state, seconds = each.split()
        said = state[0] if state else name
        silent = said in ("unknown", "silent", "setup")
        found.append(
            StateInterval(
                at,
                at + int(seconds) * 1000,
                _ELEMENT.get(name, TimeElement.DELAY),
                None if silent else said,
                _KIND.get(said),
            )
        )
        at = found[-1].end
    return found


def failed(*words: str, policy: OeePolicy = POLICY) -> list[tuple[int, int | None]]:
    """Return the failures of tiles that are all that is known, in seconds."""
    tiles = told(*words)
    found = failures(tiles, policy, tiles[-1].end)
    return [(one.start // 1000, None if one.end is None else one.end // 1000) for one in found]


def test_only_the_kinds_that_the_policy_names_are_failures() -> None:
    tiles = ("broken 10", "run 10", "held 10", "run 1")
    assert failed(*tiles) == [(0, 10)]
    wide = replace(POLICY, failure_states=("breakdown", "held"))
    assert failed(*tiles, policy=wide) == [(0, 10), (20, 30)]


def test_a_failure_is_one_when_unknown_time_interrupts_it() -> None:
    assert failed("run 5", "broken 10", "unknown 30", "broken 5", "run 1") == [(5, 50)]


def test_a_failure_is_another_one_when_the_machine_said_otherwise_meanwhile() -> None:
    assert failed("broken 10", "unknown 3", "run 1", "unknown 3", "broken 5", "run 1") == [
        (0, 10),
        (17, 22),
    ]
    # It runs, but whether it produces or sets up is not known.
    assert failed("broken 10", "unknown run 9", "broken 5", "run 1") == [(0, 10), (19, 24)]
    assert failed("broken 2", "held 4", "broken 3", "run 1") == [(0, 2), (6, 9)]


def test_a_failure_lasts_through_what_is_not_planned_but_neither_begins_nor_ends_there() -> None:
    assert failed("broken 2", "night broken 90", "broken 3", "run 1") == [(0, 95)]
    assert failed("broken 2", "break silent 9", "broken 3", "run 1") == [(0, 14)]
    assert failed("broken 2", "night broken 90", "night idle 9", "broken 3", "run 1") == [
        (0, 2),
        (101, 104),
    ]
    assert failed("run 1", "night broken 5", "run 1") == []
    assert failed("night broken 5", "broken 1", "run 1") == [(5, 6)]


def test_what_breaks_during_setup_fails_when_setup_ends() -> None:
    assert failed("broken 3", "setup 5", "broken 2", "run 1") == [(0, 3), (8, 10)]


def test_a_failure_is_open_until_something_else_is_said() -> None:
    assert failed("run 1", "broken 3") == [(1, None)]
    assert failed("run 1", "broken 3", "unknown 9") == [(1, None)]
    assert failed("run 1", "broken 3", "night broken 9") == [(1, None)]
    assert failed("run 1", "broken 3", "unknown 9", "idle 1") == [(1, 4)]


def test_failures_with_less_than_the_limit_between_them_are_one() -> None:
    tiles = ("broken 10", "run 9", "broken 11", "run 10", "broken 10", "run 1")
    assert failed(*tiles, policy=replace(POLICY, failure_merge_s=10)) == [(0, 30), (40, 50)]
    assert len(failed(*tiles)) == 3


def test_merging_goes_on_from_failure_to_failure() -> None:
    tiles = ("broken 10", "run 9", "broken 11", "run 8", "broken 9")
    assert failed(*tiles, policy=replace(POLICY, failure_merge_s=10)) == [(0, None)]


def test_a_failure_shorter_than_the_least_is_none_and_joins_nothing() -> None:
    least = replace(POLICY, failure_at_least_s=10)
    assert failed("broken 9", "run 1", "broken 10", "run 1", policy=least) == [(10, 20)]
    both = replace(least, failure_merge_s=3)
    tiles = ("broken 10", "run 2", "broken 1", "run 2", "broken 10", "run 1")
    assert failed(*tiles, policy=both) == [(0, 10), (15, 25)]
    # The whole of it counts, also what unknown time interrupts.
    assert failed("broken 4", "unknown 3", "broken 4", "run 1", policy=least) == [(0, 11)]


def test_an_open_failure_is_as_long_as_is_known() -> None:
    least = replace(POLICY, failure_at_least_s=10)
    assert failed("broken 9", policy=least) == []
    assert failed("broken 9", "unknown 1", policy=least) == [(0, None)]


def test_an_open_failure_counts_but_has_no_repair_time() -> None:
    found = reliability([Failure(0, 4_000, 3_000), Failure(9_000, None, 9)], 60_000, 50_000)
    assert found.failure_events == 2
    assert found.mtbf_per_failure_ms == 30_000
    assert found.mtbf_per_failure_plus_1_ms == 20_000
    assert found.mttf_ms == 25_000
    assert (found.mttr_ms, found.mttr_calendar_ms) == (3_000, 4_000)


def test_nothing_is_divided_by_when_nothing_failed() -> None:
    found = reliability([], 60_000, 60_000)
    assert (found.mtbf_per_failure_ms, found.mtbf_per_failure_plus_1_ms) == (None, None)
    assert (found.mttf_ms, found.mttr_ms) == (None, None)


@pytest.mark.parametrize(("plus_one", "expected"), [(False, 16.0), (True, 12.0)])
def test_conventions_differ_by_the_stretch_that_has_not_failed(
    plus_one: bool, expected: float
) -> None:
    assert mean_time_between_failures(48.0, 3, plus_one=plus_one) == expected
