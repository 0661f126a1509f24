"""A live model that has moved away from what a person approved: told, gone back on, or approved."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from plant.settings import DatabaseSettings
from store.anomaly import model as model_store
from tests.plants.figure_plant import at
from tests.plants.watched_plant import Watch, WatchedPlant, part, readings

HOURS = 30.0
APPROVED = 10.0


@pytest.fixture
def plant(database: DatabaseSettings) -> Iterator[WatchedPlant]:
    """Return a machine one of whose sensors grows noisy so slowly that each block is well."""
    found = WatchedPlant(database)
    times, values = readings(HOURS)
    first = part(APPROVED)
    growth = np.ones(len(values))
    growth[first:] = np.exp(np.linspace(0, np.log(16), len(values) - first))
    values[:, 2] = 40 + (values[:, 2] - 40) * growth
    found.say(times, values)
    yield found
    found.close()


@pytest.fixture
def watch(database: DatabaseSettings) -> Iterator[Watch]:
    found = Watch(database)
    yield found
    found.close()


def go_on(plant: WatchedPlant, watch: Watch, hours: float) -> None:
    plant.report(hours)
    watch.until(hours)


def live(plant: WatchedPlant, watch: Watch) -> int:
    model_id = plant.propose((0, 8.01), APPROVED)
    go_on(plant, watch, APPROVED)
    assert model_store.approve(plant.connection, model_id, at(APPROVED), "an")
    return model_id


def wandered(plant: WatchedPlant) -> list[dict[str, Any]]:
    return [one for one in plant.events() if one["kind"] == "wander"]


def approved(plant: WatchedPlant) -> list[Any]:
    return [
        row["moment"]
        for row in plant.rows("select moment from anomaly_state where kind = 'approved'")
    ]


def test_a_model_that_has_grown_blind_little_by_little_is_told_with_the_signal(
    plant: WatchedPlant, watch: Watch
) -> None:
    live(plant, watch)
    go_on(plant, watch, 11)
    assert approved(plant) == [at(APPROVED)]
    assert wandered(plant) == []

    go_on(plant, watch, HOURS)
    assert [one["kind"] for one in plant.events() if one["kind"] == "model"] == []
    (event,) = wandered(plant)
    assert event["tag_id"] == plant.tags["cua/oil"]
    assert event["end_time"] is None
    assert not event["trial"]
    assert event["context"]["bound"] == 4.0
    (cause,) = event["causes"]
    assert cause["deviation"] == pytest.approx(cause["actual"] / cause["expected"], rel=1e-3)
    assert event["peak"] > 4


def test_the_same_is_told_after_a_restart_and_after_late_data(
    plant: WatchedPlant, watch: Watch, database: DatabaseSettings
) -> None:
    live(plant, watch)
    go_on(plant, watch, HOURS)
    expected = wandered(plant)

    watch.close()
    again = Watch(database)
    try:
        # More of an hour before it was told, seen when that hour is a day old: judged again.
        told = expected[0]["start_time"]
        late = told - timedelta(minutes=90) + timedelta(seconds=5)
        plant.connection.execute(
            "insert into measurement (tag_id, source_time, received_time, value, quality)"
            " values (%s, %s, %s, 40, 0)",
            (plant.tags["cua/oil"], late, at(HOURS)),
        )
        go_on(plant, again, (told - at(0)) / timedelta(hours=1) + 23)
        assert again.fleet.metrics.judged_again == 1
        (event,) = wandered(plant)
        assert event["start_time"] == told
        assert event["tag_id"] == expected[0]["tag_id"]
    finally:
        again.close()


def test_what_it_has_become_is_approved_and_the_event_is_over(
    plant: WatchedPlant, watch: Watch
) -> None:
    model_id = live(plant, watch)
    go_on(plant, watch, 26)
    assert wandered(plant)[0]["end_time"] is None

    assert model_store.approve(plant.connection, model_id, at(26), "bình")
    go_on(plant, watch, 28)
    (event,) = wandered(plant)
    assert event["end_time"] == at(27)
    assert approved(plant) == [at(APPROVED), at(26)]
    row = plant.model(model_id)
    assert (row.status, row.approved_at, row.approved_by) == ("live", at(26), "bình")
    assert "taken_back" not in row.settings


def test_it_goes_back_to_what_was_approved_and_sees_again_what_it_had_grown_blind_to(
    plant: WatchedPlant, watch: Watch
) -> None:
    model_id = live(plant, watch)
    go_on(plant, watch, 26)
    scorer = watch.fleet.charges[model_id].scorer
    grown = scorer.reach["truc"][2]

    assert model_store.as_approved(plant.connection, model_id, at(26))
    go_on(plant, watch, 26.2)
    charge = watch.fleet.charges[model_id]
    assert charge.moment == at(26.2)
    assert charge.scorer.reach["truc"][2] < grown / 3
    (event,) = wandered(plant)
    assert event["end_time"] == at(26)
    assert plant.model(model_id).approved_by == "an"

    go_on(plant, watch, HOURS)
    alarms = [one for one in plant.events() if one["kind"] == "model"]
    assert alarms
    assert alarms[0]["start_time"] > at(26)
    assert alarms[0]["causes"][0]["tag_id"] == plant.tags["cua/oil"]


def test_a_process_that_takes_the_model_after_the_decision_goes_back_as_well(
    plant: WatchedPlant, watch: Watch, database: DatabaseSettings
) -> None:
    model_id = live(plant, watch)
    go_on(plant, watch, 26)
    grown = watch.fleet.charges[model_id].scorer.reach["truc"][2]
    watch.close()

    assert model_store.as_approved(plant.connection, model_id, at(26))
    again = Watch(database)
    try:
        go_on(plant, again, 26.2)
        assert again.fleet.charges[model_id].scorer.reach["truc"][2] < grown / 3
        assert wandered(plant)[0]["end_time"] == at(26)
    finally:
        again.close()


def test_only_a_live_model_goes_back(plant: WatchedPlant, watch: Watch) -> None:
    model_id = plant.propose((0, 8.01), APPROVED)
    go_on(plant, watch, APPROVED)
    assert not model_store.as_approved(plant.connection, model_id, at(APPROVED))
    assert not model_store.as_approved(plant.connection, model_id + 1, at(APPROVED))
