"""The driver of Mitsubishi MELSEC controllers."""

from edge_agent.drivers.polled import PolledDriver
from edge_agent.drivers.slmp.address import Cell, Group
from edge_agent.drivers.slmp.link import SlmpLink
from edge_agent.drivers.slmp.settings import SlmpSettings
from plant.clock import Clock


class SlmpDriver(PolledDriver[Cell, Group]):
    """Polls one controller at a steady pace; see the package's README."""

    def __init__(self, name: str, settings: SlmpSettings, clock: Clock) -> None:
        super().__init__(name, settings, clock, settings.cells(), lambda: SlmpLink(settings))
