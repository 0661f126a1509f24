"""The Siemens S7 driver."""

from edge_agent.drivers.polled import PolledDriver
from edge_agent.drivers.s7.address import Cell, Group
from edge_agent.drivers.s7.link import S7Link
from edge_agent.drivers.s7.settings import S7Settings
from plant.clock import Clock


class S7Driver(PolledDriver[Cell, Group]):
    """Polls one controller at a steady pace; see the package's README."""

    def __init__(self, name: str, settings: S7Settings, clock: Clock) -> None:
        cells = [(key, tag.cell) for key, tag in enumerate(settings.tags)]
        super().__init__(name, settings, clock, cells, lambda: S7Link(settings))
