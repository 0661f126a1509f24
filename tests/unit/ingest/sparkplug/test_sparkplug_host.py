"""What Sparkplug messages do to the database: tags from births, values, deaths, refusals."""

import gzip
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from ingest.broker.mailbox import Mailbox
from ingest.decoding.message import Message
from ingest.sparkplug.fleet import Receipt
from ingest.validation.kept_file import KeptFile
from plant.delivery.lag import RELATIVE_ERROR, lag_quantile_s
from plant.errors import DataError, StoreUnavailableError
from plant.measurement import TagRole, ValueType
from plant.sparkplug import (
    COMPRESSED,
    REBIRTH,
    DataSet,
    DataType,
    MessageType,
    Metric,
    NodeId,
    Payload,
    PropertySet,
    PropertyValue,
    Template,
    decode,
    encode,
)
from store.rejection.rejection import Rejection
from tests.peers.sparkplug_nodes import (
    DEVICE,
    METRICS,
    NODE,
    NOW_MS,
    NodeScript,
    host_settings,
    with_,
)
from tests.plants.deliveries import DRILL, LATHE, NOW, NOW_US
from tests.unit.ingest.sparkplug.bench import SparkplugBench

HOUR_US = 3_600_000_000


@pytest.fixture
def script() -> NodeScript:
    return NodeScript()


@pytest.fixture
def bench(script: NodeScript) -> SparkplugBench:
    bench = SparkplugBench()
    bench.take(script.node_birth(), script.device_birth())
    bench.now += 1000
    return bench


def test_the_age_of_what_is_written_is_counted(bench: SparkplugBench, script: NodeScript) -> None:
    tables = bench.store.tables
    assert sum(tables.lags.values()) == len(tables.numbers) + len(tables.texts)
    tables.lags.clear()

    bench.take(script.data(script.value(1, 21.0, timestamp=NOW_MS - 60_000)))

    ((_, bucket),) = bench.store.tables.lags
    assert lag_quantile_s({bucket: 1}, 1) == pytest.approx(60, rel=RELATIVE_ERROR)


def test_tags_and_first_values_come_from_the_birth(bench: SparkplugBench) -> None:
    """tck-id-payloads-metric-datatype-req"""
    tags = {name: row.tag for name, row in bench.store.tables.tags.items()}
    assert set(tags) == {"tien-1/temperature", "tien-1/count", "tien-1/state", "tien-1/note"}
    assert tags["tien-1/state"].role is TagRole.STATE
    assert tags["tien-1/state"].value_type is ValueType.TEXT
    assert tags["tien-1/count"].role is TagRole.GOOD_COUNT
    assert tags["tien-1/note"].value_type is ValueType.TEXT
    assert {tag.work_unit for tag in tags.values()} == {LATHE}
    assert {tag.max_silence_s for tag in tags.values()} == {3600.0}
    assert bench.values("tien-1/temperature") == [20.0]
    assert bench.values("tien-1/state") == ["EXECUTE"]
    assert bench.store.tables.edges[1].online
    assert bench.store.tables.statuses[1].issued_id == 0


def test_values_are_stored_with_their_source_times(
    bench: SparkplugBench, script: NodeScript
) -> None:
    """tck-id-payloads-name-birth-data-requirement, tck-id-payloads-metric-timestamp-in-UTC"""
    metric = script.value(1, 21.5)
    bench.take(script.data(metric, script.value(3, 11), script.value(4, "xong")))

    assert bench.values("tien-1/temperature") == [20.0, 21.5]
    assert bench.values("tien-1/state") == ["EXECUTE", "HELD"]
    assert bench.values("tien-1/note") == ["bắt đầu", "xong"]
    assert metric.timestamp is not None
    assert bench.store.tables.numbers[-1][1] == metric.timestamp * 1000
    assert {unit for unit, _ in bench.store.tables.dirty} == {100}


def test_a_value_without_a_time_has_that_of_its_message(
    bench: SparkplugBench, script: NodeScript
) -> None:
    sent_ms = script.at_ms
    bench.take(script.data(Metric(alias=1, value=1.0)))

    assert bench.store.tables.numbers[-1][1] == sent_ms * 1000


