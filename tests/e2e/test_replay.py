"""Recorded runs of real machines, through a real edge agent, broker and ingest."""

import csv
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

import edge_agent
from plant.settings import DatabaseSettings
from tests.peers.services import MosquittoBroker, url_of
from tests.waiting import HANG_S

EXAMPLES = Path(edge_agent.__file__).parent / "drivers" / "csv" / "examples"

Row = tuple[str, datetime, float]


def written(file: Path, content: dict[str, Any]) -> Path:
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return file


@pytest.fixture
def platform(
    database: DatabaseSettings, broker: MosquittoBroker, tmp_path: Path
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The platform's settings file and broker block, with an ingest running."""
    block = {
        **database.model_dump(exclude={"password", "password_file"}),
        "password": database.secret(),
    }
    at_broker = {"host": "127.0.0.1", "port": broker.port}
    settings = written(tmp_path / "ingest.yaml", {"database": block, "broker": at_broker})
    with running("ingest", settings, tmp_path / "ingest.log"):
        yield written(tmp_path / "platform.yaml", {"database": block}), at_broker


@contextmanager
def running(command: str, settings: Path, log: Path) -> Iterator[None]:
    argv = [sys.executable, "-m", "nhipmay", command, "--settings", str(settings)]
    with log.open("wb") as output, subprocess.Popen(argv, stderr=output) as process:
        try:
            yield
        finally:
            process.terminate()


def replay(file: Path, example: str, platform: tuple[Path, dict[str, Any]], folder: Path) -> str:
    settings, broker = platform
    content = yaml.safe_load((EXAMPLES / example).read_text(encoding="utf-8"))
    mapping = written(folder / "map.yaml", content | {"broker": broker})
    arguments = ["replay", str(file), "--map", str(mapping), "--settings", str(settings)]
    done = subprocess.run(
        [sys.executable, "-m", "nhipmay", *arguments],
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def recorded_rows(file: Path, example: str) -> Iterator[Row]:
    """Yield what the file says, read without any code of the project."""
    layout = yaml.safe_load((EXAMPLES / example).read_text(encoding="utf-8"))["csv"]
    with file.open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines, delimiter=layout.get("separator", ",")):
            moment = datetime.fromisoformat(line[layout["time_column"]]).replace(tzinfo=UTC)
            for tag in layout["tags"]:
                yield tag["name"], moment, float(line[tag["column"]])


def stored_rows(database: DatabaseSettings) -> Counter[Row]:
    with psycopg.connect(url_of(database)) as connection:
        found = connection.execute(
            "select name, source_time, value from measurement join tag using (tag_id)"
            " where quality = 0"
        )
        return Counter((name, moment.astimezone(UTC), value) for name, moment, value in found)


@pytest.mark.slow
def test_the_database_equals_the_files_when_the_rig_is_replayed(
    platform: tuple[Path, dict[str, Any]],
    database: DatabaseSettings,
    shared_data: Path,
    tmp_path: Path,
) -> None:
    files = sorted((shared_data / "skab" / "valve1").glob("*.csv"))[::4]
    assert len(files) == 4
    expected: Counter[Row] = Counter()
    for file in files:
        rows = Counter(recorded_rows(file, "skab.yaml"))
        assert f"{rows.total()} measurements are committed" in replay(
            file, "skab.yaml", platform, tmp_path
        ).replace("\n", " ")
        expected += rows
    assert stored_rows(database) == expected


@pytest.mark.slow
def test_the_database_equals_the_file_when_a_machine_temperature_is_replayed(
    platform: tuple[Path, dict[str, Any]],
    database: DatabaseSettings,
    shared_data: Path,
    tmp_path: Path,
) -> None:
    file = shared_data / "nab" / "machine_temperature_system_failure.csv"
    replay(file, "nab.yaml", platform, tmp_path)
    assert stored_rows(database) == Counter(recorded_rows(file, "nab.yaml"))
