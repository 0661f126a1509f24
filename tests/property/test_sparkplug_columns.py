"""A group of data messages read by columns tells what each message tells by itself."""

import math
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.decoding.message import Message
from plant.errors import StoreUnavailableError
from plant.sparkplug import (
    DataType,
    Metric,
    Payload,
    PropertySet,
    PropertyValue,
    decode,
    encode,
    plain_payloads,
)
from tests.peers.sparkplug_nodes import DEVICE, METRICS, NodeScript, host_settings
from tests.unit.ingest.sparkplug.bench import SparkplugBench

MORE = (
    Metric(name="speed", alias=5, datatype=DataType.FLOAT, value=1.5),
    Metric(name="DATA/depth", alias=6, datatype=DataType.DOUBLE, value=2.0),
    Metric(name="scaled", alias=7, datatype=DataType.INT64, value=1),
    Metric(name="on", alias=300, datatype=DataType.BOOLEAN, value=True),
    Metric(name="at", alias=9, datatype=DataType.DATE_TIME, value=1),
    Metric(name="tiny", alias=10, datatype=DataType.INT8, value=1),
    Metric(name="ignored", alias=11, datatype=DataType.DOUBLE, value=1.0),
    Metric(name="untyped", alias=12, value=1.0),
    Metric(name="Node Control/Reboot", alias=13, datatype=DataType.BOOLEAN, value=False),
)
SETTINGS = host_settings(
    node={
        "metrics": [
            {"device": DEVICE, "metric": "state", "role": "state", "states": {6: "EXECUTE"}},
            {"device": DEVICE, "metric": "scaled", "scale": 0.1, "offset": -3},
            {"device": DEVICE, "metric": "speed", "scale": 2},
            {"device": DEVICE, "metric": "ignored", "ignore": True},
        ]
    }
)
BAD = PropertySet(["Quality"], [PropertyValue(type=DataType.INT32, value=0)])

numbers = (
    st.floats(width=32)
    | st.integers(0, 2**32 - 1)
    | st.integers(0, 2**64 - 1)
    | st.booleans()
    | st.sampled_from([0, 1, 6, 200, 2**31, 2**32 - 1, 2**63, 2**64 - 1, 0.0, -0.0, 1e38])
)
values = numbers | numbers | numbers | st.none() | st.just("chạy")
times = st.none() | st.integers(0, 2**45) | st.sampled_from([0, 2**53, 2**53 + 1, 2**63])
metrics = st.builds(
    Metric,
    name=st.none()
    | st.none()
    | st.sampled_from(["", *(one.name for one in (*METRICS, *MORE)), "depth", "nobody"]),
    alias=st.none() | st.integers(1, 13) | st.sampled_from([0, 300, 2**62, 2**64 - 1]),
    timestamp=times,
    datatype=st.none() | st.sampled_from([0, 3, 4, 7, 9, 10, 11, 12, 13, 99]),
    is_historical=st.none() | st.booleans(),
    is_transient=st.sampled_from([None, None, None, True]),
    is_null=st.sampled_from([None, None, None, False, True]),
    properties=st.sampled_from([None, None, None, BAD]),
    value=values,
)
plain = st.builds(
    Metric,
    alias=st.integers(1, 7),
    timestamp=st.none() | st.integers(2**40, 2**40 + 3),
    value=st.floats(-5, 5) | st.integers(0, 300),
)
messages = st.lists(plain, max_size=4) | st.lists(plain, max_size=4) | st.lists(metrics, max_size=4)
actions = st.tuples(
    st.sampled_from(
        ["data"] * 12 + ["born", "device born", "skip", "again", "device dead", "dead"]
    ),
    messages,
    st.sampled_from([DEVICE, DEVICE, DEVICE, None]),
)


