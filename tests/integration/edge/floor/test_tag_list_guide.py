"""The commands of the guide *From a PLC's tag list to live values*, as they stand there."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import Workbook
from typer.testing import CliRunner

from ingest import IngestSettings
from nhipmay.cli import app
from plant.settings import BrokerSettings, DatabaseSettings
from store import load_plant
from tests.integration.edge.agents import AgentThread
from tests.integration.edge.floor.modbus_go import GoModbus, built, running
from tests.integration.ingest.test_push_config import description
from tests.integration.ingests import fetched
from tests.integration.ingests import running as ingesting
from tests.peers.services import MosquittoBroker
from tests.waiting import wait_until

PAGE = Path(__file__).parents[4] / "docs" / "how-to" / "from-a-tag-list.md"
RUN = "nhipmay edge -s edge.yaml"


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GoModbus]:
    with running(built(tmp_path_factory.mktemp("modbus-go"))) as one:
        yield one


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def sheet_of_the_page() -> list[list[str]]:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_values_are_in_the_database_when_the_page_is_followed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    plain_database: DatabaseSettings,
    broker: MosquittoBroker,
    server: GoModbus,
) -> None:
    server.set(1, "hr", 0, 0x449A, 0x5000, 0, 1234)
    monkeypatch.chdir(tmp_path)
    book = Workbook()
    page = book.active
    assert page is not None
    for row in [*sheet_of_the_page(), ["hong", "hr:40009", "real", "", ""]]:
        page.append(row)
    book.save(tmp_path / "tags.xlsx")
    (identity,) = blocks("yaml")
    for ours, theirs in (
        ("host: 192.168.1.5, port: 1883", f"host: 127.0.0.1, port: {broker.port}"),
        ("/var/lib/nhipmay/edge-1.sqlite", str(tmp_path / "not-there-yet" / "edge-1.sqlite")),
    ):
        assert ours in identity
        identity = identity.replace(ours, theirs)
    (tmp_path / "identity.yaml").write_text(identity, encoding="utf-8")
    commands = "".join(blocks("sh")).splitlines()
    assert commands[-1] == RUN
    said = {}
    for command in commands[:-1]:
        if command.startswith("nhipmay "):
            ours = command.replace("--host 192.168.1.10", f"--host 127.0.0.1 --port {server.port}")
            result = CliRunner().invoke(app, ours.split()[1:], terminal_width=200)
            assert result.exit_code == 0, (command, result.output, result.exception)
            said[command.split()[2]] = result.output
        else:
            subprocess.run(command, shell=True, check=True)
    assert "line 4 (hong): 'hr:40009' has two meanings" in said["import-tags"]
    assert "1234.5" in said["read"]
    assert "2 of 2 tags have a value" in said["-s"]
    load_plant(plain_database, description())
    ingest = IngestSettings(database=plain_database, broker=BrokerSettings(port=broker.port))
    with ingesting(ingest), AgentThread(tmp_path / "edge.yaml"):
        wait_until(
            lambda: len(fetched(plain_database, "select distinct value from measurement")) == 2,
            what="both values in the database",
        )
    found = fetched(plain_database, "select distinct value from measurement order by value")
    assert [value for (value,) in found] == [1234.0, 1234.5]
