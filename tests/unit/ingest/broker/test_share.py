import pytest

from ingest.broker.share import Share
from ingest.decoding.sender import sender_of, site_of
from ingest.settings import IngestSettings, WorkerSettings
from plant.native.message import EdgeAddress, Leaf
from plant.sparkplug import MessageType, NodeId
from plant.sparkplug.topic import OF_DEVICES

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


def test_a_sparkplug_sender_is_a_node_whatever_it_says() -> None:
    node = NodeId("Nhà máy", "gateway 1")
    topics = {node.topic(kind) for kind in MessageType if kind not in OF_DEVICES}
    topics |= {node.topic(kind, device) for kind in OF_DEVICES for device in ("CNC 1", "CNC 2")}

    (sender,) = {sender_of(topic) for topic in topics}

    assert sender != sender_of(NodeId("Nhà máy", "gateway 2").topic(MessageType.NDATA))
    assert sender != sender_of(NodeId("Nhà máy 2", "gateway 1").topic(MessageType.NDATA))
    assert sender_of(SITES[0]) == site_of(SITES[0])
    assert [sender_of(topic) for topic in ("spBv1.0", "spBv1.0/", "spBv1.0/a/NDATA", "")]
