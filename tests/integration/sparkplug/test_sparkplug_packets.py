"""What our Sparkplug host and our edge node put on the line, packet by packet."""

from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from plant.clock import microseconds, system_clock
from plant.settings import BrokerSettings, DatabaseSettings
from plant.sparkplug import (
    BD_SEQ,
    REBIRTH,
    DataType,
    MessageType,
    Metric,
    Payload,
    PropertySet,
    decode,
    decode_state,
    encode,
    parse_topic,
)
from store import load_plant
from tests.integration.edge.agents import AgentThread
from tests.integration.edge.sources import OpcUaSource
from tests.integration.ingests import running
from tests.integration.mqtt_tap import (
    CONNECT,
    DISCONNECT,
    PUBLISH,
    SUBSCRIBE,
    Packet,
    Publication,
    Tap,
)
from tests.integration.sparkplug.wire import (
    AS_EDGE_2,
    EDGE_DEVICE,
    EDGE_NODE,
    STATE_TOPIC,
    Ear,
    at,
    edge_file,
    settings_of,
)
from tests.peers.services import MosquittoBroker
from tests.plants.deliveries import plant
from tests.waiting import wait_until

DEATH_WITH_WILL = 4


@pytest.fixture
def source() -> Iterator[OpcUaSource]:
    with OpcUaSource(temperature=(20.0, at(0)), state=(6, at(0))) as source:
        yield source


def published(packets: list[Packet]) -> list[Publication]:
    return [packet.message for packet in packets if packet.kind == PUBLISH and packet.message]


def place(packets: list[Packet], kind: int) -> int:
    return [packet.kind for packet in packets].index(kind)


def test_host_and_node_say_what_the_specification_asks_for(
    broker: MosquittoBroker,
    plain_database: DatabaseSettings,
    source: OpcUaSource,
    tmp_path: Path,
) -> None:
    load_plant(plain_database, plant())
    with Tap(broker.port) as of_host, Tap(broker.port) as of_node, closing(Ear(broker.port)) as ear:
        settings = settings_of(broker, plain_database, node=AS_EDGE_2)
        through = settings.model_copy(update={"broker": BrokerSettings(port=of_host.port)})
        with running(through):
            ear.await_state(online=True)
            with AgentThread(edge_file(tmp_path, of_node.port, source)):
                wait_until(lambda: ear.of(MessageType.DBIRTH), what="a birth")
                for second in range(1, 6):
                    source.write("temperature", 20.0 + second, at(second))
                wait_until(lambda: ear.of(MessageType.DDATA), what="data")
                # What no birth defines makes the host ask for one.
                now_ms = microseconds(system_clock()) // 1000
                strange = Payload(now_ms, [Metric(alias=999, timestamp=now_ms, value=1.0)])
                ear.say(EDGE_NODE.topic(MessageType.DDATA, EDGE_DEVICE), encode(strange))
                wait_until(lambda: len(ear.of(MessageType.NBIRTH)) > 1, what="another birth")
                births = len(ear.of(MessageType.DBIRTH))
                source.stop()
                wait_until(lambda: ear.of(MessageType.DDEATH), what="a device's death")
                source.start()
                wait_until(lambda: len(ear.of(MessageType.DBIRTH)) > births, what="its birth")
            wait_until(lambda: ear.of(MessageType.NDEATH), what="the node's death")
        ear.await_state(online=False)
    # What was said last may have been on its way until the taps were closed. The native part of the
    # ingest has a session that stays, and no will.
    host = [one for one in of_host.connections() if one and one[0].message]
    node = of_node.connections()
    assert len(host) == len(node) == 1
    check_host(host[0])
    check_node_session(node[0])
    check_node_messages(published(node[0]))


