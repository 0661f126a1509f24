"""The contract of a driver, on real servers: each test runs on every protocol."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest

from plant.clock import microseconds
from plant.measurement import Quality
from tests.foreign.opcua import MiloServer, NodeOpcUaServer, running
from tests.integration.edge.driving import answering, beside_driver, until, with_driver
from tests.integration.edge.mtconnect_agent import Item, MtConnectAgent
from tests.integration.edge.plants import MqttPlant, MtConnectPlant, S7Plant
from tests.integration.edge.sources import DATATYPE, ModbusSource, OpcUaSource
from tests.peers.services import MosquittoBroker
from tests.unit.edge_agent.intake.inlets import RecordingInlet

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
UNIT = "dong-chai/chuyen-a/tron-1"
SPEED, COUNT, ABSENT = "tron-1/speed", "tron-1/count", "tron-1/absent"


def at(second: int) -> datetime:
    return START + timedelta(seconds=second)


class Plant(Protocol):
    """A source with a speed and a count, whatever protocol it speaks."""

    @property
    def gives_time(self) -> bool:
        """Whether values have a time of the source's own."""

    def settings(self, *, with_absent: bool) -> dict[str, Any]: ...
    def write(self, second: int, speed: float, count: int) -> None: ...
    def add_absent(self) -> None: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


class OpcUaPlant:
    """The OPC UA side of the contract."""

    gives_time = True

    def __init__(self, source: OpcUaSource) -> None:
        self._source = source
        self.start, self.stop = source.start, source.stop

    def settings(self, *, with_absent: bool) -> dict[str, Any]:
        names = ["speed", "count", *(["absent"] if with_absent else [])]
        return {
            "driver": "opcua",
            "endpoint": self._source.endpoint,
            "publishing_interval_ms": 20,
            "timeout_s": 30,
            "retry_missing_s": 0.3,
            "backfill_max_h": 1_000_000,
            "tags": [
                {"name": f"tron-1/{name}", "work_unit": UNIT, "address": f"ns=2;s={name}"}
                for name in names
            ],
        }

    def write(self, second: int, speed: float, count: int) -> None:
        self._source.write("speed", speed, at(second))
        self._source.write("count", count, at(second))

    def add_absent(self) -> None:
        self._source.add("absent", 7, at(0))


class ForeignOpcUaPlant:
    """The same on a server of another stack."""

    gives_time = True

    def __init__(self, server: NodeOpcUaServer | MiloServer) -> None:
        self._server = server
        self.start, self.stop = server.start, server.stop
        server.add("speed", "Double", 1.5, at(0))
        server.add("count", "Int32", 100, at(0))

    def settings(self, *, with_absent: bool) -> dict[str, Any]:
        names = ["speed", "count", *(["absent"] if with_absent else [])]
        return {
            "driver": "opcua",
            "endpoint": self._server.endpoint,
            "publishing_interval_ms": 20,
            "timeout_s": 30,
            "retry_missing_s": 0.3,
            "backfill_max_h": 1_000_000,
            "tags": [
                {
                    "name": f"tron-1/{name}",
                    "work_unit": UNIT,
                    "address": f"nsu=urn:nhipmay:test;s={name}",
                }
                for name in names
            ],
        }

    def write(self, second: int, speed: float, count: int) -> None:
        self._server.write("speed", speed, at(second))
        self._server.write("count", count, at(second))

    def add_absent(self) -> None:
        self._server.add("absent", "Int32", 7, at(0))


class ModbusPlant:
    """The Modbus side of the contract."""

    gives_time = True

    def __init__(self, source: ModbusSource) -> None:
        self._source = source
        self.start, self.stop = source.start, source.stop
        source.refuse = lambda address, count: address + count > 50
        self.write(0, 1.5, 100)

    def settings(self, *, with_absent: bool) -> dict[str, Any]:
        absent = {"name": ABSENT, "work_unit": UNIT, "address": "hr:60"}
        return {
            "driver": "modbus",
            "host": "127.0.0.1",
            "port": self._source.port,
            "poll_interval_s": 0.02,
            "timeout_s": 30,
            "retry_missing_s": 0.3,
            "max_gap": 100,
            "clock": {"address": 0},
            "tags": [
                {"name": SPEED, "work_unit": UNIT, "address": "hr:4", "type": "float32"},
                {"name": COUNT, "work_unit": UNIT, "address": "hr:6", "type": "uint32"},
                *([absent] if with_absent else []),
            ],
        }

    def write(self, second: int, speed: float, count: int) -> None:
        self._source.put(4, speed, DATATYPE.FLOAT32)
        self._source.put(6, count, DATATYPE.UINT32)
        self._source.put(0, int(at(second).timestamp() * 1000), DATATYPE.UINT64)

    def add_absent(self) -> None:
        self._source.put(60, 7, DATATYPE.UINT16)
        self._source.refuse = lambda _address, _count: False


