"""Orders, inspections and routings as an MES tells them, in the figures: late or in time."""

from collections.abc import Iterator
from typing import Any

import pytest

from plant.settings import DatabaseSettings
from tests.plants.figure_plant import GRINDER, LINE, SAW, SITE, FigurePlant, at
from tests.plants.mes_documents import write

HOURS = 3


@pytest.fixture
def plant(plain_database: DatabaseSettings) -> Iterator[FigurePlant]:
    """A saw that tells neither order nor product, and a grinder that tells both."""
    yield from running(plain_database)


@pytest.fixture
def each_plant(each_database: DatabaseSettings) -> Iterator[FigurePlant]:
    """The same on TimescaleDB and on plain PostgreSQL."""
    yield from running(each_database)


def running(database: DatabaseSettings) -> Iterator[FigurePlant]:
    plant = FigurePlant(database)
    for unit in (SAW, GRINDER):
        plant.run_steadily(unit, 0, HOURS, step_s=50)
    plant.without_tags(SAW, "order", "product")
    plant.report(HOURS)
    plant.settle(HOURS)
    product = {"enterprise": "dong-nai", "code": "bac-lot", "name_vi": "Bạc lót"}
    run_time = {"work_unit": SAW, "product": "bac-lot", "seconds": 10}
    assert write(database, "products", [product]).committed
    assert write(database, "planned-run-times", [run_time]).committed
    yield plant
    plant.close()


def say(plant: FigurePlant, kind: str, *documents: dict[str, Any]) -> None:
    """Write documents, compute what they touch, and compare with computing everything again."""
    report = write(plant.database, kind, documents)
    assert report.committed, report.problems
    plant.assert_repaired(HOURS)


def order(number: str, product: str) -> dict[str, Any]:
    return {
        "site": SITE,
        "number": number,
        "product": product,
        "work_center": LINE,
        "planned_quantity": 100,
    }


def run(unit: str, number: str, start: float, end: float | None = None, **more: Any) -> Any:
    ended = {} if end is None else {"ended_at": at(end).isoformat()}
    return {"work_unit": unit, "order": number, "started_at": at(start).isoformat()} | ended | more


def parts(plant: FigurePlant, unit: str) -> list[tuple[Any, ...]]:
    """Return order, lot, product, minutes and parts of a machine's stretches of one order."""
    rows = plant.rows(
        "select order_number, lot_number, product_code, min(slice_start) as first,"
        " sum(calendar_ms) / 60000 as minutes, sum(produced_quantity) as made,"
        " sum(pri_pq_ms) / 1000 as ideal_s"
        " from base_sum join place on place_id = work_unit_id where path = %s"
        " group by 1, 2, 3 order by first",
        (unit,),
    )
    return [
        (
            row["order_number"],
            row["lot_number"],
            row["product_code"],
            float(row["minutes"]),
            None if row["ideal_s"] is None else row["ideal_s"] / row["made"],
        )
        for row in rows
    ]


def test_an_order_told_by_the_mes_decides_product_and_run_time(
    each_plant: FigurePlant,
) -> None:
    plant = each_plant
    assert plant.result(SAW, "hour", 1)["missing"]["oee"] == "no_planned_run_time"
    write(plant.database, "orders", [order("LSX-7", "bac-lot"), order("LSX-8", "truc")])

    say(
        plant,
        "order-runs",
        run(SAW, "LSX-7", 0, 1.5, lot="L-7"),
        run(SAW, "LSX-8", 1.5, lot="L-8"),
    )

    assert parts(plant, SAW) == [
        ("LSX-7", "L-7", "bac-lot", 90, pytest.approx(10)),
        ("LSX-8", "L-8", "truc", 90, pytest.approx(30)),
    ]
    assert plant.result(SAW, "hour", 2)["effectiveness"] == pytest.approx(0.75, abs=0.01)


def test_the_end_that_comes_later_ends_the_order(plant: FigurePlant) -> None:
    plant.write(SAW, "state", [(2 + n / 72, "STOPPED") for n in range(72)])
    open_run = run(SAW, "LSX-1", 0, product="truc")
    say(plant, "order-runs", open_run)
    delayed = plant.result(SAW, "hour", 2)["adet_ms"]

    say(plant, "order-runs", run(SAW, "LSX-1", 0, 2.0, product="truc"))

    assert plant.result(SAW, "hour", 2)["adot_ms"] == delayed > 0
    assert [row[0] for row in parts(plant, SAW)] == ["LSX-1", None]


def test_a_withdrawn_run_leaves_no_trace(plant: FigurePlant) -> None:
    plant.settle(HOURS)
    before = plant.figures()
    say(plant, "order-runs", run(SAW, "LSX-1", 0.5, 2, product="truc"))
    assert plant.figures() != before

    say(plant, "order-runs", run(SAW, "LSX-1", 0.5) | {"withdrawn": True})

    assert plant.figures() == before


def test_the_machine_is_believed_first_unless_the_policy_says_otherwise(
    plant: FigurePlant,
) -> None:
    say(plant, "order-runs", run(GRINDER, "LSX-9", 1, 2, product="truc", lot="L-9"))
    assert {row[:2] for row in parts(plant, GRINDER)} == {("LSX-1", None)}

    plant.reload(policy={"version": 2, "order_from": "mes"})
    plant.assert_repaired(HOURS)

    assert [row[:2] for row in parts(plant, GRINDER)] == [
        ("LSX-1", None),
        ("LSX-9", "L-9"),
        (None, None),
    ]


