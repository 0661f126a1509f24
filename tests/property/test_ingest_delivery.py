"""Nothing lost, nothing twice: whatever is repeated, reordered, cut anew or interrupted."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.decoding.message import Message
from plant.delivery.idset import IdSet
from plant.errors import StoreUnavailableError
from plant.native.message import Leaf, decode_ack
from tests.plants.deliveries import EDGE, birth, data
from tests.unit.ingest.bench import Bench

IDS = 60

spans = st.tuples(st.integers(1, IDS), st.integers(1, 12)).map(
    lambda span: (span[0], min(span[0] + span[1], IDS + 1))
)
# A message that fails more often than four times by itself, while harmless transactions work, is
# taken to be the cause.
faults = st.lists(st.sampled_from([None, StoreUnavailableError()]), max_size=4)


def message_of(span: tuple[int, int]) -> Message:
    return data(span[0], [float(k) for k in range(*span)])


@given(
    sent=st.lists(st.lists(spans, max_size=6), max_size=8),
    before=faults,
    after=faults,
)
def test_each_id_is_written_exactly_once_in_any_delivery(
    sent: list[list[tuple[int, int]]],
    before: list[StoreUnavailableError | None],
    after: list[StoreUnavailableError | None],
) -> None:
    bench = Bench()
    bench.take(birth())
    bench.store.before_commit.extend(before)
    bench.store.after_commit.extend(after)

    published = bench.take_groups([message_of(span) for span in group] for group in sent)

    everything = IdSet.of(span for group in sent for span in group)
    written = sorted(value for _, _, value, _ in bench.store.tables.numbers if value is not None)
    assert written == [k for start, stop in everything.spans for k in range(start, stop)]
    if everything.spans:
        assert bench.ledger().committed == everything
    acks = [decode_ack(payload) for topic, payload in published if topic == EDGE.topic(Leaf.ACK)]
    assert [ack.committed_to for ack in acks] == sorted(ack.committed_to for ack in acks)
    if acks:
        assert acks[-1].committed_to == everything.contiguous_to()


@given(sent=st.lists(st.lists(spans, max_size=6), max_size=8), before=faults)
def test_what_is_received_is_written_repeated_rejected_or_queued_at_every_moment(
    sent: list[list[tuple[int, int]]], before: list[StoreUnavailableError | None]
) -> None:
    bench = Bench()
    bench.take(birth())
    bench.store.before_commit.extend(before)
    received = 0

    for group in sent:
        bench.take(*(message_of(span) for span in group))
        received += sum(stop - start for start, stop in group)
        counted = bench.selfstat.snapshot().measurements
        assert counted.received == received
        assert counted.queued == 0
        assert counted.written == len(bench.store.tables.numbers)
        assert counted.written + counted.duplicate == received


@given(one=st.lists(spans), other=st.lists(spans))
def test_sets_of_ids_agree_with_sets_of_numbers(
    one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    naive = {k for span in [*one, *other] for k in range(*span)}

    ids = IdSet.of(one).union(IdSet.of(other))

    assert {k for span in ids.spans for k in range(*span)} == naive
    assert len(ids) == len(naive)
    missing = {k for span in ids.missing(5, 50) for k in range(*span)}
    assert missing == set(range(5, 50)) - naive
    assert ids.contiguous_to() == next(k for k in range(IDS + 2) if k + 1 not in naive)
