"""MQTT: from the outbox to the broker."""

from edge_agent.publisher.messages import Condition, ConfigState
from edge_agent.publisher.publisher import Publisher
from edge_agent.publisher.refusals import Refusals
from edge_agent.publisher.sizing import Sizing

__all__ = [
    "Condition",
    "ConfigState",
    "Publisher",
    "Refusals",
    "Sizing",
]
