"""Which hours are computed again when data arrive or time passes."""

from datetime import datetime, timedelta

from analytics.readings.interval import HOUR_MS, instant
from analytics.recomputation.repair import (
    Extent,
    Repair,
    complete_until,
    horizon,
    next_moments,
    plan,
)
from plant.measurement import TagRole
from store.figure.derived import DirtyWindow
from store.figure.source import EdgeProgress, RoleTag

WEEK_MS = 7 * 24 * HOUR_MS


def tag(role: TagRole, tag_id: int = 1, max_silence_s: float = 60) -> RoleTag:
    return RoleTag(tag_id, 1, role, None, None, max_silence_s)


def dirty(*hours: float) -> list[DirtyWindow]:
    return [DirtyWindow(1, hour_at(hour), 1) for hour in hours]


def hour_at(hours: float) -> datetime:
    return instant(round(hours * HOUR_MS))


def extent(until: float | None, now: float, first: float = 0) -> Extent:
    return Extent(
        first=round(first * HOUR_MS),
        horizon=round(now * HOUR_MS),
        computed_until=None if until is None else round(until * HOUR_MS),
        computed_from=None if until is None else round(first * HOUR_MS),
    )


def hours_of(repair: Repair) -> list[int]:
    return [hour // HOUR_MS for hour in repair.hours]


def planned(
    tags: list[RoleTag],
    windows: list[DirtyWindow],
    known: Extent,
    following: dict[tuple[int, float], float] | None = None,
    limit: int = 1000,
) -> Repair:
    readings = {
        (tag_id, hour_at(moment)): hour_at(after)
        for (tag_id, moment), after in (following or {}).items()
    }
    return plan(tags, windows, known, readings, limit, WEEK_MS)


def test_every_hour_up_to_now_is_computed_when_nothing_was_yet() -> None:
    repair = planned([tag(TagRole.STATE)], dirty(0, 2), extent(None, 2.5))
    assert hours_of(repair) == [0, 1, 2]
    assert len(repair.done) == 2
    assert repair.complete


def test_only_the_open_hour_is_computed_when_time_passes() -> None:
    assert hours_of(planned([tag(TagRole.STATE)], [], extent(5.2, 5.3))) == [5]


def test_nothing_is_computed_when_nothing_changed() -> None:
    assert hours_of(planned([tag(TagRole.STATE)], [], extent(5.2, 5.2))) == []


def test_hour_of_the_next_reading_is_computed_when_a_counter_was_late() -> None:
    following = {(1, 2.0): 2.5, (1, 3.0): 7.5}
    repair = planned([tag(TagRole.GOOD_COUNT)], dirty(2), extent(9, 9), following)
    assert hours_of(repair) == [2, 7]


def test_all_hours_until_the_next_order_are_computed_when_an_order_was_late() -> None:
    following = {(1, 2.0): 2.5, (1, 3.0): 6.5}
    repair = planned([tag(TagRole.ORDER)], dirty(2), extent(9, 9), following)
    assert hours_of(repair) == [2, 3, 4, 5, 6]


def test_all_hours_until_the_next_mode_are_computed_when_a_mode_was_late() -> None:
    following = {(1, 2.0): 2.5, (1, 3.0): 6.5}
    repair = planned([tag(TagRole.MODE)], dirty(2), extent(9, 9), following)
    assert hours_of(repair) == [2, 3, 4, 5, 6]


def test_hours_within_the_silence_limit_are_computed_when_a_state_was_late() -> None:
    silent = tag(TagRole.STATE, max_silence_s=2.5 * 3600)
    repair = planned([silent], dirty(2), extent(9, 9), {(1, 2.0): 2.5})
    assert hours_of(repair) == [2, 3, 4, 5]


def test_a_tag_without_readings_in_the_hour_expands_nothing() -> None:
    following = {(1, 2.0): 8.5, (1, 3.0): 8.5}
    repair = planned([tag(TagRole.ORDER)], dirty(2), extent(9, 9), following)
    assert hours_of(repair) == [2]


def test_silence_before_the_first_known_hour_is_filled_when_older_data_arrive() -> None:
    following = {(1, 2.0): 2.5, (1, 3.0): 6.1}
    known = Extent(2 * HOUR_MS, 9 * HOUR_MS, 9 * HOUR_MS, 6 * HOUR_MS)
    repair = planned([tag(TagRole.STATE)], dirty(2), known, following)
    assert hours_of(repair) == [2, 3, 4, 5, 6]


def test_rest_waits_for_the_next_pass_when_there_is_too_much() -> None:
    repair = planned([tag(TagRole.STATE)], dirty(0, 50), extent(None, 100), limit=10)
    assert hours_of(repair) == list(range(10))
    assert [window.hour for window in repair.done] == [hour_at(0)]
    assert not repair.complete


def test_a_dirty_hour_ahead_of_time_is_settled_when_it_has_not_begun() -> None:
    repair = planned([tag(TagRole.STATE)], dirty(5, 7), extent(5.2, 5.3))
    assert hours_of(repair) == [5]
    assert len(repair.done) == 2


def test_a_machine_is_carried_on_as_unknown_however_long_it_is_silent() -> None:
    known = Extent(0, 100 * 24 * HOUR_MS, HOUR_MS)
    repair = planned([tag(TagRole.STATE)], [], known, limit=10_000)
    assert hours_of(repair)[-1] == 100 * 24 - 1


def test_next_readings_are_asked_only_where_hours_follow() -> None:
    tags = [tag(TagRole.STATE)]
    assert next_moments(tags, dirty(5), extent(None, 6)) == []
    moments = [moment for _, moment in next_moments(tags, dirty(5), extent(5.5, 6))]
    assert moments == [hour_at(5)]


def test_spans_join_neighbouring_hours() -> None:
    repair = Repair((0, HOUR_MS, 3 * HOUR_MS), (), True)
    assert repair.spans() == [(0, 2 * HOUR_MS), (3 * HOUR_MS, 4 * HOUR_MS)]


def progress(
    sampled: float | None, *, online: bool = True, pending: int = 0, oldest: float | None = None
) -> EdgeProgress:
    return EdgeProgress(
        reported_at=hour_at(10),
        online=online,
        sampled_time=None if sampled is None else hour_at(sampled),
        pending=pending,
        oldest_pending_time=None if oldest is None else hour_at(oldest),
        contiguous=True,
    )


MINUTE = timedelta(minutes=1)
NOW = 10 * HOUR_MS


def test_horizon_is_where_data_have_arrived_while_the_edge_is_online() -> None:
    assert horizon(NOW, progress(9.9), None, MINUTE, None) == round(9.9 * HOUR_MS)
    behind = progress(9.9, pending=5, oldest=9.5)
    assert horizon(NOW, behind, None, MINUTE, None) == round(9.5 * HOUR_MS)
    last_state = round(9.7 * HOUR_MS)
    assert horizon(NOW, behind, last_state, MINUTE, None) == last_state


def test_horizon_is_now_when_the_edge_is_away() -> None:
    assert horizon(NOW, progress(9, online=False), None, MINUTE, None) == NOW
    assert horizon(NOW, None, None, MINUTE, None) == NOW
    later = NOW + 2 * 60_000
    assert horizon(later, progress(9.9), None, MINUTE, None) == later


def test_horizon_never_goes_back_nor_beyond_now() -> None:
    assert horizon(NOW, progress(9), None, MINUTE, NOW - 1) == NOW - 1
    assert horizon(NOW, progress(11), None, MINUTE, None) == NOW


def test_horizon_is_now_when_the_clock_has_stopped_and_data_reach_it_nearly() -> None:
    near, far = NOW - 30_000, NOW - 90_000
    found = [
        horizon(NOW, progress(9), last, MINUTE, None, stopped_within_ms=60_000)
        for last in (near, far)
    ]
    assert found == [NOW, far]


def test_completeness_is_unknown_when_the_edge_does_not_tell_what_is_pending() -> None:
    assert complete_until(progress(None)) is None
    assert complete_until(progress(9, pending=3)) is None
    assert complete_until(progress(9, pending=3, oldest=8)) == 8 * HOUR_MS