def test_null_and_what_is_no_number_are_stored_as_nothing(
    bench: SparkplugBench, script: NodeScript
) -> None:
    bench.take(
        script.data(
            script.value(1, None, is_null=True),
            script.value(1, float("nan")),
            script.value(4, None, is_null=True),
        )
    )

    assert bench.values("tien-1/temperature") == [20.0, None, None]
    assert bench.store.tables.numbers[-1][3] == 2
    assert bench.values("tien-1/note") == ["bắt đầu", None]


def test_tables_and_templates_are_stored_as_text(script: NodeScript) -> None:
    """tck-id-payloads-template-instance-is-definition"""
    bench = SparkplugBench()
    table = Metric(name="t", datatype=DataType.DATA_SET, value=DataSet(1, ["a"], [3], []))
    instance = Metric(
        name="m", datatype=DataType.TEMPLATE, value=Template(template_ref="M", is_definition=False)
    )
    definition = Metric(name="M", datatype=DataType.TEMPLATE, value=Template(is_definition=True))
    bench.take(script.node_birth(), script.device_birth([table, instance, definition]))

    assert set(bench.store.tables.tags) == {"tien-1/t", "tien-1/m"}
    assert bench.values("tien-1/t") == ['{"columns":["a"],"types":[3],"rows":[]}']


def test_controls_and_transient_metrics_are_not_measurements(script: NodeScript) -> None:
    bench = SparkplugBench()
    passing = Metric(name="p", datatype=DataType.INT8, value=1, is_transient=True)
    own = Metric(name="voltage", datatype=DataType.FLOAT, value=12.5, timestamp=NOW_MS)
    bench.take(script.node_birth([passing, own]))

    assert set(bench.store.tables.tags) == {"khoan-1/voltage"}
    assert bench.store.tables.tags["khoan-1/voltage"].tag.work_unit == DRILL
    assert bench.selfstat.snapshot().measurements.received == 1


def test_the_nodes_own_metrics_are_left_out_when_they_have_no_machine(script: NodeScript) -> None:
    bench = SparkplugBench(host_settings(node={"work_unit": None}))
    own = Metric(name="voltage", datatype=DataType.FLOAT, value=12.5)

    bench.take(script.node_birth([own]), script.data(own, device=None))

    assert not bench.store.tables.tags
    assert not bench.reasons()


def test_settings_say_what_a_metric_means(script: NodeScript) -> None:
    said = {
        "device": DEVICE,
        "metric": "temperature",
        "name": "tien-1/nhiet-do",
        "scale": 0.1,
        "offset": -10.0,
        "unit": "Cel",
        "high": 15.0,
    }
    settings = host_settings(
        node={"metrics": [said, {"device": DEVICE, "metric": "note", "ignore": True}]}
    )
    bench = SparkplugBench(settings)
    bench.take(script.node_birth(), script.device_birth())
    bench.take(script.data(script.value(1, 200.0), script.value(1, 260.0)))

    assert set(bench.store.tables.tags) == {"tien-1/nhiet-do", "tien-1/count", "tien-1/state"}
    assert bench.store.tables.tags["tien-1/nhiet-do"].tag.unit == "Cel"
    assert bench.values("tien-1/nhiet-do") == [-8.0, 10.0]
    assert bench.reasons() == ["out_of_range"]


def test_properties_say_what_a_metric_of_our_own_edge_means(script: NodeScript) -> None:
    keys: dict[str, str | float] = {
        "nhipmay/work_unit": "xuong-1/day-chuyen-1/khoan-1",
        "nhipmay/role": "good_count",
        "nhipmay/high": 100.0,
        "nhipmay/max_silence_s": 30.0,
        "engUnit": "1",
        "documentation": "Đếm",
    }
    said = PropertySet(
        list(keys),
        [
            PropertyValue(DataType.STRING if isinstance(v, str) else DataType.DOUBLE, value=v)
            for v in keys.values()
        ],
    )
    bench = SparkplugBench(host_settings(node={"devices": {}, "metrics": []}))
    metric = Metric(name="khoan-1/dem", datatype=DataType.DOUBLE, value=1.0, properties=said)

    bench.take(script.node_birth(), script.device_birth([metric], "a.b.khoan-1"))

    tag = bench.store.tables.tags["khoan-1/dem"].tag
    assert (tag.work_unit, tag.role, tag.high) == (DRILL, TagRole.GOOD_COUNT, 100.0)
    # Parts have no unit, whatever the node calls them.
    assert (tag.max_silence_s, tag.unit, tag.description) == (30.0, "", "Đếm")


