"""The messages of our Sparkplug edge node, its bdSeq, and what it deletes when."""

from pathlib import Path

import pytest

from edge_agent.outbox import Row, Slice
from edge_agent.sparkplug.bd_seq import BdSeq
from edge_agent.sparkplug.node import EdgeNode, PrimaryHost, Publication, device_of
from edge_agent.sparkplug.settling import Settling
from plant.errors import ConfigurationError, TransientError
from plant.measurement import Quality, TagRole, Value, ValueType
from plant.native.message import TagDeclaration
from plant.sparkplug import (
    BD_SEQ,
    REBIRTH,
    DataType,
    MessageType,
    NodeId,
    Payload,
    State,
    decode,
    parse_topic,
    quality,
)
from tests.unit.edge_agent.outbox.outboxes import NOW, memory_outbox

NODE = NodeId("g", "n")
NOW_MS = NOW // 1000
TEMPERATURE = TagDeclaration(
    "cnc-1/temperature", "e/s/a/l/cnc-1", unit="Cel", low=-20.0, description="Spindle"
)
STATE = TagDeclaration(
    "cnc-1/state", "e/s/a/l/cnc-1", value_type=ValueType.TEXT, role=TagRole.STATE
)
ENERGY = TagDeclaration("oven-1/energy", "e/s/a/l/oven-1")


def edge_node() -> EdgeNode:
    return EdgeNode(NODE, 5, [TEMPERATURE, STATE, ENERGY], "1.2.3")


def row(tag: TagDeclaration, value: Value, second: int = 0) -> Row:
    quality_ = Quality.BAD if value is None else Quality.GOOD
    return Row(tag.name, NOW + second * 1_000_000, value, quality_)


def read(publication: Publication) -> tuple[str, Payload]:
    topic, payload = publication
    address = parse_topic(topic)
    assert address.node == NODE
    return f"{address.kind} {address.device_id or ''}".strip(), decode(payload)


def test_births_announce_everything_in_order() -> None:
    """tck-id-payloads-nbirth-bdseq, tck-id-payloads-nbirth-rebirth-req,
    tck-id-operational-behavior-data-commands-rebirth-name,
    tck-id-operational-behavior-data-commands-rebirth-name-aliases,
    tck-id-operational-behavior-data-commands-rebirth-datatype,
    tck-id-operational-behavior-data-commands-rebirth-value, tck-id-payloads-nbirth-seq,
    tck-id-payloads-dbirth-seq-inc, tck-id-payloads-nbirth-timestamp,
    tck-id-payloads-dbirth-timestamp, tck-id-payloads-sequence-num-zero-nbirth"""
    births = [read(one) for one in edge_node().births({}, 0, NOW_MS)]

    assert [kind for kind, _ in births] == ["NBIRTH", "DBIRTH a.l.cnc-1", "DBIRTH a.l.oven-1"]
    assert [payload.seq for _, payload in births] == [0, 1, 2]
    assert {payload.timestamp for _, payload in births} == {NOW_MS}
    own = {metric.name: metric for metric in births[0][1].metrics}
    assert (own[BD_SEQ].datatype, own[BD_SEQ].value) == (DataType.INT64, 5)
    assert (own[REBIRTH].datatype, own[REBIRTH].value) == (DataType.BOOLEAN, False)
    assert own[REBIRTH].alias is None


def test_a_birth_carries_the_newest_values_and_null_where_there_is_none() -> None:
    """tck-id-operational-behavior-data-publish-dbirth-values, tck-id-payloads-alias-uniqueness,
    tck-id-payloads-alias-birth-requirement, tck-id-payloads-metric-datatype-req,
    tck-id-topics-dbirth-metric-reqs, tck-id-topics-dbirth-metrics"""
    outbox = memory_outbox()
    outbox.append([row(TEMPERATURE, 20.5), row(TEMPERATURE, 21, 5)], NOW)

    births = [read(one) for one in edge_node().births(outbox.memory(), 2, NOW_MS)]

    metrics = {m.name: m for _, payload in births[1:] for m in payload.metrics}
    temperature = metrics["cnc-1/temperature"]
    assert (temperature.value, temperature.timestamp) == (21.0, NOW_MS + 5000)
    assert temperature.datatype == DataType.DOUBLE
    assert temperature.property_value("engUnit") == "Cel"
    assert temperature.property_value("nhipmay/low") == -20.0
    assert temperature.property_value("nhipmay/work_unit") == "a/l/cnc-1"
    assert temperature.property_value("documentation") == "Spindle"
    state = metrics["cnc-1/state"]
    assert (state.value, state.is_null, state.datatype) == (None, True, DataType.STRING)
    assert state.property_value("nhipmay/role") == "state"
    assert quality(state) is Quality.BAD
    assert sorted(m.alias or 0 for m in metrics.values()) == [1, 2, 3]


def test_data_carry_aliases_and_times_but_no_names() -> None:
    """tck-id-payloads-alias-data-cmd-requirement, tck-id-payloads-name-birth-data-requirement,
    tck-id-payloads-metric-datatype-not-req, tck-id-payloads-ddata-seq-inc,
    tck-id-operational-behavior-data-publish-dbirth-order"""
    node = edge_node()
    node.births({}, 0, NOW_MS)
    rows = Slice(1, [row(TEMPERATURE, 2, 2), row(ENERGY, 7.5), row(TEMPERATURE, 1, 1)])

    messages = [read(one) for one in node.data(rows, NOW_MS)]

    assert [kind for kind, _ in messages] == ["DDATA a.l.cnc-1", "DDATA a.l.oven-1"]
    assert [payload.seq for _, payload in messages] == [3, 4]
    metrics = messages[0][1].metrics
    assert [(m.name, m.alias, m.value, m.datatype) for m in metrics] == [
        (None, 1, 1.0, None),
        (None, 1, 2.0, None),
    ]
    assert [m.timestamp for m in metrics] == [NOW_MS + 1000, NOW_MS + 2000]
    assert [m.is_historical for m in metrics] == [None, None]


