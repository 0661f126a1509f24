import pytest

from ingest.settings import IngestSettings, WorkerSettings
from ingest.share import Share
from plant.native import EdgeAddress, Leaf

SITES = [EdgeAddress("co-khi-thu", f"nha-may-{k}", "edge-1").topic(Leaf.DATA) for k in range(60)]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_each_topic_has_exactly_one_worker(count: int) -> None:
    workers = [Share(index, count) for index in range(count)]

    for topic in [*SITES, "", "/", "nm", "nm/v1/a", "x/y/ế/\ud800/z"]:
        assert sum(worker.owns(topic) for worker in workers) == 1
    assert all(any(worker.owns(topic) for topic in SITES) for worker in workers)


def test_all_edges_and_messages_of_a_site_have_the_same_worker() -> None:
    share = Share(0, 2)
    for edge in ("edge-1", "edge-2"):
        for leaf in (Leaf.BIRTH, Leaf.STATUS, Leaf.DATA):
            topic = EdgeAddress("co-khi-thu", "nha-may-0", edge).topic(leaf)
            assert share.owns(topic) == share.owns(SITES[0])


def test_the_worker_of_a_site_stays_when_the_program_changes() -> None:
    assert [Share(0, 2).owns(topic) for topic in SITES[:6]] == EXPECTED


EXPECTED = [False, False, False, False, True, True]


def test_a_worker_must_be_one_of_them() -> None:
    with pytest.raises(ValueError, match="count from 0"):
        WorkerSettings(index=2, count=2)


def test_workers_have_client_ids_of_their_own() -> None:
    ids = {IngestSettings(workers=WorkerSettings(index=k, count=3)).client_id for k in range(3)}
    assert len(ids) == 3
