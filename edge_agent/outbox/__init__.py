"""The durable queue between drivers and platform, in SQLite and in memory."""

from edge_agent.outbox.contract import (
    AHEAD_US,
    KEPT_ROWS,
    Outbox,
    OutboxState,
    Row,
    SetBack,
    Slice,
    TagMemory,
    mark_of,
)
from edge_agent.outbox.memory import ROW_BYTES, MemoryOutbox
from edge_agent.outbox.sqlite import SqliteOutbox

__all__ = [
    "AHEAD_US",
    "KEPT_ROWS",
    "ROW_BYTES",
    "MemoryOutbox",
    "Outbox",
    "OutboxState",
    "Row",
    "SetBack",
    "Slice",
    "SqliteOutbox",
    "TagMemory",
    "mark_of",
]
