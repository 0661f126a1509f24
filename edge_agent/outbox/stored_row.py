"""What the outbox file holds, and how damage to it is found when it is read.

Booleans are one byte, so that they come back as booleans. Every record has a checksum: CRC-32 over
the MessagePack form, which tells types apart and is the same in every release. That of a row has
the row's id added, so that SQL can move a row to another id and keep it right.
"""

from collections.abc import Mapping, Sequence
from zlib import crc32

import msgspec

from edge_agent.outbox.contract import Row
from plant.measurement import Value

Stored = float | int | str | bytes | None
"""What SQLite keeps of a value."""


_encode = msgspec.msgpack.Encoder().encode
_HALF, _WHOLE = 2**31, 2**32


AS_OF = ""
"""Stands for a source in the table of reading positions: the id that they are as of."""


class Places(msgspec.Struct, frozen=True):
    """A second copy of the reading positions, and the highest id given out when they were so.

    Kept elsewhere in the file than the first, which says likewise as of which id it is: damage
    hardly meets both, and the newer one can be told.
    """

    issued_id: int = 0
    cursors: dict[str, str] = {}


def newest(
    rows: Sequence[Row], tag_ids: Mapping[str, int], until_us: int
) -> dict[str, tuple[int, Stored, int, int]]:
    """Return by tag the time, value, quality and tag id of its newest row, if not after `until_us`.

    One row with a date far ahead would stand there until that day.
    """
    latest: dict[str, Row] = {}
    for row in rows:
        known = latest.get(row.tag)
        if row.time_us <= until_us and (known is None or row.time_us >= known.time_us):
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


def row_sum(id_: int, tag_id: int, time_us: int, kept: Stored, quality: int) -> int:
    """Return the checksum of a row as a signed number of 32 bits: it takes four bytes on disk."""
    check = crc32(_encode((tag_id, time_us, kept, quality))) + id_
    return (check + _HALF) % _WHOLE - _HALF


def entry_sum(*columns: Stored) -> int:
    """Return the checksum of an entry of another table; its kind is one of the columns."""
    return crc32(_encode(columns))