def test_history_is_stored_once_however_often_it_comes(
    bench: SparkplugBench, script: NodeScript
) -> None:
    live = script.value(1, 21.0)
    missed = script.value(1, 22.0)
    bench.take(script.data(live))
    old = [with_(live, is_historical=True), with_(missed, is_historical=True)]

    bench.take(script.data(*old), script.data(*old, with_(script.value(4, "x"))))
    bench.take(script.data(*old))

    assert bench.values("tien-1/temperature") == [20.0, 21.0, 22.0]
    assert bench.selfstat.snapshot().measurements.duplicate == 5


def test_two_values_of_one_moment_are_kept_when_they_are_live(
    bench: SparkplugBench, script: NodeScript
) -> None:
    one = script.value(1, 1.0)

    bench.take(script.data(one, with_(one, value=2.0)))

    assert bench.values("tien-1/temperature") == [20.0, 1.0, 2.0]


def test_a_message_that_the_broker_repeats_is_stored_once(
    bench: SparkplugBench, script: NodeScript
) -> None:
    message = script.data(script.value(1, 1.0))

    bench.take(message)
    bench.take(message._replace(receipt=Receipt(1, duplicate=True)))

    assert bench.values("tien-1/temperature") == [20.0, 1.0]


def test_the_values_of_a_rebirth_are_stored_once(bench: SparkplugBench, script: NodeScript) -> None:
    dated = [with_(metric, timestamp=NOW_MS + 1000) for metric in METRICS]

    bench.take(script.node_birth(), script.device_birth(dated))

    assert bench.values("tien-1/temperature") == [20.0]
    assert bench.values("tien-1/state") == ["EXECUTE"]


def test_every_value_is_unknown_when_the_node_is_gone(
    bench: SparkplugBench, script: NodeScript
) -> None:
    """tck-id-operational-behavior-edge-node-termination-host-action-ndeath-node-tags-stale,
    tck-id-operational-behavior-edge-node-termination-host-action-ndeath-devices-tags-stale"""
    bench.take(script.node_death())

    assert not bench.store.tables.edges[1].online
    assert bench.values("tien-1/temperature")[-1] is None
    assert bench.values("tien-1/state")[-1] is None
    assert {quality for *_, quality in bench.store.tables.numbers[-2:]} == {2}


def test_the_values_of_a_device_are_unknown_when_it_is_gone(
    bench: SparkplugBench, script: NodeScript
) -> None:
    """tck-id-operational-behavior-edge-node-termination-host-action-ddeath-devices-tags-stale"""
    moment_us = script.at_ms * 1000
    bench.take(script.device_death())

    assert bench.store.tables.edges[1].online
    assert bench.store.tables.texts[-1][1:] == (moment_us, None, 2)


def test_unknown_comes_after_the_last_value_when_the_nodes_clock_is_ahead(
    bench: SparkplugBench, script: NodeScript
) -> None:
    script.at_ms += 60_000
    metric = script.value(1, 21.0)
    assert metric.timestamp is not None
    bench.take(script.data(metric))

    bench.take(script.node_death())

    marked = max(time for _, time, value, _ in bench.store.tables.numbers if value is None)
    assert marked > metric.timestamp * 1000


def test_nothing_is_known_to_be_there_when_the_connection_is_lost(bench: SparkplugBench) -> None:
    bench.commit(bench.fleet.lose(bench.now, NOW))

    assert not bench.store.tables.edges[1].online
    assert bench.values("tien-1/temperature")[-1] is None
    counted = bench.selfstat.snapshot()
    assert counted.messages.received == 2
    assert counted.measurements.queued == 0


def test_a_node_that_is_there_is_noted_now_and_then(bench: SparkplugBench) -> None:
    bench.wait(10)
    first = bench.store.tables.statuses[1]
    bench.wait(1)
    assert bench.store.tables.statuses[1] is first
    assert first.online
    assert first.sampled_time == NOW - timedelta(seconds=2)


