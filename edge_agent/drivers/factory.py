"""Making the driver that settings ask for; its libraries are imported only then."""

from importlib import import_module

from edge_agent.drivers.contract import Driver
from edge_agent.drivers.settings import AnySource
from plant.clock import Clock

_CLASSES = {
    "opcua": "OpcUaDriver",
    "modbus": "ModbusDriver",
    "mtconnect": "MtConnectDriver",
    "mqtt": "MqttDriver",
    "s7": "S7Driver",
    "slmp": "SlmpDriver",
    "csv": "CsvDriver",
}


def make_driver(name: str, settings: AnySource, clock: Clock) -> Driver:
    """Return the driver of a source, not yet connected.

    Small gateways have little memory: asyncua alone takes as much as the rest of the agent.
    """
    module = import_module(f"edge_agent.drivers.{settings.driver}.driver")
    driver: Driver = getattr(module, _CLASSES[settings.driver])(name, settings, clock)
    return driver
