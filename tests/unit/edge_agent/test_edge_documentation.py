"""Every setting of an edge is in the reference, in the section of its block."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from edge_agent import EdgeSettings
from edge_agent.drivers.csv.settings import CsvSettings, CsvTagSettings
from edge_agent.drivers.modbus.settings import (
    ModbusSettings,
    ModbusTagSettings,
    PlcClockSettings,
    SerialLineSettings,
)
from edge_agent.drivers.mqtt.settings import (
    MqttQualitySettings,
    MqttSettings,
    MqttTagSettings,
    MqttTimeSettings,
)
from edge_agent.drivers.mtconnect.settings import MtConnectSettings, MtConnectTagSettings
from edge_agent.drivers.opcua.settings import OpcUaSettings, OpcUaTagSettings
from edge_agent.drivers.s7.settings import S7Settings, S7TagSettings
from edge_agent.drivers.slmp.settings import SlmpSettings, SlmpTagSettings
from edge_agent.drivers.tag import TagSettings
from edge_agent.enrolment.settings import EnrolmentSettings
from edge_agent.replay import ReplayMap
from edge_agent.settings import (
    ConfigurationSettings,
    IdentitySettings,
    OutboxSettings,
    PublishingSettings,
)
from plant.settings import BrokerSettings, ClockSettings, LogSettings, TlsSettings

DOCS = Path(__file__).parents[3] / "docs"
WHOLE = ""


def section(title: str) -> str:
    """The text below a heading, as far as the next heading of its level or above."""
    text = (DOCS / "reference" / "edge-settings.md").read_text(encoding="utf-8")
    if title == WHOLE:
        return text
    match = re.search(rf"^(#+) {re.escape(title)}.*?$", text, re.MULTILINE)
    assert match is not None, f"no section {title}"
    rest = text[match.end() :]
    following = re.search(rf"^#{{1,{len(match[1])}}} ", rest, re.MULTILINE)
    return rest[: following.start()] if following else rest


@pytest.mark.parametrize(
    ("title", "model"),
    [
        (WHOLE, EdgeSettings),
        (WHOLE, LogSettings),
        (WHOLE, ClockSettings),
        ("`edge`", IdentitySettings),
        ("`broker`", BrokerSettings),
        ("`broker`", TlsSettings),
        ("`enrolment`", EnrolmentSettings),
        ("`outbox`", OutboxSettings),
        ("`publishing`", PublishingSettings),
        ("`configuration`", ConfigurationSettings),
        ("`driver: opcua`", OpcUaSettings),
        ("`driver: modbus`", ModbusSettings),
        ("`driver: modbus`", SerialLineSettings),
        ("`driver: modbus`", PlcClockSettings),
        ("`driver: mtconnect`", MtConnectSettings),
        ("`driver: mqtt`", MqttSettings),
        ("`driver: mqtt`", MqttTimeSettings),
        ("`driver: mqtt`", MqttQualitySettings),
        ("`driver: s7`", S7Settings),
        ("`driver: slmp`", SlmpSettings),
        ("`driver: csv`", CsvSettings),
        ("Tags of any source", TagSettings),
        ("Replay maps", ReplayMap),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_every_setting_is_explained_when_it_exists(title: str, model: type[BaseModel]) -> None:
    text = section(title)
    assert [name for name in model.model_fields if f"`{name}`" not in text] == []


@pytest.mark.parametrize(
    ("title", "model"),
    [
        ("`driver: opcua`", OpcUaTagSettings),
        ("`driver: modbus`", ModbusTagSettings),
        ("`driver: mtconnect`", MtConnectTagSettings),
        ("`driver: mqtt`", MqttTagSettings),
        ("`driver: s7`", S7TagSettings),
        ("`driver: slmp`", SlmpTagSettings),
        ("`driver: csv`", CsvTagSettings),
    ],
    ids=["opcua", "modbus", "mtconnect", "mqtt", "s7", "slmp", "csv"],
)
def test_the_tag_settings_of_a_driver_are_explained_when_they_are_its_own(
    title: str, model: type[BaseModel]
) -> None:
    own = model.model_fields.keys() - TagSettings.model_fields.keys()
    assert own
    assert [name for name in own if f"`{name}`" not in section(title)] == []


def test_the_example_is_usable_when_it_is_copied_from_the_guide() -> None:
    import yaml

    guide = (DOCS / "how-to" / "install-an-edge.md").read_text(encoding="utf-8")
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)]
    whole, sources = blocks
    EdgeSettings.model_validate(whole)
    both = EdgeSettings.model_validate(whole | {"sources": whole["sources"] | sources["sources"]})
    assert len(both.tags()) == 5
