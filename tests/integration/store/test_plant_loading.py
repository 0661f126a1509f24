"""The plant description in the database: loaded again and again, changed, refused."""

from typing import Any

import pytest

from plant.description import PlantDescription
from plant.errors import ConfigurationError
from plant.settings import DatabaseSettings
from store import connect, load_plant
from tests.plants.deliveries import DRILL, LATHE, SITE, plant

TABLES = (
    "place",
    "edge",
    "state_map",
    "oee_policy",
    "product",
    "planned_run_time",
    "production_order",
    "stop_reason",
)


def changed(**parts: Any) -> PlantDescription:
    """Return the plant with a product, an order and a reason, and parts of it replaced."""
    content = plant().model_dump(mode="json")
    content["products"] = [
        {
            "code": "truc-20",
            "name_vi": "Trục 20",
            "planned_run_times": [
                {"work_unit": LATHE.partition("/")[2], "seconds": parts.pop("seconds", 30)}
            ],
        }
    ]
    content["orders"] = [
        {
            "number": "LSX-1",
            "product": "truc-20",
            "work_center": "bien-hoa/xuong-1/day-chuyen-1",
            "planned_quantity": 100,
        }
    ]
    content["stop_reasons"] = [{"code": "het-phoi", "name_vi": "Hết phôi"}]
    site = content["sites"][0]
    unit = site["areas"][0]["work_centers"][0]["work_units"][0]
    unit["state_map"] = parts.pop("state_map", {"AUTO": "EXECUTE"})
    return PlantDescription.model_validate(content | {"sites": [site | parts]})


def tables(database: DatabaseSettings) -> dict[str, list[tuple[Any, ...]]]:
    with connect(database) as connection:
        found = {
            name: connection.execute(f"select * from {name} order by 1, 2").fetchall()
            for name in TABLES
        }
        found["shift_pattern"] = connection.execute(
            "select name, start_local, end_local, weekdays from shift_pattern order by 1"
        ).fetchall()
        found["shift_break"] = connection.execute(
            "select name, start_local, end_local from shift_break order by 1"
        ).fetchall()
        return found


def dirty(database: DatabaseSettings) -> list[tuple[str, int]]:
    with connect(database) as connection:
        return connection.execute(
            "select path, revision from dirty_window join place on place_id = work_unit_id"
            " order by 1, 2"
        ).fetchall()


def add_figures(database: DatabaseSettings) -> None:
    """Give both machines one hour of figures."""
    columns = "calendar_ms, pot_ms, pbt_ms, apt_ms, aust_ms, adet_ms, adot_ms, unknown_ms"
    with connect(database) as connection:
        connection.execute(
            f"insert into base_sum (work_unit_id, slice_start, slice_end, hour, {columns},"
            " unscheduled_production_ms, failure_events, policy_version, formula_version, as_of)"
            " select place_id, '2026-03-02 08:00Z', '2026-03-02 09:00Z', '2026-03-02 08:00Z',"
            " 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, '1', now() from place where level = 'work_unit'"
        )


def test_loading_again_changes_nothing(each_database: DatabaseSettings) -> None:
    load_plant(each_database, changed())
    once = tables(each_database)
    add_figures(each_database)

    load_plant(each_database, changed())

    assert all(once.values())
    assert tables(each_database) == once
    assert dirty(each_database) == []


@pytest.mark.parametrize(
    "change",
    [
        {"seconds": 31},
        {"state_map": {"AUTO": "HELD"}},
        {"shifts": [{"name": "Ca 1", "start": "06:00", "end": "15:00"}]},
        {"policy": {"version": 2, "minor_stop_threshold_s": 60}},
        {"time_zone": "Asia/Tokyo"},
    ],
)
def test_hours_with_figures_are_dirty_when_what_they_depend_on_changed(
    plain_database: DatabaseSettings, change: dict[str, Any]
) -> None:
    load_plant(plain_database, changed())
    add_figures(plain_database)

    load_plant(plain_database, changed(**change))

    assert dirty(plain_database) == [(DRILL, 1), (LATHE, 1)]


@pytest.mark.parametrize("change", [{"name_vi": "Biên Hòa 2"}, {"edges": ["edge-1", "edge-3"]}])
def test_figures_stay_when_only_names_or_edges_changed(
    plain_database: DatabaseSettings, change: dict[str, Any]
) -> None:
    load_plant(plain_database, changed())
    add_figures(plain_database)

    load_plant(plain_database, changed(**change))

    assert dirty(plain_database) == []


def test_a_changed_policy_needs_a_new_version(plain_database: DatabaseSettings) -> None:
    load_plant(plain_database, changed())
    before = tables(plain_database)
    wrong = changed(policy={"version": 1, "minor_stop_threshold_s": 60}, name_vi="Khác")

    with pytest.raises(ConfigurationError, match="version: 2"):
        load_plant(plain_database, wrong)

    assert tables(plain_database) == before


def test_it_may_be_part_of_a_larger_transaction(plain_database: DatabaseSettings) -> None:
    with connect(plain_database) as connection:
        load_plant(connection, plant())
        connection.rollback()

    assert tables(plain_database)["place"] == []


def test_places_keep_their_order_and_their_kind(plain_database: DatabaseSettings) -> None:
    load_plant(plain_database, plant())

    with connect(plain_database) as connection:
        rows = connection.execute(
            "select unit.path, unit.position, unit.level, unit.time_zone, slowest.path"
            " from place as unit left join place as slowest"
            " on slowest.place_id = unit.bottleneck_id order by unit.level, unit.position"
        ).fetchall()
    found = {path: rest for path, *rest in rows}
    assert found[SITE] == [0, "site", "Asia/Ho_Chi_Minh", None]
    assert found[LATHE.rpartition("/")[0]] == [0, "work_center", None, LATHE]
    assert found[LATHE] == [0, "work_unit", None, None]
    assert found[DRILL] == [1, "work_unit", None, None]
