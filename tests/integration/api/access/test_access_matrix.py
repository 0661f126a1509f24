"""Who may see what: every route x every role x own and foreign data x each kind of credential."""

import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from api.access.role import Right, Role
from store import connect
from store.access.account import audit_rows
from tests.peers.compose_roles import compose_database
from tests.peers.postgres import PostgresServer
from tests.plants.two_enterprises import (
    FOREIGN,
    FOREIGN_MACHINE,
    FOREIGN_SITE,
    FOREIGN_WORDS,
    OWN_MACHINE,
    OWN_SITE,
    Town,
    prepared,
)
from tests.unit.api.access.test_declarations import OPEN, routes

# By hand, a letter per role that may: technician, engineer, operator, manager, officer (D),
# approver (P), administrator, service with a token of every right. A route that is missing here
# fails the test.
MAY = {
    "GET /api/v1/places": "TEMDPS",
    "GET /api/v1/oee": "TEMDPS",
    "GET /api/v1/stops": "TEMOS",
    "GET /api/v1/stop-reasons": "TEMOS",
    "GET /operator": "TEMOS",
    "GET /operator/{path:path}": "TEMOS",
    "GET /api/v1/operator/now": "TEMOS",
    "POST /api/v1/operator/scrap": "EMO",
    "POST /api/v1/operator/order": "EMO",
    "POST /api/v1/stops/classification": "EMO",
    "POST /api/v1/stops/divisions": "EMO",
    "GET /api/v1/counters/judgements": "TEMS",
    "POST /api/v1/counters/verdicts": "EMS",
    "POST /api/v1/mes/{kind}": "EMS",
    "POST /api/v1/mes-files": "EMS",
    "POST /api/v1/mes-files/layout": "EMS",
    "GET /api/v1/mes-files/template": "EMS",
    "GET /import": "EMS",
    "GET /sites": "TEMDPS",
    "GET /tablets": "EM",
    "POST /tablets": "EM",
    "POST /tablets/{tablet}/revocation": "EM",
    "POST /api/v1/anomalies/remarks": "EMO",
    **dict.fromkeys(
        (
            *("POST /api/v1/anomalies/models", "POST /api/v1/anomalies/models/decision"),
            *("POST /api/v1/anomalies/limits", "POST /api/v1/anomalies/limits/change"),
            *("GET /api/v1/anomalies/channels", "POST /api/v1/anomalies/channels"),
            "POST /api/v1/anomalies/channels/removal",
        ),
        "EMS",
    ),
    "POST /programme": "D",
    "POST /programme/enterprises": "D",
    "POST /programme/releases": "D",
    "POST /programme/frameworks": "D",
    "GET /programme/forms": "D",
    "GET /programme/record/{record}/preview": "DP",
    "GET /programme/record/{record}/document": "DP",
    "POST /programme/consents": "M",
    "POST /programme/consents/{consent}/withdrawal": "M",
    "GET /api/v1/programme/datasets": "DPS",
    "GET /api/v1/programme/datasets/{dataset}/rows": "DP",
    **dict.fromkeys(
        (
            *(
                "GET /programme",
                "GET /programme/enterprise/{place}",
                "GET /programme/record/{record}",
            ),
            *("GET /programme/comparison", "GET /programme/sharing", "GET /programme/frameworks"),
            "GET /programme/record/{record}/figure/{metric}",
            "GET /programme/record/{record}/attachment/{attachment}",
            "GET /api/v1/programme/records",
        ),
        "EMDP",
    ),
    "POST /programme/record/{record}/step": "EMDP",
    **dict.fromkeys(
        ("POST /programme/record/{record}/level", "POST /programme/record/{record}/documents"), "D"
    ),
    **dict.fromkeys(
        (
            *("POST /programme/records", "POST /programme/record/{record}/values"),
            *("POST /programme/record/{record}/machines", "POST /programme/record/{record}/points"),
            "POST /programme/record/{record}/evidence",
            "POST /programme/record/{record}/attachments",
        ),
        "EMD",
    ),
    "GET /metrics": "AS",
    "GET /account": "TEMODPAS",
    "POST /account/password": "TEMODPAS",
    "POST /account/second-factor": "TEMODPAS",
    "POST /sign-out": "TEMODPAS",
    "GET /api/v1/openapi.json": "TEMODPAS",
    "GET /reference": "TEMODPAS",
} | {
    f"GET {path}": "TEMS"
    for path in (
        *("/", "/place/{path:path}", "/fleet", "/events", "/board/{board}/{path:path}"),
        "/trend/{path:path}",
        *("/api/v1/tags", "/api/v1/measurements", "/api/v1/measurements.csv", "/api/v1/states"),
        *("/api/v1/measurements.parquet", "/api/v1/measurements.xlsx"),
        *("/api/v1/series", "/api/v1/changes"),
        *("/api/v1/oee/table", "/api/v1/stops/pareto", "/api/v1/boards/{board}", "/api/v1/kpi"),
        "/api/v1/boards/{board}/{table}",
        *("/api/v1/losses", "/api/v1/restatements", "/api/v1/faults", "/api/v1/capability"),
        *("/api/v1/delivery", "/api/v1/edges", "/api/v1/configurations", "/api/v1/progress"),
        *("/api/v1/mes/{kind}", "/api/v1/mes-events"),
        *("/corrections/{path:path}", "/api/v1/corrections"),
        *("/anomalies/{path:path}", "/api/v1/anomalies/events", "/api/v1/anomalies/event"),
        *("/api/v1/anomalies/precision", "/api/v1/anomalies/signals", "/api/v1/anomalies/models"),
        *("/api/v1/anomalies/limits", "/api/v1/anomalies/flood"),
    )
}
LETTER = {
    "T": Role.TECHNICIAN,
    "E": Role.ENGINEER,
    "O": Role.OPERATOR,
    "M": Role.MANAGER,
    "D": Role.OFFICER,
    "P": Role.APPROVER,
    "A": Role.ADMINISTRATOR,
    "S": Role.SERVICE,
}
ENDLESS = {"GET /events", "GET /api/v1/changes"}
"""Streams: looked at only where they are refused."""


