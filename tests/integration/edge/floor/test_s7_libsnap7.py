"""The S7 driver and libsnap7's own server, in C."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from plant.measurement import Quality
from tests.foreign.running import in_python, peer, peer_folder, tell
from tests.integration.edge.driving import until, with_driver
from tests.peers.services import free_port
from tests.unit.edge_agent.intake.inlets import RecordingInlet

UNIT = "dong-chai/chuyen-a/tron-1"
Do = Callable[[str], None]


@pytest.fixture
def controller() -> Iterator[tuple[int, Do]]:
    port = free_port()
    with peer(*in_python(peer_folder("libsnap7"), "libsnap7_server.py", port)) as process:
        output = process.stdout
        assert output is not None
        assert output.readline() == "ready\n"

        def do(command: str) -> None:
            tell(process, command)
            assert output.readline() == "done\n"

        yield port, do


def source(port: int, *addresses: str, **others: Any) -> dict[str, Any]:
    tags = [{"name": f"m/{one}", "work_unit": UNIT, "address": one} for one in addresses]
    common = {"poll_interval_s": 0.02, "timeout_s": 30, "retry_missing_s": 0.2}
    return {"driver": "s7", "host": "127.0.0.1", "port": port, "tags": tags} | common | others


@pytest.mark.parametrize("points", [{}, {"remote_tsap": "03.00", "local_tsap": "10.00"}])
def test_types_and_forms_are_read(controller: tuple[int, Do], points: dict[str, str]) -> None:
    port, do = controller
    do("DB 1 4 3fc00000")
    do("DB 1 20 0a024142")
    do("DB 1 40 07ea0302020600000bebc200")
    do("DB 1 60 000005dc")
    do("DB 1 70 00040002011000690000")
    do("M 0 10 0007")
    do("I 0 2 80")
    expected = {
        "%DB1.DBD4": 0x3FC00000,
        "DB1,REAL4": 1.5,
        "DB1,STRING20.10": "AB",
        "DB1,DTL40": "2026-03-02T06:00:00.200000",
        "DB1,TIME60": 1500,
        "DB1,WSTRING70.4": "Đi",
        "%MW10": 7,
        "%I2.7": True,
    }
    inlet = RecordingInlet()

    async def scenario() -> None:
        await until(lambda: {one.tag for one in inlet.readings} >= {f"m/{a}" for a in expected}, "")

    with_driver(source(port, *expected, **points), inlet, scenario)
    assert {address: inlet.values(f"m/{address}")[0] for address in expected} == expected
    assert inlet.problems[-1] == ()


def test_what_is_absent_is_named_and_the_others_are_read(controller: tuple[int, Do]) -> None:
    port, do = controller
    do("DB 1 0 0005")
    inlet = RecordingInlet()

    async def scenario() -> None:
        await until(lambda: inlet.problems and len(inlet.problems[-1]) == 2, "two problems")
        await until(lambda: inlet.values("m/DB1.DBW0") and inlet.values("m/DB2.DBW0"), "others")
        problems = inlet.problems[-1]
        assert problems[0].startswith("m/DB1.DBW400 (DB1.DBW400): ")
        assert problems[1].startswith("m/DB9.DBW0 (DB9.DBW0): ")
        do("drop DB 2")
        await until(lambda: None in inlet.values("m/DB2.DBW0"), "what went later to be bad")

    addresses = ("DB1.DBW0", "DB1.DBW400", "DB9.DBW0", "DB2.DBW0")
    with_driver(source(port, *addresses), inlet, scenario)
    assert inlet.values("m/DB1.DBW0")[0] == 5
    assert [one.quality for one in inlet.readings if one.value is None] == [Quality.BAD]
    assert not any("connection" in one for told in inlet.problems for one in told)
