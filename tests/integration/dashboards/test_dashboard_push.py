"""The dashboards are sent to a running Grafana."""

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import pytest
from pydantic import SecretStr

import dashboards
from dashboards.alerting import rule_group
from plant.errors import ConfigurationError, TransientError
from plant.settings import DatabaseSettings

UIDS = [name.removesuffix(".json") for name in dashboards.files()]


class FakeGrafana(ThreadingHTTPServer):
    """Remembers what it is sent; `refusal` is the status it answers everything with."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), FakeGrafanaHandler)
        self.seen: list[tuple[str, str, Any]] = []
        self.folders: set[str] = set()
        self.refusal: int | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class FakeGrafanaHandler(BaseHTTPRequestHandler):
    server: FakeGrafana

    def do_GET(self) -> None:
        self._take(None)

    def do_POST(self) -> None:
        self._take(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _take(self, body: Any) -> None:
        self.server.seen.append((self.command, self.path, body))
        if self.headers["Authorization"] != "Bearer a-token":
            self._answer(401, {"message": "Unauthorized"})
        elif self.server.refusal is not None:
            self._answer(self.server.refusal, {"message": "Cannot save provisioned dashboard"})
        elif self.path == "/api/folders" and body is not None:
            self.server.folders.add(body["uid"])
            self._answer(200, body)
        elif self.path.startswith("/api/folders/"):
            known = self.path.rpartition("/")[2] in self.server.folders
            self._answer(200 if known else 404, {"message": "folder not found"})
        else:
            self._answer(200, {"uid": body["dashboard"]["uid"], "status": "success"})

    def _answer(self, status: int, body: Any) -> None:
        payload = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def grafana() -> Iterator[FakeGrafana]:
    with FakeGrafana() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_push_makes_the_folder_once_and_sends_every_dashboard(grafana: FakeGrafana) -> None:
    assert dashboards.push(grafana.url, "a-token") == UIDS
    assert dashboards.push(grafana.url, "a-token") == UIDS

    made = [path for verb, path, _ in grafana.seen if (verb, path) == ("POST", "/api/folders")]
    sent = [body for _, path, body in grafana.seen if path == "/api/dashboards/db"]
    assert len(made) == 1
    assert len(sent) == 2 * len(UIDS)
    assert all(body["overwrite"] and body["folderUid"] == "nm" for body in sent)
    assert sent[0]["dashboard"] == json.loads(dashboards.files()["nm-enterprise.json"])


def test_push_says_what_grafana_refuses(grafana: FakeGrafana) -> None:
    with pytest.raises(ConfigurationError, match="Unauthorized"):
        dashboards.push(grafana.url, "another-token")
    grafana.refusal = 400
    with pytest.raises(ConfigurationError, match="Cannot save provisioned dashboard"):
        dashboards.push(grafana.url, "a-token")


def test_push_may_be_tried_again_when_grafana_is_away_or_fails(grafana: FakeGrafana) -> None:
    grafana.refusal = 503
    with pytest.raises(TransientError, match="503"):
        dashboards.push(grafana.url, "a-token")
    with pytest.raises(TransientError, match="cannot be used"):
        dashboards.push("http://127.0.0.1:1", "a-token")


# --- an organisation per tenant ---


CONTACTS = "/api/v1/provisioning/contact-points"
POLICIES = "/api/v1/provisioning/policies"
FIRST_TREE = {
    "receiver": "grafana-default-email",
    "routes": [{"receiver": "night", "object_matchers": [["team", "=", "night"]]}],
}


class FakeOrganisations(ThreadingHTTPServer):
    """What a Grafana keeps by organisation: data sources, folders, boards, rules."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), OrganisationsHandler)
        self.names: dict[str, int] = {"Main Org.": 1}
        self.kept: dict[tuple[int, str], Any] = {}
        self.made = 0