def check_host(packets: list[Packet]) -> None:
    """tck-id-intro-sparkplug-host-state, tck-id-components-ph-state,
    tck-id-conformance-primary-host, tck-id-principles-birth-certificates-order,
    tck-id-message-flow-phid-sparkplug-clean-session-50,
    tck-id-message-flow-phid-sparkplug-subscription,
    tck-id-message-flow-phid-sparkplug-state-publish,
    tck-id-message-flow-phid-sparkplug-state-publish-payload,
    tck-id-host-topic-phid-birth-message, tck-id-host-topic-phid-birth-required,
    tck-id-host-topic-phid-death-required, tck-id-host-topic-phid-death-topic,
    tck-id-host-topic-phid-death-qos, tck-id-host-topic-phid-death-payload,
    tck-id-host-topic-phid-death-payload-timestamp-connect,
    tck-id-host-topic-phid-death-payload-timestamp-disconnect-clean,
    tck-id-operational-behavior-host-application-connect-will-topic,
    tck-id-operational-behavior-host-application-connect-will-payload,
    tck-id-operational-behavior-host-application-connect-will-qos,
    tck-id-operational-behavior-host-application-connect-will-retained,
    tck-id-operational-behavior-host-application-connect-birth,
    tck-id-operational-behavior-host-application-connect-birth-topic,
    tck-id-operational-behavior-host-application-connect-birth-payload,
    tck-id-operational-behavior-host-application-connect-birth-qos,
    tck-id-operational-behavior-host-application-connect-birth-retained,
    tck-id-operational-behavior-host-application-death-topic,
    tck-id-operational-behavior-host-application-death-qos,
    tck-id-operational-behavior-host-application-death-retained,
    tck-id-operational-behavior-host-application-disconnect-intentional,
    tck-id-payloads-state-will-message, tck-id-payloads-state-will-message-qos,
    tck-id-payloads-state-will-message-retain, tck-id-payloads-state-will-message-payload,
    tck-id-payloads-state-subscribe, tck-id-payloads-state-birth,
    tck-id-payloads-state-birth-payload, tck-id-topics-ncmd-mqtt, tck-id-topics-ncmd-payload,
    tck-id-payloads-ncmd-timestamp, tck-id-payloads-ncmd-qos, tck-id-payloads-ncmd-retain,
    tck-id-operational-behavior-data-commands-ncmd-verb,
    tck-id-operational-behavior-data-commands-ncmd-metric-name,
    tck-id-operational-behavior-data-commands-ncmd-metric-value"""
    connect, will = packets[0], packets[0].message
    assert connect.kind == CONNECT
    assert connect.clean
    assert will is not None
    assert (will.topic, will.qos, will.retain) == (STATE_TOPIC, 1, True)
    assert not decode_state(will.payload).online

    assert place(packets, SUBSCRIBE) < place(packets, PUBLISH)
    asked = dict(packets[place(packets, SUBSCRIBE)].filters)
    assert set(asked) == {STATE_TOPIC, "spBv1.0/#"}

    birth, *others, farewell = published(packets)
    assert (birth.topic, birth.qos, birth.retain) == (STATE_TOPIC, 1, True)
    born = decode_state(birth.payload)
    assert born.online
    assert born.timestamp == decode_state(will.payload).timestamp
    assert (farewell.topic, farewell.qos, farewell.retain) == (STATE_TOPIC, 1, True)
    gone = decode_state(farewell.payload)
    assert not gone.online
    assert gone.timestamp > born.timestamp
    assert packets[-1].kind == DISCONNECT

    assert others
    for command in others:
        assert (command.topic, command.qos, command.retain) == (
            EDGE_NODE.topic(MessageType.NCMD),
            0,
            False,
        )
        said = decode(command.payload)
        assert said.seq is None
        assert said.timestamp
        (metric,) = said.metrics
        assert (metric.name, metric.value) == (REBIRTH, True)


def check_node_session(packets: list[Packet]) -> None:
    """tck-id-principles-persistence-clean-session-50,
    tck-id-message-flow-edge-node-birth-publish-connect,
    tck-id-message-flow-edge-node-birth-publish-will-message,
    tck-id-message-flow-edge-node-birth-publish-will-message-topic,
    tck-id-message-flow-edge-node-birth-publish-will-message-payload,
    tck-id-message-flow-edge-node-birth-publish-will-message-payload-bdSeq,
    tck-id-message-flow-edge-node-birth-publish-will-message-qos,
    tck-id-message-flow-edge-node-birth-publish-will-message-will-retained,
    tck-id-message-flow-edge-node-birth-publish-phid-wait-id,
    tck-id-message-flow-edge-node-birth-publish-nbirth-payload-bdSeq,
    tck-id-payloads-ndeath-will-message-qos, tck-id-payloads-ndeath-will-message-retain,
    tck-id-payloads-nbirth-bdseq-repeat, tck-id-topics-nbirth-bdseq-included,
    tck-id-operational-behavior-edge-node-intentional-disconnect-packet,
    tck-id-payloads-ndeath-will-message-publisher, tck-id-message-flow-device-dcmd-subscribe"""
    connect, will = packets[0], packets[0].message
    assert connect.kind == CONNECT
    assert connect.clean
    assert will is not None
    assert (will.topic, will.qos, will.retain) == (EDGE_NODE.topic(MessageType.NDEATH), 1, False)
    last_words = decode(will.payload)
    assert last_words.seq is None
    (number,) = last_words.metrics
    assert (number.name, number.datatype, number.value) == (BD_SEQ, DataType.INT64, 0)

    asked = dict(packets[place(packets, SUBSCRIBE)].filters)
    assert asked == {
        EDGE_NODE.topic(MessageType.NCMD): 1,
        EDGE_NODE.topic(MessageType.DCMD, "+"): 1,
        STATE_TOPIC: 1,
    }
    assert place(packets, SUBSCRIBE) < place(packets, PUBLISH)
    for message in published(packets):
        if parse_topic(message.topic).kind is MessageType.NBIRTH:
            metrics = {metric.name: metric for metric in decode(message.payload).metrics}
            assert (metrics[BD_SEQ].datatype, metrics[BD_SEQ].value) == (DataType.INT64, 0)

    *_, farewell, end = packets
    assert farewell.message is not None
    assert parse_topic(farewell.message.topic).kind is MessageType.NDEATH
    assert (end.kind, end.reason) == (DISCONNECT, DEATH_WITH_WILL)


