"""Whatever bytes arrive as Sparkplug messages are read or refused, bounded, and all counted."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.decoding.message import Message
from ingest.sparkplug.fleet import Receipt
from plant.errors import DataError
from plant.sparkplug import (
    DataSet,
    DataType,
    MessageType,
    Metric,
    Payload,
    PropertySet,
    PropertyValue,
    Template,
    decode,
    encode,
    meaning,
    quality,
)
from plant.sparkplug.message import DataSetValue, MetricValue, Parameter, Row
from tests.examples import examples
from tests.peers.protobuf_peer import payload_class
from tests.peers.sparkplug_nodes import DEVICE, NODE, NodeScript
from tests.plants.deliveries import NOW
from tests.unit.ingest.sparkplug.bench import SparkplugBench

MUTATIONS = 10_000
Theirs = payload_class()

uint64 = st.integers(0, 2**64 - 1)
uint32 = st.integers(0, 2**32 - 1)
flags = st.none() | st.booleans()
short = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
scalars = uint32 | uint64 | st.floats(allow_nan=False) | st.booleans() | short
properties = st.builds(
    lambda pairs: PropertySet([key for key, _ in pairs], [value for _, value in pairs]),
    st.lists(
        st.tuples(
            st.sampled_from(["Quality", "engUnit", "nhipmay/role", "x"]),
            st.builds(PropertyValue, type=st.none() | st.just(3), value=scalars),
        ),
        max_size=3,
    ),
)
tables = st.builds(
    DataSet,
    num_of_columns=st.none() | uint64,
    columns=st.lists(short, max_size=3),
    types=st.lists(st.integers(0, 40), max_size=3),
    rows=st.lists(
        st.builds(Row, st.lists(st.builds(DataSetValue, scalars), max_size=3)), max_size=3
    ),
)
datatypes = st.none() | st.integers(0, 40)


def metrics_with(values: st.SearchStrategy[MetricValue]) -> st.SearchStrategy[Metric]:
    return st.builds(
        Metric,
        name=st.none() | st.sampled_from(["temperature", "count", "bdSeq", "x"]),
        alias=st.none() | st.integers(0, 6) | uint64,
        timestamp=st.none() | uint64,
        datatype=datatypes,
        is_historical=flags,
        is_transient=flags,
        is_null=flags,
        properties=st.none() | properties,
        value=values,
    )


def templates_of(metrics: st.SearchStrategy[Metric]) -> st.SearchStrategy[Template]:
    return st.builds(
        Template,
        metrics=st.lists(metrics, max_size=2),
        parameters=st.lists(st.builds(Parameter, short, st.just(10), scalars), max_size=2),
        template_ref=st.none() | short,
        is_definition=flags,
    )


plain_metrics = metrics_with(st.none() | scalars | st.binary(max_size=12) | tables)
all_metrics = plain_metrics | metrics_with(templates_of(plain_metrics))
payloads = st.builds(
    Payload,
    timestamp=st.none() | uint64,
    metrics=st.lists(all_metrics, max_size=5),
    seq=st.none() | st.integers(0, 300),
    uuid=st.none() | short,
    body=st.none() | st.binary(max_size=4),
)


@given(payload=payloads)
def test_a_payload_comes_back_as_it_went(payload: Payload) -> None:
    coded = encode(payload)
    assert encode(decode(coded)) == coded


@given(payload=payloads)
def test_googles_library_reads_the_same(payload: Payload) -> None:
    coded = encode(payload)
    assert Theirs.FromString(coded).SerializeToString(deterministic=True) == coded


@settings(max_examples=examples(500))
@given(data=st.binary(max_size=200))
def test_random_bytes_are_read_or_refused(data: bytes) -> None:
    _read(data)


@settings(max_examples=examples(300))
@given(payload=payloads)
def test_every_value_has_a_meaning_or_is_refused(payload: Payload) -> None:
    for metric in payload.metrics:
        quality(metric)
        try:
            meant = meaning(metric.value, metric.datatype)
        except DataError as exc:
            refusal = exc.reason
        else:
            refusal = "malformed"
            assert meant is None or isinstance(meant, bool | int | float | str)
        assert refusal == "malformed"


def _read(data: bytes) -> Payload | None:
    try:
        return decode(data)
    except DataError as exc:
        refusal = exc
    assert refusal.reason in {"malformed", "too_large"}
    assert refusal.detail
    return None


def _mutated(rng: np.random.Generator, data: bytes) -> bytes:
    """Return the bytes with some changed, cut out, doubled or put in."""
    damaged = bytearray(data)
    for _ in range(rng.integers(1, 3)):
        at = int(rng.integers(0, len(damaged) + 1))
        match rng.integers(0, 4):
            case 0 if damaged:
                damaged[at % len(damaged)] = int(rng.integers(0, 256))
            case 1:
                del damaged[at : at + int(rng.integers(1, 20))]
            case 2:
                damaged[at:at] = damaged[at : at + int(rng.integers(1, 20))]
            case _:
                damaged[at:at] = rng.bytes(int(rng.integers(1, 5)))
    return bytes(damaged)


def _messages() -> list[Message]:
    script = NodeScript()
    table = Metric(
        name="table",
        alias=9,
        datatype=DataType.DATA_SET,
        value=DataSet(2, ["a", "b"], [3, 12], [Row([DataSetValue(1), DataSetValue("x")])]),
    )
    return [
        script.node_birth([Metric(name="v", datatype=DataType.FLOAT, value=1.5)]),
        script.device_birth(),
        script.device_birth([table], DEVICE),
        script.data(script.value(1, 2.5), script.value(2, 7), script.value(4, "chữ")),
        script.data(script.value(1, 2.5, is_historical=True, properties=PropertySet(["Quality"]))),
        script.device_death(),
        script.node_death(),
    ]


def test_thousands_of_damaged_payloads_are_read_as_googles_library_reads_them() -> None:
    rng = np.random.default_rng(20260302)
    originals = [message.payload for message in _messages()]
    read = refused = 0
    for k in range(MUTATIONS):
        data = _mutated(rng, originals[k % len(originals)])
        ours = _read(data)
        if ours is None:
            refused += 1
            continue
        read += 1
        theirs = _theirs(data)
        # What we take Google takes (it also keeps groups, which nobody uses and we refuse).
        assert theirs is not None, data.hex()
        assert [m.timestamp or 0 for m in ours.metrics] == [m.timestamp for m in theirs.metrics]
        assert [m.alias or 0 for m in ours.metrics] == [m.alias for m in theirs.metrics]
    assert read > MUTATIONS // 10
    assert refused > MUTATIONS // 10


def _theirs(data: bytes) -> Any:
    try:
        return Theirs.FromString(data)
    except DecodeError:
        return None


def test_thousands_of_damaged_messages_are_all_counted() -> None:
    rng = np.random.default_rng(7)
    bench = SparkplugBench()
    originals = _messages()
    kinds = [*MessageType, "STATE", "x"]
    for start in range(0, 3_000, 50):
        group = []
        for k in range(start, start + 50):
            message = originals[k % len(originals)]
            topic = message.topic
            if rng.random() < 0.1:
                topic = f"spBv1.0/{NODE.group_id}/{rng.choice(kinds)}/{NODE.edge_node_id}"
            payload = message.payload if rng.random() < 0.3 else _mutated(rng, message.payload)
            group.append(Message(topic, payload, NOW, rng.random() < 0.02, Receipt(1)))
        bench.take(*group)
        bench.wait(1.0)
    bench.commit(bench.fleet.lose(bench.now, NOW))

    counted = bench.selfstat.snapshot()
    assert counted.messages.received == 3_000
    assert counted.messages.queued == counted.measurements.queued == 0
    tables_ = bench.store.tables
    assert counted.measurements.written == len(tables_.numbers) + len(tables_.texts)
    assert counted.messages.written > 200
    assert counted.messages.rejected > 300
    for rejection in tables_.rejections:
        assert rejection.reason
        assert rejection.detail
        assert "\0" not in f"{rejection.topic}{rejection.detail}{rejection.tag_name}"


@pytest.mark.slow
def test_memory_is_bounded_when_a_payload_is_made_of_empty_parts() -> None:
    bombs = (b"\x12\x00" * 100_000, b"\x12\x02\x4a\x00" * 50_000)
    tracemalloc.start()
    try:
        for bomb in bombs:
            _read(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000
