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
from edge_agent.publisher.refusals import Refusals
from edge_agent.publisher.sizing import Sizing

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
    "Refusals",
    "Refused",
    "Sizing",
    "VersionChoice",
]
