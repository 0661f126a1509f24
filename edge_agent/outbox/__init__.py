"""The durable queue between drivers and platform, in SQLite."""

from edge_agent.outbox.contract import (
    AHEAD_US,
    KEPT_ROWS,
    ROW_BYTES,
    Outbox,
    OutboxState,
    Row,
    SetBack,
    Slice,
    TagMemory,
    mark_of,
)
from edge_agent.outbox.sqlite import SqliteOutbox

__all__ = [
    "AHEAD_US",
    "KEPT_ROWS",
    "ROW_BYTES",
    "Outbox",
    "OutboxState",
    "Row",
    "SetBack",
    "Slice",
    "SqliteOutbox",
    "TagMemory",
    "mark_of",
]
