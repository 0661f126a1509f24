"""A signal in few points, through the API."""

from datetime import timedelta

import numpy as np
from fastapi.testclient import TestClient

from api import create_app
from plant.settings import DatabaseSettings
from store import connect
from store.reading.rollup import sum_up
from tests.api_asking import problem
from tests.plants.api_plant import NOW, STATE, TEMPERATURE, api_settings, seed

EVERY_S = 120
COUNT = 365 * 86_400 // EVERY_S
PEAK = 77_777


def ask(
    client: TestClient, **params: str | int
) -> tuple[list[dict[str, float]], dict[str, object]]:
    answer = client.get("/api/v1/series", params={"tag": TEMPERATURE, **params})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return body["data"], body["meta"]


def test_a_year_is_drawn_in_one_request_with_its_peak(each_database: DatabaseSettings) -> None:
    seed(each_database)
    start, end = NOW - timedelta(days=800), NOW - timedelta(days=435)
    values = 20 + np.sin(np.arange(COUNT) / 1000)
    values[PEAK] = 99.0
    with connect(each_database, autocommit=True) as connection:
        connection.execute(
            "insert into measurement (tag_id, source_time, received_time, value, quality)"
            " select tag_id, %s + (n - 1) * %s * interval '1 s', now(), value, 0"
            " from unnest(%s::float8[]) with ordinality as one (value, n),"
            " (select tag_id from tag where name = 'cnc-1/spindle_temperature') tag",
            (start, EVERY_S, values.tolist()),
        )
        connection.execute(
            "insert into rollup_mark (hour, block, tags) select hour, tag_id >> 6,"
            " 1::bigint << (tag_id & 63) from tag, generate_series("
            " date_bin('1 hour', %s::timestamptz, '2000-01-01Z'), %s, interval '1 hour') hour"
            " where name = 'cnc-1/spindle_temperature'",
            (start, end),
        )
    window: dict[str, str | int] = {
        "start": start.isoformat(),
        "end": end.isoformat(),
        "points": 2000,
    }
    with TestClient(create_app(api_settings(each_database)), base_url="http://localhost") as client:

        def drawn_whole() -> None:
            points, meta = ask(client, **window)
            assert len(points) == 2000
            assert meta["cell_s"] == 3600
            assert sum(point["samples"] for point in points) == COUNT
            assert max(point["high"] for point in points) == 99.0

            drawn, _ = ask(client, **window, method="lttb")
            assert len(drawn) == 2000
            assert max(point["value"] for point in drawn) == 99.0
            known = set(values.tolist())
            assert all(point["value"] in known for point in drawn)

        drawn_whole()
        with connect(each_database, autocommit=True) as connection:
            while not sum_up(connection, timedelta(0)).complete:
                pass
        drawn_whole()

        part = {"start": start.isoformat(), "end": (start + timedelta(days=3)).isoformat()}
        few, meta = ask(client, **part, method="lttb", points=10_000)
        assert meta["cell_s"] is None
        assert [point["value"] for point in few] == values[: 3 * 86_400 // EVERY_S].tolist()


def test_what_cannot_be_drawn_is_said(client: TestClient) -> None:
    assert problem(client, "/api/v1/series", tag=STATE)["type"].endswith("no-number")
    assert problem(client, "/api/v1/series", tag="a/b/c")["type"].endswith("unknown-tag")
    assert problem(client, "/api/v1/series", tag=TEMPERATURE, points=1)["status"] == 422
    early = (NOW - timedelta(days=5000)).isoformat()
    assert problem(client, "/api/v1/series", tag=TEMPERATURE, start=early)["status"] == 422