@pytest.fixture(
    params=[
        "opcua",
        "opcua-node",
        "opcua-milo",
        "modbus",
        "mtconnect",
        "mtconnect-polled",
        "mqtt",
        "s7",
    ]
)
def plant(request: pytest.FixtureRequest) -> Iterator[Plant]:
    if request.param == "opcua":
        with OpcUaSource(speed=(1.5, at(0)), count=(100, at(0))) as opcua:
            yield OpcUaPlant(opcua)
    elif request.param == "opcua-node":
        node = NodeOpcUaServer()
        on_node = ForeignOpcUaPlant(node)
        with running(node):
            yield on_node
    elif request.param == "opcua-milo":
        milo = MiloServer()
        on_milo = ForeignOpcUaPlant(milo)
        with running(milo):
            yield on_milo
    elif request.param == "modbus":
        with ModbusSource() as modbus:
            yield ModbusPlant(modbus)
    elif request.param == "mqtt":
        broker: MosquittoBroker = request.getfixturevalue("broker")
        yield MqttPlant(broker)
    elif request.param == "s7":
        s7 = S7Plant()
        yield s7
        s7.stop()
    else:
        with MtConnectAgent(Item("i-speed", "speed"), Item("i-count", "count")) as agent:
            yield MtConnectPlant(agent, interval_ms=0 if request.param.endswith("polled") else 20)


def test_values_come_with_their_source_time_and_quality_when_they_change(plant: Plant) -> None:
    inlet = RecordingInlet()

    async def scenario() -> None:
        for second in range(1, 10):
            await asyncio.to_thread(plant.write, second, second + 0.5, second)
            # Mypy cannot infer a default of a lambda.
            await until(lambda n=second: n in inlet.values(COUNT), f"count {second}")  # type: ignore[misc]

    with_driver(plant.settings(with_absent=False), inlet, scenario)
    newest = {reading.value: reading for reading in inlet.readings if reading.tag == COUNT}
    for second in range(1, 10):
        if plant.gives_time:
            assert newest[second].time_us == microseconds(at(second))
        assert newest[second].quality is Quality.GOOD
    assert inlet.problems[0] == ()
    assert inlet.sampled_us == sorted(inlet.sampled_us)


def test_what_is_absent_is_named_while_the_rest_runs_and_is_taken_up_when_it_comes(
    plant: Plant,
) -> None:
    inlet = RecordingInlet()

    async def scenario() -> None:
        await until(lambda: inlet.values(COUNT), "the tags that are there")
        await until(lambda: inlet.problems, "the report")
        assert len(inlet.problems[0]) == 1
        assert inlet.problems[0][0].startswith(f"{ABSENT} (")
        await asyncio.to_thread(plant.add_absent)
        await until(lambda: inlet.values(ABSENT), "the tag that was absent")
        await until(lambda: inlet.problems[-1] == (), "the all-clear")

    with_driver(plant.settings(with_absent=True), inlet, scenario)
    assert inlet.values(ABSENT) == [7]


def test_the_driver_comes_back_when_its_source_was_away(plant: Plant) -> None:
    inlet = RecordingInlet()

    async def scenario() -> None:
        await until(lambda: inlet.values(COUNT), "the first value")
        await asyncio.to_thread(plant.stop)
        await until(lambda: inlet.problems[-1] != (), "the report")
        await asyncio.to_thread(plant.start)
        await asyncio.to_thread(plant.write, 5, 2.5, 555)
        await until(lambda: 555 in inlet.values(COUNT), "the value after the gap")
        assert inlet.problems[-1] == ()

    with_driver(plant.settings(with_absent=False), inlet, scenario)


def test_the_source_is_waited_for_when_it_is_not_there_yet(plant: Plant) -> None:
    inlet = RecordingInlet()
    plant.stop()

    async def scenario() -> None:
        await until(lambda: inlet.problems, "the report")
        assert "nothing answers" in inlet.problems[0][0]
        await asyncio.to_thread(plant.start)
        await until(lambda: inlet.values(COUNT), "the first value")

    with_driver(plant.settings(with_absent=False), inlet, scenario)


