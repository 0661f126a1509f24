import pytest

from ingest.broker.share import Share
from ingest.broker.subscription import Subscriptions
from plant.native.message import EdgeAddress, Leaf

SITES = [EdgeAddress("co-khi-thu", f"nha-may-{k}", "edge-1") for k in range(12)]


def heard(subscriptions: Subscriptions, edge: EdgeAddress) -> str | None:
    return subscriptions.heard(edge.topic(Leaf.BIRTH))


def test_everything_is_asked_for_when_a_worker_is_alone() -> None:
    alone = Subscriptions(Share())

    assert alone.wanted() == [
        f"nm/v1/+/+/+/{leaf}" for leaf in ("birth", "status", "values", "data")
    ]
    assert alone.unwanted() == []
    assert heard(alone, SITES[0]) is None


def test_data_are_asked_for_once_a_site_was_heard_of_when_workers_are_several() -> None:
    worker = Subscriptions(Share(0, 2))
    assert "nm/v1/+/+/+/data" not in worker.wanted()
    assert worker.unwanted() == ["nm/v1/+/+/+/data"]

    assert heard(worker, SITES[0]) == "nm/v1/co-khi-thu/nha-may-0/+/data"
    assert heard(worker, SITES[0]) is None
    assert heard(worker, EdgeAddress("co-khi-thu", "nha-may-0", "edge-2")) is None
    # After a reconnect it does not wait to hear of the site again.
    assert "nm/v1/co-khi-thu/nha-may-0/+/data" in worker.wanted()


def test_data_of_another_worker_are_given_up_once() -> None:
    worker = Subscriptions(Share(0, 2))

    assert worker.overheard(SITES[1].topic(Leaf.BIRTH)) is None
    assert worker.overheard(SITES[1].topic(Leaf.DATA)) == "nm/v1/co-khi-thu/nha-may-1/+/data"
    assert worker.overheard(SITES[1].topic(Leaf.DATA)) is None


@pytest.mark.parametrize("count", [2, 3])
def test_the_data_of_each_site_are_asked_for_by_one_worker(count: int) -> None:
    shares = [Share(index, count) for index in range(count)]
    workers = [Subscriptions(share) for share in shares]
    for edge in SITES:
        topic = edge.topic(Leaf.BIRTH)
        asked = [
            worker.heard(topic)
            for share, worker in zip(shares, workers, strict=True)
            if share.owns(topic)
        ]
        assert len(asked) == 1
        assert asked[0] is not None


def test_one_filter_for_all_sites_does_when_a_broker_grants_no_more_of_them() -> None:
    subscriptions = Subscriptions(Share(0, 2))
    site = next(f"e/s{k}" for k in range(9) if Share(0, 2).owns(f"nm/v1/e/s{k}/x/birth"))
    assert subscriptions.heard(f"nm/v1/{site}/x/birth") == f"nm/v1/{site}/+/data"

    assert subscriptions.instead_of(f"nm/v1/{site}/+/data") == ["nm/v1/+/+/+/data"]
    assert subscriptions.instead_of(f"nm/v1/{site}/+/data") == []
    assert "nm/v1/+/+/+/data" in subscriptions.wanted()
    assert subscriptions.unwanted() == []
    assert subscriptions.instead_of("nm/v1/+/+/+/data") is None
    assert subscriptions.instead_of("nm/v1/+/+/+/birth") is None
