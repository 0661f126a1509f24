from pathlib import Path
from typing import Any

import pytest
import yaml

from edge_agent import EdgeSettings
from edge_agent.drivers import TagSettings
from plant.errors import ConfigurationError
from plant.measurement import TagRole, ValueType
from plant.settings import load_settings
from tests.unit.edge_agent.intake.inlets import edge_mapping

STATE = {
    "name": "cnc-1/state",
    "work_unit": "gia-cong/day-chuyen-1/cnc-1",
    "address": "ns=2;s=cnc-1.state",
    "role": "state",
    "states": {6: "EXECUTE"},
}
SPEED = {
    "name": "cnc-1/speed",
    "work_unit": "gia-cong/day-chuyen-1/cnc-1",
    "address": "hr:10",
    "type": "float32",
}


def opcua(*tags: dict[str, Any]) -> dict[str, Any]:
    return {"driver": "opcua", "endpoint": "opc.tcp://127.0.0.1:4840/", "tags": list(tags)}


def modbus(*tags: dict[str, Any]) -> dict[str, Any]:
    return {"driver": "modbus", "host": "plc", "tags": list(tags)}


def loaded(folder: Path, **sources: Any) -> EdgeSettings:
    file = folder / "edge.yaml"
    file.write_text(yaml.safe_dump(edge_mapping(**sources)), encoding="utf-8")
    return load_settings(EdgeSettings, file)


def refusal(folder: Path, **sources: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        loaded(folder, **sources)
    return str(caught.value)


def test_tags_get_their_full_path_when_they_are_declared(tmp_path: Path) -> None:
    settings = loaded(tmp_path, line=opcua(STATE), plc=modbus(SPEED))
    state, speed = settings.tags()
    assert state.work_unit == "co-khi-mau/bien-hoa/gia-cong/day-chuyen-1/cnc-1"
    assert (state.role, state.value_type) == (TagRole.STATE, ValueType.TEXT)
    assert speed.value_type is ValueType.NUMBER
    assert [tag.name for tag in settings.declarations()] == ["cnc-1/state", "cnc-1/speed"]


def test_all_mistakes_are_named_when_several_are_made(tmp_path: Path) -> None:
    said = refusal(
        tmp_path,
        line=opcua(STATE | {"address": "cnc-1.state"}, STATE | {"naem": "x"}),
        plc=modbus(SPEED | {"address": "xx:1"}, SPEED | {"type": "float"}),
    )
    assert "'cnc-1.state' is no node id" in said
    assert "naem: unknown setting; did you mean 'name'?" in said
    assert "'xx:1' is no address" in said
    assert "'float' is no type" in said


def test_increments_are_refused_when_the_source_shows_present_values(tmp_path: Path) -> None:
    said = refusal(
        tmp_path,
        line=opcua(STATE | {"role": "good_increment", "states": {}}),
        plc=modbus(SPEED | {"role": "energy_increment"}),
    )
    assert "'good_increment' needs a source of messages" in said
    assert "use 'energy' with a cumulative counter" in said


def test_increments_have_no_deadband_when_messages_give_them() -> None:
    tag = {"name": "x", "work_unit": "a/b/c", "role": "good_increment"}
    assert TagSettings.model_validate(tag).kind is ValueType.NUMBER
    with pytest.raises(ValueError, match="each increment counts"):
        TagSettings.model_validate(tag | {"deadband": 0})


def test_every_double_name_is_named_when_tags_are_not_unique(tmp_path: Path) -> None:
    twin = SPEED | {"name": "cnc-1/state"}
    said = refusal(tmp_path, line=opcua(STATE), plc=modbus(twin, SPEED, SPEED))
    assert "tags named twice: cnc-1/speed, cnc-1/state" in said


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"work_unit": "cnc-1"}, "not area/line/machine"),
        ({"work_unit": "a/b/C"}, "not a usable code"),
        ({"low": 5, "high": 1}, "low 5 is above high 1"),
        ({"max_interval_s": 5}, "needs a deadband"),
        ({"states": {1: "x"}}, "states belong to text tags"),
        ({"role": "state", "deadband": 1}, "a text tag has no deadband"),
        ({"role": "state", "scale": 2}, "a text tag has no scale"),
        ({"role": "state", "value_type": "number"}, "is text"),
        ({"type": "bit"}, "written hr:10.0"),
        ({"address": "hr:10.3"}, "written hr:10.0"),
        ({"address": "co:1"}, "single bit"),
        ({"address": "hr:65535"}, "passes 65535"),
        ({"address": "hr:70000"}, "registers go to 65535"),
        ({"type": "string[0]"}, "is no type"),
    ],
)
def test_a_tag_is_refused_when_it_makes_no_sense(
    tmp_path: Path, change: dict[str, Any], complaint: str
) -> None:
    assert complaint in refusal(tmp_path, plc=modbus(SPEED | change))


def test_a_source_is_refused_when_its_driver_is_unknown(tmp_path: Path) -> None:
    words = refusal(tmp_path, plc=modbus(SPEED) | {"driver": "telex"})
    assert "one of opcua, modbus, mtconnect, mqtt, s7, slmp, csv" in words


def test_tags_do_not_count_when_their_source_is_switched_off(tmp_path: Path) -> None:
    off = opcua(STATE) | {"enabled": False}
    assert [tag.name for tag in loaded(tmp_path, line=off, plc=modbus(SPEED)).tags()] == [
        "cnc-1/speed"
    ]
    assert "no source is enabled" in refusal(tmp_path, line=off)


def test_state_codes_are_numbers_when_the_file_is_toml(tmp_path: Path) -> None:
    file = tmp_path / "edge.toml"
    file.write_text(
        """
        [edge]
        enterprise = "co-khi-mau"
        site = "bien-hoa"
        code = "edge-1"
        [outbox]
        file = "outbox.sqlite"
        [sources.plc]
        driver = "modbus"
        host = "plc"
        [[sources.plc.tags]]
        name = "cnc-1/state"
        work_unit = "a/b/c"
        address = "hr:1"
        role = "state"
        [sources.plc.tags.states]
        6 = "EXECUTE"
        """
    )
    assert load_settings(EdgeSettings, file).sources["plc"].tags[0].states == {6: "EXECUTE"}
