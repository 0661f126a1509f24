"""What the platform tells its edges: refusals, a birth it missed, and that it was set back."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.testclient import TestClient

from api import create_app
from ingest import IngestSettings
from nhipmay.doctor import examine
from plant.native.message import EdgeAddress, Leaf
from plant.settings import BrokerSettings, DatabaseSettings
from store import connect, load_plant
from tests.integration.edge.agents import AgentThread, settings_file
from tests.integration.edge.plants import UNIT, publish
from tests.integration.ingest.test_push_config import description
from tests.integration.ingests import fetched, running
from tests.peers.services import MosquittoBroker
from tests.plants.api_plant import api_settings
from tests.waiting import wait_until

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
ADDRESS = EdgeAddress("co-khi-mau", "bien-hoa", "edge-1")


def recording(folder: Path, name: str, rows: range, *tags: dict[str, Any]) -> dict[str, Any]:
    """A source that reads a recording of a number x and a text y."""
    lines = [f"{(START + timedelta(seconds=row)).isoformat()},{row},chữ {row}" for row in rows]
    (folder / f"{name}.csv").write_text("\n".join(["t,x,y", *lines]), encoding="utf-8")
    whole = tags or ({"name": "tron-1/x", "work_unit": UNIT, "column": "x"},)
    return {
        name: {
            "driver": "csv",
            "file": str(folder / f"{name}.csv"),
            "time_column": "t",
            "rate": "max",
            "tags": list(whole),
        }
    }


def of(database: DatabaseSettings, broker: MosquittoBroker) -> IngestSettings:
    load_plant(database, description())
    return IngestSettings(database=database, broker=BrokerSettings(port=broker.port))


def test_the_edge_is_told_what_is_refused_and_it_counts_as_incomplete(
    tmp_path: Path,
    plain_database: DatabaseSettings,
    broker: MosquittoBroker,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = recording(
        tmp_path,
        "record",
        range(100),
        {"name": "tron-1/x", "work_unit": UNIT, "column": "x"},
        {"name": "tron-1/nowhere", "work_unit": "xuong/nao/do", "column": "x"},
        {"name": "tron-1/words", "work_unit": UNIT, "column": "y"},
    )
    file = settings_file(tmp_path, broker.port, source)
    with running(of(plain_database, broker)), AgentThread(file) as agent:
        counters = agent.join()
    assert (counters.acknowledged, counters.rejected) == (300, 200)
    said = capsys.readouterr().out
    for reason, tag in (
        ("unknown_work_unit", "tron-1/nowhere"),
        ("unknown_tag", "tron-1/nowhere"),
        ("wrong_type", "tron-1/words"),
    ):
        assert any(
            "platform_refuses" in line and f"reason={reason}" in line and f"tag={tag}" in line
            for line in said.splitlines()
        ), (reason, said)
    with TestClient(
        create_app(api_settings(plain_database)), base_url="http://localhost"
    ) as client:
        (told,) = client.get("/api/v1/edges").json()["data"]
    assert (told["gaps"], told["completeness"]) == ({"refused": 200}, 100 / 300)
    assert plain_database.password is not None
    settings = plain_database.model_dump(mode="json") | {
        "password": plain_database.password.get_secret_value()
    }
    (tmp_path / "ingest.yaml").write_text(
        yaml.safe_dump({"database": settings, "broker": {"port": broker.port}})
    )
    found = {finding.words for finding in examine([tmp_path / "ingest.yaml"]) if not finding.ok}
    assert any(words.startswith("100 × wrong_type: set value_type") for words in found), found


def test_a_birth_that_the_platform_missed_is_said_again(
    tmp_path: Path, plain_database: DatabaseSettings, broker: MosquittoBroker
) -> None:
    ingest = of(plain_database, broker)
    file = settings_file(tmp_path, broker.port, recording(tmp_path, "record", range(100)))
    with AgentThread(file) as agent:
        wait_until(lambda: agent.latest.published, what="data, which follow the birth")
        # A broker that does not give what it keeps to a subscription by pattern.
        publish(broker, ADDRESS.topic(Leaf.BIRTH), b"", retain=True)
        with running(ingest):
            assert agent.join().acknowledged == 100
    assert fetched(plain_database, "select count(*) from measurement") == [(100,)]


def test_all_is_sent_again_when_the_platform_has_never_heard_of_the_epoch(
    tmp_path: Path, plain_database: DatabaseSettings, broker: MosquittoBroker
) -> None:
    ingest = of(plain_database, broker)

    def measured(name: str, rows: range) -> None:
        file = settings_file(tmp_path, broker.port, recording(tmp_path, name, rows))
        with running(ingest), AgentThread(file) as agent:
            agent.join()

    measured("first", range(300))
    with connect(plain_database) as connection:
        connection.execute("truncate measurement, delivery_ledger, edge_status, dirty_window")
        connection.execute("delete from delivery_lag")
        connection.execute("delete from tag")
    # The edge was restarted, and the broker keeps what it was told before.
    measured("second", range(300, 350))
    found = fetched(plain_database, "select value from measurement order by 1")
    assert [int(value) for (value,) in found] == list(range(350))
    ledger = fetched(plain_database, "select committed::text, dropped::text from delivery_ledger")
    assert ledger == [("{[1,351)}", "{}")]