@given(st.lists(st.lists(metrics | plain, max_size=5), max_size=12))
@settings(deadline=None)
def test_columns_hold_what_is_read_one_by_one(groups: list[list[Metric]]) -> None:
    payloads = [
        encode(Payload(timestamp=7, metrics=group, seq=number % 256))
        for number, group in enumerate(groups)
    ]
    for raw, found in zip(payloads, plain_payloads(payloads), strict=True):
        if found is None:
            continue
        read = decode(raw)
        assert (found.timestamp, found.seq, len(found)) == (7, read.seq, len(read.metrics))
        columns = found.columns
        assert columns is not None
        for row, metric in zip(range(found.start, found.stop), read.metrics, strict=True):
            assert (metric.properties, metric.is_null, metric.is_transient) == (None, None, None)
            name = columns.names[columns.name[row]] if columns.name[row] >= 0 else ""
            assert name == (metric.name or "")
            assert columns.alias[row] == (-1 if metric.alias is None else metric.alias)
            assert columns.time_ms[row] == (-1 if metric.timestamp is None else metric.timestamp)
            assert columns.datatype[row] == (metric.datatype or 0)
            assert columns.historical[row] == bool(metric.is_historical)
            assert columns.is_boolean[row] == isinstance(metric.value, bool)
            if columns.is_whole[row]:
                assert int(columns.whole[row]) == metric.value
            else:
                assert isinstance(metric.value, float)
                same = float(columns.number[row]).hex() == metric.value.hex()
                assert same or metric.value != metric.value


def test_usual_metrics_are_plain() -> None:
    said = [
        Metric(name="x", timestamp=1_700_000_000_000, datatype=DataType.DOUBLE, value=1.5),
        Metric(alias=2, timestamp=1_700_000_000_000, value=7),
        Metric(alias=3, value=True),
    ]
    found = plain_payloads([encode(Payload(timestamp=1, seq=2, metrics=said))] * 8)
    assert None not in found


@given(
    st.lists(actions, max_size=30),
    st.sampled_from([[], [], [], [StoreUnavailableError()]]),
)
@settings(deadline=None)
def test_a_group_tells_what_its_messages_tell(
    script: list[tuple[str, list[Metric], str | None]],
    after: list[StoreUnavailableError | None],
) -> None:
    sent = _messages(script)
    together, apart = SparkplugBench(SETTINGS), SparkplugBench(SETTINGS)
    together.store.after_commit.extend(after)
    together.take(*sent)
    apart.take_each(*sent)
    for bench in (together, apart):
        bench.wait(60)

    assert _stored(together) == _stored(apart)
    # Whether the group was committed is not known when the answer is lost: then it is said again.
    assert set(_refused(together)) == set(_refused(apart))
    if not after:
        assert _refused(together) == _refused(apart)
    assert together.commands() == apart.commands()
    ours, theirs = together.selfstat.snapshot(), apart.selfstat.snapshot()
    if not after:
        assert (ours.messages, ours.measurements) == (theirs.messages, theirs.measurements)
    assert ours.messages.queued == ours.measurements.queued == 0
    assert together.fleet.online == apart.fleet.online


def _messages(script: list[tuple[str, list[Metric], str | None]]) -> list[Message]:
    node = NodeScript()
    sent = [node.node_birth(MORE), node.device_birth((*METRICS, *MORE))]
    for action, said, device in script:
        match action:
            case "data":
                sent.append(node.data(*said, device=device))
            case "born":
                sent += [node.node_birth(MORE), node.device_birth((*METRICS, *MORE))]
            case "device born":
                turned = [
                    Metric(name=one.name, alias=14 - k, datatype=one.datatype, value=one.value)
                    for k, one in enumerate((*METRICS, *MORE))
                ]
                sent.append(node.device_birth(turned))
            case "skip":
                node.seq = (node.seq + 1) % 256
            case "again":
                sent.append(sent[-1])
            case "device dead":
                sent.append(node.device_death(DEVICE))
            case _:
                sent.append(node.node_death())
    return sent


def _stored(bench: SparkplugBench) -> Counter[tuple[object, ...]]:
    tables = bench.store.tables
    names = {row.tag_id: name for name, row in tables.tags.items()}
    return Counter(
        (
            names[tag_id],
            *(None if isinstance(one, float) and math.isnan(one) else one for one in rest),
        )
        for tag_id, *rest in [*tables.numbers, *tables.texts]
    )


def _nothing(value: float | str | None) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _refused(bench: SparkplugBench) -> Counter[tuple[object, ...]]:
    return Counter(
        (one.topic, one.reason, one.detail, one.raw, one.row_id, one.tag_name, one.received_time)
        for one in bench.store.tables.rejections
    )
