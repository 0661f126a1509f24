"""Rows as the outbox file holds them: booleans are one byte, so that they come back as booleans."""

from collections.abc import Mapping, Sequence

from edge_agent.outbox.contract import Row
from plant.measurement import Value

Stored = float | int | str | bytes | None
"""What SQLite keeps of a value."""


def newest(
    rows: Sequence[Row], tag_ids: Mapping[str, int]
) -> dict[str, tuple[int, Stored, int, int]]:
    """Return by tag the time, value, quality and tag id of its newest row."""
    latest: dict[str, Row] = {}
    for row in rows:
        known = latest.get(row.tag)
        if known is None or row.time_us >= known.time_us:
            latest[row.tag] = row
    return {
        name: (row.time_us, stored(row.value), int(row.quality), tag_ids[name])
        for name, row in latest.items()
    }


def stored(value: Value) -> Stored:
    """Return a value as the file keeps it."""
    return bytes((value,)) if isinstance(value, bool) else value


def value_of(kept: Stored) -> Value:
    """Return what a kept value stands for."""
    return kept != b"\0" if isinstance(kept, bytes) else kept