def test_a_node_is_asked_for_its_births_once_when_aliases_are_unknown(
    bench: SparkplugBench, script: NodeScript
) -> None:
    """tck-id-operational-behavior-data-commands-ncmd-rebirth-verb,
    tck-id-operational-behavior-data-commands-ncmd-rebirth-name,
    tck-id-operational-behavior-data-commands-ncmd-rebirth-value, tck-id-payloads-ncmd-seq,
    tck-id-topics-ncmd-timestamp"""
    bench.take(*(script.data(script.value(77, 1.0)) for _ in range(20)))

    ((topic, payload),) = bench.fleet.commands(bench.now, NOW)

    assert topic == "spBv1.0/Nhà máy/NCMD/gateway 1"
    command = decode(payload)
    assert command.seq is None
    assert command.timestamp == NOW_MS
    assert [(m.name, m.datatype, m.value) for m in command.metrics] == [
        (REBIRTH, DataType.BOOLEAN, True)
    ]
    assert bench.commands() == []
    assert bench.reasons() == ["unknown_metric"] * 20
    assert bench.selfstat.snapshot().measurements.rejected == 20


def test_a_node_is_not_asked_when_it_announced_itself_meanwhile(
    bench: SparkplugBench, script: NodeScript
) -> None:
    bench.take(script.data(script.value(77, 1.0)), script.node_birth())

    assert bench.commands() == []


def test_a_node_is_asked_when_a_message_is_missing(
    bench: SparkplugBench, script: NodeScript
) -> None:
    script.data(script.value(1, 1.0))
    bench.take(script.data(script.value(1, 2.0)))
    assert bench.selfstat.snapshot().messages.queued == 1
    assert bench.commands() == []

    bench.wait(2)

    assert bench.commands() == [NODE.topic(MessageType.NCMD)]
    assert bench.values("tien-1/temperature") == [20.0, 2.0]
    assert bench.selfstat.snapshot().messages.queued == 0


def test_data_before_a_birth_are_kept_raw(script: NodeScript) -> None:
    bench = SparkplugBench()
    message = script.data(script.value(1, 1.0), script.value(2, 2))

    bench.take(message)

    (rejection,) = bench.store.tables.rejections
    assert (rejection.reason, rejection.raw, rejection.edge_id) == ("no_birth", message.payload, 1)
    assert bench.selfstat.snapshot().measurements.rejected == 2
    assert bench.commands() == [message.topic.replace("DDATA", "NCMD").removesuffix(f"/{DEVICE}")]


def test_a_strange_node_is_one_rejection_for_each_topic(script: NodeScript) -> None:
    bench = SparkplugBench()
    script.node = NodeId("khác", "x")

    bench.take(script.node_birth(), *(script.data(script.value(1, 1.0)) for _ in range(5)))

    assert bench.reasons() == ["unmapped_node", "unmapped_node"]
    assert "sparkplug.nodes" in bench.store.tables.rejections[0].detail
    assert bench.selfstat.snapshot().messages.rejected == 6


def test_an_unknown_device_is_refused_while_the_others_are_stored(
    bench: SparkplugBench, script: NodeScript
) -> None:
    bench.take(
        script.device_birth(device="CNC 9"),
        script.data(script.value(1, 1.0), device="CNC 9"),
        script.data(script.value(1, 2.0)),
    )

    assert bench.reasons() == ["unmapped_device", "unmapped_device"]
    assert bench.values("tien-1/temperature") == [20.0, 2.0]
    assert bench.commands() == []


def test_an_edge_that_is_not_enrolled_is_refused(script: NodeScript) -> None:
    bench = SparkplugBench(host_settings(node={"edge": "edge-9"}))

    bench.take(script.node_birth(), script.device_birth())

    assert set(bench.reasons()) == {"unknown_edge"}
    assert bench.selfstat.snapshot().messages.rejected == 2
    assert bench.selfstat.snapshot().measurements.queued == 0


def test_a_machine_that_is_not_described_is_named(script: NodeScript) -> None:
    bench = SparkplugBench(host_settings(node={"devices": {DEVICE: "xuong-1/day-chuyen-1/x"}}))

    bench.take(script.node_birth(), script.device_birth())

    assert bench.reasons().count("unknown_work_unit") == len(METRICS)


