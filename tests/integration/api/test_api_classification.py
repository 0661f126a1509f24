"""Giving stops reasons through the API: once, whatever is sent, and with precise refusals."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api import create_app
from plant.settings import DatabaseSettings
from tests.api_asking import data
from tests.plants.api_plant import CNC_1, LINE, api_settings, seed

ADDRESS = "/api/v1/stops/classification"


@pytest.fixture
def mine(each_database: DatabaseSettings) -> Iterator[TestClient]:
    """A client of a database of this test's own."""
    seed(each_database)
    with TestClient(create_app(api_settings(each_database)), base_url="http://localhost") as client:
        yield client


def said(client: TestClient, **more: Any) -> dict[str, Any]:
    stop = next(stop for stop in data(client, "stops", place=CNC_1) if stop["end"] is None)
    return {
        "client_id": str(uuid.uuid4()),
        "place": CNC_1,
        "stop_start": stop["start"],
        "reason": "ket-dao",
    } | more


def test_a_reason_holds_everywhere_and_a_repeat_changes_nothing(mine: TestClient) -> None:
    body = said(mine)
    first = mine.post(ADDRESS, json=body)
    assert first.status_code == 201, first.text
    again = mine.post(ADDRESS, json=body)
    assert again.status_code == 200
    assert again.json()["classification_id"] == first.json()["classification_id"]
    stop = next(stop for stop in data(mine, "stops", place=CNC_1) if stop["end"] is None)
    assert (stop["stop_reason"], stop["reason_source"]) == ("ket-dao", "person")
    assert stop["classified_at"] is not None
    assert data(mine, "states", place=CNC_1)[-1]["stop_reason"] == "ket-dao"
    bars = {bar["reason"]: bar["count"] for bar in data(mine, "stops/pareto", place=CNC_1)}
    assert bars["ket-dao"] == 2


def test_the_latest_word_holds_when_an_older_one_arrives_later(mine: TestClient) -> None:
    assert mine.post(ADDRESS, json=said(mine, reason="thieu-phoi")).json()["holds"]
    late = mine.post(ADDRESS, json=said(mine, reason="ket-dao", waited_s=3600)).json()
    assert not late["holds"]
    stop = next(stop for stop in data(mine, "stops", place=CNC_1) if stop["end"] is None)
    assert stop["stop_reason"] == "thieu-phoi"


@pytest.mark.parametrize(
    ("more", "status", "kind"),
    [
        ({"place": "none"}, 404, "unknown-place"),
        ({"place": LINE}, 422, "wrong-level"),
        ({"stop_start": "2020-01-01T00:00:00Z"}, 404, "unknown-stop"),
        ({"stop_start": "2020-01-01T00:00:00"}, 422, "invalid-request"),
        ({"reason": "none"}, 422, "unknown-reason"),
        ({"role": "Nguyễn Văn A"}, 422, "invalid-request"),
        ({"client_id": "1"}, 422, "invalid-request"),
        ({"waited_s": -1}, 422, "invalid-request"),
        ({"comment": "x" * 501}, 422, "invalid-request"),
        ({"name": "x"}, 422, "invalid-request"),
    ],
)
def test_what_is_wrong_is_told(
    mine: TestClient, more: dict[str, Any], status: int, kind: str
) -> None:
    answer = mine.post(ADDRESS, json=said(mine, **more))
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].endswith(kind)


def test_an_id_stands_for_one_choice(mine: TestClient) -> None:
    body = said(mine)
    assert mine.post(ADDRESS, json=body).status_code == 201
    other = mine.post(ADDRESS, json=body | {"reason": "thieu-phoi"})
    assert other.status_code == 409
    assert other.json()["type"].endswith("client-id-reused")


def test_another_web_site_cannot_classify(mine: TestClient) -> None:
    answer = mine.post(ADDRESS, json=said(mine), headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


def test_reasons_given_most_come_first(mine: TestClient) -> None:
    before = [reason["code"] for reason in data(mine, "stop-reasons", place=CNC_1)]
    assert set(before) == {"ket-dao", "thieu-phoi"}
    for stop in data(mine, "stops", place=CNC_1):
        mine.post(ADDRESS, json=said(mine, stop_start=stop["start"], reason="thieu-phoi"))
    after = data(mine, "stop-reasons", place=CNC_1)
    assert after[0]["code"] == "thieu-phoi"
    assert after[0]["used"] > after[1]["used"]
