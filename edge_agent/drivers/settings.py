"""The settings of any source; `driver` says which."""

from typing import Annotated

from pydantic import Field

from edge_agent.drivers.csv.settings import CsvSettings
from edge_agent.drivers.modbus.settings import ModbusSettings
from edge_agent.drivers.mqtt.settings import MqttSettings
from edge_agent.drivers.mtconnect.settings import MtConnectSettings
from edge_agent.drivers.opcua.settings import OpcUaSettings
from edge_agent.drivers.s7.settings import S7Settings
from edge_agent.drivers.slmp.settings import SlmpSettings

AnySource = Annotated[
    OpcUaSettings
    | ModbusSettings
    | MtConnectSettings
    | MqttSettings
    | S7Settings
    | SlmpSettings
    | CsvSettings,
    Field(discriminator="driver"),
]
