"""Sources pushed over a real broker to an agent that reads real servers."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge_agent import EdgeSettings, run
from plant.errors import ConfigurationError
from plant.native.message import Status, config_message
from plant.settings import load_settings
from tests.integration.edge.agents import AgentProcess, AgentThread, settings_file
from tests.integration.edge.mtconnect_agent import Item, MtConnectAgent
from tests.integration.edge.plants import UNIT, at
from tests.integration.edge.platform import FakePlatform
from tests.peers.services import MosquittoBroker, free_port
from tests.waiting import wait_until


@pytest.fixture
def platform(broker: MosquittoBroker) -> Iterator[FakePlatform]:
    platform = FakePlatform(broker.port)
    yield platform
    platform.close()


@pytest.fixture
def machine() -> Iterator[MtConnectAgent]:
    with MtConnectAgent(Item("i-x", "x"), Item("i-y", "y")) as machine:
        machine.observe("i-x", 1, at(1))
        machine.observe("i-y", 2, at(2))
        yield machine


def source(machine: MtConnectAgent, *items: str) -> dict[str, Any]:
    return {
        "driver": "mtconnect",
        "url": machine.url,
        "interval_ms": 20,
        "heartbeat_ms": 200,
        "tags": [
            {"name": f"tron-1/{item}", "work_unit": UNIT, "data_item": f"i-{item}"}
            for item in items
        ],
    }


def pushed(version: int, **sources: Any) -> Any:
    return config_message(version, yaml.safe_dump({"sources": sources}), 0)


def status(platform: FakePlatform) -> Status:
    wait_until(lambda: platform.latest_status, what="a status")
    return platform.statuses[-1]


def test_what_is_read_changes_when_the_platform_says_so(
    tmp_path: Path, broker: MosquittoBroker, platform: FakePlatform, machine: MtConnectAgent
) -> None:
    file = settings_file(tmp_path, broker.port, {"line-1": source(machine, "x")})
    with AgentThread(file) as agent:
        platform.await_rows(1)
        platform.push(pushed(3, **{"line-1": source(machine, "x", "y")}))
        wait_until(lambda: status(platform).config_version == 3, what="the version")
        machine.observe("i-x", 5, at(5))
        machine.observe("i-y", 6, at(6))
        wait_until(lambda: platform.values("tron-1/y"), what="the new tag")
        wait_until(lambda: 5 in platform.values("tron-1/x"), what="the old tag")
        assert [tag.name for tag in platform.births[-1].tags] == ["tron-1/x", "tron-1/y"]
        assert status(platform).config_error is None
    counters = agent.join()
    assert counters.written == len(platform.rows)
    assert len({row[:2] for row in platform.rows}) == len(platform.rows)
    # The next start needs no platform to know it.
    with AgentThread(file):
        machine.observe("i-y", 7, at(7))
        wait_until(lambda: 7 in platform.values("tron-1/y"), what="the new tag")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("sources: {line-1: {driver: mtconnect, url: 'http://x', tags: []}}", "at least 1 item"),
        ("sources: [", "not valid YAML"),
    ],
)
def test_reading_goes_on_when_what_was_pushed_is_not_usable(
    tmp_path: Path,
    broker: MosquittoBroker,
    platform: FakePlatform,
    machine: MtConnectAgent,
    text: str,
    reason: str,
) -> None:
    platform.push(config_message(3, text, 0))
    with AgentThread(settings_file(tmp_path, broker.port, {"line-1": source(machine, "x")})):
        wait_until(lambda: status(platform).config_error, what="the refusal")
        assert reason in (status(platform).config_error or "")
        machine.observe("i-x", 5, at(5))
        wait_until(lambda: 5 in platform.values("tron-1/x"), what="the value")
        assert status(platform).config_version is None
        assert len(platform.births) == 1


def test_the_sources_before_come_back_when_the_new_ones_answer_nothing(
    tmp_path: Path, broker: MosquittoBroker, platform: FakePlatform, machine: MtConnectAgent
) -> None:
    wrong = source(machine, "x") | {"url": f"http://127.0.0.1:{free_port()}"}
    file = settings_file(
        tmp_path,
        broker.port,
        {"line-1": source(machine, "x")},
        configuration={"probation_s": 2},
    )
    with AgentThread(file):
        platform.await_rows(1)
        platform.push(pushed(3, wrong=wrong))
        wait_until(lambda: status(platform).config_version == 3, what="the trial")
        machine.observe("i-x", 5, at(5))
        wait_until(lambda: status(platform).config_error, what="the return")
        assert status(platform).config_error == (
            "version 3: none of its sources could be read within 2 s"
        )
        wait_until(lambda: 5 in platform.values("tron-1/x"), what="what was missed meanwhile")
        assert status(platform).config_version is None


def test_the_sources_before_come_back_when_a_new_driver_cannot_run(
    tmp_path: Path, broker: MosquittoBroker, platform: FakePlatform, machine: MtConnectAgent
) -> None:
    file = settings_file(tmp_path, broker.port, {"line-1": source(machine, "x")})
    broken = source(machine, "x") | {"url": "http://a..b/"}
    with AgentThread(file):
        platform.await_rows(1)
        platform.push(pushed(3, broken=broken))
        wait_until(lambda: status(platform).config_error, what="the return")
        assert "version 3: ConfigurationError" in (status(platform).config_error or "")
        machine.observe("i-x", 5, at(5))
        wait_until(lambda: 5 in platform.values("tron-1/x"), what="the value")


def test_pushed_sources_survive_when_the_agent_is_killed(
    tmp_path: Path, broker: MosquittoBroker, platform: FakePlatform, machine: MtConnectAgent
) -> None:
    file = settings_file(tmp_path, broker.port, {"line-1": source(machine, "x")})
    agent = AgentProcess(file)
    platform.await_rows(1)
    platform.push(pushed(3, **{"line-1": source(machine, "x", "y")}))
    wait_until(lambda: status(platform).config_version == 3, what="the version")
    agent.kill()
    platform.push(b"")
    again = AgentProcess(file)
    machine.observe("i-y", 7, at(7))
    wait_until(lambda: 7 in platform.values("tron-1/y"), what="the new tag")
    assert again.terminate() == 0


def test_the_agent_ends_when_its_own_sources_cannot_run(
    tmp_path: Path, broker: MosquittoBroker
) -> None:
    broken = {
        "driver": "mtconnect",
        "url": "http://a..b/",
        "tags": [{"name": "tron-1/x", "work_unit": UNIT, "data_item": "x"}],
    }
    file = settings_file(tmp_path, broker.port, {"line-1": broken}, publishing={"drain_s": 0})
    with pytest.raises(ConfigurationError, match=r"a\.\.b"):
        run(load_settings(EdgeSettings, file), threading.Event())
