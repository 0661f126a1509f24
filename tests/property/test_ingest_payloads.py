"""Whatever arrives is counted, and kept or refused with a reason; nothing breaks the ingest."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.decoding.message import Message
from plant.native.message import Leaf
from tests.damage import damaged_messages
from tests.examples import examples
from tests.plants.deliveries import EDGE, NOW, TEMPERATURE, birth, data
from tests.unit.ingest.bench import Bench

PAYLOADS = 10_000

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)
leaves = st.sampled_from([Leaf.DATA, Leaf.BIRTH, Leaf.STATUS, Leaf.ACK, "x", ""])


def assert_all_counted(bench: Bench, messages: int) -> None:
    snapshot = bench.selfstat.snapshot()
    assert snapshot.messages.received == messages
    assert snapshot.messages.queued == 0
    assert snapshot.measurements.queued == 0
    assert len(bench.committed) == messages
    tables = bench.store.tables
    assert snapshot.measurements.written == len(tables.numbers) + len(tables.texts)
    ids = sum(len(ledger.committed) for ledger in tables.ledgers.values())
    rejected = sum(ledger.rejected_count for ledger in tables.ledgers.values())
    assert ids == snapshot.measurements.written + rejected


def test_ten_thousand_damaged_payloads_are_all_counted() -> None:
    bench = Bench()
    bench.take(birth())
    letters = list(damaged_messages(PAYLOADS, seed=20260302))

    bench.take_groups(letters[k : k + 50] for k in range(0, PAYLOADS, 50))

    assert_all_counted(bench, PAYLOADS + 1)
    snapshot = bench.selfstat.snapshot()
    assert snapshot.messages.rejected > PAYLOADS // 2
    assert snapshot.messages.written > 100
    for rejection in bench.store.tables.rejections:
        assert rejection.reason
        assert rejection.detail
        text = f"{rejection.topic}{rejection.detail}{rejection.tag_name}{rejection.epoch}"
        assert "\0" not in text


@settings(max_examples=examples(200))
@given(content=json_values, leaf=leaves)
def test_any_json_is_counted(content: object, leaf: str) -> None:
    bench = Bench()
    try:
        payload = msgspec.json.encode(content)
    except msgspec.MsgspecError:
        payload = repr(content).encode(errors="replace")

    bench.take(birth(), Message(EDGE.topic(leaf), payload, NOW))

    assert_all_counted(bench, 2)


@settings(max_examples=examples(200))
@given(
    columns=st.dictionaries(
        st.sampled_from(
            ["schema", "epoch", "first_id", "last_id", "tags", "tag", "time_us", "value", "quality"]
        ),
        json_values
        | st.lists(st.integers() | st.none(), max_size=4)
        | st.lists(st.text(max_size=3), max_size=4),
        max_size=3,
    )
)
def test_any_field_may_be_anything(columns: dict[str, object]) -> None:
    bench = Bench()
    content = msgspec.json.decode(data(1, [20, 30], tag=TEMPERATURE.name).payload) | columns
    try:
        payload = msgspec.json.encode(content)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        payload = b""

    bench.take(birth(), Message(EDGE.topic(Leaf.DATA), payload, NOW))

    assert_all_counted(bench, 2)
