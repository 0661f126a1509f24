"""The laws of conservation, in every scrape of a loaded edge and ingest."""

import urllib.request
from http.client import HTTPException
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from ingest import IngestSettings
from ingest.settings import GroupSettings
from plant.settings import BrokerSettings, DatabaseSettings
from store import connect, load_plant
from tests.integration.edge.agents import AgentThread, settings_file
from tests.integration.edge.plants import UNIT
from tests.integration.ingest.test_push_config import description
from tests.integration.ingests import running
from tests.peers.services import MosquittoBroker, free_port
from tests.waiting import HANG_S

ROWS = 12_000
Samples = dict[tuple[str, str], float]

EDGE_FATES = ("repeat", "suppressed", "refused", "stored")


def scrape(port: int) -> Samples:
    """Return every sample by name and label; nothing before the service serves."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=HANG_S) as answer:
            text = answer.read().decode()
    except (OSError, HTTPException):
        # It has not begun to serve, or has ended.
        return {}
    return {
        (sample.name, sample.labels.get("as", "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def check(samples: Samples, whole: str, parts: str, rest: str, *kinds: str) -> None:
    """Check one law in one scrape."""
    settled = [samples[f"{parts}_total", kind] for kind in kinds]
    assert samples[f"{whole}_total", ""] == sum(settled) + samples[rest, ""], samples
    assert min(*settled, samples[rest, ""]) >= 0


def check_edge(samples: Samples) -> None:
    of = "nhipmay_edge_readings"
    check(samples, of, f"{of}_settled", f"{of}_waiting", *EDGE_FATES)
    of = "nhipmay_edge_outbox_rows"
    check(samples, of, f"{of}_settled", f"{of}_waiting", "confirmed", "dropped")


def check_ingest(samples: Samples) -> None:
    for what in ("messages", "measurements"):
        of = f"nhipmay_ingest_{what}"
        check(
            samples,
            f"{of}_received",
            f"{of}_settled",
            f"{of}_queued",
            "written",
            "duplicate",
            "rejected",
        )


def test_nothing_is_unaccounted_for_in_any_scrape_under_load(
    tmp_path: Path, broker: MosquittoBroker, plain_database: DatabaseSettings
) -> None:
    load_plant(plain_database, description())
    lines = ["t,x,y"]
    for number in range(ROWS):
        stamp = f"2026-03-02T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}Z"
        # Beyond what is physically possible now and then: a rejection.
        lines.append(f"{stamp},{9e9 if number % 500 == 0 else number},{number // 10}")
    (tmp_path / "record.csv").write_text("\n".join(lines) + "\n")
    recording = {
        "driver": "csv",
        "file": str(tmp_path / "record.csv"),
        "time_column": "t",
        "rate": "max",
        "tags": [
            {"name": "tron-1/x", "work_unit": UNIT, "column": "x", "high": 1e9},
            {"name": "tron-1/y", "work_unit": UNIT, "column": "y", "deadband": 0.5},
        ],
    }
    edge_port, ingest_port = free_port(), free_port()
    file = settings_file(
        tmp_path, broker.port, {"record": recording}, publishing={"batch_rows": 50}
    )
    file.write_text(file.read_text() + f"metrics_port: {edge_port}\n")
    settings = IngestSettings(
        database=plain_database,
        broker=BrokerSettings(port=broker.port),
        metrics_port=ingest_port,
        group=GroupSettings(max_rows=500),
    )
    edge: Samples = {}
    scrapes = 0
    with running(settings), AgentThread(file) as agent:
        while agent.counters is None and agent.error is None:
            if found := scrape(edge_port):
                check_edge(found)
                edge = found
                scrapes += 1
            if found := scrape(ingest_port):
                check_ingest(found)
        counters = agent.join()
        last = scrape(ingest_port)
    assert scrapes > 3
    assert edge["nhipmay_edge_readings_settled_total", "suppressed"] > 0
    assert counters.taken == 2 * ROWS
    assert counters.acknowledged == counters.written
    fates = {
        kind: last["nhipmay_ingest_measurements_settled_total", kind]
        for kind in ("written", "rejected")
    }
    assert fates["written"] + fates["rejected"] == counters.written
    assert fates["rejected"] == ROWS // 500
    with connect(plain_database) as connection:
        row = connection.execute("select sum(count) from delivery_lag").fetchone()
    assert row is not None
    assert int(row[0]) == fates["written"]
