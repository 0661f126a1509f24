"""What is sent again is not done again: named requests, and what tablets say."""

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from api import create_app
from api.access.principal import CURRENT, Principal
from api.access.role import Right
from api.http.again.idempotency import IdempotencyKeys
from plant.settings import DatabaseSettings
from store.access.account import AccessStore
from store.access.request_key import RequestKeys
from tests.peers.services import url_of
from tests.plants.api_plant import CNC_1, ENTERPRISE, SITE, api_settings, seed

LIMITS = "/api/v1/anomalies/limits"
LIMIT = {"place": CNC_1, "tag": "cnc-1/spindle_temperature", "side": "high", "value": 90}


@pytest.fixture
def mine(database: DatabaseSettings) -> Iterator[TestClient]:
    seed(database)
    settings = api_settings(database, token=SecretStr("word"))
    with TestClient(
        create_app(settings),
        base_url="http://localhost",
        headers={"Authorization": "Bearer word", "Sec-Fetch-Site": "same-origin"},
        raise_server_exceptions=False,
    ) as client:
        yield client


def counted(database: DatabaseSettings, table: str) -> int:
    with psycopg.connect(url_of(database)) as connection:
        row = connection.execute(f"select count(*) from {table}".encode()).fetchone()
        assert row is not None
        return int(row[0])


def test_a_named_request_is_done_once_and_answered_alike(
    mine: TestClient, database: DatabaseSettings
) -> None:
    named = {"Idempotency-Key": "a-1"}
    first = mine.post(LIMITS, json=LIMIT, headers=named)
    again = mine.post(LIMITS, json=LIMIT, headers=named)

    assert first.status_code == again.status_code == 201, first.text
    assert again.json() == first.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert counted(database, "anomaly_limit") == 1
    # Without a name, or with another one, it is another request.
    assert mine.post(LIMITS, json=LIMIT, headers={"Idempotency-Key": "a-2"}).status_code == 201
    assert mine.post(LIMITS, json=LIMIT).status_code == 201
    assert counted(database, "anomaly_limit") == 3


def test_a_name_stands_for_one_request(mine: TestClient, database: DatabaseSettings) -> None:
    named = {"Idempotency-Key": "a-1"}
    assert mine.post(LIMITS, json=LIMIT, headers=named).status_code == 201

    for more in ({"json": LIMIT | {"value": 91}}, {"json": LIMIT, "params": {"x": "1"}}):
        other = mine.post(LIMITS, headers=named, **more)
        assert other.status_code == 422
        assert other.json()["type"].endswith("idempotency-key-reused")
    assert counted(database, "anomaly_limit") == 1


