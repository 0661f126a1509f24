"""A recorded file through a whole agent: all of it, once, and then the agent ends."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.edge.agents import AgentProcess, AgentThread, settings_file
from tests.integration.edge.platform import FakePlatform
from tests.peers.services import MosquittoBroker
from tests.waiting import wait_until

ROWS = 20_000


@pytest.fixture
def platform(broker: MosquittoBroker) -> Iterator[FakePlatform]:
    platform = FakePlatform(broker.port)
    yield platform
    platform.close()


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Two values every second; every fourth second occurs twice."""
    file = tmp_path / "recorded.csv"
    lines = ["Time,Flow,Pressure"]
    for number in range(ROWS):
        second = number - number % 4 // 3
        hour, rest = divmod(second, 3600)
        lines.append(f"2026-03-02 {hour:02}:{rest // 60:02}:{rest % 60:02},{number},{number / 8}")
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def replay(file: Path, rate: str | float = "max") -> dict[str, object]:
    return {
        "recorded": {
            "driver": "csv",
            "file": str(file),
            "rate": rate,
            "time_column": "Time",
            "tags": [
                {"name": "bom-1/flow", "work_unit": "a/b/bom-1", "column": "Flow"},
                {"name": "bom-1/pressure", "work_unit": "a/b/bom-1", "column": "Pressure"},
            ],
        }
    }


def test_the_agent_ends_when_the_whole_file_is_confirmed(
    tmp_path: Path, broker: MosquittoBroker, platform: FakePlatform, recording: Path
) -> None:
    settings = settings_file(tmp_path, broker.port, replay(recording))
    agent = AgentThread(settings)
    with agent:
        counters = agent.join()
    assert counters.written == counters.acknowledged == 2 * ROWS
    rows = platform.rows
    assert [row[2] for row in rows if row[0] == "bom-1/flow"] == list(range(ROWS))
    repeated = Counter(row[1] for row in rows if row[0] == "bom-1/flow")
    assert max(repeated.values()) == 2
    assert platform.latest_status is not None
    assert platform.latest_status.sampled_us == max(repeated) + 1
    again = AgentThread(settings)
    with again:
        assert again.join().taken == 0


def test_every_row_comes_once_when_the_agent_is_killed_in_the_middle(
    tmp_path: Path, broker: MosquittoBroker, platform: FakePlatform, recording: Path
) -> None:
    settings = settings_file(tmp_path, broker.port, replay(recording, rate=500))
    first = AgentProcess(settings)
    wait_until(lambda: len(platform.rows) > 500)
    first.kill()
    assert len(platform.rows) < 2 * ROWS
    settings = settings_file(tmp_path, broker.port, replay(recording))
    agent = AgentThread(settings)
    with agent:
        agent.join()
    flows = [row[2] for row in platform.rows if row[0] == "bom-1/flow"]
    assert flows == list(range(ROWS))
