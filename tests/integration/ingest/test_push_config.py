"""`nhipmay edge push-config`: from the command over a real broker to a real edge, and back."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from ingest import IngestSettings
from nhipmay.cli import app
from plant.description import PlantDescription
from plant.errors import ConfigurationError
from plant.settings import BrokerSettings, DatabaseSettings
from store import connect, load_plant
from tests.integration.edge.agents import AgentThread, settings_file
from tests.integration.edge.mtconnect_agent import Item, MtConnectAgent
from tests.integration.edge.plants import UNIT, at
from tests.integration.ingests import running, write_settings
from tests.peers.services import BrokerFactory, MosquittoBroker, free_port
from tests.waiting import wait_until

EDGE = "co-khi-mau/bien-hoa/edge-1"


def description() -> PlantDescription:
    area, line, machine = UNIT.split("/")
    units = [{"code": machine, "name_vi": "Máy trộn 1"}]
    lines = [{"code": line, "name_vi": "Chuyền A", "bottleneck": machine, "work_units": units}]
    site = {
        "code": "bien-hoa",
        "name_vi": "Biên Hòa",
        "edges": ["edge-1"],
        "shifts": [{"name": "Ca 1", "start": "06:00", "end": "14:00"}],
        "areas": [{"code": area, "name_vi": "Đóng chai", "work_centers": lines}],
    }
    return PlantDescription.model_validate(
        {"enterprise": {"code": "co-khi-mau", "name_vi": "Cơ khí mẫu"}, "sites": [site]}
    )


@dataclass
class Platform:
    """An ingest's settings, and the command beside it."""

    settings: IngestSettings
    folder: Path

    def push(self, sources: dict[str, Any], edge: str = EDGE, why: str = "thêm điểm đo") -> Any:
        """Run the command; return its result."""
        file = self.folder / "sources.yaml"
        file.write_text(yaml.safe_dump({"sources": sources}), encoding="utf-8")
        return CliRunner().invoke(
            app,
            [
                *("edge", "push-config", str(file), "--edge", edge, "--who", "Kỹ Thuật"),
                *("--why", why, "-s", str(self.folder / "ingest.yaml")),
            ],
        )

    def trail(self) -> dict[int, tuple[str, str | None]]:
        """Return state and the edge's words by version."""
        with connect(self.settings.database) as connection:
            rows = connection.execute(
                "select version, state, said from edge_configuration order by version"
            ).fetchall()
        return {version: (state, said) for version, state, said in rows}

    def await_state(self, version: int, state: str) -> str | None:
        """Wait until a version is in a state; return the edge's words."""
        wait_until(
            lambda: self.trail().get(version, ("", None))[0] == state,
            what=f"version {version} to be {state}",
        )
        return self.trail()[version][1]


@pytest.fixture
def platform(tmp_path: Path, broker: MosquittoBroker, plain_database: DatabaseSettings) -> Platform:
    load_plant(plain_database, description())
    settings = IngestSettings(database=plain_database, broker=BrokerSettings(port=broker.port))
    write_settings(tmp_path, settings)
    return Platform(settings, tmp_path)


@pytest.fixture
def machine() -> Iterator[MtConnectAgent]:
    with MtConnectAgent(Item("i-x", "x"), Item("i-y", "y")) as machine:
        machine.observe("i-x", 1, at(1))
        machine.observe("i-y", 2, at(2))
        yield machine


def source(machine: MtConnectAgent, *items: str, **more: Any) -> dict[str, Any]:
    tags = [
        {"name": f"tron-1/{item}", "work_unit": UNIT, "data_item": f"i-{item}"} for item in items
    ]
    return {
        "driver": "mtconnect",
        "url": machine.url,
        "interval_ms": 20,
        "heartbeat_ms": 200,
        "tags": tags,
    } | more


