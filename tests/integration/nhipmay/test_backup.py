"""The restore drill: a real backup, more data, the backup restored, and everybody goes on."""

import hashlib
import os
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from fastapi.testclient import TestClient
from psycopg import sql
from typer.testing import CliRunner

from api import create_app
from edge_agent import Counters
from ingest import IngestSettings
from nhipmay.cli import app
from plant.settings import BrokerSettings, DatabaseSettings
from store import load_plant
from tests.integration.edge.agents import AgentThread, settings_file
from tests.integration.edge.plants import UNIT
from tests.integration.ingest.test_push_config import description
from tests.integration.ingests import fetched, running
from tests.peers.services import MosquittoBroker, recorded, url_of
from tests.plants.api_plant import api_settings

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
KEPT = 20_000
"""Confirmed rows that an edge keeps."""


@pytest.fixture
def programs() -> str:
    """What stands before PostgreSQL's programs of the version of the test's server."""
    entry = recorded("timescaledb")
    return shlex.join([*entry["prefix"], "env", f"PATH={entry['bin']}:{os.environ['PATH']}"])


@pytest.fixture
def settings(tmp_path: Path, database: DatabaseSettings) -> Iterator[Path]:
    """The settings file of the commands; databases that they leave behind are dropped."""
    assert database.password is not None
    content = database.model_dump(mode="json", exclude={"tls"})
    content["password"] = database.password.get_secret_value()
    file = tmp_path / "database.yaml"
    file.write_text(yaml.safe_dump({"database": content}), encoding="utf-8")
    yield file
    for name in databases(database, f"{database.name}_%"):
        with psycopg.connect(
            url_of(database.model_copy(update={"name": "postgres"})), autocommit=True
        ) as connection:
            connection.execute(
                sql.SQL("drop database {} with (force)").format(sql.Identifier(name))
            )


def databases(server: DatabaseSettings, pattern: str) -> list[str]:
    found = fetched(server, f"select datname from pg_database where datname like '{pattern}'")
    return [name for (name,) in found]


def run_command(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, (result.output, result.exception)
    return " ".join(result.output.split())


class Edge:
    """An edge that measures now and then: each time it reads a recording and ends."""

    def __init__(self, folder: Path, broker: MosquittoBroker) -> None:
        self._folder = folder
        self._broker = broker
        self._rows = 0

    def measure(self, rows: int) -> Counters:
        """Take so many measurements; return the counters once all of them are confirmed."""
        name = f"record-{self._rows}"
        numbers = range(self._rows, self._rows + rows)
        lines = [
            "t,x",
            *(f"{(START + timedelta(seconds=number)).isoformat()},{number}" for number in numbers),
        ]
        self._rows += rows
        (self._folder / f"{name}.csv").write_text("\n".join(lines))
        source: dict[str, Any] = {
            "driver": "csv",
            "file": str(self._folder / f"{name}.csv"),
            "time_column": "t",
            "rate": "max",
            "tags": [{"name": "tron-1/x", "work_unit": UNIT, "column": "x"}],
        }
        file = settings_file(self._folder, self._broker.port, {name: source})
        with AgentThread(file) as agent:
            return agent.join()


def values(database: DatabaseSettings) -> list[int]:
    return [
        int(value) for (value,) in fetched(database, "select value from measurement order by 1")
    ]


@pytest.mark.vital
def test_what_a_restore_loses_is_a_named_gap_and_everything_later_arrives(
    tmp_path: Path,
    database: DatabaseSettings,
    settings: Path,
    programs: str,
    broker: MosquittoBroker,
    capsys: pytest.CaptureFixture[str],
) -> None:
    load_plant(database, description())
    ingest = IngestSettings(database=database, broker=BrokerSettings(port=broker.port))
    edge = Edge(tmp_path, broker)
    backup = tmp_path / "night.dump"
    with running(ingest):
        edge.measure(2_000)
        said = run_command("backup", backup, "--settings", settings, "--programs", programs)
        assert f"wrote {backup}" in said
        edge.measure(KEPT + 4_000)
    assert len(values(database)) == KEPT + 6_000

    said = run_command("restore", backup, "--settings", settings, "--programs", programs)
    (former,) = databases(database, f"{database.name}_before_%")
    assert former in said
    assert len(values(database)) == 2_000

    capsys.readouterr()
    with running(ingest):
        edge.measure(500)
    assert "platform_set_back" in capsys.readouterr().out

    # What the edge still had came again, each value once; only what it had deleted is missing.
    lost = 4_000
    expected = [*range(2_000), *range(2_000 + lost, KEPT + 6_500)]
    assert values(database) == expected
    ledgers = fetched(database, "select committed::text, dropped::text, set_back::text, issued_id"
                                " from delivery_ledger")  # fmt: skip
    first, last, end = 2_001, 2_000 + lost, KEPT + 6_500
    gap = f"{{[{first},{last + 1})}}"
    assert ledgers == [(f"{{[1,{first}),[{last + 1},{end + 1})}}", gap, gap, end)]
    # The former database is whole, to look into.
    assert len(values(database.model_copy(update={"name": former}))) == KEPT + 6_000

    with TestClient(create_app(api_settings(database)), base_url="http://localhost") as client:
        (told,) = client.get("/api/v1/edges").json()["data"]
        page = client.get("/fleet", headers={"accept-language": "vi"}).text
    assert told["gaps"] == {"platform_set_back": lost}
    assert "platform_set_back" in told["advice"]
    assert "Nền tảng bị lùi về một bản cũ và mất 4.000 giá trị" in page


def test_a_restore_that_fails_leaves_the_present_database_as_it_was(
    tmp_path: Path, database: DatabaseSettings, settings: Path, programs: str
) -> None:
    load_plant(database, description())
    backup = tmp_path / "night.dump"
    run_command("backup", backup, "--settings", settings, "--programs", programs)
    options = ("--settings", str(settings), "--programs", programs)

    def refusal(*words: str) -> str:
        return str(CliRunner().invoke(app, [*words, *options]).exception)

    assert "never replaces" in refusal("backup", str(backup))
    whole = backup.read_bytes()
    backup.write_bytes(whole[: len(whole) * 2 // 3])
    assert "cut short" in refusal("restore", str(backup))
    other = tmp_path / "other.dump"
    other.write_bytes(b"something else")
    assert "only with its checksum" in refusal("restore", str(other))
    checksum = hashlib.sha256(other.read_bytes()).hexdigest()
    (tmp_path / "other.dump.sha256").write_text(f"{checksum}  other.dump\n")
    assert "pg_restore failed" in refusal("restore", str(other))
    assert "cannot be started" in str(
        CliRunner().invoke(app, ["backup", str(tmp_path / "x"), "--programs", "/no/such"]).exception
    )
    assert databases(database, f"{database.name}_%") == []
    assert fetched(database, "select count(*) from edge") == [(1,)]