def test_rows_are_history_when_they_were_taken_before_the_birth() -> None:
    node = edge_node()
    node.births({}, 2, NOW_MS)

    ((_, payload),) = [read(one) for one in node.data(Slice(1, [row(ENERGY, 1)] * 3), NOW_MS)]

    assert [m.is_historical for m in payload.metrics] == [True, True, None]


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, (None, True)), (True, (1.0, None)), (2**40, (float(2**40), None))],
)
def test_every_value_can_be_carried(value: Value, said: tuple[object, object]) -> None:
    node = edge_node()
    node.births({}, 0, NOW_MS)

    ((_, payload),) = [read(one) for one in node.data(Slice(1, [row(ENERGY, value)]), NOW_MS)]

    (metric,) = payload.metrics
    assert (metric.value, metric.is_null) == said
    assert quality(metric) is (Quality.BAD if value is None else Quality.GOOD)


def test_a_text_for_a_number_is_sent_as_what_it_is() -> None:
    node = edge_node()
    node.births({}, 0, NOW_MS)

    ((_, payload),) = [read(one) for one in node.data(Slice(1, [row(ENERGY, "x")]), NOW_MS)]

    assert (payload.metrics[0].value, payload.metrics[0].datatype) == ("x", DataType.STRING)


def test_a_death_says_only_which_connection_it_ends() -> None:
    """tck-id-topics-ndeath-payload, tck-id-topics-ndeath-seq, tck-id-payloads-ndeath-seq,
    tck-id-payloads-ndeath-bdseq, tck-id-payloads-ndeath-will-message"""
    kind, payload = read(edge_node().death(NOW_MS))

    assert kind == "NDEATH"
    assert [(m.name, m.value) for m in payload.metrics] == [(BD_SEQ, 5)]
    assert payload.seq is None


def test_a_device_dies_and_comes_back_in_sequence() -> None:
    """tck-id-payloads-ddeath-seq, tck-id-payloads-ddeath-timestamp"""
    node = edge_node()
    node.births({}, 0, NOW_MS)

    _, death = read(node.device_death("a.l.cnc-1", NOW_MS))
    gone = node.unannounced(Slice(1, [row(TEMPERATURE, 1), row(ENERGY, 1)]))
    kind, birth = read(node.device_birth("a.l.cnc-1", {}, NOW_MS))

    assert (death.seq, death.timestamp, death.metrics) == (3, NOW_MS, [])
    assert gone == ["a.l.cnc-1"]
    assert (kind, birth.seq) == ("DBIRTH a.l.cnc-1", 4)
    assert node.is_alive("a.l.cnc-1")


def test_rows_of_unknown_tags_are_left_out() -> None:
    node = edge_node()
    node.births({}, 0, NOW_MS)

    assert node.data(Slice(1, [Row("gone/x", NOW, 1.0, Quality.GOOD)]), NOW_MS) == []
    assert not node.knows("gone/x")


def test_machines_of_one_name_in_two_lines_are_two_devices() -> None:
    other = TagDeclaration("cnc-1b/x", "e/s/a/k/cnc-1")
    assert device_of(TEMPERATURE) != device_of(other)


def test_the_hosts_state_is_that_of_its_newest_message() -> None:
    """tck-id-message-flow-edge-node-birth-publish-phid-wait-online"""
    host = PrimaryHost()
    seen = []
    for state in (State(True, 10), State(False, 9), State(False, 10), State(True, 8)):
        host.hear(state)
        seen.append(host.online)
    assert seen == [True, True, False, False]


def test_bd_seq_goes_on_after_a_restart_and_begins_again_after_255(tmp_path: Path) -> None:
    """tck-id-topics-nbirth-bdseq-increment"""
    file = tmp_path / "new" / "bdseq"
    first = BdSeq(file)
    assert [first.advance(), first.advance()] == [0, 1]
    again = BdSeq(file)
    assert [again.advance() for _ in range(256)][-3:] == [255, 0, 1]


def test_bd_seq_begins_again_when_its_file_is_damaged(tmp_path: Path) -> None:
    file = tmp_path / "bdseq"
    file.write_text("?")
    assert BdSeq(file).advance() == 0


def test_a_connection_is_not_made_when_bd_seq_cannot_be_kept(tmp_path: Path) -> None:
    counting = BdSeq(tmp_path / "bdseq")
    (tmp_path / "bdseq.new").mkdir()
    with pytest.raises(TransientError):
        counting.advance()


def test_bd_seq_says_what_to_do_when_its_folder_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="bdseq"):
        BdSeq(tmp_path / "file" / "bdseq")


def test_rows_are_settled_when_a_question_asked_late_enough_is_answered() -> None:
    settling = Settling(10)
    settling.sent(5, 0)
    settling.sent(9, 6)

    assert settling.ripe(9) is None
    assert settling.ripe(10) == 5
    settling.ask(77, 5)
    assert settling.ripe(100) is None
    assert settling.answered(76) is None
    assert settling.answered(77) == 5
    assert settling.answered(77) is None
    assert settling.ripe(16) == 9


def test_a_topic_of_a_command_is_known() -> None:
    assert NODE.topic(MessageType.NCMD) == "spBv1.0/g/NCMD/n"
