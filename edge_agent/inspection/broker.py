"""Logging in to the broker as the edge does, for one moment and beside an agent that runs."""

from typing import Final

from edge_agent.broker import VersionChoice
from edge_agent.broker.link import Connected, Refused
from edge_agent.broker.paho_link import PahoLink
from edge_agent.settings import EdgeSettings
from plant.errors import BrokerUnavailableError
from plant.native.message import Leaf

_PATIENCE_S: Final = 10.0
_ATTEMPTS: Final = 3


def login(settings: EdgeSettings) -> str:
    """Return that the broker takes this edge and lets it read its acknowledgements.

    Raises BrokerUnavailableError with the broker's reason, and ConfigurationError for certificates
    that cannot be used.
    """
    versions = VersionChoice(settings.broker.protocol)
    address = settings.edge.address()
    reason = "it does not answer"
    for _ in range(_ATTEMPTS):
        link = PahoLink(
            settings.broker,
            versions,
            f"{address.client_id}-doctor",
            address.topic(Leaf.ACK),
            (address.topic(Leaf.STATUS), b""),
            clean=True,
            retain_will=False,
        )
        try:
            link.open()
            event = link.next_event(_PATIENCE_S)
        finally:
            link.close()
        if isinstance(event, Connected):
            return f"it takes {address.identity} and lets it read {address.topic(Leaf.ACK)}"
        if isinstance(event, Refused):
            reason = event.reason
        if versions.version == settings.broker.protocol:
            break
    raise BrokerUnavailableError(f"the broker does not take {address.identity}: {reason}")
