"""The client of programs, both ways, on the app itself; and its answers against the description."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

import httpx
import msgspec
import pytest
from fastapi.testclient import TestClient

from nhipmay.client import ApiError, AsyncClient, Client, answers, asking
from tests.plants.api_plant import CNC_1, LINE, NOW, SITE, TEMPERATURE

DOCUMENT = json.loads(
    (Path(__file__).parents[4] / "docs" / "reference" / "openapi.json").read_text(encoding="utf-8")
)
SCHEMAS = {
    answers.Place: "PlaceOut",
    answers.Measurement: "MeasurementOut",
    answers.Tag: "TagOut",
    answers.Point: "PointOut",
    answers.OeeResult: "OeeOut",
    answers.Stop: "StopOut",
}
HOUR = timedelta(hours=1)


def kinds(described: dict[str, Any]) -> set[object]:
    """Return what a field of the description may be, as types of Python."""
    if "anyOf" in described:
        return set().union(*(kinds(one) for one in described["anyOf"]))
    if "$ref" in described:
        name = described["$ref"].rpartition("/")[2]
        return {struct for struct, schema in SCHEMAS.items() if schema == name}
    plain: dict[str, object] = {"number": float, "integer": int, "boolean": bool, "null": NoneType}
    form = described.get("format")
    if described["type"] == "string" and form in {"date", "date-time"}:
        return {datetime if form == "date-time" else date}
    return {plain.get(described["type"], described["type"])}


def told(kind: Any) -> set[object]:
    """Return the same of a field of the client."""
    if isinstance(kind, UnionType):
        return set().union(*(told(one) for one in get_args(kind)))
    names = {str: "string", list: "array", dict: "object"}
    base = get_origin(kind) or kind
    return {names.get(base, base)}


@pytest.mark.parametrize("struct", SCHEMAS)
def test_an_answer_has_the_fields_of_its_description(struct: type[msgspec.Struct]) -> None:
    described = DOCUMENT["components"]["schemas"][SCHEMAS[struct]]["properties"]
    fields = {field.name: told(field.type) for field in msgspec.structs.fields(struct)}

    assert fields == {name: kinds(one) for name, one in described.items()}


def test_questions_are_those_of_the_description() -> None:
    now = datetime.now(UTC)
    for question in (
        asking.places(),
        asking.tags("x"),
        asking.measurements("x", now, now, 1),
        asking.measurements("x", None, None, 1).page_after("1-1"),
        asking.series("x", now, now, 2, "lttb"),
        asking.oee("x", "hour", now, now, "site"),
        asking.stops("x", now, now, 1),
    ):
        described = DOCUMENT["paths"][f"/api/v1/{question.path}"]["get"]["parameters"]
        assert set(question.params) <= {one["name"] for one in described}


@pytest.fixture
def sync(client: TestClient) -> Client:
    # The TestClient's own way to the app.
    return Client("http://localhost", transport=_Through(client))


class _Through(httpx.BaseTransport):
    """Hands requests to the app of a test."""

    def __init__(self, client: TestClient) -> None:
        self._client = client

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._client.request(
            request.method, str(request.url), headers=dict(request.headers)
        )
        headers = {"x-request-id": answer.headers["x-request-id"]}
        if "retry-after" in answer.headers:
            headers["retry-after"] = answer.headers["retry-after"]
        return httpx.Response(answer.status_code, headers=headers, content=answer.content)


def test_every_question_is_answered(sync: Client) -> None:
    with sync as api:
        assert SITE in {place.path for place in api.places()}
        assert TEMPERATURE in {tag.tag for tag in api.tags(SITE)}
        rows = list(api.measurements(TEMPERATURE, NOW - HOUR, NOW))
        assert rows == sorted(rows, key=lambda row: row.source_time)
        assert api.series(TEMPERATURE, NOW - HOUR, NOW, points=10, method="lttb")
        assert {one.place for one in api.oee(LINE, level="work_unit")} >= {CNC_1}
        assert all(stop.place.startswith(SITE) for stop in api.stops(SITE))


def test_pages_are_followed_to_the_end(sync: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = list(sync.measurements(TEMPERATURE, NOW - HOUR, NOW))
    monkeypatch.setattr("nhipmay.client.waiting._PAGE", 2)

    assert len(whole) > 2
    assert list(sync.measurements(TEMPERATURE, NOW - HOUR, NOW)) == whole


def test_a_refusal_has_its_code_and_the_id_of_its_request(sync: Client) -> None:
    with pytest.raises(ApiError) as refused:
        sync.stops("dong-nai/khong-co")

    assert (refused.value.status, refused.value.code) == (404, "unknown-place")
    assert refused.value.request_id


def test_a_time_without_a_zone_is_a_fault_of_the_caller(sync: Client) -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        sync.stops(SITE, datetime(2026, 1, 1))  # noqa: DTZ001  # that is the point


def answered(*statuses: int, **headers: str) -> httpx.MockTransport:
    left = list(statuses)

    def answer(_: httpx.Request) -> httpx.Response:
        status = left.pop(0)
        said = {"type": "urn:nhipmay:problem:x", "detail": "", "request_id": "1"}
        return httpx.Response(status, headers=headers, json=said if status != 200 else {"data": []})

    return httpx.MockTransport(answer)


def test_too_much_at_once_is_asked_again_when_the_service_says() -> None:
    slept: list[float] = []
    transport = answered(429, 503, 200, **{"retry-after": "7"})

    with Client("http://x", transport=transport, sleep=slept.append) as api:
        assert api.places() == []
    assert slept == [7.0, 7.0]


@pytest.mark.parametrize(("status", "wait"), [(429, "3600"), (500, "1"), (404, "1")])
def test_what_waiting_does_not_help_is_said_at_once(status: int, wait: str) -> None:
    slept: list[float] = []
    transport = answered(status, **{"retry-after": wait})

    with (
        Client("http://x", transport=transport, sleep=slept.append) as api,
        pytest.raises(ApiError),
    ):
        api.places()
    assert slept == []


def test_an_answer_of_somebody_between_is_an_error_too() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(502, text="<html>Bad gateway"))

    with Client("http://x", transport=transport) as api, pytest.raises(ApiError) as refused:
        api.places()
    assert refused.value.code == "not-ours"


def test_it_can_be_awaited(client: TestClient) -> None:
    async def ask() -> list[str]:
        transport = httpx.ASGITransport(app=client.app)
        async with AsyncClient("http://localhost", transport=transport) as api:
            places, tags, stops, figures = await asyncio.gather(
                api.places(), api.tags(SITE), api.stops(SITE), api.oee(LINE)
            )
            points = await api.series(TEMPERATURE, NOW - HOUR, NOW)
            rows = [row async for row in api.measurements(TEMPERATURE, NOW - HOUR, NOW)]
            assert all((tags, stops, figures, points, rows))
            return [place.path for place in places]

    assert SITE in asyncio.run(ask())
