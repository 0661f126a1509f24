from edge_agent.recall import TIMES_PER_TAG, Recall


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
