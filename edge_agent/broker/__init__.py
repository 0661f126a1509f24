"""The link to an MQTT broker, whatever goes over it."""

from edge_agent.broker.link import (
    Connected,
    Delivered,
    Denied,
    Event,
    IdentityRenewed,
    IdentityRenewedError,
    Link,
    Received,
    Refused,
)
from edge_agent.broker.paho_link import PahoLink, VersionChoice

__all__ = [
    "Connected",
    "Delivered",
    "Denied",
    "Event",
    "IdentityRenewed",
    "IdentityRenewedError",
    "Link",
    "PahoLink",
    "Received",
    "Refused",
    "VersionChoice",
]
