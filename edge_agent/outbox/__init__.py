"""The durable queue between drivers and platform, in SQLite and in memory."""

from edge_agent.outbox.contract import (
    KEPT_ROWS,
    Outbox,
    OutboxState,
    Row,
    SetBack,
    Slice,
    TagMemory,
)
from edge_agent.outbox.memory import ROW_BYTES, MemoryOutbox
from edge_agent.outbox.sqlite import SqliteOutbox

__all__ = [
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
]
