"""The SLMP driver and a controller that was written without it."""

import asyncio
from typing import Any

import pytest

from edge_agent.drivers.slmp.address import Cell, grouped
from edge_agent.drivers.slmp.settings import SlmpSettings
from plant.measurement import Quality
from tests.integration.edge.driving import answering, until, with_driver
from tests.peers.melsec import Melsec
from tests.unit.edge_agent.intake.inlets import RecordingInlet

UNIT = "dong-chai/chuyen-a/tron-1"


def source(port: int, *tags: dict[str, Any], **others: Any) -> dict[str, Any]:
    common = {"poll_interval_s": 0.02, "timeout_s": 30, "retry_missing_s": 0.2}
    named = [{"name": f"m/{tag['address']}", "work_unit": UNIT} | tag for tag in tags]
    return {"driver": "slmp", "host": "127.0.0.1", "port": port, "tags": named} | common | others


def test_devices_and_types_are_read_in_few_requests() -> None:
    inlet = RecordingInlet()
    expected: dict[str, tuple[object, str | None]] = {
        "D100": (-2, None),
        "D101": (65534, "uint16"),
        "D102": (1234.5, "float32"),
        "D104": (-70000, "int32"),
        "D106": ("LSX-1", "string[5]"),
        "D109": (1234, "bcd16"),
        "D110.A": (True, None),
        "D110.9": (False, None),
        "W1A": (7, None),
        "ZR32768": (8, None),
        "SD210": (9, None),
        "M10": (True, None),
        "M11": (False, None),
        "M13": (True, None),
        "X1F": (True, None),
        "TN0": (11, None),
    }
    with Melsec() as plc:
        plc.put("d", 100, 0xFFFE, 0xFFFE, 0x5000, 0x449A, 0xEE90, 0xFFFE)
        plc.put("d", 106, 0x534C, 0x2D58, 0x0031, 0x1234, 0x0400)
        plc.put("w", 0x1A, 7)
        plc.put("zr", 32768, 8)
        plc.put("sd", 210, 9)
        plc.put("tn", 0, 11)
        plc.put("m", 10, 1, 0, 0, 1)
        plc.put("x", 0x1F, 1)
        tags = [{"address": one, "type": kind} for one, (_, kind) in expected.items()]

        async def scenario() -> None:
            await until(lambda: len({one.tag for one in inlet.readings}) == len(tags), "all tags")

        with_driver(source(plc.port, *tags), inlet, scenario)
        assert len({*plc.requests}) == 7
        assert plc.routes == {"00ffff0300"}
    assert {one: inlet.values(f"m/{one}")[0] for one in expected} == {
        one: value for one, (value, _) in expected.items()
    }
    assert {one.quality for one in inlet.readings} == {Quality.GOOD}


def test_what_is_absent_is_named_and_returns_and_a_restart_is_healed() -> None:
    inlet = RecordingInlet()
    plc = Melsec()
    plc.put("d", 0, 5)
    plc.put("d", 2, 6)

    async def scenario() -> None:
        await until(lambda: inlet.problems and inlet.problems[-1], "the absent one to be named")
        assert inlet.problems[-1] == (
            "m/D9000 (D9000): the controller has no device of this number (end code C056H)",
        )
        plc.put("d", 9000, 7)
        await until(lambda: inlet.values("m/D9000") == [7] or 7 in inlet.values("m/D9000"), "it")
        await asyncio.to_thread(plc.__exit__)
        await until(lambda: "127.0.0.1" in " ".join(inlet.problems[-1]), "the loss to be told")
        plc.put("d", 0, 55)
        await asyncio.to_thread(plc.__enter__)
        await until(lambda: 55 in inlet.values("m/D0"), "values after the restart")
        await until(lambda: inlet.problems[-1] == (), "no problem more")

    with plc:
        tags = [{"address": one} for one in ("D0", "D2", "D9000")]
        with_driver(source(plc.port, *tags, max_gap=0), inlet, scenario)


