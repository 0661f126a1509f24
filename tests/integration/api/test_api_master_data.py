"""Master data over HTTP: written with the token only, as a whole or not at all, and told again."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api import ApiSettings, create_app
from plant.mes import KINDS
from plant.settings import DatabaseSettings
from tests.api_asking import may_write
from tests.plants.figure_plant import LINE, SITE, FigurePlant
from tests.plants.mes_documents import ENTERPRISE, SAMPLES

WRONG_TOKEN = {"Authorization": "Bearer khoa-khac"}
PROBLEM = "urn:nhipmay:problem:"


@pytest.fixture
def plant(each_database: DatabaseSettings) -> Iterator[FigurePlant]:
    plant = FigurePlant(each_database)
    yield plant
    plant.close()


@pytest.fixture
def client(plant: FigurePlant) -> Iterator[TestClient]:
    with may_write(ApiSettings(database=plant.database)) as client:
        yield client


def post(client: TestClient, kind: str, *documents: Any, query: str = "", **more: Any) -> Any:
    body = {"documents": list(documents)} | more
    return client.post(f"/api/v1/mes/{kind}{query}", json=body)


def test_documents_are_written_and_told_again(client: TestClient) -> None:
    for kind, sample in SAMPLES.items():
        answer = post(client, kind, sample, who="ERP", reason="khai báo")
        assert answer.status_code == 200, answer.text
        assert answer.json()["committed"]
    for kind in KINDS:
        told = client.get(f"/api/v1/mes/{kind}", params={"place": SITE}).json()["data"]
        again = post(client, kind, *told)
        assert told, kind
        assert again.json()["unchanged"] == len(told), (kind, again.text)


def test_pages_of_documents_follow_one_another(client: TestClient) -> None:
    codes = [f"sp-{n}" for n in range(5)]
    post(client, "products", *(SAMPLES["products"] | {"code": code} for code in codes))

    pages = [
        client.get(
            "/api/v1/mes/products", params={"place": ENTERPRISE, "skip": skip, "limit": 3}
        ).json()["data"]
        for skip in (0, 3)
    ]

    assert [one["code"] for page in pages for one in page] == [*codes, "truc"]


def test_a_page_goes_on_behind_the_last_document_whatever_was_written_meanwhile(
    client: TestClient,
) -> None:
    for kind, sample in SAMPLES.items():
        assert post(client, kind, sample, who="ERP").status_code == 200
    post(client, "products", *(SAMPLES["products"] | {"code": f"sp-{n}"} for n in range(5)))

    def page(kind: str, **more: Any) -> tuple[list[dict[str, Any]], dict[str, str]]:
        asked: dict[str, Any] = {"place": SITE, "limit": 1} | more
        answer = client.get(f"/api/v1/mes/{kind}", params=asked)
        assert answer.status_code == 200, answer.text
        going_on = answer.json()["meta"]["next"]
        return answer.json()["data"], {} if going_on is None else {"after": going_on}

    for kind in KINDS:
        whole, _ = page(kind, limit=1000)
        found, more = page(kind)
        while more:
            rows, more = page(kind, **more)
            found += rows
            assert len(found) <= len(whole), kind
        assert found == whole, kind
    first, more = page("products", limit=2)
    assert [one["code"] for one in first] == ["bac-lot", "sp-0"]
    post(client, "products", SAMPLES["products"] | {"code": "aa"})
    assert [one["code"] for one in page("products", limit=2, **more)[0]] == ["sp-1", "sp-2"]


_NESTED = base64.urlsafe_b64encode(b"[" * 2_000).decode()


@pytest.mark.parametrize(
    "after",
    ["x", "W10=", "WyJhIl0=", "WzEsMl0=", "e30=", "WyJhIiwiXHUwMDAwIl0=", "\u00e9", _NESTED],
)
def test_a_cursor_that_is_none_of_ours_is_refused(client: TestClient, after: str) -> None:
    answer = client.get("/api/v1/mes/products", params={"place": SITE, "after": after})

    assert answer.status_code == 422
    assert answer.json()["type"] == f"{PROBLEM}bad-cursor"


def test_a_cursor_of_another_kind_is_refused(client: TestClient) -> None:
    post(client, "products", *(SAMPLES["products"] | {"code": f"sp-{n}"} for n in range(2)))
    assert post(client, "holidays", SAMPLES["holidays"]).status_code == 200
    asked: dict[str, Any] = {"place": SITE, "limit": 1}
    after = client.get("/api/v1/mes/products", params=asked).json()["meta"]["next"]

    answer = client.get("/api/v1/mes/holidays", params=asked | {"after": after})

    # The same number of fields, and no date.
    assert answer.status_code == 422
    assert answer.json()["type"] == f"{PROBLEM}bad-cursor"


def test_the_trail_tells_who_changed_what_and_why(client: TestClient) -> None:
    post(client, "products", SAMPLES["products"])
    post(
        client, "products", SAMPLES["products"] | {"name_vi": "Bạc lót 35"}, who="An", reason="sai"
    )

    answer = client.get("/api/v1/mes-events", params={"place": SITE, "kind": "products"})

    newest, oldest = answer.json()["data"]
    assert (newest["action"], oldest["action"]) == ("changed", "created")
    assert (newest["who"], newest["reason"]) == ("An", "sai")
    assert (newest["old"]["name_vi"], newest["new"]["name_vi"]) == ("Bạc lót", "Bạc lót 35")
    earlier = client.get(
        "/api/v1/mes-events", params={"place": SITE, "before": newest["event_id"]}
    ).json()["data"]
    assert oldest in earlier
    assert newest not in earlier


def test_nothing_is_written_when_one_document_is_wrong(client: TestClient) -> None:
    good = SAMPLES["orders"] | {"product": "truc"}
    wrong = good | {"number": "2", "planned_quantity": -1, "work_center": f"{SITE}/x/y"}

    answer = post(client, "orders", good, wrong)

    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (422, f"{PROBLEM}documents-refused")
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["name"] for error in problem["errors"]] == ["documents[1].planned_quantity"]
    assert problem["errors"][0]["reason"] == "wrong_value"
    orders = client.get("/api/v1/mes/orders", params={"place": LINE})
    assert orders.json()["data"] == []


def test_a_preview_writes_nothing(client: TestClient) -> None:
    answer = post(client, "products", SAMPLES["products"], query="?preview=true")

    assert (answer.json()["created"], answer.json()["committed"]) == (1, False)
    told = client.get("/api/v1/mes/products", params={"place": ENTERPRISE}).json()["data"]
    assert [one["code"] for one in told] == ["truc"]


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"", 422, "malformed"),
        (b"{", 422, "malformed"),
        (b"[]", 422, "malformed"),
        (b'{"documents": {}}', 422, "malformed"),
        (b'{"documents": [], "extra": 1}', 422, "malformed"),
        (b'{"documents": [], "who": "a\\u0000b"}', 422, "malformed"),
        (b'{"documents": [3]}', 422, "documents-refused"),
        (b'{"documents": [' + b"[" * 20_000 + b"]" * 20_000 + b"]}", 422, "malformed"),
        (b" " * 16_000_001, 413, "too-large"),
        (json.dumps({"documents": [{}] * 20_001}).encode(), 422, "malformed"),
    ],
    ids=range(10),
)
def test_what_is_no_list_of_documents_is_refused(
    client: TestClient, body: bytes, status: int, kind: str
) -> None:
    answer = client.post("/api/v1/mes/products", content=body)

    assert (answer.status_code, answer.json()["type"]) == (status, PROBLEM + kind)


def test_unknown_kinds_and_places_are_named(client: TestClient) -> None:
    kind = post(client, "product", {})
    place = client.get("/api/v1/mes/products", params={"place": "x"})

    assert (kind.status_code, kind.json()["type"]) == (404, f"{PROBLEM}unknown-kind")
    assert "planned-run-times" in kind.json()["detail"]
    assert (place.status_code, place.json()["type"]) == (404, f"{PROBLEM}unknown-place")


def test_nobody_writes_without_the_token(client: TestClient) -> None:
    del client.headers["Authorization"]

    missing = post(client, "products", SAMPLES["products"])
    wrong = client.post("/api/v1/mes/products", json={"documents": []}, headers=WRONG_TOKEN)

    assert (missing.status_code, wrong.status_code) == (401, 401)


def test_writing_is_refused_when_there_is_no_token_at_all(
    plain_database: DatabaseSettings,
) -> None:
    with TestClient(
        create_app(ApiSettings(database=plain_database)), base_url="http://localhost"
    ) as client:
        answer = post(client, "products", SAMPLES["products"])

    assert (answer.status_code, answer.json()["type"]) == (403, f"{PROBLEM}writing-disabled")


def test_the_writers_login_writes_when_the_readers_may_not(
    plain_database: DatabaseSettings,
) -> None:
    plant = FigurePlant(plain_database)
    plant.connection.execute("create role only_reads login password 'x'")
    try:
        plant.connection.execute("grant select on all tables in schema public to only_reads")
        reader = plain_database.model_copy(
            update={"user": "only_reads", "password": SecretStr("x"), "password_file": None}
        )
        refused = ApiSettings(database=reader)
        with may_write(refused) as client:
            answer = post(client, "products", SAMPLES["products"])
        assert (answer.status_code, answer.json()["type"]) == (503, f"{PROBLEM}database-down")
        taken = refused.model_copy(update={"writer": plain_database})
        with may_write(taken) as client:
            assert post(client, "products", SAMPLES["products"]).status_code == 200
    finally:
        plant.connection.execute("drop owned by only_reads")
        plant.connection.execute("drop role only_reads")
        plant.close()
