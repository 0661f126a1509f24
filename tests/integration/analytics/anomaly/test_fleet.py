"""Models in the care of processes: learned, tried, live; late data, restarts, shared machines."""

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import pytest

from plant.settings import DatabaseSettings
from store.anomaly import model as model_store
from tests.plants.figure_plant import at
from tests.plants.watched_plant import Watch, WatchedPlant, part, readings

HOURS = 12.0


@pytest.fixture
def plant(database: DatabaseSettings) -> Iterator[WatchedPlant]:
    found = WatchedPlant(database)
    yield found
    found.close()


@pytest.fixture
def watch(database: DatabaseSettings) -> Iterator[Watch]:
    found = Watch(database)
    yield found
    found.close()


def faulty() -> tuple[list[datetime], np.ndarray]:
    """Return twelve hours with a fault in the trial and one after it."""
    times, values = readings(HOURS)
    values[part(4.0) : part(4.3), 1] += 4.0
    values[part(8.5) : part(8.8), 2] += 3.0
    return times, values


def live(plant: WatchedPlant, watch: Watch, until: float = 6.0) -> int:
    """Return a model that was learned, tried and approved."""
    model_id = plant.propose((0, 2), until)
    plant.report(until)
    watch.until(until)
    assert plant.model(model_id).status == "ready"
    assert model_store.approve(plant.connection, model_id, at(until), "an")
    return model_id


def test_a_model_is_learned_tried_approved_and_finds_what_is_wrong(
    plant: WatchedPlant, watch: Watch
) -> None:
    plant.say(*faulty())
    model_id = plant.propose((0, 2), 6)
    plant.report(6)
    watch.until(6)

    ready = plant.model(model_id)
    assert ready.status == "ready"
    assert ready.progress["regimes"] == {"truc": 0.0}
    assert ready.data_hash is not None
    assert len(ready.data_hash) == 64
    (tried,) = plant.events()
    assert tried["trial"] is True
    assert at(4.0) <= tried["start_time"] <= at(4.05)
    (first, *_) = tried["causes"]
    assert first["tag_id"] == plant.tags["cua/vibration"]
    assert tried["context"] == {
        "product": "truc",
        "order": None,
        "state": "EXECUTE",
        "shift": "ca-1",
    }

    assert model_store.approve(plant.connection, model_id, at(6), "bình")
    plant.report(HOURS)
    watch.until(HOURS)
    _, found = plant.events()
    assert found["trial"] is False
    (first, *_) = found["causes"]
    assert first["tag_id"] == plant.tags["cua/oil"]
    assert plant.model(model_id).scored_until == at(HOURS)


@pytest.mark.vital
def test_the_same_readings_give_the_same_events_when_some_come_late_and_after_a_restart(
    plant: WatchedPlant, watch: Watch, database: DatabaseSettings
) -> None:
    times, values = faulty()
    plant.say(times, values)
    live(plant, watch)
    plant.report(HOURS)
    watch.until(HOURS)
    expected = plant.events()
    assert len(expected) == 2
    watch.close()

    plant.connection.execute("truncate anomaly_model, anomaly_event, measurement cascade")
    hidden = slice(part(8.4), part(8.65))
    early = np.ones(len(times), dtype=bool)
    early[hidden] = False
    # In disorder, and what the fault begins with not at all.
    order = np.random.default_rng(1).permutation(np.flatnonzero(early))
    plant.say([times[place] for place in order], values[order])
    other = Watch(database)
    live(plant, other)
    plant.report(9.5)
    other.until(9.5)
    assert plant.events() != expected
    # It dies in the middle of an hour, and what was late comes before another takes over.
    other.close()
    plant.say(times[hidden], values[hidden])
    third = Watch(database)
    plant.report(HOURS)
    third.until(HOURS)
    third.close()

    assert plant.events() == expected


def test_two_processes_share_machines_and_one_takes_over_what_the_other_lets_go(
    plant: WatchedPlant, watch: Watch, database: DatabaseSettings
) -> None:
    plant.say(*faulty())
    model_id = live(plant, watch)
    other = Watch(database)
    plant.report(8)
    other.until(8)
    assert model_id not in other.fleet.charges
    watch.until(8)
    assert watch.fleet.charges[model_id].moment == at(8)

    watch.close()
    plant.report(HOURS)
    other.until(HOURS)

    assert other.fleet.charges[model_id].moment == at(HOURS)
    assert len(plant.events()) == 2
    other.close()
