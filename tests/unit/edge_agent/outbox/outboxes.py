"""Outboxes and rows for tests."""

from collections.abc import Callable, Iterable
from pathlib import Path

from edge_agent.outbox import Outbox, Row, SqliteOutbox
from edge_agent.outbox.memory import MemoryOutbox
from plant.measurement import Quality, Value

SECOND = 1_000_000
HOUR = 3600 * SECOND
NOW = 1_772_409_600 * SECOND
ROOMY = 50_000_000

MakeOutbox = Callable[..., Outbox]


def row(number: int, *, tag: str = "cnc-1/temperature", value: Value = 1.5) -> Row:
    return Row(tag, NOW + number * SECOND, value, Quality.GOOD)


def rows(numbers: Iterable[int]) -> list[Row]:
    return [row(number) for number in numbers]


def work_until(outbox: Outbox, start_us: int, end_us: int) -> int:
    """Let an agent be at work, without a reading, from one moment to another; return that."""
    for now_us in range(start_us, end_us, HOUR // 12):
        outbox.append([], now_us)
    outbox.append([], end_us)
    return end_us


def memory_outbox(
    max_bytes: int = ROOMY, max_hours: float = 72.0, kept_rows: int = 100, reserved_rows: int = 10
) -> MemoryOutbox:
    return MemoryOutbox(max_bytes, max_hours, kept_rows, reserved_rows)


def sqlite_outbox(
    folder: Path,
    max_bytes: int = ROOMY,
    max_hours: float = 72.0,
    kept_rows: int = 100,
    reserved_rows: int = 10,
) -> SqliteOutbox:
    file = folder / "outbox.sqlite"
    return SqliteOutbox(file, max_bytes, max_hours, "normal", kept_rows, reserved_rows)
