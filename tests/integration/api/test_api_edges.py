"""The edges by the API: the same figures as the page."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api import create_app
from plant.settings import DatabaseSettings
from tests.plants.api_plant import SITE, api_settings
from tests.plants.fleet_plant import OTHER_SITE, seed_fleet


@pytest.fixture
def fleet(plain_database: DatabaseSettings) -> Iterator[TestClient]:
    seed_fleet(plain_database)
    with TestClient(
        create_app(api_settings(plain_database)), base_url="http://localhost"
    ) as client:
        yield client


def test_edges_configurations_and_gaps_are_told(fleet: TestClient) -> None:
    listed = fleet.get("/api/v1/edges").json()["data"]
    edges: dict[str, dict[str, Any]] = {edge["edge"]: edge for edge in listed}
    assert {path: edge["state"] for path, edge in edges.items()} == {
        f"{SITE}/tram-1": "online",
        f"{SITE}/tram-2": "lost",
        f"{OTHER_SITE}/dong-goi-1": "online",
        f"{OTHER_SITE}/lo-hoi-1": "never",
        f"{OTHER_SITE}/tron-1": "online",
    }
    full = edges[f"{OTHER_SITE}/tron-1"]
    assert full["gaps"] == {"waiting": 220_000, "dropped": 40_000, "unknown": 20_000}
    assert full["completeness"] == full["committed"] / full["issued"] == 1_440_000 / 1_720_000
    assert full["configuration"]["state"] == "rolled_back"
    assert full["advice"] == [
        *("buffer_short", "unknown_missing", "dropped", "sources", "clock"),
        *("config_failed", "late"),
    ]
    well = edges[f"{OTHER_SITE}/dong-goi-1"]
    assert (well["completeness"], well["advice"]) == (1.0, [])
    assert well["lag_p50_s"] == pytest.approx(0.235, abs=0.001)
    never = edges[f"{OTHER_SITE}/lo-hoi-1"]
    assert (never["completeness"], never["last_seen"]) == (None, None)
    assert edges[f"{SITE}/tram-1"]["rejections"] == {"out_of_range": 1}

    trail = fleet.get("/api/v1/configurations", params={"edge": well["edge"]}).json()["data"]
    assert [row["version"] for row in trail] == [3, 2]
    assert trail[0]["pushed_by"] == "Trần Thị Kỹ Thuật"

    lives = fleet.get("/api/v1/delivery").json()["data"]
    (old,) = [life for life in lives if life["epoch"] == "cu"]
    assert not old["present"]
    assert old["gaps"] == [{"first_id": 51, "last_id": 62, "count": 12, "reason": "lost_life"}]


def test_edges_have_the_same_columns_in_a_file_whatever_they_lack(fleet: TestClient) -> None:
    answer = fleet.get("/api/v1/edges", params={"format": "csv"})
    lines = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    edges = {line["edge"]: line for line in lines}

    full, never = edges[f"{OTHER_SITE}/tron-1"], edges[f"{OTHER_SITE}/lo-hoi-1"]
    assert {name: full[f"gaps.{name}"] for name in ("waiting", "dropped", "lost_life")} == {
        "waiting": "220000",
        "dropped": "40000",
        "lost_life": "0",
    }
    assert (full["configuration.version"], never["configuration.version"]) == ("5", "")
    assert full["advice"].startswith("buffer_short; unknown_missing")
    assert edges[f"{SITE}/tram-1"]["rejections"] == "out_of_range: 1"
