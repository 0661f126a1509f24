"""What people correct of what was derived: listed, said, kept, and computed again."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api import ApiSettings
from plant.settings import DatabaseSettings
from tests.api_asking import data, may_write
from tests.plants.figure_plant import SAW, FigurePlant, at

HOUR = {"place": SAW, "start": at(0).isoformat(), "end": at(1).isoformat()}
TAG = "cua/good_count"


@pytest.fixture
def plant(plain_database: DatabaseSettings) -> Iterator[FigurePlant]:
    plant = FigurePlant(plain_database)
    yield plant
    plant.close()


@pytest.fixture
def client(plant: FigurePlant) -> Iterator[TestClient]:
    with may_write(ApiSettings(database=plant.database)) as client:
        yield client


def post(client: TestClient, path: str, **said: Any) -> int:
    body = {"client_id": str(uuid.uuid4()), "place": SAW} | said
    return client.post(f"/api/v1/{path}", json=body).status_code


def made(client: TestClient) -> Any:
    (group,) = data(client, "kpi", **HOUR)
    return group["quantities"]["good_quantity"]


def test_a_judgement_is_listed_corrected_and_computed_again(
    plant: FigurePlant, client: TestClient
) -> None:
    minutes = [number / 60 for number in range(61)]
    plant.write(SAW, "state", [(hour, "EXECUTE") for hour in minutes])
    plant.write(SAW, "product", [(0, "truc")])
    counts = [(hour, 5000.0 + n) for n, hour in enumerate(minutes)]
    # After half an hour somebody sets the counter, which then shows 7.
    plant.write(SAW, "good_count", [(h, v if h < 0.5 else v - 5023) for h, v in counts])
    plant.write(SAW, "scrap_count", [(hour, 0.0) for hour in minutes])
    plant.report(1.1)
    plant.settle(1.1)

    (judged,) = data(client, "counters/judgements", **HOUR)
    assert (judged["tag"], judged["judgement"], judged["verdict"]) == (TAG, "reset", None)
    before = made(client)

    said = {"tag": TAG, "moment": judged["moment"], "verdict": "count", "comment": "đã xem máy"}
    assert post(client, "counters/verdicts", **said | {"verdict": "nothing"}) == 201
    assert post(client, "counters/verdicts", **said | {"moment": at(9).isoformat()}) == 404
    plant.settle(1.1)
    (judged,) = data(client, "counters/judgements", **HOUR)
    assert (judged["judgement"], judged["verdict"]) == ("corrected", "nothing")
    assert (judged["comment"], judged["said_by"]) == ("đã xem máy", "engineer")
    assert made(client) == before - 7

    assert post(client, "counters/verdicts", **said | {"verdict": "rules"}) == 201
    plant.settle(1.1)
    assert made(client) == before
    # Nothing that was said is gone.
    assert len(plant.rows("select * from counter_verdict")) == 2
    plant.assert_repaired(1.1)


def test_a_stop_is_divided_and_joined_again(plant: FigurePlant, client: TestClient) -> None:
    step = 1 / 180

    def told(first: float, last: float, state: str) -> None:
        moments = [first + n * step for n in range(round((last - first) / step))]
        plant.write(SAW, "state", [(moment, state) for moment in moments])

    told(0, 0.25, "EXECUTE")
    told(0.25, 0.75, "HELD")
    told(0.75, 1.0, "EXECUTE")
    plant.report(1.1)
    plant.settle(1.1)
    (whole,) = data(client, "stops", **HOUR)

    split = {"moment": at(0.5).isoformat(), "kind": "split"}
    assert post(client, "stops/divisions", **split) == 201
    plant.settle(1.1)
    first, second = sorted(data(client, "stops", **HOUR), key=lambda one: str(one["start"]))
    assert (first["start"], second["end"]) == (whole["start"], whole["end"])
    assert first["end"] == second["start"]
    (bar,) = data(client, "stops/pareto", **HOUR)
    assert (bar["count"], bar["duration_s"]) == (2, whole["duration_s"])

    assert post(client, "stops/divisions", **split | {"kind": "none"}) == 201
    plant.settle(1.1)
    assert data(client, "stops", **HOUR) == [whole]
    # Where it does not stand there is nothing to divide.
    assert post(client, "stops/divisions", **split | {"moment": at(0.1).isoformat()}) == 404
