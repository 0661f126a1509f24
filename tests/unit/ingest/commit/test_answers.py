"""What the platform tells an edge by its acks, and takes from its statuses about lost ids."""

from collections.abc import Sequence

import msgspec
import pytest

from ingest.commit.heartbeat import MOST_SPANS
from plant.delivery.gap import Gap, GapReason, gaps
from plant.delivery.idset import EMPTY, IdSet
from plant.errors import DataError
from plant.native.message import Ack, DropReason, Leaf, Limits, Refusal, decode_ack
from tests.plants.deliveries import (
    EDGE,
    LATHE,
    TEMPERATURE,
    birth,
    data,
    status,
)
from tests.unit.ingest.bench import Bench


def acks(published: Sequence[tuple[str, bytes]]) -> list[Ack]:
    return [decode_ack(payload) for topic, payload in published if topic == EDGE.topic(Leaf.ACK)]


def test_every_ack_tells_what_is_taken() -> None:
    (ack,) = acks(Bench().take(status()))

    assert ack.limits == Limits(4_000_000, 20_000)


def test_the_birth_is_asked_for_until_it_is_there() -> None:
    bench = Bench()

    (missing,) = acks(bench.take(data(1, [20])))
    bench.take(birth())
    (there,) = acks(bench.take(data(1, [20])))

    assert (missing.birth_wanted, missing.committed_to) == (True, 0)
    assert (there.birth_wanted, there.committed_to) == (False, 1)


def test_an_edge_is_told_what_was_refused() -> None:
    bench = Bench()
    bench.take(birth())

    (ack,) = acks(bench.take(data(1, [900, 20, 901]), data(4, [20], tag="no-such-tag")))

    assert ack.rejected == 3
    assert ack.refused == [
        Refusal("out_of_range", 2, TEMPERATURE.name, "900 is outside -20 to 200"),
        Refusal("unknown_tag", 1, "no-such-tag", "the edge has not announced a tag 'no-such-tag'"),
    ]


def test_what_was_refused_of_a_birth_is_told_though_the_first_answer_was_never_committed() -> None:
    bench = Bench()
    wrong = msgspec.structs.replace(TEMPERATURE, work_unit=f"{LATHE}-2")
    assert not acks(bench.take(birth([wrong])))
    bench.store.before_commit.append(DataError("unavailable", "the transaction failed"))

    (ack,) = acks(bench.take(status()))

    assert bench.store.transactions == 3
    assert ack.refused is not None
    assert ack.refused[0].reason == "unknown_work_unit"


def test_ids_that_the_platform_lost_are_a_gap_of_that_reason_and_the_rest_arrives() -> None:
    bench = Bench()
    bench.take(birth(), data(1, [20] * 5))
    lost = {DropReason.PLATFORM_SET_BACK: [(6, 9)], DropReason.OUTBOX_DAMAGED: [(11, 11)]}

    published = bench.take(
        status(issued_id=13, dropped_ranges=[(6, 9), (11, 12)], dropped_because=lost),
        data(10, [21]),
        data(13, [22]),
    )

    assert [ack.committed_to for ack in acks(published)] == [13]
    ledger = bench.ledger()
    because = {
        GapReason.PLATFORM_SET_BACK: ledger.set_back,
        GapReason.OUTBOX_DAMAGED: ledger.damaged,
    }
    assert gaps(ledger.committed, ledger.dropped, 13, 0, present=True, because=because) == [
        Gap(6, 9, GapReason.PLATFORM_SET_BACK),
        Gap(11, 11, GapReason.OUTBOX_DAMAGED),
        Gap(12, 12, GapReason.DROPPED),
    ]


def test_what_arrives_after_all_is_no_gap() -> None:
    lost = IdSet(((6, 10),))

    assert (
        gaps(
            IdSet(((1, 10),)), lost, 9, 0, present=True, because={GapReason.PLATFORM_SET_BACK: lost}
        )
        == []
    )
    assert gaps(EMPTY, EMPTY, 0, 0, present=True) == []


@pytest.mark.parametrize("ranges", [MOST_SPANS, MOST_SPANS + 1])
def test_a_status_that_would_tear_the_ledger_to_shreds_is_refused(ranges: int) -> None:
    bench = Bench()
    told = [(2 * k + 1, 2 * k + 1) for k in range(ranges)]

    bench.take(status(issued_id=10 * ranges, dropped_ranges=told))

    refused = [rejection.reason for rejection in bench.store.tables.rejections]
    assert refused == ([] if ranges == MOST_SPANS else ["scattered_ids"])
