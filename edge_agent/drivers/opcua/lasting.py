"""What a source's driver knows from one connection to the next."""

from dataclasses import dataclass, field

from edge_agent.drivers.opcua.client import LeftSession
from edge_agent.drivers.opcua.gaps import Gaps
from edge_agent.drivers.opcua.subscription import LeftSubscription


@dataclass(slots=True)
class Lasting:
    """Kept as long as the driver runs."""

    gaps: Gaps | None = None
    """Taken from the inlet at the first connection."""
    session: LeftSession | None = None
    subscription: LeftSubscription | None = None
    missing: dict[int, str] = field(default_factory=dict)
    """Why tags cannot be watched, by their place in the settings."""
    without_history: set[str] = field(default_factory=set)
    """Tags of which the server said that it keeps no history."""
    revised_told: bool = False
    overflow_told: bool = False