def test_the_trail_tells_what_became_of_each_version(
    tmp_path: Path, platform: Platform, broker: MosquittoBroker, machine: MtConnectAgent
) -> None:
    edge_file = settings_file(
        tmp_path,
        broker.port,
        {"line-1": source(machine, "x")},
        configuration={"probation_s": 2},
    )
    with running(platform.settings), AgentThread(edge_file):
        done = platform.push({"line-1": source(machine, "x", "y")})
        assert done.exit_code == 0, done.output
        assert "version 1 is at the broker" in done.output
        assert platform.await_state(1, "applied") is None

        # Valid for all that the platform can know; only the edge knows its files.
        csv = {
            "driver": "csv",
            "file": "/etc/shadow",
            "time_column": "t",
            "tags": [{"name": "tron-1/z", "work_unit": UNIT, "column": "z"}],
        }
        assert platform.push({"line-1": source(machine, "x"), "more": csv}).exit_code == 0
        assert "files that the edge's own settings do not name" in (
            platform.await_state(2, "refused") or ""
        )
        assert platform.trail()[1] == ("applied", None)

        silent = source(machine, "x", url=f"http://127.0.0.1:{free_port()}")
        assert platform.push({"line-1": silent}).exit_code == 0
        assert "could be read within 2 s" in (platform.await_state(3, "rolled_back") or "")

        broken = source(machine, "x", url="http://a..b/")
        assert platform.push({"line-1": broken}).exit_code == 0
        assert "a..b" in (platform.await_state(4, "rolled_back") or "")
        with connect(platform.settings.database) as connection:
            row = connection.execute("select config_version from edge_status").fetchone()
        assert row == (1,)
    with connect(platform.settings.database) as connection:
        who = connection.execute("select distinct pushed_by, why from edge_configuration")
        assert who.fetchall() == [("Kỹ Thuật", "thêm điểm đo")]


def test_nothing_is_sent_when_the_edge_would_refuse_it(
    platform: Platform, machine: MtConnectAgent
) -> None:
    good = {"line-1": source(machine, "x")}
    for sources, edge, why, words in (
        ({"line-1": source(machine)}, EDGE, "thử", "at least 1 item"),
        ({"line-1": source(machine, "x", speed=3)}, EDGE, "thử", "speed"),
        ({"line-1": source(machine, "x", password="m")}, EDGE, "thử", "password"),
        (good, "co-khi-mau/bien-hoa/edge-9", "thử", "enrolled"),
        (good, "edge-1", "thử", "is not enterprise/site/edge"),
        (good, EDGE, " ", "--why"),
    ):
        answer = platform.push(sources, edge, why)
        assert isinstance(answer.exception, ConfigurationError), words
        assert words in str(answer.exception)
    elsewhere = source(machine, "x")
    elsewhere["tags"][0]["work_unit"] = "dong-chai/chuyen-a/tron-9"
    answer = platform.push({"line-1": elsewhere})
    assert re.search("no machine .*tron-9", str(answer.exception))
    assert platform.trail() == {}


def test_nothing_is_kept_when_the_broker_does_not_take_it(
    tmp_path: Path,
    mosquitto: BrokerFactory,
    plain_database: DatabaseSettings,
    machine: MtConnectAgent,
) -> None:
    load_plant(plain_database, description())
    secret = threading.current_thread().name
    denied = mosquitto(
        passwords={"ingest": secret},
        settings=["acl_file {folder}/acl"],
        files={"acl": "user ingest\ntopic read #\n"},
    )
    for password, words in ((secret, "mend its ACL"), ("wrong", "check the user")):
        settings = IngestSettings(
            database=plain_database,
            broker=BrokerSettings(
                port=denied.port,
                username="ingest",
                password=password,  # type: ignore[arg-type]  # pydantic makes a secret of it
                protocol="5",
            ),
        )
        platform = Platform(settings, tmp_path)
        file = write_settings(tmp_path, settings)
        content = yaml.safe_load(file.read_text())
        content["broker"]["password"] = password
        file.write_text(yaml.safe_dump(content))
        answer = platform.push({"line-1": source(machine, "x")})
        assert isinstance(answer.exception, ConfigurationError), answer.output
        assert words in str(answer.exception)
        assert platform.trail() == {}