@pytest.mark.parametrize("driver", ["opcua", "modbus", "mtconnect", "mqtt", "s7"])
def test_the_driver_lives_on_when_what_answers_speaks_another_protocol(driver: str) -> None:
    where = {"name": "t/x", "work_unit": UNIT}
    inlet = RecordingInlet()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(bytes(range(256)) * 20)
        await writer.drain()

    async def scenario() -> None:
        await until(lambda: inlet.problems, "the report")
        assert inlet.problems[0][0].count("127.0.0.1") == 1
        assert not inlet.readings

    async def both() -> None:
        async with answering(answer) as port:
            sources: dict[str, dict[str, Any]] = {
                "opcua": {
                    "endpoint": f"opc.tcp://127.0.0.1:{port}/",
                    "timeout_s": 1,
                    "tags": [where | {"address": "i=2258"}],
                },
                "modbus": {
                    "host": "127.0.0.1",
                    "port": port,
                    "timeout_s": 1,
                    "tags": [where | {"address": "hr:1"}],
                },
                "mtconnect": {
                    "url": f"http://127.0.0.1:{port}",
                    "timeout_s": 1,
                    "tags": [where | {"data_item": "x"}],
                },
                "mqtt": {
                    "broker": {"port": port},
                    "client_id": "t",
                    "timeout_s": 1,
                    "tags": [where | {"topic": "x"}],
                },
                "s7": {
                    "host": "127.0.0.1",
                    "port": port,
                    "timeout_s": 1,
                    "tags": [where | {"address": "DB1.DBW0"}],
                },
            }
            await beside_driver({"driver": driver, **sources[driver]}, inlet, scenario)

    asyncio.run(both())


def test_all_address_spaces_are_read_when_a_plc_has_them() -> None:
    inlet = RecordingInlet()
    tags = [
        {"name": "t/ir", "work_unit": UNIT, "address": "ir:5"},
        {"name": "t/co", "work_unit": UNIT, "address": "co:1"},
        {"name": "t/di", "work_unit": UNIT, "address": "di:2"},
        {"name": "t/bit", "work_unit": UNIT, "address": "hr:10.3"},
        {"name": "t/little", "work_unit": UNIT, "address": "hr:12", "type": "float32"},
        {
            "name": "t/order",
            "work_unit": UNIT,
            "address": "hr:14",
            "type": "string[6]",
            "role": "order",
        },
    ]
    with ModbusSource() as source:
        source.put(10, 0b1000, DATATYPE.UINT16)
        source.put(12, 2.25, DATATYPE.FLOAT32, "little")
        source.put(14, "LSX-17", DATATYPE.STRING)
        settings = {
            "driver": "modbus",
            "host": "127.0.0.1",
            "port": source.port,
            "word_order": "little",
            "poll_interval_s": 0.02,
            "tags": tags,
        }

        async def scenario() -> None:
            await until(lambda: len({one.tag for one in inlet.readings}) == len(tags), "a round")

        with_driver(settings, inlet, scenario)
        functions = {function for function, _, _ in source.reads}
    found = {reading.tag: reading.value for reading in inlet.readings}
    assert found == {
        "t/ir": 5,
        "t/co": True,
        "t/di": True,
        "t/bit": True,
        "t/little": 2.25,
        "t/order": "LSX-17",
    }
    assert functions == {1, 2, 3, 4}


def test_only_the_tags_of_a_failing_group_turn_bad_and_only_once() -> None:
    inlet = RecordingInlet()
    tags = [
        {"name": "t/here", "work_unit": UNIT, "address": "hr:0"},
        {"name": "t/there", "work_unit": UNIT, "address": "hr:300"},
    ]
    with ModbusSource() as source:
        settings = {
            "driver": "modbus",
            "host": "127.0.0.1",
            "port": source.port,
            "poll_interval_s": 0.02,
            "tags": tags,
        }

        async def scenario() -> None:
            await until(lambda: inlet.values("t/there"), "both groups")
            source.refuse = lambda address, _count: address == 300
            await until(lambda: None in inlet.values("t/there"), "the bad value")
            before = len(inlet.values("t/here"))
            await until(lambda: len(inlet.values("t/here")) > before + 5, "the other group")
            source.refuse = lambda _address, _count: False
            known = len(inlet.values("t/there"))
            await until(lambda: len(inlet.values("t/there")) > known, "the value again")

        with_driver(settings, inlet, scenario)
    bad = [reading.tag for reading in inlet.readings if reading.quality is Quality.BAD]
    assert bad == ["t/there"]


def test_history_is_read_from_the_start_when_the_settings_ask_for_it() -> None:
    inlet = RecordingInlet()
    now = datetime.now(UTC)
    with OpcUaSource(speed=(0.0, now - timedelta(hours=5))) as source:
        for minute in range(240, 0, -1):
            source.write("speed", float(minute), now - timedelta(minutes=minute))
        settings = {
            "driver": "opcua",
            "endpoint": source.endpoint,
            "publishing_interval_ms": 20,
            "first_backfill_h": 2,
            "tags": [{"name": SPEED, "work_unit": UNIT, "address": "ns=2;s=speed"}],
        }

        async def scenario() -> None:
            await until(lambda: len(inlet.values(SPEED)) >= 119, "two hours of history")

        with_driver(settings, inlet, scenario)
    # What it shows now comes when it comes, beside its history.
    history = [value for value in inlet.values(SPEED) if value != 1.0]
    assert history[:3] == [119.0, 118.0, 117.0]
