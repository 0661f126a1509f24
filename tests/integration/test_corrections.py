"""What is booked late, and computing again: the right hour changes, with the right cause."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest

from analytics import AnalyticsSettings, recompute_from_raw
from plant.errors import ConfigurationError, DataError
from plant.settings import ClockSettings, DatabaseSettings
from store.correction import QuantityCorrection, correct_quantity
from tests.figure_plant import LINE, SAW, FigurePlant, at


@pytest.fixture
def plant(database: DatabaseSettings) -> Iterator[FigurePlant]:
    plant = FigurePlant(database)
    plant.run_steadily(SAW, 0, 3)
    plant.report(3)
    plant.compute(3)
    yield plant
    plant.close()


def scrap(plant: FigurePlant, quantity: float, made: float, booked: float) -> QuantityCorrection:
    (row,) = plant.rows("select place_id from place where path = %s", (SAW,))
    return QuantityCorrection(
        row["place_id"], "scrap", quantity, at(made), at(booked), "inspector", uuid4()
    )


def test_late_scrap_amends_the_hour_of_production(plant: FigurePlant) -> None:
    before = [plant.result(SAW, "hour", hour) for hour in range(3)]
    correct_quantity(plant.connection, scrap(plant, 4, made=1.5, booked=2.9))
    plant.compute(3)
    after = [plant.result(SAW, "hour", hour) for hour in range(3)]
    assert after[1]["scrap_quantity"] == 4
    assert after[1]["good_quantity"] == before[1]["good_quantity"] - 4
    assert after[1]["produced_quantity"] == before[1]["produced_quantity"]
    for hour in (0, 2):
        assert after[hour]["good_quantity"] == before[hour]["good_quantity"]


def test_late_rework_changes_no_other_hour_when_nothing_counts_rework(plant: FigurePlant) -> None:
    before = [plant.result(SAW, "hour", hour) for hour in range(3)]
    found = replace(scrap(plant, 4, made=1.5, booked=2.9), kind="rework")
    correct_quantity(plant.connection, found)
    plant.compute(3)
    after = [plant.result(SAW, "hour", hour) for hour in range(3)]
    assert after[1]["good_quantity"] == before[1]["good_quantity"] - 4
    for hour in range(3):
        assert after[hour]["produced_quantity"] == before[hour]["produced_quantity"]


def test_a_final_figure_says_that_it_was_corrected(plant: FigurePlant) -> None:
    assert plant.result(SAW, "hour", 1)["final"]
    correct_quantity(plant.connection, scrap(plant, 4, made=1.5, booked=2.9))
    plant.compute(3)
    trail = plant.rows("select figure, cause from oee_restatement")
    assert {row["cause"] for row in trail} == {"correction"}
    assert {"oee", "quality_ratio", "good_quantity"} <= {row["figure"] for row in trail}


def test_a_booking_is_taken_back_by_its_opposite(plant: FigurePlant) -> None:
    before = plant.result(SAW, "hour", 1)["oee"]
    correct_quantity(plant.connection, scrap(plant, 4, made=1.5, booked=2.9))
    correct_quantity(plant.connection, scrap(plant, -4, made=1.5, booked=2.95))
    plant.compute(3)
    assert plant.result(SAW, "hour", 1)["oee"] == before
    assert len(plant.rows("select * from quantity_correction")) == 2


def test_a_booking_is_one_when_it_is_repeated(plant: FigurePlant) -> None:
    booked = scrap(plant, 4, made=1.5, booked=2.9)
    first = correct_quantity(plant.connection, booked)
    assert correct_quantity(plant.connection, booked) == first
    with pytest.raises(DataError, match="produced_later"):
        correct_quantity(plant.connection, scrap(plant, 1, made=2.5, booked=2.4))


def settings(plant: FigurePlant, now: float) -> AnalyticsSettings:
    clock = ClockSettings(wall_origin=at(0), plant_origin=at(0), until=at(now))
    return AnalyticsSettings(database=plant.database, clock=clock)


def test_rows_are_identical_when_everything_is_computed_again(plant: FigurePlant) -> None:
    report = recompute_from_raw(settings(plant, 3))
    assert report.identical, report
    assert report.tables["base_sums"].rows >= 3
    assert report.unit_hours >= 3
    assert recompute_from_raw(settings(plant, 3), LINE, at(1), at(2)).identical


def test_it_is_told_when_recomputation_changes_rows(plant: FigurePlant) -> None:
    plant.connection.execute("update base_sum set adet_ms = 1, apt_ms = apt_ms - 1")
    report = recompute_from_raw(settings(plant, 3))
    assert not report.identical
    assert report.tables["base_sums"].differing > 0
    assert recompute_from_raw(settings(plant, 3)).identical


def test_recomputation_refuses_when_analytics_runs(plant: FigurePlant) -> None:
    from store import figure

    assert figure.try_lock(plant.connection)
    with pytest.raises(ConfigurationError, match="stop it"):
        recompute_from_raw(settings(plant, 3))


def test_recomputation_refuses_a_place_without_figures(plant: FigurePlant) -> None:
    with pytest.raises(ConfigurationError, match="no figures at dong-nai/nowhere"):
        recompute_from_raw(settings(plant, 3), "dong-nai/nowhere")
