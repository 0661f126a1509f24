"""The service through outages, at its start and its end, and its streams."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import psycopg
import pytest
import structlog
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api import ApiSettings, create_app, run
from plant.errors import ConfigurationError
from plant.settings import DatabaseSettings
from tests.api_asking import data, problem
from tests.peers.postgres import PostgresServer
from tests.peers.services import free_port, url_of
from tests.peers.serving import served
from tests.plants.api_plant import LINE, api_settings, seed
from tests.waiting import HANG_S


@pytest.fixture
def lonely_client() -> Iterator[TestClient]:
    """A client of an API whose database does not answer."""
    with TestClient(
        create_app(api_settings(DatabaseSettings(port=free_port()))), base_url="http://localhost"
    ) as client:
        yield client


def test_the_service_says_so_when_the_database_is_away(lonely_client: TestClient) -> None:
    assert lonely_client.get("/health/live").status_code == 200
    ready = lonely_client.get("/health/ready")
    assert ready.status_code == 503
    assert "refused" in ready.json()["detail"]
    assert problem(lonely_client, "/api/v1/places")["type"].endswith(":database-down")
    page = lonely_client.get("/")
    assert page.status_code == 503
    assert "Không đọc được cơ sở dữ liệu" in page.text
    assert "nhipmay_api_database_up 0.0" in lonely_client.get("/metrics").text


def test_what_is_logged_of_a_request_bears_its_id(lonely_client: TestClient) -> None:
    with structlog.testing.capture_logs(
        processors=[structlog.contextvars.merge_contextvars]
    ) as logged:
        answer = lonely_client.get("/api/v1/places", headers={"X-Request-ID": "ca-1.7"})
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "ca-1.7"
    assert [one["request_id"] for one in logged if one["event"] == "database_unavailable"] == [
        "ca-1.7"
    ]
    with structlog.testing.capture_logs(
        processors=[structlog.contextvars.merge_contextvars]
    ) as logged:
        structlog.get_logger().info("between_requests")
    assert "request_id" not in logged[0]


def test_the_service_recovers_when_its_connections_are_cut(
    client: TestClient, filled: DatabaseSettings
) -> None:
    data(client, "places")
    with psycopg.connect(url_of(filled), autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
    assert len(data(client, "places")) == 9


def test_readiness_asks_for_migrations_when_the_database_is_empty(
    plain_postgres_server: PostgresServer,
) -> None:
    name = plain_postgres_server.create_database()
    with TestClient(
        create_app(api_settings(plain_postgres_server.settings(name))), base_url="http://localhost"
    ) as client:
        ready = client.get("/health/ready")
        assert ready.status_code == 503
        assert "nhipmay migrate" in ready.json()["detail"]
        assert (
            "nhipmay migrate" in problem(client, "/api/v1/oee", place=LINE, kind="hour")["detail"]
        )
    plain_postgres_server.drop_database(name)


def test_everything_but_health_needs_the_token_when_there_is_one(
    plain_database: DatabaseSettings,
) -> None:
    settings = api_settings(plain_database, token=SecretStr("bí mật"))
    with TestClient(create_app(settings), base_url="http://localhost") as client:
        assert client.get("/health/live").status_code == 200
        assert client.get("/health/ready").status_code == 200
        # A person is asked for it; see the tests of signing in.
        assert client.get("/").url.path == "/sign-in"
        for path in ("/api/v1/places", "/metrics", "/events", "/api/v1/openapi.json"):
            refused = client.get(path)
            assert refused.status_code == 401, path
            assert refused.headers["www-authenticate"] == "Bearer"
        for wrong in ("Bearer", "Bearer nope", "Basic bí mật"):
            headers = {b"Authorization": wrong.encode()}
            assert client.get("/api/v1/places", headers=headers).status_code == 401
        right = {b"Authorization": "bearer bí mật".encode()}
        assert client.get("/api/v1/places", headers=right).status_code == 200


def test_the_port_is_named_when_it_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        # The database is not there either: the port is what is said first.
        settings = ApiSettings(port=port, database=DatabaseSettings(port=port))
        with pytest.raises(ConfigurationError, match=f"port {port} .* in use"):
            run(settings, threading.Event())


def test_the_start_is_refused_when_the_password_is_wrong(
    plain_postgres_server: PostgresServer,
) -> None:
    right = plain_postgres_server.settings()
    wrong = right.model_copy(update={"password": SecretStr("wrong")})
    with pytest.raises(ConfigurationError, match="password"):
        run(ApiSettings(port=free_port(), database=wrong), threading.Event())


class EventReader:
    """Reads server-sent events off a connection."""

    def __init__(self, port: int, path: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=HANG_S)
        self._connection.request("GET", path)
        self._response = self._connection.getresponse()
        assert self._response.status == 200
        assert self._response.headers["Content-Type"].startswith("text/event-stream")

    def next(self) -> tuple[str, dict[str, Any]]:
        """Return id and content of the next change."""
        fields: dict[str, str] = {}
        while True:
            line = self._response.readline().decode()
            assert line, "the stream ended"
            name, _, value = line.rstrip("\n").partition(": ")
            if name:
                fields[name] = value
            elif "data" in fields:
                return fields["id"], json.loads(fields["data"])

    def ends(self) -> bool:
        """Tell whether the stream ends without another change, and close it."""
        with contextlib.closing(self._connection):
            return not any(line.startswith(b"event:") for line in self._response)


def test_a_stream_sends_only_what_changed_and_ends_with_the_service(
    plain_database: DatabaseSettings,
) -> None:
    seed(plain_database)
    settings = api_settings(plain_database, port=free_port(), refresh_s=0.2)
    with served(settings) as stop:
        events = EventReader(settings.port, f"/events?place={LINE}&lang=en")
        first_id, everything = events.next()
        assert set(everything["regions"]) == {"banner", "line_oee", "machines", "pareto_table"}
        assert set(everything["charts"]) == {"pareto"}
        with psycopg.connect(url_of(plain_database)) as connection:
            connection.execute(
                "update oee_result set oee = 0.5 from place where path = %s"
                " and oee_result.place_id = place.place_id and not final",
                (LINE,),
            )
        changed_id, changed = events.next()
        assert changed_id != first_id
        assert set(changed["regions"]) == {"line_oee"}
        assert changed["charts"] == {}
        assert "50.0%" in changed["regions"]["line_oee"]
        # Whoever comes back with the newest id is told nothing until something changes.
        again = EventReader(settings.port, f"/events?place={LINE}&lang=en&seen={changed_id}")
        stop.set()
        assert events.ends()
        assert again.ends()


def test_a_stream_is_refused_when_the_place_is_unknown(client: TestClient) -> None:
    assert problem(client, "/events", place="nowhere")["type"].endswith(":unknown-place")
