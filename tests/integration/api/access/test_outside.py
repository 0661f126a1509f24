"""Who reads machine-level data from outside is in the audit; no question works for minutes."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api import ApiSettings, create_app
from api.access.role import Right, Role
from plant.settings import DatabaseSettings
from store import connect
from store.access.account import audit_rows
from store.engine.connection import conninfo
from tests.peers.compose_roles import compose_database
from tests.peers.postgres import PostgresServer
from tests.plants.two_enterprises import FOREIGN_MACHINE, OWN_MACHINE, Town, prepared

TOKEN = "of the installation"


@pytest.fixture(scope="module")
def town(timescale_server: PostgresServer) -> Iterator[Town]:
    with compose_database(timescale_server) as owner:
        prepared(owner)
        town = Town(owner)
        yield town
        town.close()


def entries(owner: DatabaseSettings) -> list[dict[str, Any]]:
    with connect(owner) as connection:
        return [json.loads(entry) for _, entry, _ in audit_rows(connection)]


def test_the_token_of_the_installation_leaves_an_entry_per_route_and_enterprise(
    town: Town,
) -> None:
    app = create_app(town.settings.model_copy(update={"token": SecretStr(TOKEN)}))
    with TestClient(
        app, base_url="http://localhost", headers={"Authorization": f"Bearer {TOKEN}"}
    ) as client:
        for place in (OWN_MACHINE, FOREIGN_MACHINE, OWN_MACHINE):
            assert client.get("/api/v1/stops", params={"place": place}).status_code == 200
        assert client.get("/fleet").status_code == 200
        assert client.get("/api/v1/places").status_code == 200
        read = [one for one in entries(town.owner) if one["who"] == "installation"]
        assert [(one["action"], one["target"], one["result"]) for one in read] == [
            ("read GET /api/v1/stops", "dong-nai", "outside"),
            ("read GET /api/v1/stops", "co-khi-thu", "outside"),
            ("read GET /fleet", "every enterprise", "outside"),
        ]

        # What cannot be noted is not answered.
        with psycopg.connect(conninfo(town.owner), autocommit=True) as owner:
            function = "on function access.append_audit (jsonb)"
            owner.execute(f"revoke execute {function} from nhipmay_writer".encode())
            try:
                refused = client.get("/api/v1/kpi", params={"place": FOREIGN_MACHINE})
            finally:
                owner.execute(f"grant execute {function} to nhipmay_writer".encode())
        assert refused.status_code >= 500
        assert "data" not in refused.json()
    app.state.context.accounts.close()


def test_people_of_an_enterprise_read_their_own_without_an_entry(town: Town) -> None:
    client = town.with_token(town.add(Role.ENGINEER, "ky-su.ben-trong"), list(Right))
    before = len(entries(town.owner))

    assert client.get("/api/v1/stops", params={"place": OWN_MACHINE}).status_code == 200

    assert len(entries(town.owner)) == before


def operations() -> list[tuple[str, dict[str, Any]]]:
    document = create_app(ApiSettings()).openapi()
    return [
        (path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method == "get" and path.startswith("/api/")
    ]


@pytest.mark.parametrize(
    "path",
    [
        p
        for p, operation in operations()
        if any(one["name"] == "start" for one in operation.get("parameters", []))
    ],
)
def test_no_window_is_without_bounds(town: Town, path: str) -> None:
    client = town.with_token(
        town.add(Role.ENGINEER, f"ky-su{path.replace('/', '.')[:60]}"), list(Right)
    )
    asked = {"place": OWN_MACHINE, "tag": f"{'/'.join(OWN_MACHINE.split('/')[:2])}/cua/state"}
    window = {"start": "1990-01-02T00:00:00Z", "end": "2199-01-01T00:00:00Z"}

    answer = client.get(path.replace("{board}", "hours"), params=asked | window)

    assert answer.status_code == 422, (path, answer.text[:200])


@pytest.mark.parametrize(
    ("path", "operation"), operations(), ids=[path for path, _ in operations()]
)
def test_no_parameter_is_without_bounds(path: str, operation: dict[str, Any]) -> None:
    loose = []
    for one in operation.get("parameters", []):
        if one["in"] == "path" or one["name"] == "after":
            # Looked up in a list, and matched by a pattern.
            continue
        schemas = one["schema"].get("anyOf", [one["schema"]])
        for schema in schemas:
            bounded = {
                "maximum",
                "exclusiveMaximum",
                "maxLength",
                "enum",
                "const",
                "format",
                "$ref",
            }
            if schema.get("type") in {"integer", "string"} and not bounded & set(schema):
                loose.append(one["name"])
            if schema.get("type") == "array" and "maxItems" not in schema:
                loose.append(one["name"])
    assert loose == []
