"""The S7 driver against python-snap7's controller."""

import asyncio
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from snap7.type import SrvArea

from plant.measurement import Quality
from tests.integration.edge.driving import answering, until, with_driver
from tests.integration.edge.plants import UNIT, S7Plant
from tests.unit.edge_agent.intake.inlets import RecordingInlet


@pytest.fixture
def plc() -> Iterator[S7Plant]:
    plc = S7Plant()
    yield plc
    plc.stop()


def source(plc: S7Plant, **addresses: tuple[str, str | None]) -> dict[str, Any]:
    tags = [
        {"name": f"t/{name}", "work_unit": UNIT, "address": address, "type": kind}
        | ({"value_type": "text"} if kind and kind.startswith("string") else {})
        for name, (address, kind) in addresses.items()
    ]
    return {
        "driver": "s7",
        "host": "127.0.0.1",
        "port": plc.port,
        "poll_interval_s": 0.02,
        "retry_missing_s": 0.2,
        "tags": tags,
    }


def test_all_areas_and_types_are_read_in_few_requests(plc: S7Plant) -> None:
    inlet = RecordingInlet()
    block = bytearray(300)
    block[0] = 0b0000_0101
    struct.pack_into(">Hhif", block, 2, 65535, -2, -70000, 21.5)
    struct.pack_into(">d", block, 16, 1e-9)
    block[24:34] = bytes([8, 5]) + "Trộn".encode("cp1258", "replace")[:5].ljust(5) + b"xyz"
    plc.put_area(SrvArea.DB, 7, block)
    plc.put_area(SrvArea.MK, 0, bytearray([0, 0b1000_0000, 1, 2]))
    plc.put_area(SrvArea.PE, 0, bytearray(range(80)))
    plc.put_area(SrvArea.PA, 0, bytearray([9, 8]))
    addresses: dict[str, tuple[str, str | None]] = {
        "bit": ("DB7.DBX0.2", None),
        "clear": ("DB7.DBX0.1", None),
        "word": ("DB7.DBW2", None),
        "int": ("DB7.DBW4", "int"),
        "dint": ("DB7.DBD6", "DINT"),
        "real": ("DB7.DBD10", "real"),
        "lreal": ("DB7.DBB16", "lreal"),
        "text": ("DB7.DBX24.0", "string[8]"),
        "far": ("DB7.DBB299", None),
        "flag": ("M1.7", None),
        "input": ("EW64", None),
        "output": ("QB1", None),
    }

    async def scenario() -> None:
        await until(lambda: len({one.tag for one in inlet.readings}) == 12, "a round")

    with_driver(source(plc, **addresses), inlet, scenario)
    found = {one.tag.removeprefix("t/"): one.value for one in inlet.readings}
    assert found.pop("real") == 21.5
    assert found.pop("lreal") == 1e-9
    assert str(found.pop("text")).startswith("Tr")
    assert found == {
        "bit": True,
        "clear": False,
        "word": 65535,
        "int": -2,
        "dint": -70000,
        "far": 0,
        "flag": True,
        "input": 64 * 256 + 65,
        "output": 8,
    }
    # One round: the block's beginning as one read, its far end as another, one per other area.
    assert plc.reads[:5] == [(7, 0, 34), (7, 299, 1), (0, 64, 2), (0, 1, 1), (0, 1, 1)]


def test_what_disappears_turns_bad_once_and_is_named_until_it_is_back(plc: S7Plant) -> None:
    inlet = RecordingInlet()
    plc.put_area(SrvArea.DB, 2, bytearray([0, 5]))

    async def scenario() -> None:
        await until(lambda: inlet.values("t/there"), "both")
        plc.take_area(SrvArea.DB, 2)
        await until(lambda: inlet.problems[-1], "the report")
        before = len(inlet.values("t/here"))
        await until(lambda: len(inlet.values("t/here")) > before + 20, "the other tag")
        plc.put_area(SrvArea.DB, 2, bytearray([0, 6]))
        await until(lambda: 6 in inlet.values("t/there"), "the value again")
        await until(lambda: inlet.problems[-1] == (), "the all-clear")

    with_driver(source(plc, here=("DB1.DBW0", None), there=("DB2.DBW0", None)), inlet, scenario)
    assert inlet.problems[1] == (
        "t/there (DB2.DBW0): there is no such data block, or it is optimised",
    )
    bad = [one.tag for one in inlet.readings if one.quality is Quality.BAD]
    assert bad == ["t/there"]


def test_one_wrong_address_does_not_take_its_neighbours_along(plc: S7Plant) -> None:
    inlet = RecordingInlet()

    async def scenario() -> None:
        await until(lambda: inlet.problems, "the report")
        await until(lambda: inlet.values("t/inside"), "the neighbour")

    with_driver(
        source(plc, inside=("DB1.DBW60", None), outside=("DB1.DBD62", "real")), inlet, scenario
    )
    assert inlet.problems == [
        ("t/outside (DB1.DBD62): there is no such address; is the data block long enough?",)
    ]


def test_a_string_that_is_none_is_counted_and_bad(plc: S7Plant) -> None:
    inlet = RecordingInlet()
    plc.memory[20:24] = bytes([4, 9, 65, 66])

    async def scenario() -> None:
        await until(lambda: inlet.readings, "the reading")

    with_driver(source(plc, text=("DB1.DBB20", "string[4]")), inlet, scenario)
    assert inlet.readings[0].value is None
    assert inlet.readings[0].quality is Quality.BAD
    assert inlet.unreadable_count >= 1


def test_the_driver_comes_back_when_the_controller_hangs(plc: S7Plant) -> None:
    inlet = RecordingInlet()

    async def answer(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def scenario() -> None:
        await until(lambda: inlet.readings, "the first value")
        await asyncio.to_thread(plc.stop)
        async with answering(answer, plc.port):
            await until(
                lambda: inlet.problems[-1] and "no answer within" in inlet.problems[-1][0],
                "the report of silence",
            )
        await asyncio.to_thread(plc.start)
        await until(lambda: inlet.problems[-1] == (), "the all-clear")

    settings = source(plc, word=("DB1.DBW0", None)) | {"timeout_s": 0.3}
    with_driver(settings, inlet, scenario)
