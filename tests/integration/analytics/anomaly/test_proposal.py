"""Models that the service asks for itself: after maintenance, and when a product is new."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from plant.settings import DatabaseSettings
from store.anomaly import model as model_store
from store.anomaly.model import ModelRow
from tests.plants.figure_plant import SITE, at
from tests.plants.watched_plant import Watch, WatchedPlant, readings

HOURS = 30.0


@pytest.fixture
def plant(database: DatabaseSettings) -> Iterator[WatchedPlant]:
    found = WatchedPlant(database)
    found.say(*readings(HOURS))
    yield found
    found.close()


@pytest.fixture
def watch(database: DatabaseSettings) -> Iterator[Watch]:
    found = Watch(database)
    yield found
    found.close()


def live(plant: WatchedPlant, watch: Watch) -> int:
    """Return a model that has learned eight hours, was tried for two and approved."""
    model_id = plant.propose((0, 8.01), 10)
    go_on(plant, watch, 10)
    assert model_store.approve(plant.connection, model_id, at(10), "an")
    return model_id


def go_on(plant: WatchedPlant, watch: Watch, hours: float) -> None:
    plant.report(hours)
    watch.fleet.ask_again()
    watch.until(hours)
    watch.fleet.ask_again()
    watch.until(hours)


def maintain(plant: WatchedPlant, place: str, start: datetime, end: datetime) -> None:
    plant.connection.execute(
        "insert into planned_maintenance (site_id, number, place_id, start_time, end_time)"
        " select site_id, 'BT-7', place_id, %s, %s from edge, place where path = %s",
        (start, end, place),
    )


def asked(plant: WatchedPlant) -> list[ModelRow]:
    models = model_store.models_of(plant.connection, [plant.unit_id])
    return [one for one in models if one.because]


def test_after_maintenance_a_model_is_learned_tried_and_waits_for_a_person(
    plant: WatchedPlant, watch: Watch
) -> None:
    first = live(plant, watch)
    # Of the whole site: the machine is meant, too.
    maintain(plant, SITE, at(11), at(12))
    go_on(plant, watch, 20)
    assert asked(plant) == []

    go_on(plant, watch, 22.5)
    (model,) = asked(plant)
    assert (model.status, model.reason, model.because) == ("ready", "maintenance", "BT-7")
    assert model.created_by == "service"
    assert (model.train_from, model.train_to) == (at(12), at(20))
    assert model.settings["learn_rows"] == 400
    assert plant.model(first).status == "live"

    # Approved by a person, and taken back by one.
    assert model_store.approve(plant.connection, model.model_id, at(22.5), "bình")
    assert plant.model(first).status == "retired"
    go_on(plant, watch, 26)
    assert [one.model_id for one in asked(plant)] == [model.model_id]
    assert model_store.approve(plant.connection, first, at(26), "an")
    assert plant.model(model.model_id).status == "retired"
    go_on(plant, watch, HOURS)
    assert plant.model(first).scored_until == at(HOURS)


def test_what_was_refused_is_not_asked_for_again_and_what_a_person_prepares_goes_first(
    plant: WatchedPlant, watch: Watch
) -> None:
    live(plant, watch)
    maintain(plant, plant.unit, at(10.2), at(10.5))
    own = plant.propose((1, 9), 10.4, "feedback")
    go_on(plant, watch, 21)
    assert asked(plant) == []
    assert plant.model(own).status == "ready"

    assert model_store.refuse(plant.connection, own, at(21))
    go_on(plant, watch, 21.5)
    (model,) = asked(plant)
    assert model_store.refuse(plant.connection, model.model_id, at(21.5))
    go_on(plant, watch, HOURS)
    assert [one.status for one in asked(plant)] == ["refused"]


def test_a_product_that_was_learned_while_live_is_put_before_a_person_with_all_the_others(
    plant: WatchedPlant, watch: Watch
) -> None:
    plant.write(plant.unit, "product", [(10.5, "banh-rang")])
    first = live(plant, watch)
    assert plant.model(first).settings["products"] == ["truc"]
    go_on(plant, watch, 17)
    assert asked(plant) == []

    go_on(plant, watch, 19)
    (model,) = asked(plant)
    assert (model.reason, model.because, model.status) == ("product", "banh-rang", "ready")
    assert model.train_from == at(0)
    assert model.progress["regimes"] == {"truc": 0.0, "banh-rang": 0.0}
    assert model_store.approve(plant.connection, model.model_id, at(19), "an")
    assert sorted(plant.model(model.model_id).settings["products"]) == ["banh-rang", "truc"]
    go_on(plant, watch, HOURS)
    assert len(asked(plant)) == 1


def test_a_model_whose_data_break_it_rests_and_the_others_go_on(
    plant: WatchedPlant, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_id = live(plant, watch)
    charge = watch.fleet.charges[model_id]

    def broken(*_: object) -> None:
        raise FloatingPointError("odd data")

    monkeypatch.setattr(charge.scorer.grid, "take", broken)
    go_on(plant, watch, 12)

    metrics = watch.fleet.metrics
    assert (metrics.errors, metrics.set_aside) == (1, 1)
    assert model_id not in watch.fleet.charges
    # Later it goes on from what is stored, which is not broken.
    watch.fleet.resting[model_id] = 0.0
    go_on(plant, watch, 12)
    assert watch.fleet.charges[model_id].moment == at(12)
    assert metrics.set_aside == 0


def test_the_service_counts_what_it_does(plant: WatchedPlant, watch: Watch) -> None:
    live(plant, watch)
    go_on(plant, watch, 12)
    metrics = watch.fleet.metrics

    assert metrics.models == {"live": 1}
    assert metrics.readings >= 12 * 3600 / 10 * 3
    assert metrics.rows == 12 * 360
    assert metrics.refits > 5
    assert metrics.lag_s == 0
    watch.now = at(13)
    watch.fleet.one_pass(watch.connection)
    assert metrics.lag_s == 3600
    samples = {family.name: family.samples for family in metrics.collect()}
    assert samples["nhipmay_anomaly_models"] == {"live": 1}
    assert samples["nhipmay_anomaly_lag_seconds"] == {"": 3600.0}
    # More of an hour that was judged: it is judged again, and that is counted.
    plant.connection.execute(
        "insert into measurement (tag_id, source_time, received_time, value, quality)"
        " values (%s, %s, %s, 40, 0)",
        (plant.tags["cua/oil"], at(11.4), at(13)),
    )
    go_on(plant, watch, 14)
    assert metrics.judged_again == 1