def test_requests_are_as_small_as_the_controller_wants_them() -> None:
    """One that takes fewer words has all its devices all the same, and its absent one is named."""
    inlet = RecordingInlet()
    numbers = [0, 10, 20, 30, 40]

    def put(step: int) -> None:
        for number in numbers:
            plc.put("d", number, step + number)

    async def all_have(step: int) -> None:
        await until(
            lambda: all(step + one in inlet.values(f"m/D{one}") for one in numbers),
            f"all values of {step}",
        )

    async def scenario() -> None:
        await all_have(100)
        assert inlet.problems[-1] == (
            "m/D33 (D33): the controller has no device of this number (end code C056H)",
        )
        # Set up otherwise without a break.
        plc.limit = 5
        put(200)
        await all_have(200)
        assert len(inlet.problems[-1]) == 1

    with Melsec() as plc:
        plc.put("d", 0, *([0] * 33))
        plc.put("d", 34, *([0] * 10))
        put(100)
        plc.limit = 25
        tags = [{"address": f"D{number}"} for number in (*numbers, 33)]
        with_driver(source(plc.port, *tags, max_gap=20), inlet, scenario)


def test_a_late_answer_is_never_taken_for_another() -> None:
    inlet = RecordingInlet()

    async def scenario() -> None:
        await until(lambda: inlet.values("m/D500"), "both")
        plc.answer_s = 0.4
        await until(lambda: inlet.problems[-1] != (), "it to be called silent")
        plc.answer_s = 0.0
        before = len(inlet.readings)
        await until(lambda: len(inlet.readings) > before + 4, "values again")

    with Melsec() as plc:
        plc.put("d", 0, 5)
        plc.put("d", 500, 6)
        tags = [{"address": "D0"}, {"address": "D500"}]
        with_driver(source(plc.port, *tags, timeout_s=0.2), inlet, scenario)
    assert (set(inlet.values("m/D0")), set(inlet.values("m/D500"))) == ({5}, {6})


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad\r\n\r\n", b"\xd0\0\0\xff\xff\3\0\x04\0\0\0\1"]
)
def test_what_is_no_controller_is_told(answer: bytes) -> None:
    inlet = RecordingInlet()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(answer)
        writer.write_eof()
        await reader.read()

    async def both() -> None:
        from tests.integration.edge.driving import beside_driver

        async with answering(serve) as port:

            async def scenario() -> None:
                await until(lambda: inlet.problems, "the problem")

            await beside_driver(source(port, {"address": "D0"}), inlet, scenario)

    asyncio.run(both())
    assert inlet.readings == []


@pytest.mark.parametrize(
    ("address", "kind", "number"),
    [("D100", None, 100), ("x1f", None, 31), ("W1A", "int32", 26), ("Y20", None, 32)],
)
def test_numbers_are_as_gx_works_writes_them(address: str, kind: str | None, number: int) -> None:
    assert Cell.parse(address, kind).number == number
    assert Cell.parse("X17", None, "octal").number == 15


@pytest.mark.parametrize(
    ("address", "kind", "words"),
    [
        ("D1F", None, "numbers of D are decimal"),
        ("Q1", None, "is no device"),
        ("M10", "int16", "bits are M10"),
        ("D10", "bit", "bits are M10"),
        ("M10.1", None, "bits are M10"),
        ("D10", "fish", "is no type"),
        ("D99999999", None, "numbers go to"),
    ],
)
def test_a_device_that_cannot_be_is_refused(address: str, kind: str | None, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Cell.parse(address, kind)


def test_octal_numbers_are_refused_where_a_digit_is_none() -> None:
    tags = [{"name": "m/x", "work_unit": UNIT, "address": "X18"}]
    with pytest.raises(ValueError, match="octal"):
        SlmpSettings.model_validate({"driver": "slmp", "host": "plc", "x_y": "octal", "tags": tags})


def test_a_request_stays_within_its_limits() -> None:
    cells = [Cell.parse(f"D{number}", "int32") for number in range(0, 2000, 2)]
    groups = grouped(enumerate(cells), 0, 960)
    assert [group.count for group in groups] == [960, 960, 80]
