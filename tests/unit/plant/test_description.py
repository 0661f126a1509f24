from pathlib import Path
from typing import Any

import pytest
import yaml

from plant.description import PlantDescription
from plant.errors import ConfigurationError
from plant.place import Level, level_of
from plant.settings import load_settings

MINIMAL: dict[str, Any] = {
    "enterprise": {"code": "xuong-mau", "name_vi": "Xưởng mẫu"},
    "sites": [
        {
            "code": "bien-hoa",
            "name_vi": "Biên Hòa",
            "shifts": [{"name": "C1", "start": "06:00", "end": "14:00"}],
            "areas": [
                {
                    "code": "xuong-1",
                    "name_vi": "Xưởng 1",
                    "work_centers": [
                        {
                            "code": "day-1",
                            "name_vi": "Dây chuyền 1",
                            "work_units": [{"code": "may-1", "name_vi": "Máy 1"}],
                        }
                    ],
                }
            ],
        }
    ],
}


def load(folder: Path, **changes: Any) -> PlantDescription:
    file = folder / "plant.yaml"
    file.write_text(yaml.safe_dump(MINIMAL | changes, allow_unicode=True), encoding="utf-8")
    return load_settings(PlantDescription, file)


def test_places_come_with_parents_first_when_listed(tmp_path: Path) -> None:
    places = load(tmp_path).places()
    assert [place.level for place in places] == list(Level)
    assert places[-1].path == "xuong-mau/bien-hoa/xuong-1/day-1/may-1"
    assert places[-1].parent_path == places[-2].path
    assert places[0].name_en == "Xưởng mẫu"
    assert places[0].parent_path is None


def test_an_order_is_refused_when_its_product_or_line_is_unknown(tmp_path: Path) -> None:
    order = {
        "number": "LSX-1",
        "product": "truc",
        "work_center": "bien-hoa/xuong-1/day-9",
        "planned_quantity": 10,
    }
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, orders=[order])
    assert "order LSX-1: no place xuong-mau/bien-hoa/xuong-1/day-9" in str(caught.value)
    assert "order LSX-1: no product truc" in str(caught.value)


def test_overlapping_shifts_are_refused_when_they_collide(tmp_path: Path) -> None:
    site = MINIMAL["sites"][0] | {
        "shifts": [
            {"name": "C1", "start": "06:00", "end": "14:00"},
            {"name": "C2", "start": "13:30", "end": "21:30"},
        ]
    }
    with pytest.raises(ConfigurationError, match="overlaps shift"):
        load(tmp_path, sites=[site])


def test_an_unknown_time_zone_is_refused_when_loaded(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no IANA time zone"):
        load(tmp_path, sites=[MINIMAL["sites"][0] | {"time_zone": "Asia/Bien_Hoa"}])


def test_a_threshold_is_refused_when_it_is_of_no_machine(tmp_path: Path) -> None:
    site = MINIMAL["sites"][0] | {"policy": {"minor_stop_thresholds_s": {"may-7": 60}}}
    with pytest.raises(ConfigurationError, match="minor_stop_thresholds_s names may-7"):
        load(tmp_path, sites=[site])


def test_a_bottleneck_is_refused_when_it_is_not_on_the_line(tmp_path: Path) -> None:
    center = MINIMAL["sites"][0]["areas"][0]["work_centers"][0] | {"bottleneck": "may-7"}
    area = MINIMAL["sites"][0]["areas"][0] | {"work_centers": [center]}
    with pytest.raises(ConfigurationError, match="may-7"):
        load(tmp_path, sites=[MINIMAL["sites"][0] | {"areas": [area]}])


@pytest.mark.parametrize("path", ["", "A/b", "a/b/c/d/e/f", "a//b", "a/b+", "a/#"])
def test_a_path_is_refused_when_it_names_no_place(path: str) -> None:
    with pytest.raises(ConfigurationError):
        level_of(path)


def test_depth_decides_the_level_when_a_path_is_read() -> None:
    assert level_of("a/b/c/d") is Level.WORK_CENTER