@pytest.mark.parametrize(
    ("payload", "reason"), [(b"\x12\x7f", "malformed"), (b"x" * 4_000_001, "too_large")]
)
def test_a_message_that_cannot_be_read_is_kept(
    bench: SparkplugBench, payload: bytes, reason: str
) -> None:
    bench.take(Message("spBv1.0/Nhà máy/NDATA/gateway 1", payload, NOW, receipt=Receipt(1)))

    (rejection,) = bench.store.tables.rejections
    assert rejection.reason == reason
    assert rejection.raw == payload


def test_an_array_that_cannot_be_read_is_refused_alone(
    bench: SparkplugBench, script: NodeScript
) -> None:
    broken = script.value(4, None)
    bench.take(
        script.data(
            with_(broken, datatype=DataType.INT32_ARRAY, value=b"\0\0\0"), script.value(1, 1.0)
        )
    )

    assert bench.reasons() == ["malformed"]
    assert bench.values("tien-1/temperature") == [20.0, 1.0]


def test_nothing_is_lost_when_the_database_is_away_for_a_moment(
    bench: SparkplugBench, script: NodeScript
) -> None:
    bench.store.before_commit.append(StoreUnavailableError())

    bench.take(script.data(script.value(1, 1.0)))

    assert bench.values("tien-1/temperature") == [20.0, 1.0]
    assert bench.selfstat.snapshot().retries == 1


def test_only_the_message_is_rejected_that_the_database_refuses(
    bench: SparkplugBench, script: NodeScript
) -> None:
    bench.store.refused = frozenset({666.0})

    bench.take(*(script.data(script.value(1, v)) for v in (1.0, 666.0, 2.0)))

    assert bench.values("tien-1/temperature") == [20.0, 1.0, 2.0]
    assert bench.reasons() == ["store_refused"]
    counted = bench.selfstat.snapshot()
    assert counted.messages.queued == counted.measurements.queued == 0


def test_what_the_database_takes_in_no_form_is_kept_in_the_file(
    tmp_path: Path, script: NodeScript
) -> None:
    file = KeptFile(tmp_path / "kept.jsonl")
    bench = SparkplugBench(kept_file=file)
    bench.take(script.node_birth(), script.device_birth())
    message = script.data(script.value(1, 1.0))
    bench.store.before_commit.extend([DataError("store_refused", "no")] * 4)

    bench.take(message, script.data(script.value(1, 2.0)))

    kept: list[tuple[str, str, bytes]] = []

    def take(rejection: Rejection) -> bool:
        kept.append((rejection.reason, rejection.topic, rejection.raw))
        return True

    file.drain(take)
    assert kept == [("store_refused", message.topic, message.payload)]
    assert bench.values("tien-1/temperature") == [20.0, 2.0]
    counted = bench.selfstat.snapshot()
    assert counted.messages.queued == counted.measurements.queued == 0


def test_the_node_waits_while_harmless_transactions_do_not_work(
    bench: SparkplugBench, script: NodeScript
) -> None:
    bench.store.obstacles.extend(["away"] * 3)
    bench.store.before_commit.append(DataError("store_refused", "no"))

    bench.take(script.data(script.value(1, 1.0)))

    assert bench.values("tien-1/temperature") == [20.0, 1.0]
    assert len(bench.outages) == 2


def test_everything_is_counted_exactly_once(bench: SparkplugBench, script: NodeScript) -> None:
    script.at_ms += 1
    bench.take(
        script.data(script.value(1, 1.0), script.value(77, 1.0)),
        Message("spBv1.0/x", b"", NOW, receipt=Receipt(1)),
        script.device_death(),
        script.node_death(),
        script.node_death(),
    )

    counted = bench.selfstat.snapshot()
    assert counted.messages.received == 7
    assert counted.messages.queued == counted.measurements.queued == 0
    assert counted.messages.duplicate == 1
    tables = bench.store.tables
    assert counted.measurements.written == len(tables.numbers) + len(tables.texts)
    assert sum(counted.rejections.values()) == len(tables.rejections)


