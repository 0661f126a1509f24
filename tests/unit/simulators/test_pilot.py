import shutil
from pathlib import Path

import pytest
import yaml

from plant.description import PlantDescription
from plant.errors import ConfigurationError
from plant.measurement import TagRole
from plant.settings import load_settings
from simulators.pilot import load_pilot, pilot_folder

PILOTS = ("co-khi-mau", "thuc-pham-mau")
NEEDED = {
    TagRole.STATE,
    TagRole.MODE,
    TagRole.ORDER,
    TagRole.PRODUCT,
    TagRole.STOP_REASON,
    TagRole.GOOD_COUNT,
    TagRole.SCRAP_COUNT,
    TagRole.ENERGY,
}


@pytest.mark.parametrize("name", PILOTS)
def test_plant_loads_when_it_comes_with_the_program(name: str) -> None:
    plant = load_settings(PlantDescription, pilot_folder(name) / "plant.yaml")

    assert "hư cấu" in plant.enterprise.name_vi
    assert len(plant.sites[0].shifts) == 3
    assert all(shift.breaks for shift in plant.sites[0].shifts)


@pytest.mark.parametrize("name", PILOTS)
def test_edge_settings_load_when_they_come_with_the_program(name: str) -> None:
    from edge_agent import EdgeSettings

    settings = load_settings(EdgeSettings, pilot_folder(name) / "edge.yaml")
    pilot = load_pilot(name)

    assert [tag.name for tag in settings.tags()] == [tag.name for tag in pilot.tags]
    assert {tag.work_unit for tag in settings.tags()} == {
        pilot.unit_path(machine.code) for machine in pilot.floor.machines
    }


@pytest.mark.parametrize("name", PILOTS)
def test_every_machine_reports_what_oee_needs_when_simulated(name: str) -> None:
    pilot = load_pilot(name)

    for machine in pilot.floor.machines:
        tags = [tag for tag in pilot.tags if tag.machine == machine.code]
        assert {tag.role for tag in tags} >= NEEDED
        assert sum(tag.role is TagRole.NONE for tag in tags) >= 2
    assert [tag.counter_modulus for tag in pilot.tags].count(65536) == 1
    assert sum(machine.power_cycles_mean_s is not None for machine in pilot.floor.machines) == 1


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(pilot_folder("thuc-pham-mau"), tmp_path / "pilot"))


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_folder_is_taken_when_no_pilot_has_that_name(copied: Path) -> None:
    assert load_pilot(str(copied)).driver == "modbus"


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("floor.yaml", "code: han-1", "code: han-9", "no thuc-pham-mau/long-thanh"),
        ("floor.yaml", "seal_temperature", "heat", "has no value seal_temperature"),
        ("floor.yaml", "[tran-rot]", "[mat-dien]", "stop reason mat-dien is not in plant.yaml"),
        ("floor.yaml", "scan_s: 5", "scan_z: 5", "did you mean 'scan_s'"),
        ("edge.yaml", "site: long-thanh", "site: bien-hoa", "plant.yaml does not describe"),
        ("edge.yaml", "    clock: {", "    clok: {", "needs a `clock` block"),
        ("edge.yaml", "driver: modbus", "driver: csv", "opcua"),
        ("edge.yaml", "role: scrap_count", "role: total_count", "total_count cannot be simulated"),
    ],
)
def test_contradiction_is_named_when_the_files_disagree(
    copied: Path, file: str, old: str, new: str, said: str
) -> None:
    edit(copied / file, old, new)

    with pytest.raises(ConfigurationError, match=said):
        load_pilot(str(copied))


def test_missing_run_time_is_named_when_a_product_cannot_be_made(copied: Path) -> None:
    file = copied / "plant.yaml"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    content["products"][0]["planned_run_times"].pop()
    file.write_text(yaml.safe_dump(content), encoding="utf-8")

    with pytest.raises(ConfigurationError, match="tuong-ot-250 has no planned run time"):
        load_pilot(str(copied))


def test_pilots_are_listed_when_the_name_is_unknown() -> None:
    with pytest.raises(ConfigurationError, match="co-khi-mau, thuc-pham-mau"):
        load_pilot("nowhere")
