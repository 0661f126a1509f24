"""Many tags of an OPC UA server, and what it makes of an edge's wishes; against node-opcua."""

import asyncio
from datetime import timedelta
from typing import Any

from structlog.testing import capture_logs

from tests.foreign.opcua import NodeOpcUaServer, milliseconds, running
from tests.integration.edge.driving import until, with_driver
from tests.integration.edge.floor.test_edge_opcua import at, source
from tests.unit.edge_agent.intake.inlets import RecordingInlet

HISTORIES_PER_REQUEST = 50


def test_tags_without_history_are_live_after_a_lost_session_and_asked_after_once() -> None:
    """D10: history of many tags in one request each, and what has none is remembered."""
    plain = [f"v{k}" for k in range(300)]
    kept = ["h0", "h1"]
    server = NodeOpcUaServer(limits={"maxNodesPerHistoryReadData": HISTORIES_PER_REQUEST})
    for name in plain:
        server.add(name, "Double", 0.0, at(0), history=False)
    for name in kept:
        server.add(name, "Double", 0.0, at(0))
    inlet = RecordingInlet()
    histories: list[int] = []
    nodes: list[int] = []

    def all_have(value: float, names: list[str]) -> bool:
        return all(value in inlet.values(f"tron-1/{name}") for name in names)

    def read() -> list[Any]:
        return [one for one in logs if one["event"] == "backfill_done"]

    async def scenario() -> None:
        await until(lambda: all_have(0.0, [*plain, *kept]), "the first values")
        for life in (1, 2):
            await asyncio.to_thread(server.kill)
            await until(lambda: inlet.problems[-1] != (), "the loss")
            for name in plain:
                server.write(name, float(life), at(10 * life))
            # Held while nobody was there: only its history has the first of the two.
            for name in kept:
                server.write(name, life + 0.5, at(10 * life - 1))
                server.write(name, float(life), at(10 * life))
            before = len(read())
            await asyncio.to_thread(server.start)
            # Mypy cannot infer a default of a lambda.
            await until(lambda v=float(life): all_have(v, [*plain, *kept]), "live values")  # type: ignore[misc]  # a default
            await until(lambda v=life + 0.5: all_have(v, kept), "what they missed")  # type: ignore[misc]  # a default
            await until(lambda n=before: len(read()) > n, "all history to be asked for")  # type: ignore[misc]  # a default
            histories.append(await asyncio.to_thread(server.do, "histories"))
            nodes.append(await asyncio.to_thread(server.do, "historyNodes"))

    with running(server), capture_logs() as logs:
        with_driver(source(server, *plain, *kept), inlet, scenario)
    # In the first life all are asked after, many at once; in the second only those that have any.
    assert nodes[0] >= len(plain) > 10 * histories[0]
    assert nodes[1] < len(plain)


def test_what_a_server_revises_is_told_and_what_its_queue_lost_is_fetched_or_counted() -> None:
    """D12: a queue that overflowed says so by a bit of the status."""
    server = NodeOpcUaServer()
    server.add("kept", "Double", 0.0, at(0))
    server.add("slow", "Double", 0.0, at(0), sampling=1000)
    server.add("plain", "Double", 0.0, at(0), history=False)
    inlet = RecordingInlet()
    wishes = {"queue_size": 6_000, "sampling_interval_ms": 100}

    async def revised() -> None:
        await until(lambda: inlet.values("tron-1/plain"), "the first values")

    with running(server), capture_logs() as logs:
        with_driver(source(server, "kept", "plain", "slow", **wishes), inlet, revised)
        told = [one for one in logs if one["event"] == "server_revised_items"]
        assert [(one["queue_size"], one["slowest_sampling_ms"]) for one in told] == [(5000, 1000)]
        step = 0
        held: set[float] = set()

        async def overflow() -> None:
            nonlocal step
            await until(lambda: inlet.values("tron-1/plain"), "the first values")
            # More than a queue of two takes between two answers, until the server has said so.
            while not inlet.missed_count or not set(inlet.values("tron-1/kept")) >= held:
                step += 1
                await asyncio.to_thread(server.do, "write", values=_pair(step))
                await asyncio.sleep(0.01)
                if not inlet.missed_count:
                    held.add(float(step))

        narrow: dict[str, Any] = {"queue_size": 2, "publishing_interval_ms": 1000}
        inlet = RecordingInlet()
        with_driver(source(server, "kept", "plain", **narrow), inlet, overflow)
    assert [one["tags"] for one in logs if one["event"] == "server_queue_overflowed"]


def _pair(step: int) -> list[dict[str, Any]]:
    """The next value of both variables."""
    time = milliseconds(at(0) + timedelta(seconds=step))
    return [{"name": name, "value": float(step), "time": time} for name in ("kept", "plain")]