def test_hours_are_dirty_when_counts_arrive(bench: SparkplugBench, script: NodeScript) -> None:
    bench.store.tables.dirty.clear()
    bench.take(script.data(script.value(1, 1.0)))
    assert not bench.store.tables.dirty
    bench.take(script.data(script.value(2, 6)))
    assert set(bench.store.tables.dirty) == {(100, NOW_US // HOUR_US * HOUR_US)}


def test_everything_is_subscribed_to() -> None:
    """tck-id-host-topic-phid-birth-sub-required"""
    assert SparkplugBench().fleet.topics == ["spBv1.0/#"]


def test_nodes_that_are_not_there_are_asked_for_their_births_when_the_host_comes(
    script: NodeScript,
) -> None:
    bench = SparkplugBench()

    bench.fleet.ask_all(bench.now)
    bench.now += 1
    asked = bench.commands()
    bench.take(script.node_birth(), script.device_birth())
    bench.fleet.ask_all(bench.now)
    bench.now += 1

    assert asked == [NODE.topic(MessageType.NCMD)]
    assert bench.commands() == []


def test_values_are_stored_once_when_the_answer_to_a_commit_is_lost(
    bench: SparkplugBench, script: NodeScript
) -> None:
    bench.store.after_commit.append(StoreUnavailableError())

    bench.take(script.data(script.value(1, 1.0)), script.data(script.value(1, 2.0)))

    assert bench.values("tien-1/temperature") == [20.0, 1.0, 2.0]
    assert bench.selfstat.snapshot().measurements.duplicate == 2


def test_a_burst_of_a_node_and_its_device_is_stored_whole() -> None:
    """One NDATA to nine DDATA, all of them waiting before the first one is taken."""
    bench, script = SparkplugBench(), NodeScript()
    voltage = Metric(name="voltage", alias=9, datatype=DataType.DOUBLE, value=0.0)
    messages = [script.node_birth([voltage]), script.device_birth()]
    for k in range(3_000):
        alias, device = (9, None) if k % 10 == 0 else (1, DEVICE)
        messages.append(script.data(script.value(alias, float(k)), device=device))
    mailbox = Mailbox(10_000, 10_000_000)
    for message in messages:
        mailbox.put(message, 0)

    while taken := mailbox.take(400, 0):
        bench.take(*taken)

    stored = [*bench.values("khoan-1/voltage")[1:], *bench.values("tien-1/temperature")[1:]]
    assert sorted(map(str, stored)) == sorted(str(float(k)) for k in range(3_000))
    assert bench.reasons() == []
    assert bench.commands() == []


def test_compressed_births_and_data_are_stored(script: NodeScript) -> None:
    bench = SparkplugBench()

    bench.take(
        script.node_birth(),
        compressed(script.device_birth(), zlib.compress),
        compressed(script.data(script.value(1, 1.0)), gzip.compress, "GZIP"),
    )

    assert bench.values("tien-1/temperature") == [20.0, 1.0]
    assert set(bench.store.tables.tags) == {f"tien-1/{metric.name}" for metric in METRICS}
    assert bench.reasons() == []


def test_what_cannot_be_inflated_is_kept_raw_and_births_are_asked_for(
    bench: SparkplugBench, script: NodeScript
) -> None:
    message = compressed(script.data(script.value(1, 1.0)), zlib.compress, "LZ4")

    bench.take(message)

    (rejection,) = bench.store.tables.rejections
    assert (rejection.reason, rejection.raw, rejection.edge_id) == (
        "unknown_body",
        message.payload,
        1,
    )
    assert bench.commands() == [NODE.topic(MessageType.NCMD)]


def test_nothing_is_judged_by_the_birth_before_one_that_cannot_be_read(
    bench: SparkplugBench, script: NodeScript
) -> None:
    swapped = [with_(METRICS[0], alias=2), with_(METRICS[1], alias=1)]

    bench.take(
        script.node_birth(bd_seq=1),
        compressed(script.device_birth(swapped), zlib.compress, "LZ4"),
        script.data(script.value(1, 1.0)),
    )
    bench.wait(3)

    assert bench.values("tien-1/temperature") == [20.0]
    assert bench.reasons() == ["unknown_body", "no_birth"]
    assert bench.commands() == [NODE.topic(MessageType.NCMD)]


@pytest.mark.parametrize("kind", [MessageType.NBIRTH, MessageType.DBIRTH])
def test_a_damaged_birth_ends_what_it_would_have_said_anew(
    bench: SparkplugBench, script: NodeScript, kind: MessageType
) -> None:
    topic = NODE.topic(kind, None if kind is MessageType.NBIRTH else DEVICE)

    bench.take(
        Message(topic, b"\x12\x7f", NOW, receipt=Receipt(1)), script.data(script.value(1, 1.0))
    )

    assert bench.values("tien-1/temperature") == [20.0, None]
    assert bench.reasons() == ["malformed", "no_birth"]


def compressed(
    message: Message, pack: Callable[[bytes], bytes], algorithm: str | None = None
) -> Message:
    """Return the message as Tahu and sparkplug-client compress it."""
    metrics = []
    if algorithm is not None:
        metrics = [Metric(name="algorithm", datatype=DataType.STRING, value=algorithm)]
    outer = Payload(uuid=COMPRESSED, body=pack(message.payload), metrics=metrics)
    return message._replace(payload=encode(outer))


def test_each_value_is_judged_by_the_birth_before_it_when_a_type_changes(
    script: NodeScript,
) -> None:
    """Both births and the values between them wait for the same transaction."""
    bench = SparkplugBench()
    number = Metric(name="x", alias=1, datatype=DataType.DOUBLE, value=1.0)
    text = Metric(name="x", alias=1, datatype=DataType.STRING, value="một")
    bench.take(
        script.node_birth(),
        script.device_birth([number]),
        script.data(script.value(1, 2.0)),
        script.node_birth(),
        script.device_birth([text]),
        script.data(script.value(1, "hai")),
        script.node_birth(),
        script.device_birth([number]),
        script.data(script.value(1, 3.0)),
    )

    assert bench.values("tien-1/x") == [1.0, 2.0, 1.0, 3.0, "một", "hai"]
    assert bench.reasons() == []


def test_bounds_are_those_of_the_birth_before_the_value(script: NodeScript) -> None:
    def with_high(high: float) -> Metric:
        said = PropertySet(["nhipmay/high"], [PropertyValue(DataType.DOUBLE, value=high)])
        return Metric(name="x", alias=1, datatype=DataType.DOUBLE, value=1.0, properties=said)

    bench = SparkplugBench(host_settings(node={"metrics": []}))
    bench.take(
        script.node_birth(),
        script.device_birth([with_high(10)]),
        script.data(script.value(1, 11.0)),
        script.node_birth(),
        script.device_birth([with_high(20)]),
        script.data(script.value(1, 12.0)),
    )

    assert bench.values("tien-1/x") == [1.0, 1.0, 12.0]
    assert bench.reasons() == ["out_of_range"]


def test_a_birth_that_says_nothing_new_locks_nothing(
    bench: SparkplugBench, script: NodeScript
) -> None:
    before, locks = bench.store.tables.tags, bench.store.tables.site_locks

    bench.take(script.node_birth(), script.device_birth())

    assert bench.store.tables.tags == before
    assert bench.store.tables.site_locks == locks == 1


def test_a_metric_without_a_type_is_what_its_value_is(script: NodeScript) -> None:
    bench = SparkplugBench()
    untyped = [
        Metric(name="n", alias=1, value=2.5),
        Metric(name="t", alias=2, value="chữ"),
        Metric(name="later", alias=3, is_null=True),
    ]
    bench.take(
        script.node_birth(),
        script.device_birth(untyped),
        script.data(script.value(1, 3), script.value(2, "a"), script.value(3, 4.0)),
    )

    assert bench.values("tien-1/n") == [2.5, 3.0]
    assert bench.values("tien-1/t") == ["chữ", "a"]
    assert bench.values("tien-1/later") == [None, 4.0]


def test_a_value_that_is_not_understood_is_kept_raw_while_the_others_are_stored(
    bench: SparkplugBench, script: NodeScript
) -> None:
    """An extension of the protobuf format, a number beyond its type."""
    message = script.data(script.value(1, None), script.value(2, 2**40), script.value(4, "x"))

    bench.take(message)

    assert bench.reasons() == ["malformed"]
    assert bench.store.tables.rejections[0].raw == message.payload
    assert bench.selfstat.snapshot().measurements.rejected == 2
    assert bench.values("tien-1/note") == ["bắt đầu", "x"]
    assert bench.values("tien-1/temperature") == [20.0]
