"""The dashboards are sent to a running Grafana."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import dashboards
from plant.errors import ConfigurationError, TransientError

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
