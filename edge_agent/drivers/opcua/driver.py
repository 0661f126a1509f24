"""The OPC UA driver: connections to one server, one after the other."""

from collections.abc import Callable
from pathlib import Path

from edge_agent.drivers.contract import Inlet
from edge_agent.drivers.opcua.lasting import Lasting
from edge_agent.drivers.opcua.session import OpcUaSession
from edge_agent.drivers.opcua.settings import OpcUaSettings
from edge_agent.drivers.opcua.trust.certificates import Certificates
from edge_agent.drivers.opcua.trust.connection import Way
from edge_agent.drivers.supervision import keep_connected
from plant.clock import Clock


class OpcUaDriver:
    """Follows one server; see the package's README."""

    keeps_repeats = False

    def __init__(self, name: str, settings: OpcUaSettings, clock: Clock, folder: Path) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        self._way = Way(name, settings, Certificates(settings.certificates or folder / "opcua"))
        self._lasting = Lasting()

    async def run(self, inlet: Inlet) -> None:
        """Deliver until cancelled; see `Driver.run`."""
        await keep_connected(lambda connected: self._session(inlet, connected), inlet)

    async def _session(self, inlet: Inlet, connected: Callable[[], None]) -> None:
        async with self._way.connected(self._lasting) as client:
            connected()
            session = OpcUaSession(self._name, self._settings, self._clock, client, self._lasting)
            await session.run(inlet)
