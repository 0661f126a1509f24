"""What every request meets: errors in one form, safe headers, counters."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api_asking import data, problem
from tests.plants.api_plant import CNC_1, LINE, SITE, TEMPERATURE


@pytest.mark.parametrize(
    ("path", "params", "kind", "words"),
    [
        ("tags", {"place": "a/b"}, "unknown-place", "'a/b'"),
        ("tags", {"place": "a\0b"}, "unreadable-address", "%00"),
        ("tags", {}, "invalid-request", "place"),
        ("measurements", {"tag": f"{SITE}/nope"}, "unknown-tag", "nope"),
        ("measurements", {"tag": "nope"}, "unknown-tag", "nope"),
        ("measurements", {"tag": f"{SITE}/a\0"}, "unreadable-address", "%00"),
        ("measurements", {"tag": TEMPERATURE, "limit": 10_001}, "invalid-request", "limit"),
        ("measurements", {"tag": TEMPERATURE, "after": "x"}, "bad-cursor", "after"),
        ("measurements", {"tag": TEMPERATURE, "after": "9" * 18 + "-1"}, "bad-cursor", "after"),
        ("measurements", {"tag": TEMPERATURE, "start": "2026-03-02T00:00:00"}, "invalid", "start"),
        ("measurements", {"tag": TEMPERATURE, "start": "2020-01-01T00:00Z"}, "bad-window", "days"),
        ("oee", {"place": LINE, "kind": "week"}, "invalid-request", "kind"),
        ("oee", {"place": LINE, "kind": "hour", "end": "0001-01-01T00:00Z"}, "bad-window", "1990"),
        ("nothing", {}, "not-found", "Not Found"),
    ],
)
def test_errors_are_problems_that_say_what_is_wrong(
    client: TestClient, path: str, params: dict[str, Any], kind: str, words: str
) -> None:
    found = problem(client, f"/api/v1/{path}", **params)
    assert found["type"].startswith(f"urn:nhipmay:problem:{kind}")
    assert words in found["detail"]


def test_an_offset_is_understood_when_its_plus_was_not_escaped(client: TestClient) -> None:
    for plus in ("+", "%2B"):
        response = client.get(
            f"/api/v1/oee?place={CNC_1}&kind=hour&start=2026-03-02T07:00:00{plus}07:00"
        )
        assert response.json()["meta"]["start"] == "2026-03-02T00:00:00Z"


def test_methods_that_write_are_refused(client: TestClient) -> None:
    response = client.post("/api/v1/places")
    assert response.status_code == 405
    assert response.headers["content-type"] == "application/problem+json"


def test_every_answer_is_sealed(client: TestClient) -> None:
    given = client.get("/", headers={"X-Request-ID": "ca-1.7"})
    assert given.headers["x-request-id"] == "ca-1.7"
    forged = client.get("/nope", headers={"X-Request-ID": "a b\tc"})
    assert forged.headers["x-request-id"] != "a b\tc"
    for response in (given, forged):
        assert "script-src 'self';" in response.headers["content-security-policy"]
        assert response.headers["x-content-type-options"] == "nosniff"
    places = client.get("/api/v1/places", headers={"Accept-Encoding": "gzip"})
    assert places.headers["content-encoding"] == "gzip"


def counted(client: TestClient, route: str, status: int) -> float:
    sample = f'nhipmay_api_requests_total{{method="GET",route="{route}",status="{status}"}} '
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.removeprefix(sample)) for line in lines if line.startswith(sample))


def test_metrics_count_requests_by_route(client: TestClient) -> None:
    before = counted(client, "/place/{path:path}", 404)
    client.get("/place/nowhere")
    client.get("/place/nowhere/else")
    assert counted(client, "/place/{path:path}", 404) == before + 2
    data(client, "places")
    assert counted(client, "/api/v1/places", 200) >= 1
    text = client.get("/metrics").text
    assert "nhipmay_api_database_up 1.0" in text


def test_a_refused_method_is_told_which_the_address_takes(client: TestClient) -> None:
    answer = client.put("/api/v1/anomalies/limits")

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, POST"


def test_who_has_an_answer_already_is_told_so(client: TestClient) -> None:
    params = {"place": SITE}
    first = client.get("/api/v1/tags", params=params)
    tag = first.headers["etag"]

    assert first.headers["cache-control"] == "private, no-cache"
    assert "Authorization" in first.headers["vary"]
    for known in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
        again = client.get("/api/v1/tags", params=params, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
        assert again.headers["x-request-id"]
    for known in ('"x"', "W/x", tag[:-2], ""):
        again = client.get("/api/v1/tags", params=params, headers={"If-None-Match": known})
        assert again.json() == first.json()
    # Compressed or not, it is the same answer.
    plain = client.get("/api/v1/tags", params=params, headers={"Accept-Encoding": "identity"})
    assert plain.headers["etag"] == tag
    other = client.get("/api/v1/tags", params={"place": CNC_1})
    assert other.headers["etag"] != tag


def test_errors_files_and_pages_have_no_tag(client: TestClient) -> None:
    for path in ("/api/v1/tags?place=x", "/api/v1/places?format=csv", "/", "/health/live"):
        answer = client.get(path, headers={"If-None-Match": "*"})
        assert answer.status_code != 304
        assert "etag" not in answer.headers
