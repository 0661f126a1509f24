"""Failures are the same for every reader, however the data of them come."""

from collections.abc import Iterator

import numpy as np
import pytest
from fastapi.testclient import TestClient

from api import ApiSettings, create_app
from plant.settings import ClockSettings, DatabaseSettings
from tests.plants.figure_plant import LINE, SAW, SITE, FigurePlant, at

STATES = ("ABORTED", "ABORTED", "ABORTED", "CLEARING", "HELD", "EXECUTE", "?")
HOURS = 8


@pytest.fixture
def plant(database: DatabaseSettings) -> Iterator[FigurePlant]:
    found = FigurePlant(database)
    yield found
    found.close()


def began(plant: FigurePlant) -> int:
    """Return how many failures began by the stored base sums."""
    (row,) = plant.rows("select sum(failure_events)::integer as events from base_sum")
    return int(row["events"])


def test_a_breakdown_is_one_failure_for_every_reader_when_silence_interrupts_it(
    plant: FigurePlant,
) -> None:
    plant.run_steadily(SAW, 0, 1)
    plant.write(SAW, "state", [(1.0, "ABORTED"), (2.5, "ABORTED"), (2.505, "EXECUTE")])
    plant.report(3)
    plant.settle(3)

    assert began(plant) == 1
    assert plant.result(SITE, "hour", 1)["failure_events"] == 1
    clock = ClockSettings(wall_origin=at(3), plant_origin=at(3), until=at(3))
    with TestClient(
        create_app(ApiSettings(database=plant.database, clock=clock)), base_url="http://localhost"
    ) as client:
        window = {"start": at(0).isoformat(), "end": at(3).isoformat()}
        for place in (SAW, LINE, SITE):
            asked = window | {"place": place}
            (group,) = client.get("/api/v1/kpi", params=asked).json()["data"]
            assert group["failure_events"] == 1
            assert group["figures"]["mttr"]["value"] == pytest.approx(1.505)
            (board, *_) = client.get("/api/v1/boards/failures", params=asked).json()["tables"]
            assert sum(row["failures"] for row in board["rows"]) == 1


def test_a_failure_is_open_when_nothing_shows_that_it_is_over(plant: FigurePlant) -> None:
    plant.run_steadily(SAW, 0, 1)
    plant.write(SAW, "state", [(1.0, "ABORTED")])
    plant.report(3)
    plant.settle(3)
    (row,) = plant.rows("select * from failure")
    assert (row["start_time"], row["end_time"]) == (at(1), None)

    plant.write(SAW, "state", [(4.0, "EXECUTE")])
    plant.report(5)
    plant.settle(5)
    (row,) = plant.rows("select * from failure")
    assert (row["start_time"], row["end_time"]) == (at(1), at(1 + 1 / 60))


def test_a_failure_counts_in_an_earlier_hour_when_it_grows_long_enough(
    database: DatabaseSettings,
) -> None:
    plant = FigurePlant(database, policy={"failure_at_least_s": 5400})
    plant.run_steadily(SAW, 0, 0.5)
    plant.run_steadily(SAW, 0.5, 1.5, state="ABORTED")
    plant.report(1.5)
    plant.settle(1.5)
    assert began(plant) == 0
    plant.run_steadily(SAW, 1.5, 2.5, state="ABORTED")
    plant.report(2.5)
    plant.settle(2.5)
    assert plant.result(SAW, "hour", 0)["failure_events"] == 1
    assert began(plant) == 1
    plant.close()


@pytest.mark.parametrize("seed", range(3))
def test_failures_are_repaired_exactly_when_data_come_late_and_in_any_order(
    database: DatabaseSettings, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    policy = {
        "failure_merge_s": float(rng.choice([0, 5400])),
        "failure_at_least_s": float(rng.choice([0, 300])),
        "failure_states": [["breakdown"], ["breakdown", "held"]][rng.integers(2)],
    }
    plant = FigurePlant(database, policy=policy)
    plant.connection.execute(
        "update tag set max_silence_s = %s", (float(rng.choice([120, 2400, 9000])),)
    )
    readings = [
        (float(moment), str(state))
        for moment, state in zip(rng.uniform(0, HOURS, 24), rng.choice(STATES, 24), strict=True)
    ]
    for batch in range(0, len(readings), 6):
        plant.write(SAW, "state", readings[batch : batch + 6])
        plant.report(HOURS)
        plant.settle(HOURS)

    plant.assert_repaired(HOURS)
    assert began(plant) == len(plant.rows("select * from failure")) > 0
    plant.close()