def test_whoever_may_less_is_not_told_what_was_answered(database: DatabaseSettings) -> None:
    """All tokens of an account are one consumer, and not all of them have its rights."""
    may = [Right.FIGURES, Right.MASTER_DATA]

    async def secret(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("secret", 201)(scope, receive, send)

    named = IdempotencyKeys(secret, keys=RequestKeys(AccessStore(database)))

    async def as_somebody(scope: Scope, receive: Receive, send: Send) -> None:
        CURRENT.set(Principal("an", frozenset(may), ENTERPRISE, "bearer", account_id=7))
        await named(scope, receive, send)

    client = TestClient(as_somebody, base_url="http://localhost")
    said: dict[str, Any] = {"headers": {"Idempotency-Key": "a-1"}, "json": LIMIT}
    first, again = client.post(LIMITS, **said), client.post(LIMITS, **said)
    may.remove(Right.MASTER_DATA)
    less = client.post(LIMITS, **said)

    assert (first.status_code, again.text) == (201, "secret")
    assert again.headers["idempotency-replayed"] == "true"
    assert less.status_code == 422
    assert "secret" not in less.text


def test_what_was_refused_may_be_tried_again(mine: TestClient, database: DatabaseSettings) -> None:
    named = {"Idempotency-Key": "a-1"}
    unknown = LIMIT | {"tag": "cnc-1/none"}
    assert mine.post(LIMITS, json=unknown, headers=named).status_code == 404
    assert mine.post(LIMITS, json=LIMIT, headers=named).status_code == 201
    assert counted(database, "anomaly_limit") == 1


def test_what_broke_off_is_not_done_twice(
    mine: TestClient, database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {"Idempotency-Key": "a-1"}
    with monkeypatch.context() as broken:

        def end(*_: Any) -> None:
            # As if the service had ended between the two.
            raise RuntimeError

        broken.setattr(RequestKeys, "finish", end)
        assert mine.post(LIMITS, json=LIMIT, headers=named).status_code == 500
    again = mine.post(LIMITS, json=LIMIT, headers=named)

    assert again.status_code == 409
    assert again.json()["type"].endswith("idempotency-unfinished")
    assert counted(database, "anomaly_limit") == 1


@pytest.mark.parametrize("key", ["", "x" * 201, "a b", "é"])
def test_a_name_that_is_none_is_refused(mine: TestClient, key: str) -> None:
    named = {b"Idempotency-Key": key.encode("latin-1")}
    answer = mine.post(LIMITS, json=LIMIT, headers=named)

    assert answer.status_code == 422
    assert answer.json()["type"].endswith("bad-idempotency-key")


def test_whoever_shows_nothing_takes_no_name(mine: TestClient, database: DatabaseSettings) -> None:
    answer = mine.post(
        LIMITS, json=LIMIT, headers={"Idempotency-Key": "a-1", "Authorization": "Basic x"}
    )

    assert answer.status_code == 401
    assert counted(database, "access.request_key") == 0


def test_names_are_forgotten_after_their_time(mine: TestClient, database: DatabaseSettings) -> None:
    assert mine.post(LIMITS, json=LIMIT, headers={"Idempotency-Key": "a-1"}).status_code == 201
    with psycopg.connect(url_of(database)) as connection:
        connection.execute("update access.request_key set expires_at = now() - interval '1 s'")
    assert mine.post(LIMITS, json=LIMIT, headers={"Idempotency-Key": "a-2"}).status_code == 201

    assert counted(database, "access.request_key") == 1


def test_an_order_that_a_tablet_says_again_begins_once(
    mine: TestClient, database: DatabaseSettings
) -> None:
    documents = [
        {
            "site": SITE,
            "number": "PO-9",
            "work_center": CNC_1.rpartition("/")[0],
            "product": "truc-a",
            "planned_quantity": 5,
        }
    ]
    product = {"enterprise": ENTERPRISE, "code": "truc-a", "name_vi": "Trục"}
    for kind, found in (("products", [product]), ("orders", documents)):
        written = mine.post(f"/api/v1/mes/{kind}", json={"documents": found, "who": "x"})
        assert written.status_code == 200, written.text
    said = {"client_id": str(uuid.uuid4()), "place": CNC_1, "order": "PO-9", "waited_s": 60}
    first = mine.post("/api/v1/operator/order", json=said)
    # It says it again as the answer was lost on its way; meanwhile time has gone by.
    again = mine.post("/api/v1/operator/order", json=said | {"waited_s": 600})

    assert first.status_code == again.status_code == 201, first.text
    assert again.json() == first.json()
    assert counted(database, "order_run") == 1
    other = mine.post("/api/v1/operator/order", json=said | {"order": "PO-10"})
    assert (other.status_code, other.json()["type"]) == (
        409,
        "urn:nhipmay:problem:client-id-reused",
    )


def test_an_order_whose_writing_broke_off_begins_at_the_same_moment(
    mine: TestClient, database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = {"enterprise": ENTERPRISE, "code": "truc-a", "name_vi": "Trục"}
    order = {
        "site": SITE,
        "number": "PO-9",
        "work_center": CNC_1.rpartition("/")[0],
        "product": "truc-a",
        "planned_quantity": 5,
    }
    for kind, found in (("products", product), ("orders", order)):
        mine.post(f"/api/v1/mes/{kind}", json={"documents": [found], "who": "x"})
    said = {"client_id": str(uuid.uuid4()), "place": CNC_1, "order": "PO-9", "waited_s": 60}
    with monkeypatch.context() as broken:

        def end(*_: Any) -> None:
            raise RuntimeError

        broken.setattr(RequestKeys, "finish", end)
        assert mine.post("/api/v1/operator/order", json=said).status_code == 500
    assert mine.post("/api/v1/operator/order", json=said | {"waited_s": 600}).status_code == 201

    assert counted(database, "order_run") == 1


def test_scrap_that_is_said_again_is_answered_as_before_when_nothing_is_made_any_more(
    mine: TestClient, database: DatabaseSettings
) -> None:
    product = {"enterprise": ENTERPRISE, "code": "truc-a", "name_vi": "Trục"}
    mine.post("/api/v1/mes/products", json={"documents": [product], "who": "x"})
    said = {"client_id": str(uuid.uuid4()), "place": CNC_1, "quantity": 3}
    first = mine.post("/api/v1/operator/scrap", json=said)
    assert first.status_code == 201, first.text
    with psycopg.connect(url_of(database)) as connection:
        connection.execute("update state_interval set product_code = null, order_number = null")
    again = mine.post("/api/v1/operator/scrap", json=said)

    assert (again.status_code, again.json()) == (201, first.json())
    assert counted(database, "scrap_booking") == 1
    # What was never taken is refused, and may be said again once it is known what is made.
    other = said | {"client_id": str(uuid.uuid4())}
    refused = mine.post("/api/v1/operator/scrap", json=other)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:nhipmay:problem:no-product")
    with psycopg.connect(url_of(database)) as connection:
        connection.execute("update state_interval set product_code = 'truc-a'")
    assert mine.post("/api/v1/operator/scrap", json=other).status_code == 201


def test_scrap_whose_writing_broke_off_is_booked_once_when_nothing_is_made_any_more(
    mine: TestClient, database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = {"enterprise": ENTERPRISE, "code": "truc-a", "name_vi": "Trục"}
    mine.post("/api/v1/mes/products", json={"documents": [product], "who": "x"})
    said = {"client_id": str(uuid.uuid4()), "place": CNC_1, "quantity": 3}
    with monkeypatch.context() as broken:

        def end(*_: Any) -> None:
            raise RuntimeError

        broken.setattr(RequestKeys, "finish", end)
        assert mine.post("/api/v1/operator/scrap", json=said).status_code == 500
    with psycopg.connect(url_of(database)) as connection:
        connection.execute("update state_interval set product_code = null, order_number = null")

    again = mine.post("/api/v1/operator/scrap", json=said)

    assert again.status_code == 201, again.text
    assert counted(database, "scrap_booking") == 1
