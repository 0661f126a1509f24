"""Checksums of what the outbox file holds, record by record: damage is found when it is read.

CRC-32 over the MessagePack form, which tells types apart and is the same in every release. That of
a row has the row's id added, so that SQL can move a row to another id and keep it right.
"""

from zlib import crc32

import msgspec

from edge_agent.outbox.stored_row import Stored

_encode = msgspec.msgpack.Encoder().encode
_HALF, _WHOLE = 2**31, 2**32


def row_sum(id_: int, tag_id: int, time_us: int, kept: Stored, quality: int) -> int:
    """Return the checksum of a row as a signed number of 32 bits: it takes four bytes on disk."""
    check = crc32(_encode((tag_id, time_us, kept, quality))) + id_
    return (check + _HALF) % _WHOLE - _HALF


def entry_sum(*columns: Stored) -> int:
    """Return the checksum of an entry of another table; its kind is one of the columns."""
    return crc32(_encode(columns))
