"""Drivers: one folder per protocol, all behind one `Driver` protocol."""

from edge_agent.drivers.contract import Driver, Inlet, Reading
from edge_agent.drivers.factory import make_driver, shared_device
from edge_agent.drivers.settings import AnySource
from edge_agent.drivers.tag import SourceSettings, TagSettings

__all__ = [
    "AnySource",
    "Driver",
    "Inlet",
    "Reading",
    "SourceSettings",
    "TagSettings",
    "make_driver",
    "shared_device",
]