@pytest.fixture(scope="module")
def town(timescale_server: PostgresServer) -> Iterator[Town]:
    with compose_database(timescale_server) as owner:
        prepared(owner)
        town = Town(owner)
        for role in Role:
            town.logins[role] = town.add(role, f"{role.value}.mot")
        yield town
        town.close()


def asked(route: str, place: str) -> tuple[str, str, dict[str, str]]:
    method, _, path = route.partition(" ")
    path = (
        path.replace("{path:path}", place)
        .replace("{board}", "hours")
        .replace("{kind}", "products")
        .replace("{place}", place.partition("/")[0])
        .replace("{record}", "1")
        .replace("{metric}", "E01")
        .replace("{dataset}", "nmtm-chi-tieu")
    )
    tag = f"{'/'.join(place.split('/')[:2])}/cua/state"
    params = {"place": place, "tag": tag, "kind": "hour"}
    if path in {
        "/",
        "/sites",
        "/fleet",
        "/operator",
        "/import",
        "/metrics",
        "/account",
        "/reference",
    }:
        params = {}
    if route.endswith(("delivery", "edges", "configurations", "progress", "places")):
        params = {}
    if route.endswith("template"):
        params = {"kind": "products"}
    return method, path, params


def call(client: TestClient, route: str, place: str) -> tuple[int, str]:
    method, path, params = asked(route, place)
    answer = client.request(method, path, params=params)
    return answer.status_code, answer.text


def all_routes(town: Town) -> list[str]:
    app = town.client().app
    found = [
        f"{method} {route.path}"
        for route in routes(app)  # type: ignore[arg-type]
        for method in sorted((route.methods or set()) - {"HEAD"})
        if route.path not in OPEN
    ]
    return sorted(found)


def test_the_matrix_names_every_route(town: Town) -> None:
    assert set(MAY) == set(all_routes(town))


@pytest.mark.parametrize("credential", ["session", "personal", "client"])
@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_what_the_matrix_says(town: Town, role: Role, credential: str) -> None:
    client = who(town, role, credential)
    letter = next(letter for letter, one in LETTER.items() if one is role)
    place = OWN_SITE if letter in "DP" else OWN_MACHINE
    wrong = []
    for route, letters in MAY.items():
        # What changes the session itself is tried elsewhere.
        if "/account/" in route or "/sign-out" in route:
            continue
        may = letter in letters
        if may and route in ENDLESS:
            continue
        status, text = call(client, route, place)
        let_in = status not in {401, 403, 303} and not (status == 404 and "nobody" in text)
        if route == "GET /account" and credential != "session":
            continue
        if let_in is not may:
            wrong.append((route, status, text[:80]))
    assert wrong == []


