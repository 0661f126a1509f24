"""Changeovers as boards read them."""

from collections.abc import Iterator

import pytest

from plant.settings import DatabaseSettings
from store.reading.board import BoardReading
from tests.plants.figure_plant import SAW, FigurePlant, at


@pytest.fixture
def plant(plain_database: DatabaseSettings) -> Iterator[FigurePlant]:
    plant = FigurePlant(plain_database)
    yield plant
    plant.close()


def test_a_changeover_is_from_the_last_good_part_to_the_first_good_one(plant: FigurePlant) -> None:
    plant.write(SAW, "state", [(hours / 100, "EXECUTE") for hours in range(200)])
    plant.write(SAW, "product", [(0, "a"), (0.5, "a"), (1, "b"), (1.8, "c")])
    # A dip by one that the next reading makes good is no part; scrap is none either.
    good = [(0.0, 500), (0.9, 510), (0.92, 509), (0.95, 510), (1.2, 510), (1.25, 511), (1.3, 512)]
    plant.write(SAW, "good_count", good)
    plant.write(SAW, "scrap_count", [(0.0, 0), (1.1, 5)])
    plant.report(2)
    plant.settle(2)
    (unit,) = plant.rows("select place_id from place where path = %s", (SAW,))

    found = BoardReading(plant.connection).changeovers([unit["place_id"]], at(0), at(2))

    assert [(one.from_product, one.to_product, one.changed_at) for one in found] == [
        ("a", "b", at(1)),
        ("b", "c", at(1.8)),
    ]
    assert [(one.last_good, one.first_good) for one in found] == [
        (at(0.9), at(1.25)),
        (at(1.3), None),
    ]
