"""Shared tablets: enrolled as a place by a code, may do what is done there, and end at once."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from fastapi.testclient import TestClient

from api.access.accounts import AccountError, Caller
from api.access.declaration import right_of
from api.access.entry.tablet import Tablets
from api.access.principal import Principal
from api.access.role import Right, Role
from store import connect
from store.access.account import audit_rows
from store.engine.connection import conninfo
from tests.peers.compose_roles import compose_database
from tests.peers.postgres import PostgresServer
from tests.plants.two_enterprises import (
    FOREIGN_MACHINE,
    FOREIGN_WORDS,
    OWN,
    OWN_MACHINE,
    OWN_SITE,
    Town,
    prepared,
)
from tests.unit.api.access.test_declarations import routes

HERE = Caller("192.0.2.7", "r-1")
LINE = OWN_MACHINE.rpartition("/")[0]
SAID = {
    "client_id": "3f0c4b66-6f4c-4f0e-9d5a-0f5f0f9f6a03",
    "stop_start": "2026-03-03T00:00:00Z",
    "reason": "thu",
}


@pytest.fixture(scope="module")
def town(timescale_server: PostgresServer) -> Iterator[Town]:
    with compose_database(timescale_server) as owner:
        prepared(owner)
        town = Town(owner)
        town.logins = {
            role: town.add(role, f"{role.value}.bang")
            for role in (Role.ENGINEER, Role.OPERATOR, Role.OFFICER)
        }
        yield town
        town.close()


def code_for(town: Town, place: str, name: str = "Bảng chuyền 1") -> str:
    page = town.signed_in(town.logins[Role.ENGINEER]).post(
        "/tablets", data={"place": place, "name": name}
    )
    assert page.status_code == 200, page.text
    return page.text.split('<p class="big-code"><code>')[1].split("<")[0]


def enrolled(town: Town, place: str) -> TestClient:
    client = town.client(headers={"Sec-Fetch-Site": "same-origin"})
    answer = client.post("/enrol", data={"code": code_for(town, place).lower()})
    assert answer.status_code == 303, answer.text
    expected = f"/operator/{place}" if place == OWN_MACHINE else "/operator"
    assert answer.headers["location"] == expected
    assert "HttpOnly" in answer.headers["set-cookie"]
    return client


def test_a_tablet_does_at_its_place_what_is_done_there_and_nothing_else(town: Town) -> None:
    client = enrolled(town, LINE)
    allowed = set()
    app = client.app
    for route in routes(app):  # type: ignore[arg-type]
        for method in (route.methods or set()) - {"HEAD"}:
            if right_of(route.endpoint) is Right.OPEN:
                continue
            path = route.path.replace("{path:path}", OWN_MACHINE)
            answer = client.request(method, path, params={"place": OWN_MACHINE})
            if answer.status_code not in {401, 403}:
                allowed.add(f"{method} {route.path}")
    assert allowed == {
        "GET /operator",
        "GET /operator/{path:path}",
        "GET /api/v1/stops",
        "GET /api/v1/stop-reasons",
        "POST /api/v1/stops/classification",
        "POST /api/v1/stops/divisions",
        "GET /api/v1/operator/now",
        "POST /api/v1/operator/scrap",
        "POST /api/v1/operator/order",
        # Of its machines, as `test_a_tablet_sees_nothing_beside_its_place` of stops.
        "POST /api/v1/anomalies/remarks",
    }

    written = client.post("/api/v1/stops/classification", json=SAID | {"place": OWN_MACHINE})
    assert written.status_code in {200, 201}, written.text
    assert enrolled(town, OWN_MACHINE).get("/operator").text.count('class="tap"') == 1


@pytest.mark.parametrize("elsewhere", [OWN_SITE, FOREIGN_MACHINE, f"{LINE}x", OWN])
def test_a_tablet_sees_nothing_beside_its_place(town: Town, elsewhere: str) -> None:
    client = enrolled(town, OWN_MACHINE)

    assert client.get("/api/v1/stops", params={"place": OWN_MACHINE}).status_code == 200
    for asked in ("/api/v1/stops", "/api/v1/stop-reasons"):
        assert client.get(asked, params={"place": elsewhere}).status_code == 404
    answer = client.post("/api/v1/stops/classification", json=SAID | {"place": elsewhere})
    assert answer.status_code in {404, 422}
    page = client.get("/operator").text
    assert not any(word in page for word in FOREIGN_WORDS)


def test_a_code_is_good_once_for_a_quarter_of_an_hour_and_nobody_guesses_it(town: Town) -> None:
    now = datetime.now(UTC)
    tablets = Tablets(town.store, lambda: now)
    engineer = Principal("x", frozenset(Right), OWN, "session", 1)
    code, late = (tablets.invite(engineer, LINE, "x", HERE) for _ in range(2))

    assert tablets.enrol(code, HERE)
    with pytest.raises(AccountError, match="code_used"):
        tablets.enrol(code, HERE)
    now += timedelta(minutes=15)
    with pytest.raises(AccountError, match="code_used"):
        tablets.enrol(late, HERE)
    town.store.close()

    client = town.client(headers={"Sec-Fetch-Site": "same-origin"}, client=("192.0.2.77", 1))
    tried = [client.post("/enrol", data={"code": f"2222-222{n}"}).status_code for n in range(6)]
    assert tried == [403] * 5 + [429]


def test_a_tablet_ends_when_it_is_revoked_not_used_or_a_year_old(town: Town) -> None:
    now = datetime.now(UTC)
    tablets = Tablets(town.store, lambda: now)
    engineer = Principal("x", frozenset(Right), OWN, "session", 1)
    token, _ = tablets.enrol(tablets.invite(engineer, LINE, "x", HERE), HERE)
    for _ in range(9):
        now += timedelta(days=40)
        assert tablets.of_token(token)
    now += timedelta(days=5)
    assert tablets.of_token(token) is None

    unused, _ = tablets.enrol(tablets.invite(engineer, LINE, "x", HERE), HERE)
    now += timedelta(days=46)
    assert tablets.of_token(unused) is None
    town.store.close()

    client = enrolled(town, LINE)
    with psycopg.connect(conninfo(town.owner)) as connection:
        newest = connection.execute("select max(device_id) from access.device").fetchone()
    assert newest
    at = f"/tablets/{newest[0]}/revocation"
    assert client.post(at).status_code == 403
    assert town.signed_in(town.logins[Role.OPERATOR]).post(at).status_code == 403
    assert town.signed_in(town.logins[Role.ENGINEER]).post(at).status_code == 303
    assert client.get("/api/v1/stops", params={"place": OWN_MACHINE}).status_code == 401


def test_nobody_names_or_ends_a_tablet_of_another_enterprise(town: Town) -> None:
    tablets = Tablets(town.store)
    other = Principal("x", frozenset(Right), "co-khi-thu", "session", 1)
    tablets.invite(other, FOREIGN_MACHINE, "Máy tiện", HERE)
    town.store.close()
    client = town.signed_in(town.logins[Role.ENGINEER])
    with psycopg.connect(conninfo(town.owner)) as connection:
        foreign = connection.execute(
            "select device_id from access.device where path = %s", [FOREIGN_MACHINE]
        ).fetchone()
    assert foreign

    assert client.post("/tablets", data={"place": FOREIGN_MACHINE}).status_code == 404
    assert client.post("/tablets", data={"place": ""}).status_code == 404
    assert client.post(f"/tablets/{foreign[0]}/revocation").status_code == 404
    assert not any(word in client.get("/tablets").text for word in FOREIGN_WORDS)


def test_only_digests_are_kept_and_what_is_done_is_in_the_audit(town: Town) -> None:
    client = enrolled(town, LINE)
    client.post("/api/v1/stops/classification", json=SAID | {"place": OWN_MACHINE})
    shown = client.cookies["session"]

    with psycopg.connect(conninfo(town.owner)) as connection:
        kept = str(connection.execute("select * from access.device").fetchall())
    assert shown not in kept
    with connect(town.owner) as connection:
        entries = [json.loads(entry) for _, entry, _ in audit_rows(connection)]
    last = entries[-1]
    assert last["action"] == "POST /api/v1/stops/classification"
    assert last["who"].startswith("tablet-")
    assert {"tablet-enrolled"} <= {one["action"] for one in entries}
    assert any(one["action"].startswith("tablet-invited") for one in entries)


def test_another_site_cannot_use_a_tablet(town: Town) -> None:
    client = enrolled(town, LINE)
    client.headers["Sec-Fetch-Site"] = "cross-site"

    answer = client.post("/api/v1/stops/classification", json=SAID | {"place": OWN_MACHINE})

    assert answer.status_code == 403
