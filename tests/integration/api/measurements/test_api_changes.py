"""Newest values as they come: all there are, then what changed, for whoever may see them."""

import json
from collections.abc import Iterator
from datetime import timedelta
from http.client import HTTPConnection
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from api.access.principal import CURRENT, INSTALLATION, Principal
from api.access.role import Right
from api.http.context import Context
from api.routers import changes
from plant.settings import DatabaseSettings
from tests.api_asking import problem
from tests.peers.services import free_port, url_of
from tests.peers.serving import served
from tests.plants.api_plant import CNC_1, CNC_2, NOW, STATE, TEMPERATURE, api_settings, seed
from tests.waiting import HANG_S

ADDRESS = "/api/v1/changes"


def messages(port: int, place: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    connection = HTTPConnection("127.0.0.1", port, timeout=HANG_S)
    connection.request("GET", f"{ADDRESS}?place={place}", headers={"Accept": "text/event-stream"})
    response = connection.getresponse()
    assert response.status == 200
    assert response.headers["Content-Type"].startswith("text/event-stream")
    kind = ""
    for line in response:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name == "event":
            kind = value
        elif name == "data" and value:
            yield kind, json.loads(value)["data"]
    connection.close()


def test_values_are_told_as_they_come(plain_database: DatabaseSettings) -> None:
    seeder = seed(plain_database)
    settings = api_settings(plain_database, port=free_port(), refresh_s=0.2)
    with served(settings) as stop:
        told = messages(settings.port, CNC_1)
        kind, everything = next(told)
        assert kind == "values"
        values = {one["tag"]: one["value"] for one in everything}
        assert values[TEMPERATURE] == 71.25
        assert values[STATE] == 'HELD, "cửa mở"'
        with psycopg.connect(url_of(plain_database)) as connection:
            connection.execute(
                "insert into measurement (tag_id, source_time, received_time, value, quality)"
                " values (%(tag)s, %(at)s, %(at)s, 99.5, 0)",
                {"tag": seeder.tags["cnc-1/spindle_temperature"], "at": NOW + timedelta(seconds=1)},
            )
        kind, changed = next(one for one in told if one[0] == "values")
        assert [(one["tag"], one["value"], one["quality"]) for one in changed] == [
            (TEMPERATURE, 99.5, "good")
        ]
        stop.set()
        assert [one for one in told if one[0] == "values"] == []


def test_a_stream_of_too_many_tags_or_of_nothing_is_refused(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert problem(client, ADDRESS, place="nowhere")["type"].endswith(":unknown-place")
    monkeypatch.setattr(changes, "MOST_TAGS", 1)
    found = problem(client, ADDRESS, place=CNC_2.rpartition("/")[0])
    assert found["type"].endswith(":too-many-tags")


def test_a_look_is_shared_by_those_alone_who_may_see_the_same(client: TestClient) -> None:
    context: Context = client.app.state.context  # type: ignore[attr-defined]  # of the app
    looks = changes.Looks(context)
    tablet = Principal("tablet", frozenset(Right), INSTALLATION.reach, "tablet", within=CNC_1)
    found = []
    for who in (INSTALLATION, INSTALLATION, tablet):
        token = CURRENT.set(who)
        found.append(looks.look(CNC_1))
        CURRENT.reset(token)
    assert found[0] is found[1]
    assert found[2] is not found[0]
