"""Every query that the boards send to our API, answered by it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from api import ApiSettings, create_app
from plant.settings import DatabaseSettings
from store.engine.connection import conninfo
from tests.conftest import migrate
from tests.integration.dashboards.grafana_plant import (
    BOARDS,
    END,
    LINE,
    SEED,
    START,
    UNIT,
    rows,
    variables,
)
from tests.peers.compose_roles import as_role, compose_database
from tests.peers.postgres import PostgresServer

KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "timestamp": (str,),
}
PANELS = [
    pytest.param(uid, panel, id=f"{uid}-{panel['id']}")
    for uid, board in sorted(BOARDS.items())
    for panel in board["panels"]
    if any("url" in target for target in panel["targets"])
]


@pytest.fixture(scope="module")
def reader(timescale_server: PostgresServer) -> Iterator[DatabaseSettings]:
    with compose_database(timescale_server) as settings:
        migrate(settings)
        with psycopg.connect(conninfo(settings)) as connection:
            connection.execute(SEED.read_bytes())
        yield as_role(settings, "nhipmay_reader")


@pytest.fixture(scope="module")
def client(reader: DatabaseSettings) -> Iterator[TestClient]:
    application = create_app(ApiSettings(database=reader))
    with TestClient(application, base_url="http://localhost") as client:
        yield client


def sent(query: dict[str, Any], uid: str) -> dict[str, str]:
    """Return the parameters as Grafana fills them in."""
    times = {"${__timeFrom:date:iso}": START, "${__timeTo:date:iso}": END}
    found = {}
    for parameter in query["url_options"]["params"]:
        value = parameter["value"]
        if value in times:
            value = f"{times[value]:%Y-%m-%dT%H:%M:%S.000Z}"
        for name, chosen in variables(uid).items():
            value = value.replace(f"${{{name}}}", chosen)
        assert "$" not in value
        found[parameter["key"]] = value
    return found


@pytest.mark.parametrize(("uid", "panel"), PANELS)
def test_an_answer_holds_every_column_with_its_type(
    uid: str, panel: dict[str, Any], client: TestClient
) -> None:
    for query in panel["targets"]:
        answer = client.get(query["url"], params=sent(query, uid))
        assert answer.status_code == 200, answer.text
        found = answer.json()[query["root_selector"]]
        for row in found:
            for column in query["columns"]:
                value = row[column["selector"]]
                assert value is None or isinstance(value, KINDS[column["type"]]), column
                if column["type"] == "timestamp":
                    assert value is None or str(value).endswith("Z")


def test_a_longer_range_is_served_as_far_as_it_may_be(client: TestClient) -> None:
    """Not an error without words on a panel."""
    answer = client.get(
        "/api/v1/boards/waterfall/waterfall",
        params={
            "place": LINE,
            "start": (END - timedelta(days=400)).isoformat(),
            "end": END.isoformat(),
        },
    )

    assert answer.status_code == 200
    assert answer.json()["meta"]["start"].startswith("2025-11-29")
    assert answer.json()["data"]


def test_an_unknown_table_is_named(client: TestClient) -> None:
    answer = client.get("/api/v1/boards/stops/none", params={"place": LINE})

    assert answer.status_code == 422
    assert "pareto" in answer.json()["detail"]


def test_database_and_api_give_the_same_figures(
    client: TestClient, reader: DatabaseSettings
) -> None:
    answer = client.get(
        "/api/v1/oee",
        params={
            "place": UNIT,
            "kind": "shift",
            "start": START.isoformat(),
            "end": END.isoformat(),
        },
    ).json()["data"]
    with psycopg.connect(conninfo(reader)) as connection:
        drawn = rows(connection, "place_trend", variables("nm-machine"))

    factors = ("oee", "availability", "effectiveness", "quality_ratio", "coverage")
    assert drawn
    assert [[row[one] for one in factors] for row in drawn] == [
        [row[one] for one in factors] for row in answer
    ]
