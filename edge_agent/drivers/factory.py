"""Making the driver that settings ask for; its libraries are imported only then."""

from importlib import import_module
from pathlib import Path

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
_KEEPING = {"opcua"}


def shared_device(settings: AnySource) -> str | None:
    """Return what a source shares with those that return the same: they have to run together."""
    return f"modbus {settings.where}" if settings.driver == "modbus" else None


def make_driver(name: str, settings: AnySource, clock: Clock, folder: Path) -> Driver:
    """Return the driver of a source, not yet connected.

    `folder` is where a driver keeps what must outlast it: certificates, for one.

    Small gateways have little memory: asyncua alone takes as much as the rest of the agent.
    """
    module = import_module(f"edge_agent.drivers.{settings.driver}.driver")
    keeping = (folder,) if settings.driver in _KEEPING else ()
    driver: Driver = getattr(module, _CLASSES[settings.driver])(name, settings, clock, *keeping)
    return driver
