"""From a real source through a real broker to a platform that acknowledges, and back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from plant.clock import microseconds
from tests.integration.edge.agents import AgentProcess, AgentThread, settings_file
from tests.integration.edge.old_broker import UNSUPPORTED_VERSION, OldBroker
from tests.integration.edge.platform import FakePlatform
from tests.integration.edge.sources import OpcUaSource
from tests.peers.services import BrokerFactory, MosquittoBroker
from tests.waiting import wait_until

START = datetime(2026, 3, 2, 6, tzinfo=UTC)


def at(second: int) -> datetime:
    return START + timedelta(seconds=second)


@pytest.fixture
def platform(broker: MosquittoBroker) -> Iterator[FakePlatform]:
    platform = FakePlatform(broker.port)
    yield platform
    platform.close()


@pytest.fixture
def source() -> Iterator[OpcUaSource]:
    with OpcUaSource(temperature=(20.0, at(0)), state=(6, at(0))) as source:
        yield source


def line(source: OpcUaSource) -> dict[str, object]:
    return {
        "line-1": {
            "driver": "opcua",
            "endpoint": source.endpoint,
            "publishing_interval_ms": 50,
            "backfill_max_h": 1_000_000,
            "tags": [
                {
                    "name": "cnc-1/temperature",
                    "work_unit": "gia-cong/day-chuyen-1/cnc-1",
                    "address": "ns=2;s=temperature",
                    "unit": "Cel",
                },
                {
                    "name": "cnc-1/state",
                    "work_unit": "gia-cong/day-chuyen-1/cnc-1",
                    "address": "ns=2;s=state",
                    "role": "state",
                    "states": {6: "EXECUTE"},
                },
            ],
        }
    }


@pytest.mark.vital
def test_every_value_arrives_once_with_its_time_when_the_source_changes(
    tmp_path: Path, broker: MosquittoBroker, platform: FakePlatform, source: OpcUaSource
) -> None:
    with AgentThread(settings_file(tmp_path, broker.port, line(source))) as agent:
        platform.await_rows(2)
        for second in range(1, 31):
            source.write("temperature", 20.0 + second, at(second))
        rows = platform.await_rows(32)
        wait_until(lambda: platform.latest_status and platform.latest_status.pending == 0)
    assert ("cnc-1/state", microseconds(at(0)), "EXECUTE", 0) in rows
    assert platform.values("cnc-1/temperature") == [20.0 + second for second in range(31)]
    assert platform.messages[0] == "birth"
    assert {tag.work_unit for tag in platform.births[0].tags} == {
        "co-khi-mau/bien-hoa/gia-cong/day-chuyen-1/cnc-1"
    }
    assert agent.join().acknowledged == 32
    assert platform.latest_status is not None
    assert platform.latest_status.online is False


def test_nothing_is_lost_or_doubled_when_the_agent_is_killed(
    tmp_path: Path, broker: MosquittoBroker, platform: FakePlatform, source: OpcUaSource
) -> None:
    file = settings_file(tmp_path, broker.port, line(source))
    agent = AgentProcess(file)
    platform.await_rows(2)
    for second in range(1, 40):
        source.write("temperature", float(second), at(second))
    agent.kill()
    wait_until(lambda: platform.latest_status and not platform.latest_status.online)
    for second in range(40, 80):
        source.write("temperature", float(second), at(second))
    again = AgentProcess(file)
    platform.await_rows(81)
    assert platform.values("cnc-1/temperature") == [20.0, *(float(s) for s in range(1, 80))]
    assert again.terminate() == 0


def test_what_was_missed_is_read_from_history_when_the_server_was_away(
    tmp_path: Path, broker: MosquittoBroker, platform: FakePlatform, source: OpcUaSource
) -> None:
    with AgentThread(settings_file(tmp_path, broker.port, line(source))):
        platform.await_rows(2)
        source.stop()
        wait_until(lambda: platform.latest_status and platform.latest_status.unreachable)
        for second in range(1, 251):
            source.write("temperature", float(second), at(second))
        source.start()
        platform.await_rows(252)
        wait_until(lambda: platform.latest_status and not platform.latest_status.unreachable)
    assert platform.values("cnc-1/temperature") == [20.0, *(float(s) for s in range(1, 251))]


def test_nothing_is_lost_or_doubled_when_the_broker_restarts(
    tmp_path: Path, broker: MosquittoBroker, platform: FakePlatform, source: OpcUaSource
) -> None:
    with AgentThread(settings_file(tmp_path, broker.port, line(source))):
        platform.await_rows(2)
        for second in range(1, 20):
            source.write("temperature", float(second), at(second))
        broker.kill()
        for second in range(20, 40):
            source.write("temperature", float(second), at(second))
        broker.start()
        platform.await_rows(41)
    assert platform.values("cnc-1/temperature") == [20.0, *(float(s) for s in range(1, 40))]


def test_messages_are_sent_again_when_the_platform_does_not_confirm(
    tmp_path: Path, broker: MosquittoBroker, platform: FakePlatform, source: OpcUaSource
) -> None:
    platform.acknowledging = False
    with AgentThread(settings_file(tmp_path, broker.port, line(source))) as agent:
        wait_until(lambda: platform.repeated_ids >= 2, what="the same rows again")
        platform.acknowledge_all()
        wait_until(lambda: platform.latest_status and platform.latest_status.pending == 0)
    assert agent.join().resent >= 1
    assert len(platform.rows) == 2


def test_collection_goes_on_when_the_broker_refuses_the_password(
    tmp_path: Path, mosquitto: BrokerFactory, source: OpcUaSource
) -> None:
    closed = mosquitto(passwords={"edge-1": "right"})
    login = {"username": "edge-1", "password": "wrong"}
    file = settings_file(
        tmp_path, closed.port, line(source), broker=login, publishing={"drain_s": 0}
    )
    with AgentThread(file) as agent:
        wait_until(lambda: "not authorised" in closed.log, what="the refusal")
        wait_until(lambda: agent.latest.written == 2, what="the values in the outbox")
    counters = agent.join()
    closed.remove()
    assert counters.written == 2
    assert counters.published == 0


@pytest.mark.parametrize("answer", [UNSUPPORTED_VERSION, b""], ids=["says so", "hangs up"])
def test_the_older_protocol_is_spoken_when_the_broker_does_not_take_version_5(
    tmp_path: Path,
    broker: MosquittoBroker,
    platform: FakePlatform,
    source: OpcUaSource,
    answer: bytes,
) -> None:
    with OldBroker(broker.port, answer) as old:
        with AgentThread(settings_file(tmp_path, old.port, line(source))):
            platform.await_rows(2)
            wait_until(lambda: platform.latest_status and platform.latest_status.pending == 0)
        assert old.versions == [5, 4]
