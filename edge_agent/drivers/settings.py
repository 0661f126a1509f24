"""The settings of any source; `driver` says which."""

from typing import Annotated

from pydantic import Field

from edge_agent.drivers.csv.settings import CsvSettings
from edge_agent.drivers.modbus.settings import ModbusSettings
from edge_agent.drivers.opcua.settings import OpcUaSettings

AnySource = Annotated[
    OpcUaSettings | ModbusSettings | CsvSettings,
    Field(discriminator="driver"),
]
