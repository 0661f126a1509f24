"""What the platform tells an edge to read: checked before use, taken back when it fails."""

from edge_agent.configuration.remote import RemoteConfiguration
from edge_agent.configuration.sources import checked_for, checked_sources

__all__ = ["RemoteConfiguration", "checked_for", "checked_sources"]
