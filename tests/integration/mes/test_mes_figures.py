"""What an MES says reaches the figures: late, corrected, and as if it had been said at once."""

from collections.abc import Iterator
from typing import Any

import pytest

from plant.settings import DatabaseSettings
from tests.plants.figure_plant import GRINDER, LINE, SAW, SITE, FigurePlant, at
from tests.plants.mes_documents import write

HOURS = 9


@pytest.fixture
def plant(database: DatabaseSettings) -> Iterator[FigurePlant]:
    """A plant whose machines made parts through one shift and an hour after it."""
    plant = FigurePlant(database)
    for unit in (SAW, GRINDER):
        plant.run_steadily(unit, 0, HOURS)
    plant.report(HOURS)
    settle(plant)
    yield plant
    plant.close()


def settle(plant: FigurePlant) -> None:
    plant.settle(HOURS)


def say(plant: FigurePlant, kind: str, *documents: dict[str, Any]) -> None:
    """Write documents, compute what they touch, and compare with computing everything again."""
    report = write(plant.database, kind, documents)
    assert report.committed, report.problems
    plant.assert_repaired(HOURS)


def elements(plant: FigurePlant, unit: str, start: float, end: float) -> dict[str, float]:
    """Return minutes by element of a window."""
    rows = plant.rows(
        "select element, sum(extract(epoch from least(end_time, %s) - greatest(start_time, %s)))"
        " / 60 as minutes from state_interval join place on place_id = work_unit_id"
        " where path = %s and start_time < %s and end_time > %s group by element",
        (at(end), at(start), unit, at(end), at(start)),
    )
    return {row["element"]: float(row["minutes"]) for row in rows}


def test_a_holiday_takes_the_shift_away(plant: FigurePlant) -> None:
    assert plant.result(SAW, "shift", 0)["pbt_ms"] == 7.5 * 3_600_000

    say(plant, "holidays", {"site": SITE, "day": "2026-03-03", "name_vi": "Nghỉ bù"})

    assert plant.rows("select 1 from oee_result where kind = 'shift'") == []
    assert elements(plant, SAW, 0, 8) == {"unscheduled_production": 480}
    assert plant.result(SAW, "hour", 2)["missing"]["oee"] == "not_scheduled"


def test_a_rotation_leaves_the_days_of_others(plant: FigurePlant) -> None:
    night = {"site": SITE, "name": "ca-dem", "start": "22:00", "end": "06:00"}
    say(plant, "shifts", night)
    rotation = {"site": SITE, "name": "đảo", "valid_from": "2026-03-02", "cycle": "ca-1|ca-dem"}

    say(plant, "rotations", rotation)

    shifts = plant.rows("select distinct shift from oee_result where kind = 'shift'")
    assert [row["shift"] for row in shifts] == []
    assert plant.result(SAW, "hour", 3)["missing"]["oee"] == "not_scheduled"


def test_a_corrected_shift_moves_planned_time(plant: FigurePlant) -> None:
    longer = {
        "site": SITE,
        "name": "ca-1",
        "start": "06:00",
        "end": "14:30",
        "breaks": [{"name": "trưa", "start": "10:00", "end": "10:30"}],
        "valid_from": "2026-03-03",
        "valid_to": "2026-03-04",
    }

    say(plant, "shifts", longer)

    assert plant.result(SAW, "shift", 0)["pbt_ms"] == 8 * 3_600_000


def test_planned_maintenance_is_outside_busy_time(plant: FigurePlant) -> None:
    plant.write(SAW, "state", [(3.999, "STOPPED"), (4.25, "STOPPED"), (4.5, "STOPPED")])
    stop_at = [(3.9 + n / 180, "STOPPED") for n in range(200)]
    plant.write(SAW, "state", stop_at)
    maintenance = {
        "site": SITE,
        "number": "BT-1",
        "place": SAW,
        "start": at(5).isoformat(),
        "end": at(5.5).isoformat(),
    }
    settle(plant)
    before = plant.result(SAW, "shift", 0)["pbt_ms"]

    say(plant, "planned-maintenance", maintenance)

    found = elements(plant, SAW, 5, 6)
    assert "planned_maintenance" in found or "unscheduled_production" in found
    assert sum(found.values()) == pytest.approx(60)
    assert before - plant.result(SAW, "shift", 0)["pbt_ms"] == 30 * 60_000
    assert plant.result(GRINDER, "shift", 0)["pbt_ms"] == before


