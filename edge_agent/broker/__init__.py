"""The link to an MQTT broker, whatever goes over it."""

from edge_agent.broker.choice import AddressChoice, VersionChoice
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
from edge_agent.broker.paho_link import PahoLink

__all__ = [
    "AddressChoice",
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