def check_node_messages(messages: list[Publication]) -> None:
    """tck-id-topics-nbirth-seq-num, tck-id-topics-nbirth-timestamp,
    tck-id-topics-nbirth-metrics, tck-id-topics-nbirth-rebirth-metric, tck-id-topics-dbirth-mqtt,
    tck-id-topics-dbirth-seq, tck-id-topics-dbirth-timestamp, tck-id-topics-ddata-seq-num,
    tck-id-topics-ddata-timestamp, tck-id-topics-ddeath-mqtt, tck-id-topics-ddeath-seq-num,
    tck-id-payloads-timestamp-in-UTC, tck-id-payloads-sequence-num-always-included,
    tck-id-payloads-nbirth-qos, tck-id-payloads-dbirth-seq, tck-id-payloads-dbirth-qos,
    tck-id-payloads-dbirth-retain, tck-id-payloads-ddata-timestamp, tck-id-payloads-ddata-seq,
    tck-id-payloads-ddata-order, tck-id-payloads-ddata-qos, tck-id-payloads-ddata-retain,
    tck-id-payloads-ddeath-seq-inc, tck-id-payloads-ddeath-seq-number,
    tck-id-message-flow-edge-node-birth-publish-nbirth-topic,
    tck-id-message-flow-edge-node-birth-publish-nbirth-payload,
    tck-id-message-flow-edge-node-birth-publish-nbirth-payload-seq,
    tck-id-message-flow-edge-node-birth-publish-nbirth-qos,
    tck-id-message-flow-edge-node-birth-publish-nbirth-retained,
    tck-id-message-flow-device-birth-publish-dbirth-topic,
    tck-id-message-flow-device-birth-publish-dbirth-match-edge-node-topic,
    tck-id-message-flow-device-birth-publish-dbirth-payload,
    tck-id-message-flow-device-birth-publish-dbirth-payload-seq,
    tck-id-message-flow-device-birth-publish-dbirth-qos,
    tck-id-message-flow-device-birth-publish-dbirth-retained,
    tck-id-operational-behavior-data-publish-nbirth-values,
    tck-id-operational-behavior-data-publish-dbirth,
    tck-id-payloads-propertyset-keys-array-size, tck-id-payloads-propertyset-values-array-size,
    tck-id-payloads-metric-propertyvalue-type-value, tck-id-payloads-metric-propertyvalue-type-req,
    tck-id-topic-structure-namespace-device-id-non-associated-message-types"""
    numbered = [(parse_topic(one.topic), one, decode(one.payload)) for one in messages[:-1]]
    now_ms = microseconds(system_clock()) // 1000
    defined: set[int | None] = set()
    kinds = []
    for address, message, payload in numbered:
        kinds.append(address.kind)
        assert (message.qos, message.retain) == (0, False)
        assert address.node == EDGE_NODE
        assert payload.timestamp is not None
        assert 0 <= now_ms - payload.timestamp < 600_000
        if address.kind in {MessageType.NBIRTH, MessageType.DBIRTH}:
            for metric in payload.metrics:
                assert metric.name
                assert metric.datatype
                assert metric.timestamp
                assert metric.is_null or metric.value is not None
                said = metric.properties or PropertySet([], [])
                assert len(said.keys) == len(said.values)
                assert {value.type for value in said.values} <= set(DataType)
        if address.kind is MessageType.NBIRTH:
            assert payload.seq == 0
            controls = {m.name: (m.datatype, m.value, m.alias) for m in payload.metrics}
            assert controls[REBIRTH] == (DataType.BOOLEAN, False, None)
        if address.kind is MessageType.DBIRTH:
            defined = {metric.alias for metric in payload.metrics}
        if address.kind is MessageType.DDATA:
            assert {metric.alias for metric in payload.metrics} <= defined
    assert set(kinds) == {
        MessageType.NBIRTH,
        MessageType.DBIRTH,
        MessageType.DDATA,
        MessageType.DDEATH,
    }
    for (_, _, before), (address, _, payload) in pairwise(numbered):
        assert before.seq is not None
        expected = 0 if address.kind is MessageType.NBIRTH else (before.seq + 1) % 256
        assert payload.seq == expected
    assert parse_topic(messages[-1].topic).kind is MessageType.NDEATH
