"""The MTConnect driver against an agent: every sequence number once, and no loss unseen."""

import asyncio
from typing import Any

import pytest

from edge_agent.drivers.mtconnect.http import HttpAgent
from plant.clock import microseconds
from plant.errors import DataError
from plant.measurement import Quality
from tests.integration.edge.driving import answering, until, with_driver
from tests.integration.edge.mtconnect_agent import Item, MtConnectAgent
from tests.integration.edge.plants import UNIT, at
from tests.unit.edge_agent.intake.inlets import RecordingInlet

ITEMS = (Item("i-x", "Xpos"), Item("i-y", "Ypos"))
X = {"name": "tron-1/x", "work_unit": UNIT, "data_item": "i-x"}


def source(agent: MtConnectAgent, **more: Any) -> dict[str, Any]:
    return {
        "driver": "mtconnect",
        "url": agent.url,
        "interval_ms": 20,
        "heartbeat_ms": 100,
        "poll_interval_s": 0.02,
        "timeout_s": 30,
        "tags": [X],
        **more,
    }


def values(inlet: RecordingInlet) -> list[object]:
    return inlet.values("tron-1/x")


def test_every_observation_comes_once_when_the_driver_is_started_again() -> None:
    inlet = RecordingInlet()
    with MtConnectAgent(*ITEMS) as agent:
        for second in range(300):
            if second % 100 == 0:

                async def scenario(known: int = second) -> None:
                    await until(lambda: len(values(inlet)) > known, "the values")

                if second:
                    with_driver(source(agent, count=7), inlet, scenario)
                else:
                    with_driver(source(agent), inlet, scenario)
            agent.observe("i-x", second, at(second))
            agent.observe("i-y", -second, at(second))

        async def last() -> None:
            await until(lambda: values(inlet)[-1] == 299, "the last value")

        with_driver(source(agent, interval_ms=0), inlet, last)
    assert values(inlet) == [None, *range(300)]
    assert inlet.missed_count == 0


@pytest.mark.parametrize("interval_ms", [0, 20])
def test_a_loss_is_counted_and_named_when_the_buffer_was_too_small(interval_ms: int) -> None:
    inlet = RecordingInlet()
    with MtConnectAgent(*ITEMS, buffer_size=40) as agent:

        async def taken() -> None:
            await until(lambda: values(inlet), "the first value")

        with_driver(source(agent, interval_ms=interval_ms), inlet, taken)
        for second in range(100):
            agent.observe("i-x", second, at(second))

        async def caught_up() -> None:
            await until(lambda: values(inlet)[-1] == 99, "the last value")
            await until(lambda: inlet.problems[-1], "the report")

        with_driver(source(agent, interval_ms=interval_ms), inlet, caught_up)
    assert values(inlet) == [None, *range(60, 100)]
    assert inlet.missed_count == 60
    assert "60 observations left the agent's buffer unread" in inlet.problems[-1][0]


def test_the_new_life_is_read_from_its_beginning_when_the_agent_restarts() -> None:
    inlet = RecordingInlet()
    with MtConnectAgent(*ITEMS) as agent:

        async def scenario() -> None:
            await until(lambda: values(inlet), "the first value")
            agent.observe("i-x", 1, at(1))
            await until(lambda: 1 in values(inlet), "the first life")
            await asyncio.to_thread(agent.restart)
            agent.observe("i-x", 2, at(2))
            agent.observe("i-x", 3, at(3))
            await until(lambda: 3 in values(inlet), "the second life")
            await until(lambda: inlet.problems[-1], "the report")

        with_driver(source(agent), inlet, scenario)
    # That everything is unavailable at first was said before, at the same time.
    assert values(inlet) == [None, 1, 2, 3]
    assert "the agent was restarted" in inlet.problems[-1][0]
    assert inlet.missed_count == 1


