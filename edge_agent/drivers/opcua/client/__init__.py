"""A client of one server: bounded in what it reads, taken up again after a lost connection."""

from edge_agent.drivers.opcua.client.bounded import BoundedClient as BoundedClient
from edge_agent.drivers.opcua.client.source import SESSION_TIMEOUT_S as SESSION_TIMEOUT_S
from edge_agent.drivers.opcua.client.source import LeftSession as LeftSession
from edge_agent.drivers.opcua.client.source import SourceClient as SourceClient
