"""Which measurements a full outbox gives up first."""

from enum import IntEnum


class Priority(IntEnum):
    """How much a measurement matters when there is no room for all."""

    LOW = 0
    """Diagnostics: given up first."""
    NORMAL = 1
    """Process values."""
    HIGH = 2
    """States, counters and all that OEE is made of: given up last."""