class OrganisationsHandler(FakeGrafanaHandler):
    server: FakeOrganisations  # type: ignore[assignment]

    def do_DELETE(self) -> None:
        self._take(None)

    def do_PUT(self) -> None:
        self._take(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _take(self, body: Any) -> None:
        path = unquote(self.path)
        organisation = int(self.headers["X-Grafana-Org-Id"] or 0)
        names, kept = self.server.names, self.server.kept
        if self.headers["Authorization"] != "Basic " + b64encode(b"admin:secret").decode():
            self._answer(401, {"message": "Invalid username or password"})
        elif path.startswith("/api/orgs/name/"):
            number = names.get(path.rpartition("/")[2])
            self._answer(200 if number else 404, {"id": number, "message": "not found"})
        elif path == "/api/orgs":
            names[body["name"]] = len(names) + 1
            self._answer(200, {"orgId": names[body["name"]]})
        elif self.command == "DELETE":
            del kept[organisation, path]
            self._answer(200, {})
        elif path == CONTACTS and self.command == "GET":
            points = [
                one for (of, at), one in kept.items() if of == organisation and CONTACTS in at
            ]
            self._answer(200, points)
        elif path == POLICIES and self.command == "GET":
            self._answer(200, kept.get((organisation, path), FIRST_TREE))
        elif self.command == "GET":
            known = (organisation, path) in kept
            self._answer(200 if known else 404, {"message": "not found"})
        else:
            place = {
                "/api/datasources": lambda: f"/api/datasources/uid/{body['uid']}",
                "/api/folders": lambda: f"/api/folders/{body['uid']}",
                CONTACTS: lambda: f"{CONTACTS}/{body['uid']}",
                "/api/dashboards/db": lambda: f"/d/{body['dashboard']['uid']}",
            }.get(path, lambda: path)()
            self.server.made += (organisation, place) not in kept
            kept[organisation, place] = body
            self._answer(200, {"uid": place.rpartition("/")[2]})


@pytest.fixture
def organisations() -> Iterator[FakeOrganisations]:
    with FakeOrganisations() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def login(user: str) -> DatabaseSettings:
    return DatabaseSettings(host="database", user=user, password=SecretStr(f"word of {user}"))


TENANTS = [
    dashboards.Tenant(
        "Cơ khí mẫu", login("nm_one"), "https://api:8000", "token-1", dashboards.TENANT_BOARDS
    ),
    dashboards.Tenant(
        "Sở Công Thương", login("nm_two"), boards=dashboards.DEPARTMENT_BOARDS, alerts=False
    ),
]


def test_each_tenant_has_an_organisation_with_its_own_login(
    organisations: FakeOrganisations,
) -> None:
    url = f"http://127.0.0.1:{organisations.server_address[1]}"

    said = dashboards.push_tenants(url, ("admin", "secret"), TENANTS)
    made = organisations.made
    again = dashboards.push_tenants(url, ("admin", "secret"), TENANTS)

    assert (
        said
        == again
        == ["Cơ khí mẫu: 9 boards, 8 alert rules", "Sở Công Thương: 1 boards, 0 alert rules"]
    )
    assert organisations.made == made
    assert list(organisations.names) == ["Main Org.", "Cơ khí mẫu", "Sở Công Thương"]
    kept = organisations.kept
    assert {number for number, _ in kept} == {2, 3}
    sources = {number: kept[number, "/api/datasources/uid/nm-postgres"] for number in (2, 3)}
    assert [source["user"] for source in sources.values()] == ["nm_one", "nm_two"]
    assert sources[2]["secureJsonData"] == {"password": "word of nm_one"}
    assert (3, "/api/datasources/uid/nm-api") not in kept
    assert (3, "/d/nm-machine") not in kept
    assert (2, "/d/nm-department") not in kept


def test_alerts_reach_whom_they_are_to_and_other_routes_stay(
    organisations: FakeOrganisations,
) -> None:
    url = f"http://127.0.0.1:{organisations.server_address[1]}"
    both = ("an@example.vn", "binh@example.vn", "https://hooks.example.vn/nhipmay")
    kept = organisations.kept

    for notify in (both, both):
        dashboards.push_tenants(url, ("admin", "secret"), [replace(TENANTS[0], notify=notify)])
    mail, hook = kept[2, f"{CONTACTS}/nm-mail"], kept[2, f"{CONTACTS}/nm-hook-1"]
    assert mail["settings"]["addresses"] == "an@example.vn;binh@example.vn"
    assert hook["settings"] == {"url": "https://hooks.example.vn/nhipmay"}
    assert mail["name"] == hook["name"] == "nhipmay"
    tree = kept[2, POLICIES]
    assert tree["receiver"] == "grafana-default-email"
    ours, other = tree["routes"]
    assert other == FIRST_TREE["routes"][0]
    assert ours["receiver"] == "nhipmay"
    # It takes exactly what our rules are labelled with.
    labels = [rule["labels"] for rule in rule_group()["rules"]]
    assert {(name, one[name]) for one in labels for name in ("product",)} == {
        (name, value) for name, _, value in ours["object_matchers"]
    }
    assert {one["severity"] for one in labels} == {"warning", "critical"}
    # Who is not named any more is not called any more.
    dashboards.push_tenants(url, ("admin", "secret"), [replace(TENANTS[0], notify=both[:1])])
    assert (2, f"{CONTACTS}/nm-hook-1") not in kept
    assert kept[2, f"{CONTACTS}/nm-mail"]["settings"]["addresses"] == "an@example.vn"


def test_whom_alerts_reach_is_left_alone_when_nobody_is_named(
    organisations: FakeOrganisations,
) -> None:
    url = f"http://127.0.0.1:{organisations.server_address[1]}"

    dashboards.push_tenants(url, ("admin", "secret"), TENANTS)

    assert not [path for _, path in organisations.kept if path in {CONTACTS, POLICIES}]


def test_a_wrong_password_is_told(organisations: FakeOrganisations) -> None:
    url = f"http://127.0.0.1:{organisations.server_address[1]}"

    with pytest.raises(ConfigurationError, match="Unauthorized"):
        dashboards.push_tenants(url, ("admin", "wrong"), TENANTS)