@pytest.mark.parametrize(
    ("role", "credential"),
    [
        *((role, "session") for role in Role),
        *(
            (role, kind)
            for role in (Role.ENGINEER, Role.OFFICER)
            for kind in ("personal", "client")
        ),
        (Role.SERVICE, "client"),
    ],
)
def test_nothing_of_another_enterprise_is_in_any_answer(
    town: Town, role: Role, credential: str
) -> None:
    client = who(town, role, credential)
    for route in set(MAY) - ENDLESS:
        if "/account" in route or "/sign-out" in route:
            continue
        for place in (FOREIGN_MACHINE, FOREIGN_SITE):
            method, path, params = asked(route, place)
            status, text = call(client, route, place)
            named = bool(params) or place in path
            if role in {Role.OFFICER, Role.APPROVER}:
                assert "tien-1" not in text.replace(FOREIGN_MACHINE, ""), (route, text[:200])
                continue
            if named and method == "GET" and "template" not in route:
                assert status in {403, 404, 422}, (route, place, status)
            # The address itself may be repeated in the words of a refusal.
            address = place.partition("/")[0] if "{place}" in route else place
            told = text.replace(address, "")
            assert not any(word in told for word in FOREIGN_WORDS), (route, text)


def test_whoever_shows_nothing_is_let_in_nowhere(town: Town) -> None:
    client = town.client()
    for route in MAY:
        status, _ = call(client, route, OWN_MACHINE)
        assert status in {401, 303}, (route, status)


def test_an_own_place_gives_data_and_a_foreign_one_none(town: Town) -> None:
    client = who(town, Role.ENGINEER, "session")

    own = client.get("/api/v1/stops", params={"place": OWN_MACHINE})
    everything = client.get("/api/v1/places").json()["data"]

    assert own.status_code == 200
    assert {row["path"].split("/")[0] for row in everything} == {"dong-nai"}
    officer = who(town, Role.OFFICER, "session").get("/api/v1/places").json()["data"]
    assert {row["level"] for row in officer} == {"enterprise", "site"}
    assert len({row["path"].split("/")[0] for row in officer}) == 2


def test_nobody_writes_documents_of_another_enterprise(town: Town) -> None:
    client = who(town, Role.ENGINEER, "personal")
    documents = [{"enterprise": FOREIGN, "code": "x", "name_vi": "x"}]

    refused = client.post("/api/v1/mes/products", json={"documents": documents})
    documents[0]["enterprise"] = "dong-nai"
    written = client.post("/api/v1/mes/products", json={"documents": documents})

    assert (refused.status_code, written.status_code) == (422, 200), refused.text
    assert refused.json()["errors"][0]["reason"] == "outside_scope"


def test_what_was_changed_and_what_was_not_theirs_is_in_the_audit(town: Town) -> None:
    client = who(town, Role.TECHNICIAN, "personal")
    client.get("/api/v1/stops", params={"place": FOREIGN_MACHINE})
    client.post("/api/v1/mes/products", json={"documents": []})

    with connect(town.owner) as connection:
        entries = [json.loads(entry) for _, entry, _ in audit_rows(connection)][-2:]
    assert [(one["action"], one["target"], one["result"]) for one in entries] == [
        ("GET /api/v1/stops", FOREIGN_MACHINE, "foreign"),
        ("POST /api/v1/mes/{kind}", "/api/v1/mes/products", "403"),
    ]
    assert {one["who"].partition("/")[0] for one in entries} == {town.logins[Role.TECHNICIAN]}
    assert all(one["from"] and one["request"] for one in entries)


def test_nobody_classifies_stops_of_another_enterprise(town: Town) -> None:
    client = who(town, Role.OPERATOR, "session")
    said = {
        "client_id": "3f0c4b66-6f4c-4f0e-9d5a-0f5f0f9f6a01",
        "stop_start": "2026-03-03T00:00:00Z",
        "reason": "thu",
    }

    foreign = client.post("/api/v1/stops/classification", json=said | {"place": FOREIGN_MACHINE})
    own = client.post("/api/v1/stops/classification", json=said | {"place": OWN_MACHINE})

    assert foreign.status_code == 404
    assert own.status_code == 201, own.text


def who(town: Town, role: Role, credential: str) -> TestClient:
    login = town.logins[role]
    if credential != "session":
        return town.with_token(login, list(Right), credential)
    client = town.signed_in(login)
    if role in {Role.OFFICER, Role.APPROVER, Role.ADMINISTRATOR}:
        # As if the second factor had been shown; without it they may do nothing yet.
        with town.store.transaction() as t:
            t._connection.execute("update access.session set strong = true")
    return client


def test_the_department_sees_sites_of_all_and_no_machine(town: Town) -> None:
    officer = who(town, Role.OFFICER, "session").get("/sites").text
    engineer = who(town, Role.ENGINEER, "session").get("/sites").text

    assert officer.count('<section class="card">') == 2
    assert engineer.count('<section class="card">') == 1
    assert "Độ phủ dữ liệu" in officer
    for word in ("tien-1", "Máy", OWN_MACHINE.rpartition("/")[2]):
        assert word not in officer.replace("Nhịp Máy", "").replace("nhà máy", "")
