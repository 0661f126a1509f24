"""What was told of final figures at a moment is told again, whatever has changed them since."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api import ApiSettings, create_app
from plant.settings import ClockSettings, DatabaseSettings
from tests.plants.figure_plant import SAW, SITE, FigurePlant, at

NOW = 9.0


@pytest.fixture
def plant(each_database: DatabaseSettings) -> Iterator[FigurePlant]:
    plant = FigurePlant(each_database)
    plant.run_steadily(SAW, 0, 1.5)
    plant.report(1.5)
    yield plant
    plant.close()


@pytest.fixture
def client(plant: FigurePlant) -> Iterator[TestClient]:
    clock = ClockSettings(wall_origin=at(NOW), plant_origin=at(NOW), until=at(NOW))
    app = create_app(ApiSettings(database=plant.database, clock=clock))
    with TestClient(app, base_url="http://localhost") as client:
        yield client


def hour(client: TestClient, as_of: float | None = None, **more: Any) -> list[dict[str, Any]]:
    asked: dict[str, Any] = {"place": SAW, "kind": "hour", "start": at(0), "end": at(1)} | more
    if as_of is not None:
        asked["as_of"] = at(as_of)
    answer = client.get(
        "/api/v1/oee",
        params={
            k: v.isoformat() if k in {"start", "end", "as_of"} else v for k, v in asked.items()
        },
    )
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


def values(row: dict[str, Any]) -> dict[str, Any]:
    """Return what a row says, without when it was last computed."""
    return {name: value for name, value in row.items() if name != "as_of"}


def test_each_answer_that_was_given_is_given_again(plant: FigurePlant, client: TestClient) -> None:
    given: dict[float, list[dict[str, Any]]] = {}
    plant.compute(1.2)
    given[1.25] = hour(client)
    plant.write(SAW, "scrap_count", [(0.9, 9.0)])
    plant.compute(1.3)
    given[1.35] = hour(client)
    plant.write(SAW, "scrap_count", [(0.95, 14.0)])
    plant.compute(1.4)
    given[1.45] = hour(client)
    assert len({row["quality_ratio"] for (row,) in given.values()}) == 3

    for moment, rows in given.items():
        found = hour(client, moment)
        assert [values(row) for row in found] == [values(row) for row in rows], moment
        assert found[0]["final"]
    assert hour(client, NOW) == hour(client)


def test_what_was_not_final_then_is_left_out(plant: FigurePlant, client: TestClient) -> None:
    plant.compute(1.1)
    assert not hour(client)[0]["final"]
    plant.compute(1.2)
    assert hour(client)[0]["final"]

    assert hour(client, 1.15) == []
    assert len(hour(client, 1.2)) == 1


def test_it_is_computed_again_without_a_change_and_is_told_as_before(
    plant: FigurePlant, client: TestClient
) -> None:
    plant.compute(1.2)
    then = hour(client)
    plant.connection.execute("update dirty_window set revision = revision + 1")
    plant.write(SAW, "good_count", [])
    plant.connection.execute(
        "insert into dirty_window (work_unit_id, hour, marked_at)"
        " select place_id, %s, %s from place where path = %s on conflict do nothing",
        (at(0), at(0), SAW),
    )
    plant.compute(1.4)

    assert plant.rows("select * from oee_result_past") == []
    assert [values(row) for row in hour(client, 1.3)] == [values(row) for row in then]


def test_a_table_is_told_as_it_was(plant: FigurePlant, client: TestClient) -> None:
    def table(**more: str) -> dict[str, Any]:
        asked = {
            "place": SAW,
            "kind": "hour",
            "start": at(0).isoformat(),
            "end": at(1).isoformat(),
        }
        answer = client.get("/api/v1/oee/table", params=asked | more)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    plant.compute(1.2)
    then = table()
    plant.write(SAW, "scrap_count", [(0.9, 9.0)])
    plant.compute(1.3)

    assert table()["figures"]["quality_ratio"] != then["figures"]["quality_ratio"]
    assert table(as_of=at(1.25).isoformat())["figures"] == then["figures"]
    assert table(as_of=at(1.15).isoformat())["windows"] == []


def test_a_shift_that_the_calendar_has_no_more_is_told_as_it_was(
    plant: FigurePlant, client: TestClient
) -> None:
    plant.report(8.5)
    plant.compute(8.4)
    (then,) = hour(client, kind="shift", end=at(8))
    assert then["final"]
    plant.reload(shifts=[{"name": "ca-dài", "start": "05:00", "end": "15:00"}])
    plant.compute(8.6)

    assert then["start"] not in {row["start"] for row in hour(client, kind="shift", end=at(8))}
    (again,) = hour(client, 8.5, kind="shift", end=at(8))
    assert values(again) == values(then)


def test_the_trail_is_told_as_it_was(plant: FigurePlant, client: TestClient) -> None:
    plant.compute(1.2)
    plant.write(SAW, "scrap_count", [(0.9, 9.0)])
    plant.compute(1.3)

    def trail(**more: str) -> list[dict[str, Any]]:
        asked = {"place": SITE, "start": at(0).isoformat(), "end": at(1).isoformat()} | more
        found: list[dict[str, Any]] = client.get("/api/v1/restatements", params=asked).json()[
            "data"
        ]
        return found

    assert trail()
    assert trail(as_of=at(1.25).isoformat()) == []
    assert trail(as_of=at(1.3).isoformat()) == trail()


def test_a_moment_to_come_and_a_single_order_are_refused(
    plant: FigurePlant, client: TestClient
) -> None:
    plant.compute(1.2)
    asked = {"place": SAW, "kind": "hour"}
    for more in (
        {"as_of": at(NOW + 1).isoformat()},
        {"as_of": at(1).isoformat(), "order": "LSX-1"},
    ):
        answer = client.get("/api/v1/oee", params=asked | more)
        assert answer.status_code == 422
        assert answer.json()["type"].endswith("bad-option")
