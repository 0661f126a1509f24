"""PostgreSQL's binary COPY format, built from numpy columns without a Python object per row."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from store.delivery.row import NumberColumns, TextColumns

# https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format"
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_NULL = -1
_POSTGRES_EPOCH_US = 946_684_800_000_000
"""2000-01-01T00:00Z, where PostgreSQL's timestamps begin."""

_HEAD = [
    ("fields", ">i2"),
    ("tag_size", ">i4"),
    ("tag_id", ">i4"),
    ("source_size", ">i4"),
    ("source", ">i8"),
    ("received_size", ">i4"),
    ("received", ">i8"),
    ("value_size", ">i4"),
]
_TAIL = [("quality_size", ">i4"), ("quality", ">i2")]
_NUMBER = np.dtype([*_HEAD, ("value", ">f8"), *_TAIL])
_WITHOUT_VALUE = np.dtype([*_HEAD, *_TAIL])
_TEXTS_AT_ONCE = 50
_TEXT_HEAD = np.dtype(_HEAD)
_TEXT_TAIL = np.dtype(_TAIL)


def number_blocks(portions: Iterable[NumberColumns]) -> Iterator[bytes]:
    """Yield the blocks of a binary COPY into (tag_id, source_time, received_time, value, quality).

    The server works on one portion while the next is made. Rows without a value come last in
    each; the order within a COPY has no meaning. Without any row there is no block.
    """
    begun = False
    for portion in portions:
        if not len(portion):
            continue
        if not begun:
            yield _HEADER
            begun = True
        absent = np.isnan(portion.value)
        if not absent.all():
            present = ~absent
            block = _filled(_NUMBER, portion, present, 8)
            block["value"] = portion.value[present]
            yield block.tobytes()
        if absent.any():
            yield _filled(_WITHOUT_VALUE, portion, absent, _NULL).tobytes()
    if begun:
        yield _TRAILER


def text_blocks(rows: TextColumns) -> Iterator[bytes]:
    """Yield the same for text values, a few at a time: a message may hold megabytes of them."""
    yield _HEADER
    for start in range(0, len(rows), _TEXTS_AT_ONCE):
        own = slice(start, start + _TEXTS_AT_ONCE)
        encoded = [None if value is None else value.encode() for value in rows.value[own]]
        heads = np.empty(len(encoded), _TEXT_HEAD)
        _fill_head(heads, rows, own)
        heads["value_size"] = [_NULL if value is None else len(value) for value in encoded]
        tails = np.empty(len(encoded), _TEXT_TAIL)
        _fill_tail(tails, rows.quality[own])
        head, tail = heads.tobytes(), tails.tobytes()
        yield b"".join(
            head[k * _TEXT_HEAD.itemsize : (k + 1) * _TEXT_HEAD.itemsize]
            + (value or b"")
            + tail[k * _TEXT_TAIL.itemsize : (k + 1) * _TEXT_TAIL.itemsize]
            for k, value in enumerate(encoded)
        )
    yield _TRAILER


def _filled(
    form: np.dtype[np.void], rows: NumberColumns, chosen: NDArray[np.bool_], value_size: int
) -> NDArray[np.void]:
    block = np.empty(int(chosen.sum()), form)
    _fill_head(block, rows, chosen)
    block["value_size"] = value_size
    _fill_tail(block, rows.quality[chosen])
    return block


def _fill_head(
    block: NDArray[np.void],
    rows: NumberColumns | TextColumns,
    chosen: NDArray[np.bool_] | slice,
) -> None:
    block["fields"] = 5
    block["tag_size"] = 4
    block["tag_id"] = rows.tag_id[chosen]
    block["source_size"] = 8
    block["source"] = rows.source_us[chosen] - _POSTGRES_EPOCH_US
    block["received_size"] = 8
    block["received"] = rows.received_us[chosen] - _POSTGRES_EPOCH_US


def _fill_tail(block: NDArray[np.void], quality: NDArray[np.int64]) -> None:
    block["quality_size"] = 2
    block["quality"] = quality
