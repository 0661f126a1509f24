"""Asking the API, as its tests do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi.testclient import TestClient
from pydantic import SecretStr

from api import ApiSettings, create_app

TOKEN = "bi-mat"


@contextmanager
def may_write(settings: ApiSettings) -> Iterator[TestClient]:
    """Yield a client with the token of an installation of these settings."""
    guarded = settings.model_copy(update={"token": SecretStr(TOKEN)})
    with TestClient(create_app(guarded), base_url="http://localhost") as client:
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        yield client


def data(client: TestClient, path: str, **params: Any) -> list[dict[str, Any]]:
    response = client.get(f"/api/v1/{path}", params=params)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["data"]
    return found


def problem(client: TestClient, path: str, **params: Any) -> dict[str, Any]:
    response = client.get(path, params=params)
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    assert found["status"] == response.status_code
    assert found["request_id"] == response.headers["x-request-id"]
    return found
