"""Energy meters as an MES describes them, in the figures: shared, moved, corrected, late."""

from collections.abc import Iterator
from typing import Any

import pytest

from ingest.validation.registry import TagColumns
from plant.settings import DatabaseSettings
from store.delivery.store import PostgresDeliveryTransaction
from tests.plants.figure_plant import GRINDER, LINE, SAW, SITE, FigurePlant, at
from tests.plants.mes_documents import write

HOURS = 3


@pytest.fixture
def plant(each_database: DatabaseSettings) -> Iterator[FigurePlant]:
    """Two machines, and a tag at the saw whose meter nobody has described yet."""
    plant = FigurePlant(each_database)
    for unit in (SAW, GRINDER):
        plant.run_steadily(unit, 0, HOURS, step_s=50)
    plant.add_tag("cua/cong-to", SAW)
    plant.write(SAW, "cong-to", [(n / 60, float(n)) for n in range(60 * HOURS)])
    plant.report(HOURS)
    plant.settle(HOURS)
    yield plant
    plant.close()


def say(plant: FigurePlant, **fields: Any) -> None:
    meter = {
        "site": SITE,
        "code": "cong-to",
        "name_vi": "Công tơ",
        "tag": "cua/cong-to",
        "place": LINE,
    }
    report = write(plant.database, "energy-meters", [meter | fields])
    assert report.committed, report.problems
    plant.assert_repaired(HOURS)


def energy(plant: FigurePlant, *places: str) -> list[float | None]:
    return [plant.result(place, "hour", 1)["energy_kwh"] for place in places]


def test_a_shared_meter_adds_up_to_what_it_shows(plant: FigurePlant) -> None:
    assert energy(plant, SAW, GRINDER, LINE) == [None, None, None]

    say(plant, shares={SAW: 3, GRINDER: 1})

    assert energy(plant, SAW, GRINDER, LINE, SITE) == pytest.approx([45, 15, 60, 60])


def test_late_readings_of_a_shared_meter_restate_all_who_share_it(plant: FigurePlant) -> None:
    say(plant, shares={SAW: 3, GRINDER: 1})

    plant.write(SAW, "cong-to", [(1 + 59.5 / 60, 130.0)])
    plant.assert_repaired(HOURS)

    assert energy(plant, SAW, GRINDER) == pytest.approx([0.75 * 71, 0.25 * 71])


def test_a_meter_of_power_is_added_up(plant: FigurePlant) -> None:
    plant.connection.execute(
        "update measurement set value = 6 where value > 0 and tag_id ="
        " (select tag_id from tag where name = 'cua/cong-to')"
    )
    plant.connection.execute("update tag set max_silence_s = 90 where name = 'cua/cong-to'")

    say(plant, place=SAW, reading="power", kwh_per_unit=0.5)

    assert energy(plant, SAW, GRINDER) == [pytest.approx(3), None]


def test_a_meter_that_was_taken_away_says_nothing_afterwards(plant: FigurePlant) -> None:
    say(plant, place=SAW, valid_to=at(1).isoformat())

    hours = [plant.result(SAW, "hour", hour)["energy_kwh"] for hour in range(HOURS)]
    assert hours == [59, None, None]


def test_what_comes_of_a_described_meter_marks_its_hours(plant: FigurePlant) -> None:
    def is_meter() -> bool:
        (row,) = plant.rows("select site_id, edge_id from tag where name = 'cua/cong-to'")
        opened = PostgresDeliveryTransaction(plant.connection, 1)
        tags = opened.tags(row["site_id"], [row["edge_id"]])
        (found,) = [tag for tag in tags if tag.tag.name == "cua/cong-to"]
        (marked,) = TagColumns.of([found]).has_role.tolist()
        assert found.is_meter == marked
        return found.is_meter

    assert not is_meter()

    say(plant)

    assert is_meter()


def test_a_meter_withdrawn_leaves_no_trace(plant: FigurePlant) -> None:
    before = plant.figures()
    say(plant, valid_from=at(0.5).isoformat())
    assert plant.figures() != before

    say(plant, valid_from=at(0.5).isoformat(), withdrawn=True)

    assert plant.figures() == before
