"""MQTT: from the outbox to the broker."""

from edge_agent.publisher.link import (
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
from edge_agent.publisher.messages import Condition, ConfigState
from edge_agent.publisher.paho_link import PahoLink, VersionChoice
from edge_agent.publisher.publisher import Publisher

__all__ = [
    "Condition",
    "ConfigState",
    "Connected",
    "Delivered",
    "Denied",
    "Event",
    "IdentityRenewed",
    "IdentityRenewedError",
    "Link",
    "PahoLink",
    "Publisher",
    "Received",
    "Refused",
    "VersionChoice",
]
