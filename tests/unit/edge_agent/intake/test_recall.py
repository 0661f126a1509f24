import tracemalloc

from edge_agent.intake.recall import READINGS_PER_TAG, Recall


def test_a_source_time_is_new_once_when_it_is_taken_twice() -> None:
    recall = Recall()
    assert recall.take(10, 7)
    assert not recall.take(10, 7)
    assert recall.take(5, 7)
    assert recall.latest == 10


def test_another_value_or_quality_of_one_moment_is_another_reading() -> None:
    recall = Recall()
    assert [recall.take(10, mark) for mark in (1, 2, 1, 2, 3)] == [True, True, False, False, True]
    assert recall.take(20, 1)
    assert recall.take(10, 4)


def test_a_reading_a_month_ahead_hides_no_gap() -> None:
    recall = Recall()
    assert recall.take(100, 7)
    assert recall.take(9_000_000, 7, is_ahead=True)
    assert not recall.take(9_000_000, 7, is_ahead=True)
    assert recall.latest == 100
    assert recall.backfill_from(0) == 100
    for time in range(200, 200 + 2 * READINGS_PER_TAG):
        assert recall.take(time, 7)
    assert recall.backfill_from(10) == 200 + 2 * READINGS_PER_TAG - 11


def test_a_long_history_drives_out_no_live_reading() -> None:
    recall = Recall()
    live = range(1_000_000, 1_000_010)
    for time in live:
        assert recall.take(time, 7)
    for time in range(4 * READINGS_PER_TAG):
        assert recall.take(time, 7)
    assert not any(recall.take(time, 7) for time in live)


def test_there_is_no_backfill_when_nothing_was_ever_taken() -> None:
    assert Recall().backfill_from(1000) is None


def test_backfill_overlaps_when_all_is_remembered() -> None:
    recall = Recall(readings=[(100, 7), (200, 7), (300, 7)])
    assert recall.backfill_from(150) == 150


def test_backfill_begins_where_memory_does_when_early_times_were_forgotten() -> None:
    recall = Recall(readings=((time, 7) for time in range(READINGS_PER_TAG + 10)))
    assert recall.complete_from == 10
    assert recall.backfill_from(10_000) == 10
    assert all(recall.has(time, 7) for time in range(10, READINGS_PER_TAG + 10))


def test_the_newest_is_recognised_when_its_row_is_no_longer_kept() -> None:
    recall = Recall(latest=500, readings=[(500, 7)], forgotten=True)
    assert not recall.take(500, 7)
    assert recall.backfill_from(100) == 501


def test_backfill_begins_after_the_first_kept_when_earlier_rows_are_gone() -> None:
    recall = Recall(latest=500, readings=[(400, 7), (500, 7)], forgotten=True)
    assert recall.backfill_from(1000) == 401
    assert recall.has(400, 7)


def test_the_earliest_times_are_forgotten_first_whenever_they_came() -> None:
    recall = Recall(readings=((time, 7) for time in range(1_000, 1_000 + READINGS_PER_TAG)))
    assert recall.take(5, 7)
    # What was just taken is recognised at least once.
    assert not recall.take(5, 7)
    assert recall.take(9_000, 7)
    # It was its turn, and no backfill asks for it again.
    assert recall.complete_from == 1_001
    assert recall.take(5, 7)
    assert not recall.take(1_400, 7)
    assert not recall.take(9_000, 7)


def test_a_long_history_beside_live_readings_costs_none_of_them() -> None:
    recall = Recall()
    assert recall.take(20_000, 7)
    for time in range(2 * READINGS_PER_TAG):
        assert recall.take(time, 7)
        assert time % 100 or recall.take(20_001 + time, 7)
    assert not recall.take(20_000, 7)
    assert not recall.take(20_001 + 1_000, 7)


def test_only_the_latest_is_remembered_when_the_agent_gives_the_times() -> None:
    recall = Recall()
    assert [recall.stamp(time) for time in (10, 10, 20, 5)] == [True, False, True, True]
    assert recall.latest == 20
    assert recall.backfill_from(1_000) == 21


def test_memory_stays_small_when_a_tag_is_read_for_long() -> None:
    tracemalloc.start()
    try:
        recalls = [Recall() for _ in range(20)]
        for number, recall in enumerate(recalls):
            for time in range(3 * READINGS_PER_TAG):
                recall.take(1_700_000_000_000_000 + 1_000_000 * time + number, 7)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken / len(recalls) < 20 * READINGS_PER_TAG