def test_a_gap_is_fetched_again_when_a_part_of_the_stream_got_lost() -> None:
    inlet = RecordingInlet()
    with MtConnectAgent(*ITEMS) as agent:

        async def scenario() -> None:
            await until(lambda: values(inlet), "the first value")
            agent.observe("i-x", 0, at(0))
            await until(lambda: 0 in values(inlet), "the stream")
            agent.swallow_parts = 1
            agent.observe("i-x", 1, at(1))
            await until(lambda: agent.swallow_parts == 0, "the loss")
            for second in range(2, 5):
                agent.observe("i-x", second, at(second))
            await until(lambda: 4 in values(inlet), "the values after it")
            agent.observe("i-x", 5, at(5))
            await until(lambda: 5 in values(inlet), "the stream again")

        with_driver(source(agent), inlet, scenario)
        asked = [target for target in agent.requests if "/sample" in target]
    assert values(inlet) == [None, 0, 1, 2, 3, 4, 5]
    assert inlet.missed_count == 0
    assert ["interval" in target for target in asked] == [True, False, True]


@pytest.mark.parametrize("version", ["1.3", "1.8", "2.3"])
def test_all_categories_are_read_when_the_version_changes(version: str) -> None:
    inlet = RecordingInlet()
    items = (
        Item("i-x", "Xpos", "SAMPLE", "Position"),
        Item("i-e", "execution", "EVENT", "Execution"),
        Item("i-c", "system", "CONDITION", "System"),
    )
    tags = [
        X,
        {"name": "tron-1/state", "work_unit": UNIT, "data_item": "execution", "role": "state"},
        {"name": "t/level", "work_unit": UNIT, "data_item": "i-c", "value_type": "text"},
        {
            "name": "t/code",
            "work_unit": UNIT,
            "data_item": "i-c",
            "role": "stop_reason",
            "condition": "code",
        },
    ]
    with MtConnectAgent(*items, version=version) as agent:

        async def scenario() -> None:
            await until(lambda: values(inlet), "the first value")
            agent.observe("i-x", 12.5, at(1))
            agent.observe("i-e", "ACTIVE", at(2))
            agent.observe("i-c", "FAULT", at(3), "E401")
            agent.observe("i-c", "NORMAL", at(4))
            agent.observe("i-x", "UNAVAILABLE", at(5))
            await until(lambda: values(inlet) == [None, 12.5, None], "the last value")

        with_driver(source(agent, tags=tags), inlet, scenario)
    assert inlet.values("tron-1/state") == [None, "ACTIVE"]
    assert inlet.values("t/level") == [None, "FAULT", "NORMAL"]
    assert inlet.values("t/code") == [None, "E401", ""]
    worst = [reading for reading in inlet.readings if reading.time_us == microseconds(at(5))]
    assert [(reading.value, reading.quality) for reading in worst] == [(None, Quality.BAD)]


def test_polling_goes_on_when_the_agent_cannot_stream() -> None:
    inlet = RecordingInlet()
    with MtConnectAgent(*ITEMS, streams=False) as agent:

        async def scenario() -> None:
            await until(lambda: values(inlet), "the first value")
            for second in range(5):
                agent.observe("i-x", second, at(second))
                # Mypy cannot infer a default of a lambda.
                await until(lambda s=second: s in values(inlet), "the value")  # type: ignore[misc]

        with_driver(source(agent, device="cnc"), inlet, scenario)
    assert values(inlet) == [None, 0, 1, 2, 3, 4]


def test_the_agents_words_are_reported_when_it_refuses() -> None:
    inlet = RecordingInlet()
    with MtConnectAgent(*ITEMS) as agent:

        async def scenario() -> None:
            await until(lambda: inlet.problems, "the report")

        with_driver(source(agent, device="tien"), inlet, scenario)
    assert "NO_DEVICE: no device tien" in inlet.problems[0][0]