def test_a_lot_is_that_of_the_machines_order_when_both_agree(plant: FigurePlant) -> None:
    say(plant, "order-runs", run(GRINDER, "LSX-1", 1, 2, product="truc", lot="L-1"))

    assert [row[:3] for row in parts(plant, GRINDER)] == [
        ("LSX-1", None, "truc"),
        ("LSX-1", "L-1", "truc"),
    ]


def test_a_late_run_says_that_master_data_restated_the_figure(plant: FigurePlant) -> None:
    say(plant, "order-runs", run(SAW, "LSX-1", 0, product="truc"))
    assert plant.result(SAW, "hour", 1)["final"]

    write(plant.database, "order-runs", [run(SAW, "LSX-2", 1, 2, product="bac-lot")])
    plant.settle(HOURS)

    trail = plant.rows(
        "select distinct figure, cause from oee_restatement join place using (place_id)"
        " where path = %s and window_start = %s",
        (SAW, at(1)),
    )
    assert {"effectiveness", "oee"} <= {row["figure"] for row in trail}
    assert {row["cause"] for row in trail} == {"master_data"}


def inspection(number: str, serial: str, result: str, when: float, **more: Any) -> dict[str, Any]:
    return {
        "site": SITE,
        "number": number,
        "work_unit": GRINDER,
        "product": "truc",
        "serial_number": serial,
        "result": result,
        "inspected_at": at(when).isoformat(),
    } | more


def inspected(plant: FigurePlant, hour: float) -> tuple[int, int]:
    row = plant.result(GRINDER, "hour", hour)
    return row["inspected_parts"], row["good_at_first_parts"]


def test_only_the_first_inspection_of_a_serial_number_counts(each_plant: FigurePlant) -> None:
    plant = each_plant
    say(
        plant,
        "inspections",
        inspection("KT-1", "S-1", "good", 1.1),
        inspection("KT-2", "S-2", "rework", 1.2),
        inspection("KT-3", "S-2", "good", 1.4, attempt=2),
        inspection("KT-4", "S-3", "scrap", 2.5, produced_at=at(1.5).isoformat()),
    )

    assert inspected(plant, 1) == (3, 1)
    assert inspected(plant, 2) == (0, 0)
    row = plant.rows("select sum(rework_found_parts) as found from base_sum")[0]
    assert row["found"] == 1


def test_a_late_first_inspection_restates_where_the_part_counted(plant: FigurePlant) -> None:
    say(plant, "inspections", inspection("KT-2", "S-1", "good", 1.5, attempt=2))
    assert inspected(plant, 1) == (1, 0)

    write(plant.database, "inspections", [inspection("KT-1", "S-1", "rework", 0.5)])
    plant.settle(HOURS)

    assert (inspected(plant, 0), inspected(plant, 1)) == ((1, 0), (0, 0))
    trail = plant.rows(
        "select figure, new_value, cause from oee_restatement join place using (place_id)"
        " where path = %s and window_start = %s and kind = 'hour'",
        (GRINDER, at(0)),
    )
    assert trail == [{"figure": "inspected_parts", "new_value": 1, "cause": "correction"}]
    plant.assert_repaired(HOURS)


def routing(unit: str, **fields: Any) -> dict[str, Any]:
    return {"work_unit": unit, "product": "truc", "position": 1} | fields


def test_a_cycle_of_several_parts_counts_them_all(plant: FigurePlant) -> None:
    before = plant.result(GRINDER, "hour", 0)["produced_quantity"]

    say(plant, "routings", routing(GRINDER, parts_per_cycle=4, valid_from=at(1.5).isoformat()))

    assert plant.result(GRINDER, "hour", 0)["produced_quantity"] == before
    assert plant.result(GRINDER, "hour", 1)["produced_quantity"] == 45 + 4 * 45
    assert plant.result(GRINDER, "hour", 2)["produced_quantity"] == 4 * 90


def test_several_cycles_may_make_one_part(plant: FigurePlant) -> None:
    say(plant, "routings", routing(GRINDER, parts_per_cycle=0.5))

    row = plant.result(GRINDER, "hour", 1)
    assert (row["produced_quantity"], row["good_quantity"]) == (45, 45)


def test_the_time_of_an_operation_stands_in_for_a_run_time(plant: FigurePlant) -> None:
    operation = {
        "work_unit": GRINDER,
        "product": "bac-lot",
        "position": 2,
        "seconds": 36,
        "parts_per_cycle": 2,
    }
    plant.write(GRINDER, "product", [(n / 72, "bac-lot") for n in range(72 * HOURS)])
    plant.connection.execute("delete from text_measurement where value = 'truc'")
    plant.settle(HOURS)
    assert plant.result(GRINDER, "hour", 1)["missing"]["effectiveness"] == "no_planned_run_time"

    say(plant, "routings", operation)

    row = plant.result(GRINDER, "hour", 1)
    assert row["effectiveness"] == pytest.approx(90 * 2 * 18 / 3600, abs=0.02)


def test_parts_per_item_make_a_line_count_items(plant: FigurePlant) -> None:
    plant.connection.execute(
        "update place set bottleneck_id = (select place_id from place where path = %s)"
        " where path = %s",
        (SAW, LINE),
    )
    plant.forget()
    say(plant, "order-runs", run(SAW, "LSX-1", 0, product="truc"))
    before = plant.result(LINE, "hour", 1)["oee"]

    say(plant, "routings", routing(SAW, parts_per_item=3), routing(GRINDER, parts_per_item=2))

    assert plant.result(LINE, "hour", 1)["oee"] == pytest.approx(before * 3 / 2)
