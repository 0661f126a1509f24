"""The contract of an outbox, on each implementation."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from edge_agent.exception_report import Reported
from edge_agent.outbox import Outbox, Row
from edge_agent.priority import Priority
from plant.delivery.idset import IdSet
from plant.measurement import Quality, Value
from plant.native.message import DropReason
from tests.unit.edge_agent.outbox.outboxes import (
    HOUR,
    NOW,
    SECOND,
    MakeOutbox,
    memory_outbox,
    row,
    rows,
    sqlite_outbox,
    work_until,
)


@pytest.fixture(params=["memory", "sqlite"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeOutbox]:
    with ExitStack() as stack:

        def made(**limits: float) -> Outbox:
            if request.param == "memory":
                return memory_outbox(**limits)  # type: ignore[arg-type]  # whole numbers among them
            outbox = sqlite_outbox(tmp_path, **limits)  # type: ignore[arg-type]  # the same
            return stack.enter_context(closing(outbox))

        yield made


def epoch_of(outbox: Outbox) -> str:
    return outbox.state().epoch


def test_ids_grow_by_one_when_rows_are_appended(make: MakeOutbox) -> None:
    outbox = make()
    outbox.append(rows(range(3)), NOW)
    outbox.append(rows(range(3, 5)), NOW)
    part = outbox.read(0, 10)
    assert part is not None
    assert (part.first_id, part.last_id) == (1, 5)
    assert part.rows == rows(range(5))
    state = outbox.state()
    assert (state.issued_id, state.pending, state.dropped) == (5, 5, 0)
    assert state.oldest_pending_us == NOW


def test_reading_goes_on_when_it_begins_after_an_id(make: MakeOutbox) -> None:
    outbox = make()
    outbox.append(rows(range(10)), NOW)
    part = outbox.read(4, 3)
    assert part is not None
    assert (part.first_id, part.last_id) == (5, 7)
    assert outbox.read(10, 3) is None


@pytest.mark.parametrize(
    "value", [0, 1, True, False, -0.0, 1e308, 2**63 - 1, -(2**63), "", "đang chạy", "a\0b", None]
)
def test_a_value_keeps_its_type_when_it_comes_back(make: MakeOutbox, value: Value) -> None:
    outbox = make()
    outbox.append([Row("t", NOW, value, Quality.BAD)], NOW)
    part = outbox.read(0, 1)
    assert part is not None
    back = part.rows[0]
    assert (back.value, type(back.value), repr(back.value)) == (value, type(value), repr(value))
    assert back.quality is Quality.BAD


def test_rows_are_no_longer_pending_when_the_platform_has_them(make: MakeOutbox) -> None:
    outbox = make()
    outbox.append(rows(range(10)), NOW)
    assert outbox.acknowledge(epoch_of(outbox), 4) == 4
    assert outbox.acknowledge(epoch_of(outbox), 4) == 0
    assert outbox.acknowledge(epoch_of(outbox), 2) == 0
    part = outbox.read(0, 100)
    assert part is not None
    assert part.first_id == 5
    assert outbox.state().pending == 6


def test_nothing_changes_when_another_epoch_is_acknowledged(make: MakeOutbox) -> None:
    outbox = make()
    outbox.append(rows(range(3)), NOW)
    assert outbox.acknowledge("another", 3) == 0
    assert outbox.state().pending == 3


def test_the_oldest_are_given_up_and_counted_when_it_is_full(make: MakeOutbox) -> None:
    outbox = make(max_bytes=400_000)
    for start in range(0, 40_000, 1000):
        outbox.append(rows(range(start, start + 1000)), NOW)
    state = outbox.state()
    assert state.used_bytes <= 400_000
    assert state.issued_id == 40_000
    assert state.dropped > 0
    assert state.pending + state.dropped == 40_000
    assert state.dropped_ranges == ((1, state.dropped),)
    part = outbox.read(0, 1)
    assert part is not None
    assert part.first_id == state.dropped + 1
    assert part.rows == [row(state.dropped)]


def test_gaps_are_separate_ranges_when_rows_between_were_confirmed(make: MakeOutbox) -> None:
    outbox = make(max_hours=1)
    outbox.append(rows(range(10)), NOW)
    outbox.append(rows(range(10, 20)), work_until(outbox, NOW, NOW + 2 * HOUR))
    outbox.acknowledge(epoch_of(outbox), 15)
    outbox.append(rows(range(20, 30)), work_until(outbox, NOW + 2 * HOUR, NOW + 4 * HOUR))
    state = outbox.state()
    assert state.dropped_ranges == ((1, 10), (16, 20))
    assert state.dropped == 15
    assert state.pending == 10


def test_rows_are_given_up_when_they_are_too_old(make: MakeOutbox) -> None:
    outbox = make(max_hours=1)
    outbox.append(rows(range(3)), NOW)
    outbox.append(rows(range(3, 5)), work_until(outbox, NOW, NOW + HOUR))
    assert outbox.state().dropped == 0
    outbox.append(rows(range(5, 6)), NOW + HOUR + SECOND)
    assert outbox.state().dropped_ranges == ((1, 3),)


@pytest.mark.parametrize("before_us", [0, NOW - 2000 * HOUR, NOW + 500_000 * HOUR])
def test_nothing_is_given_up_when_the_clock_is_set(make: MakeOutbox, before_us: int) -> None:
    outbox = make(max_hours=1)
    outbox.append(rows(range(3)), before_us)
    outbox.append(rows(range(3, 5)), NOW)
    outbox.append(rows(range(5, 6)), work_until(outbox, NOW, NOW + HOUR // 2))
    assert outbox.state().dropped == 0
    # From then on age counts as ever.
    outbox.append([], work_until(outbox, NOW + HOUR // 2, NOW + 2 * HOUR))
    assert outbox.state().dropped_ranges == ((1, 6),)


def test_the_newest_of_each_tag_is_remembered_when_rows_are_confirmed_away(
    make: MakeOutbox,
) -> None:
    outbox = make(kept_rows=10)
    outbox.append([row(0, tag="slow", value="EXECUTE")], NOW)
    outbox.append(rows(range(100)), NOW)
    outbox.append([row(50)], NOW)
    outbox.acknowledge(epoch_of(outbox), 102)
    memory = outbox.memory()
    assert memory["slow"].last == Reported(NOW, "EXECUTE", Quality.GOOD)
    assert memory["slow"].forgotten
    fast = memory["cnc-1/temperature"]
    assert fast.last.time_us == NOW + 99 * SECOND
    assert fast.taken[-1][0] == NOW + 50 * SECOND


def test_positions_are_kept_when_they_come_with_rows(make: MakeOutbox) -> None:
    outbox = make()
    outbox.append(rows(range(3)), NOW, {"replay": "3"})
    outbox.append([], NOW, {"replay": "4", "other": "1"})
    assert outbox.cursors() == {"replay": "4", "other": "1"}


def test_an_old_image_is_recognised_when_the_platform_knows_ids_never_sent(
    make: MakeOutbox,
) -> None:
    outbox = make()
    outbox.append(rows(range(10)), NOW)
    epoch = epoch_of(outbox)
    assert outbox.restored_from_old_image(epoch, 5)
    assert not outbox.restored_from_old_image("another", 5)
    outbox.mark_published(6)
    assert not outbox.restored_from_old_image(epoch, 6)
    assert outbox.restored_from_old_image(epoch, 7)


def test_rows_get_new_ids_when_a_new_life_begins(make: MakeOutbox) -> None:
    outbox = make()
    outbox.append(rows(range(10)), NOW)
    before = epoch_of(outbox)
    outbox.renew_epoch()
    state = outbox.state()
    assert state.epoch != before
    assert (state.issued_id, state.pending, state.dropped) == (10, 10, 0)
    outbox.append(rows(range(10, 12)), NOW)
    part = outbox.read(0, 100)
    assert part is not None
    assert (part.first_id, part.last_id) == (1, 12)
    assert part.rows == rows(range(12))


PRIORITIES = {"low": Priority.LOW, "high": Priority.HIGH}


def mixed(numbers: range) -> list[Row]:
    """Rows of three tags in turn: every tenth of high priority, four of low, five of normal."""
    tags = ("high", *("low", "normal") * 4, "normal")
    return [row(number, tag=tags[number % 10]) for number in numbers]


def drained(outbox: Outbox) -> list[tuple[int, Row]]:
    """Read all that is pending, with its ids."""
    found: list[tuple[int, Row]] = []
    while (part := outbox.read(found[-1][0] if found else 0, 100)) is not None:
        found += enumerate(part.rows, part.first_id)
    return found


def test_the_least_important_go_first_when_it_is_full(make: MakeOutbox) -> None:
    outbox = make(max_bytes=400_000)
    outbox.rank(PRIORITIES)
    count = 0
    while outbox.state().dropped == 0:
        outbox.append(mixed(range(count, count + 1000)), NOW)
        count += 1000
    state = outbox.state()
    kept = drained(outbox)
    assert state.used_bytes <= 400_000
    assert len(kept) == state.pending == count - state.dropped
    tags = [one.tag for _, one in kept]
    # Some of the oldest low ones went, and nothing else.
    assert tags.count("high") == count // 10
    assert tags.count("normal") == count // 2
    low = [one.time_us for _, one in kept if one.tag == "low"]
    assert min(low) > min(one.time_us for _, one in kept if one.tag == "normal")
    # In order, and with few holes: the platform keeps them in its ledger.
    assert [one.time_us for _, one in kept] == sorted(one.time_us for _, one in kept)
    assert len(state.dropped_ranges) <= 20
    held = {id_ for id_, _ in kept}
    gone = {id_ for first, last in state.dropped_ranges for id_ in range(first, last + 1)}
    assert not held & gone
    assert held | gone == set(range(1, count + 1))


def test_states_outlive_all_else_when_it_is_full_for_long(make: MakeOutbox) -> None:
    outbox = make(max_bytes=400_000)
    outbox.rank(PRIORITIES)
    for start in range(0, 60_000, 1000):
        outbox.append(mixed(range(start, start + 1000)), NOW)
    tags = [one.tag for _, one in drained(outbox)]
    assert tags.count("high") == 6_000
    assert tags.count("low") < tags.count("normal")


def test_what_was_read_keeps_its_ids_when_room_is_made(make: MakeOutbox) -> None:
    outbox = make(max_bytes=400_000, reserved_rows=0)
    outbox.rank(PRIORITIES)
    outbox.append(mixed(range(1000)), NOW)
    before = outbox.read(0, 500)
    for start in range(1000, 15_000, 1000):
        outbox.append(mixed(range(start, start + 1000)), NOW)
    assert outbox.state().dropped > 0
    assert outbox.read(0, 500) == before


def test_a_backlog_is_thinned_when_newer_rows_were_sent_ahead_of_it(make: MakeOutbox) -> None:
    outbox = make(max_bytes=400_000, reserved_rows=0)
    outbox.rank(PRIORITIES)
    outbox.append(mixed(range(4000)), NOW)
    ahead = outbox.read(3500, 500)
    for start in range(4000, 15_000, 1000):
        outbox.append(mixed(range(start, start + 1000)), NOW)
    assert outbox.state().dropped_ranges[0][0] == 1
    assert outbox.read(3500, 500) == ahead
    kept = [one for _, one in drained(outbox)]
    backlog = [one.tag for one in kept if one.time_us < row(3500).time_us]
    assert backlog.count("high") == 350
    assert backlog.count("low") < 1400


def test_an_acknowledgement_passes_over_a_hole(make: MakeOutbox) -> None:
    outbox = make(max_bytes=400_000, reserved_rows=0)
    outbox.rank(PRIORITIES)
    outbox.append(mixed(range(1000)), NOW)
    outbox.read(0, 100)
    for start in range(1000, 15_000, 1000):
        outbox.append(mixed(range(start, start + 1000)), NOW)
    (first, last), *_ = outbox.state().dropped_ranges
    assert first > 100
    before = outbox.state()
    # The platform has not yet heard of the hole.
    assert outbox.acknowledge(epoch_of(outbox), first - 1) == first - 1
    state = outbox.state()
    assert state.acknowledged_id == last
    assert state.confirmed == first - 1
    assert state.pending == before.pending - (first - 1)
    assert state.issued_id == state.confirmed + state.dropped + state.pending


def test_holes_move_along_when_a_new_life_begins(make: MakeOutbox) -> None:
    outbox = make(max_bytes=400_000)
    outbox.rank(PRIORITIES)
    outbox.append(mixed(range(1000)), NOW)
    outbox.acknowledge(epoch_of(outbox), 400)
    for start in range(1000, 15_000, 1000):
        outbox.append(mixed(range(start, start + 1000)), NOW)
    before = [one for _, one in drained(outbox)]
    assert len(outbox.state().dropped_ranges) > 1
    outbox.renew_epoch()
    after = outbox.state()
    # The first hole follows what was confirmed, so it is settled with it.
    assert after.dropped > 0
    assert after.pending == len(before)
    assert after.issued_id == after.dropped + after.pending
    assert [one for _, one in drained(outbox)] == before


def test_what_is_still_kept_is_pending_again_when_the_platform_was_set_back(
    make: MakeOutbox,
) -> None:
    outbox = make(kept_rows=10)
    outbox.append(rows(range(100)), NOW)
    epoch = epoch_of(outbox)
    outbox.acknowledge(epoch, 60)
    assert not outbox.platform_is_behind(epoch, 60)
    assert not outbox.platform_is_behind("another", 20)
    assert outbox.platform_is_behind(epoch, 20)
    cost = outbox.take_set_back(20)
    state = outbox.state()
    assert (cost.again, cost.lost) == (10, 30)
    assert state.dropped_ranges == ((21, 50),)
    assert dict(state.lost) == {DropReason.PLATFORM_SET_BACK: IdSet(((21, 51),))}
    assert (state.acknowledged_id, state.confirmed_id, state.set_backs) == (50, 20, 1)
    assert state.issued_id == state.confirmed + state.dropped + state.pending
    part = outbox.read(0, 100)
    assert part is not None
    assert (part.first_id, part.rows) == (51, rows(range(50, 100)))
    # The platform goes on from there, and a second fall is news as well.
    outbox.acknowledge(epoch, 70)
    assert outbox.platform_is_behind(epoch, 69)


def test_nothing_is_lost_when_all_that_the_platform_lost_is_still_kept(make: MakeOutbox) -> None:
    outbox = make(max_hours=1, kept_rows=100)
    outbox.append(rows(range(10)), NOW)
    outbox.acknowledge(epoch_of(outbox), 10)
    later = work_until(outbox, NOW, NOW + 5 * HOUR)
    cost = outbox.take_set_back(0)
    assert (cost.again, cost.lost) == (10, 0)
    # Their hours begin now.
    outbox.append([], later + SECOND)
    assert (outbox.state().pending, outbox.state().dropped) == (10, 0)


def test_rows_given_up_before_are_no_loss_of_the_platform_when_it_was_set_back(
    make: MakeOutbox,
) -> None:
    outbox = make(max_hours=1, kept_rows=1)
    outbox.append(rows(range(10)), NOW)
    outbox.append(rows(range(10, 20)), work_until(outbox, NOW, NOW + 2 * HOUR))
    assert outbox.state().dropped_ranges == ((1, 10),)
    # Its ack may still be below what the edge gave up by itself: that is nothing new.
    assert not outbox.platform_is_behind(epoch_of(outbox), 0)
    outbox.acknowledge(epoch_of(outbox), 20)
    cost = outbox.take_set_back(0)
    assert (cost.again, cost.lost) == (1, 9)
    assert dict(outbox.state().lost) == {DropReason.PLATFORM_SET_BACK: IdSet(((11, 20),))}


def test_lost_ids_are_passed_over_and_keep_their_reason(make: MakeOutbox) -> None:
    outbox = make()
    outbox.append(rows(range(10)), NOW)
    outbox.lose(4, 6, DropReason.OUTBOX_DAMAGED)
    state = outbox.state()
    assert state.dropped_ranges == ((4, 6),)
    assert state.issued_id == state.confirmed + state.dropped + state.pending
    assert [id_ for id_, _ in drained(outbox)] == [1, 2, 3, 7, 8, 9, 10]
    outbox.acknowledge(epoch_of(outbox), 2)
    outbox.renew_epoch()
    assert dict(outbox.state().lost) == {DropReason.OUTBOX_DAMAGED: IdSet(((2, 5),))}
