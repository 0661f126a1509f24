"""Sparkplug over a real broker: our host with a node of the test, and with our own edge node."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from plant.clock import microseconds, system_clock
from plant.settings import DatabaseSettings
from plant.sparkplug import (
    BD_SEQ,
    REBIRTH,
    DataType,
    MessageType,
    Metric,
    NodeId,
    Payload,
    PropertySet,
    PropertyValue,
    State,
    decode,
    encode,
    encode_state,
    parse_topic,
)
from store import load_plant
from tests.integration.edge.agents import AgentProcess, AgentThread
from tests.integration.edge.sources import OpcUaSource
from tests.integration.ingests import fetched, outage, running, start_process, write_settings
from tests.integration.sparkplug.wire import (
    AS_EDGE_2,
    EDGE_NODE,
    STATE_TOPIC,
    Ear,
    at,
    edge_file,
    edge_online,
    numbers,
    settings_of,
    texts,
)
from tests.peers.services import MosquittoBroker
from tests.peers.sparkplug_nodes import DEVICE, NODE, NodeScript
from tests.plants.deliveries import plant
from tests.waiting import HANG_S, wait_until


@pytest.fixture
def ear(broker: MosquittoBroker) -> Iterator[Ear]:
    with closing(Ear(broker.port)) as ear:
        yield ear


def now_script(**changed: Any) -> NodeScript:
    return NodeScript(at_ms=microseconds(system_clock()) // 1000 - 60_000, **changed)


@pytest.mark.vital
def test_a_foreign_node_is_stored_from_its_birth_to_its_death(
    broker: MosquittoBroker, each_database: DatabaseSettings, ear: Ear
) -> None:
    load_plant(each_database, plant())
    script = now_script()
    with running(settings_of(broker, each_database)):
        ear.await_state(online=True)
        node = Ear(broker.port, (NODE.topic(MessageType.NDEATH), script.node_death().payload))
        for message in (
            script.node_birth(),
            script.device_birth(),
            script.data(script.value(1, 21.0), script.value(2, 2**32 - 1), script.value(3, 11)),
            script.data(script.value(1, 22.0, is_historical=True)),
        ):
            node.say(message.topic, message.payload)
        wait_until(lambda: numbers(each_database, "tien-1/temperature") == [20, 21, 22])
        assert edge_online(each_database)
        assert numbers(each_database, "tien-1/count") == [5, -1]
        assert texts(each_database, "tien-1/state") == ["EXECUTE", "HELD"]

        node.vanish()

        wait_until(lambda: not edge_online(each_database), what="the death of the node")
        assert numbers(each_database, "tien-1/temperature") == [20, 21, 22, None]
        assert texts(each_database, "tien-1/state") == ["EXECUTE", "HELD", None]
        assert fetched(each_database, "select count(*) from rejection") == [(0,)]


def test_history_is_stored_once_when_it_comes_again(
    broker: MosquittoBroker, each_database: DatabaseSettings, ear: Ear
) -> None:
    load_plant(each_database, plant())
    script = now_script()
    with running(settings_of(broker, each_database)):
        ear.await_state(online=True)
        history = [script.value(1, float(k), is_historical=True) for k in range(50)]
        notes = [script.value(4, str(k), is_historical=True) for k in range(50)]
        for message in (
            script.node_birth(),
            script.device_birth(),
            script.data(*history, *notes),
            script.data(*history, *notes),
            script.data(script.value(1, 99.0)),
        ):
            ear.say(message.topic, message.payload)
        wait_until(lambda: 99.0 in numbers(each_database, "tien-1/temperature"))
        stored = numbers(each_database, "tien-1/temperature")
        assert sorted(stored) == sorted([20.0, *map(float, range(50)), 99.0])
        assert len(texts(each_database, "tien-1/note")) == 51


def test_the_host_asks_for_births_when_data_come_before_them(
    broker: MosquittoBroker, plain_database: DatabaseSettings, ear: Ear
) -> None:
    load_plant(plain_database, plant())
    script = now_script()
    with running(settings_of(broker, plain_database)):
        ear.await_state(online=True)
        for _ in range(5):
            message = script.data(script.value(1, 1.0))
            ear.say(message.topic, message.payload)
        wait_until(lambda: ear.of(MessageType.NCMD), what="a command")
        (command,) = ear.of(MessageType.NCMD)
        assert (command.qos, command.retain) == (0, False)
        assert decode(command.payload).metrics[0].name == REBIRTH
        for message in (script.node_birth(), script.device_birth()):
            ear.say(message.topic, message.payload)
        wait_until(lambda: numbers(plain_database, "tien-1/temperature") == [20.0])
        assert len(ear.of(MessageType.NCMD)) == 1
        raw = fetched(plain_database, "select reason, length(raw) > 0 from rejection")
        assert raw == [("no_birth", True)] * 5


def test_a_birth_of_twenty_thousand_metrics_with_properties_is_stored(
    broker: MosquittoBroker, plain_database: DatabaseSettings, ear: Ear
) -> None:
    load_plant(plain_database, plant())
    script = now_script()
    keys = ["engUnit", "documentation", "a", "b"]
    said = PropertySet(keys, [PropertyValue(DataType.STRING, value="x")] * len(keys))
    metrics = [
        Metric(name=f"m{k}", alias=k, datatype=DataType.DOUBLE, value=float(k), properties=said)
        for k in range(20_000)
    ]
    with running(settings_of(broker, plain_database)):
        ear.await_state(online=True)
        for message in (
            script.node_birth(),
            script.device_birth(metrics),
            script.data(script.value(7, -7.0)),
        ):
            ear.say(message.topic, message.payload)
        wait_until(lambda: numbers(plain_database, "tien-1/m7") == [7.0, -7.0])
        assert fetched(
            plain_database, "select count(*), count(distinct value) from measurement"
        ) == [(20_001, 20_001)]
        assert fetched(plain_database, "select count(*) from rejection") == [(0,)]


def test_an_unnamed_node_is_shown_once_for_each_topic(
    broker: MosquittoBroker, plain_database: DatabaseSettings, ear: Ear
) -> None:
    """Of a group that the settings do not name either."""
    load_plant(plain_database, plant())
    stranger = now_script(node=NodeId("khác", "x"))
    script = now_script()
    with running(settings_of(broker, plain_database)):
        ear.await_state(online=True)
        ear.say(stranger.node.topic(MessageType.NCMD), b"")
        for message in (stranger.node_birth(), *(stranger.data() for _ in range(20))):
            ear.say(message.topic, message.payload)
        for message in (script.node_birth(), script.device_birth()):
            ear.say(message.topic, message.payload)
        wait_until(lambda: numbers(plain_database, "tien-1/temperature") == [20.0])
        shown = fetched(plain_database, "select reason, topic from rejection order by topic")
        assert shown == [
            ("unmapped_node", stranger.node.topic(MessageType.DDATA, DEVICE)),
            ("unmapped_node", stranger.node.topic(MessageType.NBIRTH)),
        ]


def test_the_host_says_when_it_comes_and_goes(
    broker: MosquittoBroker, plain_database: DatabaseSettings, ear: Ear
) -> None:
    """tck-id-host-topic-phid-birth-qos, tck-id-host-topic-phid-birth-retain,
    tck-id-operational-behavior-host-application-termination,
    tck-id-operational-behavior-host-application-death-payload"""
    load_plant(plain_database, plant())
    with running(settings_of(broker, plain_database)):
        born = ear.await_state(online=True)
    gone = ear.await_state(online=False)

    assert gone.timestamp >= born.timestamp
    with closing(Ear(broker.port)) as later:
        assert later.states.get(timeout=HANG_S) == gone
        (kept,) = later.heard
        assert (kept.retain, kept.qos) == (True, 1)


def test_birth_and_will_carry_the_same_time_when_the_host_is_killed(
    broker: MosquittoBroker, plain_database: DatabaseSettings, ear: Ear, tmp_path: Path
) -> None:
    """tck-id-host-topic-phid-birth-payload-timestamp,
    tck-id-message-flow-phid-sparkplug-state-publish-payload-timestamp,
    tck-id-operational-behavior-host-application-connect-will,
    tck-id-host-topic-phid-death-retain"""
    load_plant(plain_database, plant())
    process = start_process(write_settings(tmp_path, settings_of(broker, plain_database)))
    try:
        born = ear.await_state(online=True)
    finally:
        process.kill()
        process.wait()
    will = ear.await_state(online=False)

    assert will.timestamp == born.timestamp


def test_the_host_contradicts_when_somebody_says_it_is_away(
    broker: MosquittoBroker, plain_database: DatabaseSettings, ear: Ear
) -> None:
    """tck-id-message-flow-hid-sparkplug-state-message-delivered"""
    load_plant(plain_database, plant())
    with running(settings_of(broker, plain_database)):
        born = ear.await_state(online=True)
        late_will = encode_state(State(False, born.timestamp - 1000))
        ear.say(STATE_TOPIC, late_will, qos=1, retain=True)

        assert ear.await_state(online=True) == born


def test_the_host_is_away_while_it_cannot_store(
    broker: MosquittoBroker, plain_database: DatabaseSettings, ear: Ear
) -> None:
    load_plant(plain_database, plant())
    script = now_script()
    with running(settings_of(broker, plain_database, offline_after_s=1)):
        ear.await_state(online=True)
        with outage(plain_database):
            for message in (script.node_birth(), script.device_birth()):
                ear.say(message.topic, message.payload)
            ear.await_state(online=False)
        ear.await_state(online=True)
        wait_until(lambda: 20.0 in numbers(plain_database, "tien-1/temperature"))


# --- our own edge node ---


@pytest.fixture
def source() -> Iterator[OpcUaSource]:
    with OpcUaSource(temperature=(20.0, at(0)), state=(6, at(0))) as source:
        yield source


def once_each(stored: Sequence[Any]) -> list[Any]:
    """The values that are there, without the marks of silence and of values yet to come."""
    return [value for value in stored if value is not None]


def test_our_edge_node_is_stored_by_our_host(
    broker: MosquittoBroker,
    each_database: DatabaseSettings,
    ear: Ear,
    source: OpcUaSource,
    tmp_path: Path,
) -> None:
    """tck-id-topics-nbirth-mqtt, tck-id-topics-ddata-mqtt, tck-id-payloads-dbirth-order,
    tck-id-message-flow-device-birth-publish-nbirth-wait"""
    load_plant(each_database, plant())
    with (
        running(settings_of(broker, each_database, node=AS_EDGE_2)),
        AgentThread(edge_file(tmp_path, broker.port, source)) as agent,
    ):
        stored = partial(numbers, each_database, "tien-1/nhiet-do")
        wait_until(lambda: once_each(stored()) == [20.0])
        for second in range(1, 31):
            source.write("temperature", 20.0 + second, at(second))
        expected = [20.0 + second for second in range(31)]
        wait_until(lambda: once_each(stored()) == expected)
        assert once_each(texts(each_database, "tien-1/trang-thai")) == ["EXECUTE"]
        assert edge_online(each_database, "edge-2")
        declared = fetched(each_database, "select name, role, unit, high from tag order by name")
        assert declared == [
            ("tien-1/nhiet-do", "none", "Cel", 1000.0),
            ("tien-1/trang-thai", "state", "", None),
        ]
    wait_until(lambda: not edge_online(each_database, "edge-2"))
    assert agent.join().acknowledged == 32
    own = [m for m in ear.heard if "/edge-2" in m.topic]
    assert all((m.qos, m.retain) == (0, False) for m in own if "/NDEATH/" not in m.topic)
    own = [m for m in own if "/NCMD/" not in m.topic]
    kinds = [parse_topic(m.topic).kind for m in own]
    assert kinds[:2] == [MessageType.NBIRTH, MessageType.DBIRTH]
    assert kinds[-1] is MessageType.NDEATH
    # On a slow machine the host may have asked for births that were on their way.
    first = max(k for k, kind in enumerate(kinds) if kind is MessageType.NBIRTH)
    numbers_sent = [decode(m.payload).seq for m in own[first:] if "/NDEATH/" not in m.topic]
    assert numbers_sent == [k % 256 for k in range(len(numbers_sent))]


def test_nothing_is_lost_or_doubled_when_host_and_node_are_killed(
    broker: MosquittoBroker,
    plain_database: DatabaseSettings,
    source: OpcUaSource,
    tmp_path: Path,
) -> None:
    load_plant(plain_database, plant())
    host = write_settings(tmp_path, settings_of(broker, plain_database, node=AS_EDGE_2))
    edge = edge_file(tmp_path, broker.port, source, settle_s=60)
    second = 0

    def write(count: int) -> None:
        nonlocal second
        for _ in range(count):
            second += 1
            source.write("temperature", float(second), at(second))
            time.sleep(0.005)

    ingest = start_process(host)
    node = AgentProcess(edge)
    try:
        # Stored before that is the mark of a value yet to come: the source is not followed yet.
        wait_until(lambda: 20.0 in numbers(plain_database, "tien-1/nhiet-do"))
        write(40)
        ingest.kill()
        ingest.wait()
        write(40)
        node.kill()
        write(40)
        node = AgentProcess(edge)
        write(40)
        ingest = start_process(host)
        write(40)
        expected = [20.0, *(float(k) for k in range(1, second + 1))]
        wait_until(
            lambda: once_each(numbers(plain_database, "tien-1/nhiet-do")) == expected,
            what="every value, once",
        )
    finally:
        node.kill()
        ingest.kill()
        ingest.wait()


def test_nothing_is_lost_or_doubled_when_the_broker_is_killed(
    broker: MosquittoBroker,
    plain_database: DatabaseSettings,
    source: OpcUaSource,
    tmp_path: Path,
) -> None:
    load_plant(plain_database, plant())
    with (
        running(settings_of(broker, plain_database, node=AS_EDGE_2)),
        AgentThread(edge_file(tmp_path, broker.port, source, settle_s=60)),
    ):
        stored = partial(numbers, plain_database, "tien-1/nhiet-do")
        wait_until(lambda: once_each(stored()))
        for second in range(1, 31):
            source.write("temperature", float(second), at(second))
        broker.kill()
        for second in range(31, 61):
            source.write("temperature", float(second), at(second))
        broker.start()
        expected = [20.0, *(float(second) for second in range(1, 61))]
        wait_until(lambda: once_each(stored()) == expected, what="every value once")


def test_our_edge_node_waits_for_its_primary_host(
    broker: MosquittoBroker, ear: Ear, source: OpcUaSource, tmp_path: Path
) -> None:
    """tck-id-message-flow-edge-node-birth-publish-phid-wait,
    tck-id-message-flow-edge-node-birth-publish-phid-wait-timestamp,
    tck-id-operational-behavior-edge-node-termination-host-offline,
    tck-id-operational-behavior-edge-node-termination-host-offline-reconnect,
    tck-id-operational-behavior-edge-node-termination-host-offline-timestamp,
    tck-id-topics-nbirth-bdseq-increment, tck-id-topics-nbirth-bdseq-matching"""

    def told(value: float) -> list[Metric]:
        return [
            metric
            for message in ear.of(MessageType.DDATA)
            for metric in decode(message.payload).metrics
            if metric.value == value
        ]

    with AgentThread(edge_file(tmp_path, broker.port, source)) as agent:
        wait_until(lambda: agent.latest.written == 2, what="the values in the outbox")
        wait_until(lambda: "as nm-co-khi-thu" in broker.log, what="the node to connect")
        assert not ear.of(MessageType.NBIRTH)
        ear.say(STATE_TOPIC, encode_state(State(True, 1000)), qos=1, retain=True)
        wait_until(lambda: ear.of(MessageType.NBIRTH), what="a birth")

        ear.say(STATE_TOPIC, encode_state(State(False, 999)), qos=1)
        source.write("temperature", 20.5, at(1))
        wait_until(lambda: told(20.5), what="a value after a STATE that is too old")
        assert not ear.of(MessageType.NDEATH)

        ear.say(STATE_TOPIC, encode_state(State(False, 1001)), qos=1, retain=True)
        wait_until(lambda: ear.of(MessageType.NDEATH), what="a death")
        source.write("temperature", 21.0, at(2))
        wait_until(lambda: agent.latest.written == 4, what="the value in the outbox")
        assert len(ear.of(MessageType.NBIRTH)) == 1

        ear.say(STATE_TOPIC, encode_state(State(True, 1002)), qos=1, retain=True)
        wait_until(lambda: len(ear.of(MessageType.NBIRTH)) == 2, what="another birth")
        missed = wait_until(lambda: told(21.0), what="the value that was missed")
        assert all(metric.is_historical for metric in missed)
    births = [bd_seq(message.payload) for message in ear.of(MessageType.NBIRTH)]
    deaths = [bd_seq(message.payload) for message in ear.of(MessageType.NDEATH)]
    assert births == [0, 1]
    assert set(deaths) == {0, 1}


def bd_seq(payload: bytes) -> object:
    return next(m.value for m in decode(payload).metrics if m.name == BD_SEQ)


def test_our_edge_node_announces_itself_again_when_it_is_asked(
    broker: MosquittoBroker, ear: Ear, source: OpcUaSource, tmp_path: Path
) -> None:
    """tck-id-operational-behavior-data-commands-rebirth-action-1,
    tck-id-operational-behavior-data-commands-rebirth-action-2,
    tck-id-operational-behavior-data-commands-rebirth-action-3,
    tck-id-message-flow-edge-node-ncmd-subscribe"""
    with AgentThread(edge_file(tmp_path, broker.port, source, primary_host=None)):
        wait_until(lambda: ear.of(MessageType.DBIRTH))
        wish = Metric(name=REBIRTH, datatype=DataType.BOOLEAN, value=True)
        ear.say(EDGE_NODE.topic(MessageType.NCMD), encode(Payload(metrics=[wish])))
        wait_until(lambda: len(ear.of(MessageType.DBIRTH)) == 2)
    first, second = (decode(message.payload) for message in ear.of(MessageType.NBIRTH))
    assert [bd_seq(m.payload) for m in ear.of(MessageType.NBIRTH)] == [0, 0]
    assert (first.seq, second.seq) == (0, 0)


def test_a_device_dies_when_its_source_is_lost_and_comes_back_with_it(
    broker: MosquittoBroker, ear: Ear, source: OpcUaSource, tmp_path: Path
) -> None:
    """tck-id-operational-behavior-device-ddeath"""
    with AgentThread(edge_file(tmp_path, broker.port, source, primary_host=None)):
        wait_until(lambda: ear.of(MessageType.DBIRTH))
        source.stop()
        wait_until(lambda: ear.of(MessageType.DDEATH), what="a device's death")
        assert not ear.of(MessageType.NDEATH)
        births = len(ear.of(MessageType.DBIRTH))
        source.start()
        wait_until(lambda: len(ear.of(MessageType.DBIRTH)) > births)
