"""The edge agent: beside the machine, from its protocol to MQTT, losing nothing."""

from edge_agent.agent import run
from edge_agent.selfstat import Counters
from edge_agent.settings import EdgeSettings

__all__ = ["Counters", "EdgeSettings", "run"]