def test_maintenance_of_a_line_is_that_of_its_machines(plant: FigurePlant) -> None:
    before = plant.result(GRINDER, "shift", 0)["pbt_ms"]
    maintenance = {
        "site": SITE,
        "number": "BT-2",
        "place": LINE,
        "start": at(3.5).isoformat(),
        "end": at(4.25).isoformat(),
    }

    say(plant, "planned-maintenance", maintenance)

    # Its second half hour but one is the planned break anyway.
    assert before - plant.result(GRINDER, "shift", 0)["pbt_ms"] == 30 * 60_000


def test_late_scrap_amends_the_hour_of_production(plant: FigurePlant) -> None:
    before = [plant.result(GRINDER, "hour", hour) for hour in (1, 2)]
    late = {
        "site": SITE,
        "number": "PP-1",
        "work_unit": GRINDER,
        "product": "truc",
        "quantity": 9,
        "produced_at": at(1.5).isoformat(),
        "booked_at": at(48).isoformat(),
    }

    say(plant, "scrap-bookings", late)

    after = [plant.result(GRINDER, "hour", hour) for hour in (1, 2)]
    changes = {"good_quantity": -9, "scrap_quantity": 9, "produced_quantity": 0}
    for name, change in changes.items():
        assert after[0][name] - before[0][name] == change
    assert {name: after[1][name] for name in changes} == {name: before[1][name] for name in changes}
    assert after[0]["quality_ratio"] == pytest.approx(81 / 90)


def test_a_withdrawn_booking_leaves_no_trace_in_the_figures(plant: FigurePlant) -> None:
    before = plant.figures()
    late = {
        "site": SITE,
        "number": "PP-1",
        "work_unit": GRINDER,
        "product": "truc",
        "quantity": 9,
        "produced_at": at(1.5).isoformat(),
        "booked_at": at(48).isoformat(),
    }
    say(plant, "scrap-bookings", late)

    say(plant, "scrap-bookings", late | {"withdrawn": True})

    assert plant.figures() == before


def test_a_corrected_run_time_changes_the_performance_it_held_for(plant: FigurePlant) -> None:
    slower = {
        "work_unit": GRINDER,
        "product": "truc",
        "seconds": 20,
        "valid_from": at(2.5).isoformat(),
        "valid_to": at(5).isoformat(),
    }

    say(plant, "planned-run-times", slower)

    assert plant.result(GRINDER, "hour", 1)["effectiveness"] == pytest.approx(1, abs=0.02)
    assert plant.result(GRINDER, "hour", 3)["effectiveness"] == pytest.approx(0.5, abs=0.02)
    assert plant.result(GRINDER, "hour", 6)["missing"]["effectiveness"] == "no_planned_run_time"


def test_a_final_figure_that_a_document_changes_leaves_a_restatement(
    database: DatabaseSettings,
) -> None:
    plant = FigurePlant(database)
    try:
        for unit in (SAW, GRINDER):
            plant.run_steadily(unit, 0, HOURS)
        plant.report(HOURS)
        plant.settle(HOURS)
        assert plant.result(GRINDER, "hour", 1)["final"]
        late = {
            "site": SITE,
            "number": "PP-1",
            "work_unit": GRINDER,
            "product": "truc",
            "quantity": 9,
            "produced_at": at(1.5).isoformat(),
            "booked_at": at(48).isoformat(),
        }

        write(database, "scrap-bookings", [late])
        settle(plant)

        trail = plant.rows(
            "select figure, old_value, new_value, cause"
            " from oee_restatement join place using (place_id)"
            " where path = %s and kind = 'hour' and figure = 'quality_ratio'",
            (GRINDER,),
        )
        assert [(row["old_value"], row["new_value"], row["cause"]) for row in trail] == [
            (1.0, pytest.approx(0.9), "correction")
        ]
    finally:
        plant.close()
