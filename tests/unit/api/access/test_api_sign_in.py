"""A browser shows the token once and has a cookie from then on; programs send a header."""

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api import ApiSettings, create_app
from api.access.session import SESSION_COOKIE, session_of
from plant.settings import DatabaseSettings

TOKEN = "khóa-bí-mật"
# Nothing listens there: whoever is let in hears that the database is away.
NOWHERE = DatabaseSettings(port=1)


@pytest.fixture
def client() -> TestClient:
    settings = ApiSettings(database=NOWHERE, token=SecretStr(TOKEN))
    return TestClient(create_app(settings), base_url="http://localhost", follow_redirects=False)


def test_a_person_is_led_to_sign_in_and_back(client: TestClient) -> None:
    asked = client.get("/board/hours/a/b?hours=8")
    assert asked.status_code == 303
    where = asked.headers["location"]
    assert where == "/sign-in?next=%2Fboard%2Fhours%2Fa%2Fb%3Fhours%3D8"
    assert client.get(where).status_code == 200

    wrong = client.post(where, data={"token": "khác"})
    assert wrong.status_code == 403
    assert "set-cookie" not in wrong.headers
    right = client.post(where, data={"token": TOKEN})

    assert (right.status_code, right.headers["location"]) == (303, "/board/hours/a/b?hours=8")
    kept = right.headers["set-cookie"]
    assert "HttpOnly" in kept
    assert "SameSite=lax" in kept
    assert TOKEN not in kept


@pytest.mark.parametrize("path", ["/api/v1/places", "/metrics", "/import"])
def test_a_cookie_lets_in_where_the_header_does(client: TestClient, path: str) -> None:
    refused = client.get(path).status_code
    client.cookies.set(SESSION_COOKIE, session_of(TOKEN))
    let_in = client.get(path).status_code

    assert refused == (303 if path == "/import" else 401)
    assert let_in not in {303, 401}


@pytest.mark.parametrize("cookie", ["", "x", session_of("khác"), "é".encode().decode("latin-1")])
def test_another_cookie_lets_nobody_in(client: TestClient, cookie: str) -> None:
    answer = client.get(
        "/api/v1/places", headers={b"Cookie": f"{SESSION_COOKIE}={cookie}".encode()}
    )

    assert answer.status_code == 401


def test_a_wrong_header_is_refused_whatever_the_cookie(client: TestClient) -> None:
    client.cookies.set(SESSION_COOKIE, session_of(TOKEN))

    assert client.get("/api/v1/places", headers={"Authorization": "Bearer x"}).status_code == 401


@pytest.mark.parametrize("next_", ["//evil.example", "https://evil.example", "/\\evil.example", ""])
def test_nobody_is_led_to_another_site(client: TestClient, next_: str) -> None:
    answer = client.post("/sign-in", params={"next": next_}, data={"token": TOKEN})

    assert answer.headers["location"] == "/"


def test_a_long_body_is_refused(client: TestClient) -> None:
    assert client.post("/sign-in", content=b"token=" + b"x" * 20_000).status_code == 413


def test_there_is_nothing_to_sign_in_to_without_a_token() -> None:
    client = TestClient(
        create_app(ApiSettings(database=NOWHERE)),
        base_url="http://localhost",
        follow_redirects=False,
    )
    answer = client.post("/sign-in", data={"token": "x"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "set-cookie" not in answer.headers