BOMB = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "0123456789">]><a>&b;</a>"""


@pytest.mark.parametrize(
    "garbage",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(BOMB), BOMB),
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n<a/>",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n<MTConnectDevices><Header instanceId='-1'/></MTConnectDevices>",
    ],
    ids=["entities", "cut off", "bad chunk", "bad number"],
)
def test_the_driver_recovers_when_the_agent_answered_nonsense(garbage: bytes) -> None:
    inlet = RecordingInlet()
    with MtConnectAgent(*ITEMS) as agent:
        agent.garbage = garbage

        async def scenario() -> None:
            await until(lambda: inlet.problems, "the report")
            agent.garbage = None
            agent.observe("i-x", 1, at(1))
            await until(lambda: 1 in values(inlet), "the value")

        with_driver(source(agent), inlet, scenario)


def test_an_endless_answer_is_given_up_when_it_grows_too_large() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"<a>" * 20_000)
            await writer.drain()

    async def scenario() -> None:
        async with answering(answer) as port:
            with pytest.raises(DataError, match="more than 4000000 bytes"):
                await HttpAgent(f"http://127.0.0.1:{port}", 20, None).get("/probe")

    asyncio.run(scenario())


def tool(minutes: float, second: int, **more: str) -> str:
    """A cutting tool in the form of MTConnect part 4."""
    time = at(second).isoformat().replace("+00:00", "Z")
    attributes = "".join(f' {key}="{value}"' for key, value in more.items())
    return (
        f'<CuttingTool serialNumber="1" toolId="T5" assetId="T5/1" timestamp="{time}"{attributes}>'
        "<CuttingToolLifeCycle><CutterStatus><Status>USED</Status></CutterStatus>"
        '<ToolLife type="PART_COUNT" countDirection="UP" limit="900">300</ToolLife>'
        f'<ToolLife type="MINUTES" countDirection="DOWN" limit="5">{minutes}</ToolLife>'
        "</CuttingToolLifeCycle></CuttingTool>"
    )


def test_what_an_asset_contains_is_read_when_the_agent_says_that_it_changed() -> None:
    life = "CuttingToolLifeCycle/ToolLife[type=MINUTES]"
    tags = [
        X,
        *(
            {"name": f"tron-1/{name}", "work_unit": UNIT, "data_item": "a-c", "asset": "T5/1"}
            | {"path": path, **more}
            for name, path, more in (
                ("minutes", life, {}),
                ("limit", f"{life}/@limit", {}),
                ("serial", "@serialNumber", {"value_type": "text"}),
                ("status", "CuttingToolLifeCycle/CutterStatus/Status", {"value_type": "text"}),
                ("wear", "CuttingToolLifeCycle/Wear", {}),
            )
        ),
        {"name": "tron-1/other", "work_unit": UNIT, "data_item": "a-c", "asset": "T6"}
        | {"path": life},
    ]
    inlet = RecordingInlet()
    changed = Item("a-c", "tools", "EVENT", "AssetChanged")

    def told(name: str) -> list[object]:
        return inlet.values(f"tron-1/{name}")

    with MtConnectAgent(*ITEMS, changed) as agent:
        agent.assets["T5/1"] = tool(40.5, 1)

        async def scenario() -> None:
            await until(lambda: told("minutes") == [40.5], "what it was")
            agent.assets["T5/1"] = tool(39.5, 5)
            agent.observe("a-c", "T5/1", at(6))
            await until(lambda: told("minutes") == [40.5, 39.5], "the change")
            # Of another asset, and one that changed nothing.
            agent.observe("a-c", "T7", at(7))
            agent.observe("a-c", "T5/1", at(8))
            agent.observe("i-x", 8, at(8))
            await until(lambda: 8 in values(inlet), "the value behind them")
            agent.assets["T5/1"] = tool(39.5, 9, removed="true")
            agent.observe("a-c", "T5/1", at(9))
            await until(lambda: len(told("minutes")) == 3, "that it is gone")

        with_driver(source(agent, tags=tags), inlet, scenario)
        asked = [one for one in agent.requests if one == "/asset/T5%2F1"]
        assert len(asked) == 4
        problems = inlet.problems[-1]

        async def again() -> None:
            agent.observe("i-x", 10, at(10))
            await until(lambda: 10 in values(inlet), "the next driver")

        with_driver(source(agent, tags=tags), inlet, again)
    assert told("minutes") == [40.5, 39.5, None]
    assert told("limit") == [5, 5, None]
    assert told("serial") == ["1", "1", None]
    assert told("status") == ["USED", "USED", None]
    assert told("other") == []
    times = {one.time_us for one in inlet.readings if one.tag == "tron-1/minutes"}
    assert times == {microseconds(at(second)) for second in (1, 5, 9)}
    assert "tron-1/other (asset T6): ASSET_NOT_FOUND: Cannot find asset" in problems[0]
    wear = "tron-1/wear (asset T5/1): it has no CuttingToolLifeCycle/Wear"
    assert any(wear in problem for one in inlet.problems for problem in one)
