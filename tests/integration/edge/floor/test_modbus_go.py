"""The Modbus driver and a server of another stack, in Go, as a gateway, a PLC and a serial line."""

import asyncio
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from plant.measurement import Quality
from tests.integration.edge.driving import beside_driver, until, with_driver
from tests.integration.edge.floor.modbus_go import GoModbus, built, running
from tests.unit.edge_agent.intake.inlets import RecordingInlet

UNIT = "dong-chai/chuyen-a/tron-1"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("modbus-go"))


@pytest.fixture
def server(program: Path) -> Iterator[GoModbus]:
    with running(program) as one:
        yield one


def source(server: GoModbus, *tags: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {
        "driver": "modbus",
        "host": "127.0.0.1",
        "port": server.port,
        "poll_interval_s": 0.02,
        "timeout_s": 30,
        "retry_missing_s": 0.2,
        "tags": [{"work_unit": UNIT, **tag} for tag in tags],
    } | others


def lines(server: GoModbus, way: str, serial: str) -> dict[str, Any]:
    if way == "serial":
        return {"host": None, "serial": {"port": serial, "baud_rate": 115200, "parity": "none"}}
    return {"port": server.rtu_port, "framing": "rtu"} if way == "rtu" else {}


@pytest.mark.parametrize("way", ["tcp", "rtu", "serial"])
def test_every_unit_type_and_order_is_read_on_every_line(server: GoModbus, way: str) -> None:
    server.set(1, "hr", 10, 0x449A, 0x5000, 0x5000, 0x449A, 0x9A44, 0x0050, 0x0050, 0x9A44)
    server.set(1, "hr", 18, 0x1234, 0xFE7F, 0x5358, 0x3731, 0b1000)
    server.set(1, "co", 3, 1, 0)
    server.set(1, "di", 9, 1)
    server.set(2, "hr", 10, 7)
    server.set(2, "ir", 4, 0xFFFF)
    expected: dict[str, tuple[object, dict[str, Any]]] = {
        "abcd": (1234.5, {"address": "hr:10", "type": "float32"}),
        "cdab": (1234.5, {"address": "hr:12", "type": "float32", "word_order": "CDAB"}),
        "badc": (1234.5, {"address": "hr:14", "type": "float32", "word_order": "BADC"}),
        "dcba": (1234.5, {"address": "40017", "type": "float32", "word_order": "DCBA"}),
        "bcd": (1234, {"address": "hr:18", "type": "bcd16"}),
        "high": (-2, {"address": "hr:19", "type": "int8h"}),
        "text": ("XS17", {"address": "hr:20", "type": "string4", "word_order": "BADC"}),
        "bit": (True, {"address": "hr:22.3"}),
        "coil": (False, {"address": "co:4"}),
        "input": (True, {"address": 10010}),
        "other": (7, {"address": "hr:10", "unit_id": 2}),
        "signed": (-1, {"address": "30005", "type": "int16", "unit_id": 2}),
    }
    tags = [{"name": f"m/{name}", **tag} for name, (_, tag) in expected.items()]
    inlet = RecordingInlet()

    async def scenario() -> None:
        await until(lambda: len({one.tag for one in inlet.readings}) == len(tags), "all tags")

    with server.serial_line() if way == "serial" else nullcontext("") as serial:
        with_driver(source(server, *tags, **lines(server, way, serial)), inlet, scenario)
    assert {tag: inlet.values(f"m/{tag}")[0] for tag in expected} == {
        tag: value for tag, (value, _) in expected.items()
    }
    assert {one.quality for one in inlet.readings} == {Quality.GOOD}
    assert inlet.problems == [()]


def test_the_rest_is_read_when_registers_are_absent_limits_small_and_blocks_whole(
    server: GoModbus,
) -> None:
    server.set(1, "hr", 0, *range(100))
    server.do("drop 1 hr 50")
    server.do("limit 32")
    server.set(2, "hr", 0, 0, 10, 0, 11, 0, 12)
    server.do("pairs 2")
    tags = [{"name": f"m/{n}", "address": f"hr:{n}"} for n in range(100)]
    pairs = [
        {"name": f"p/{n}", "address": f"hr:{n}", "type": "uint32", "unit_id": 2} for n in (0, 2, 4)
    ]
    inlet = RecordingInlet()

    async def scenario() -> None:
        await until(lambda: inlet.values("p/4") and inlet.values("m/99"), "all tags")
        for n in range(100):
            assert inlet.values(f"m/{n}")[:1] == ([n] if n != 50 else [])
        assert [inlet.values(f"p/{n}")[0] for n in (0, 2, 4)] == [10, 11, 12]
        assert inlet.problems[-1] == ("m/50 (hr:50): the PLC has no such address (exception 2)",)
        server.do("drop 1 hr 51")
        await until(lambda: None in inlet.values("m/51"), "what vanished later to be bad")
        server.set(1, "hr", 50, 50, 51)
        await until(lambda: inlet.values("m/51")[-1] == 51, "what came back")
        await until(lambda: inlet.problems[-1] == (), "no problem more")

    with_driver(source(server, *tags, *pairs), inlet, scenario)


@pytest.mark.parametrize("code", [1, 2, 3, 4, 6, 10, 11])
def test_an_exception_is_told_with_its_reason_and_the_other_unit_is_read(
    server: GoModbus, code: int
) -> None:
    server.set(1, "hr", 0, 5)
    server.set(2, "hr", 0, 6)
    server.do(f"exception 2 {code}")
    tags = [{"name": f"m/{unit}", "address": "hr:0", "unit_id": unit} for unit in (1, 2)]
    inlet = RecordingInlet()

    async def scenario() -> None:
        await until(
            lambda: inlet.problems and f"(exception {code})" in " ".join(inlet.problems[-1]),
            "the reason",
        )
        assert inlet.problems[-1][0].startswith("m/2 (hr:0, unit 2): ")
        assert inlet.values("m/1")[-1] == 5
        server.do("exception 2 0")
        await until(lambda: 6 in inlet.values("m/2"), "the unit to be read again")
        await until(lambda: inlet.problems[-1] == (), "no problem more")

    with_driver(source(server, *tags), inlet, scenario)
    bad = [one for one in inlet.readings if one.tag == "m/2" and one.quality is Quality.BAD]
    # What the device never had has no value that could be bad.
    assert len(bad) == (0 if code in {1, 2, 3} else 1)


def test_two_sources_share_the_one_connection_of_a_gateway(server: GoModbus) -> None:
    server.set(1, "hr", 0, 5)
    server.set(2, "hr", 0, 6)
    first, second = RecordingInlet(), RecordingInlet()

    async def both() -> None:
        async def scenario() -> None:
            await until(lambda: first.values("m/1") and second.values("m/2"), "both units")

        async def inner() -> None:
            await beside_driver(
                source(server, {"name": "m/2", "address": "hr:0"}, unit_id=2), second, scenario
            )

        await beside_driver(source(server, {"name": "m/1", "address": "hr:0"}), first, inner)

    asyncio.run(both())
    assert (first.values("m/1")[0], second.values("m/2")[0]) == (5, 6)


@pytest.mark.parametrize("way", ["tcp", "rtu", "serial"])
def test_a_late_answer_is_never_taken_for_another(server: GoModbus, way: str) -> None:
    server.set(1, "hr", 0, 5)
    server.set(1, "hr", 500, 6)
    tags = [{"name": f"m/{n}", "address": f"hr:{n}"} for n in (0, 500)]
    inlet = RecordingInlet()

    async def scenario() -> None:
        await until(lambda: inlet.values("m/500"), "both")
        server.do("silent 1 450")
        await until(lambda: inlet.problems[-1] != (), "it to be called silent")
        server.do("silent 1 0")
        before = len(inlet.readings)
        await until(lambda: len(inlet.readings) > before + 4, "values again")

    with server.serial_line() if way == "serial" else nullcontext("") as serial:
        settings = source(server, *tags, timeout_s=0.3, **lines(server, way, serial))
        with_driver(settings, inlet, scenario)
    assert set(inlet.values("m/0")) <= {5, None}
    assert set(inlet.values("m/500")) <= {6, None}


def test_each_answer_has_the_time_at_which_it_came(server: GoModbus) -> None:
    for start in (0, 500, 1000):
        server.set(1, "hr", start, 5)
    server.do("silent 1 100")
    inlet = StampingInlet()
    tags = [{"name": f"m/{n}", "address": f"hr:{n}"} for n in (0, 500, 1000)]

    async def scenario() -> None:
        await until(lambda: len(inlet.stamps) >= 3, "three answers")

    with_driver(source(server, *tags, poll_interval_s=60), inlet, scenario)
    first, second, third = inlet.stamps[:3]
    assert second - first > 0.09
    assert third - second > 0.09


class StampingInlet(RecordingInlet):
    """Notes when readings were delivered, as the intake stamps them."""

    def __init__(self) -> None:
        super().__init__()
        self.stamps: list[float] = []

    async def deliver(self, readings: Any, **others: Any) -> None:
        if readings:
            self.stamps.append(asyncio.get_running_loop().time())
        await super().deliver(readings, **others)
