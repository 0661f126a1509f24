import tracemalloc

from edge_agent.intake.recall import TIMES_PER_TAG, Recall


def test_a_source_time_is_new_once_when_it_is_taken_twice() -> None:
    recall = Recall()
    assert recall.take(10)
    assert not recall.take(10)
    assert recall.take(5)
    assert recall.latest == 10


def test_there_is_no_backfill_when_nothing_was_ever_taken() -> None:
    assert Recall().backfill_from(1000) is None


def test_backfill_overlaps_when_all_is_remembered() -> None:
    recall = Recall(times=[100, 200, 300])
    assert recall.backfill_from(150) == 150


def test_backfill_begins_where_memory_does_when_early_times_were_forgotten() -> None:
    recall = Recall(times=range(TIMES_PER_TAG + 10))
    assert recall.complete_from == 10
    assert recall.backfill_from(10_000) == 10
    assert all(recall.has(time) for time in range(10, TIMES_PER_TAG + 10))


def test_the_newest_is_recognised_when_its_row_is_no_longer_kept() -> None:
    recall = Recall(latest=500, times=(), forgotten=True)
    assert not recall.take(500)
    assert recall.backfill_from(100) == 501


def test_backfill_begins_after_the_first_kept_when_earlier_rows_are_gone() -> None:
    recall = Recall(latest=500, times=[400, 500], forgotten=True)
    assert recall.backfill_from(1000) == 401
    assert recall.has(400)


def test_late_times_are_remembered_when_newer_ones_come_and_go() -> None:
    recall = Recall(times=range(1_000, 1_000 + TIMES_PER_TAG))
    assert recall.take(5)
    for time in range(5_000, 5_000 + TIMES_PER_TAG - 1):
        assert recall.take(time)
    assert not recall.take(5)
    assert recall.take(9_000)
    # Now it was its turn to be forgotten, and no backfill asks for it again.
    assert recall.complete_from == 1_000 + TIMES_PER_TAG
    assert recall.take(5)


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
            for time in range(3 * TIMES_PER_TAG):
                recall.take(1_700_000_000_000_000 + 1_000_000 * time + number)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken / len(recalls) < 12 * TIMES_PER_TAG
