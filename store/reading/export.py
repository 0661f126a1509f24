"""Every measurement of some tags in a window, tag by tag in time order, however many there are.

What is in memory is a block of rows. Each statement covers a piece of the window that holds some
hundred thousand rows of one tag: through the barrier of a login's view it sorts what it returns.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from store.engine.array_column import POSTGRES_EPOCH_US
from store.engine.connection import Connection
from store.engine.queries import queries

_Q = queries("reading/export")
_BLOCK_BYTES = 256 * 1024
_ROWS_OF_A_BLOCK = 20_000
_ROWS_OF_A_PIECE = 100_000
_NARROWEST, _WIDEST = timedelta(hours=1), timedelta(days=32)

_HEADER = 19
"""Bytes before the first row of a binary COPY."""
_ROW = np.dtype(
    [
        ("fields", ">i2"),
        *(
            (f"{name}_size", ">i4") if part == 0 else (name, kind)
            for name, kind in (
                ("source", ">i8"),
                ("received", ">i8"),
                ("value", ">f8"),
                ("quality", ">i2"),
                ("absent", ">i2"),
            )
            for part in (0, 1)
        ),
    ]
)


@dataclass(frozen=True, slots=True)
class NumberBlock:
    """Rows of a number tag; columns of shape (n,), times in microseconds since 1970."""

    tag: str
    source_us: NDArray[np.int64]
    received_us: NDArray[np.int64]
    value: NDArray[np.float64]
    absent: NDArray[np.bool_]
    """Where there is no value."""
    quality: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Rows of a text tag: source time, received time, value, quality."""

    tag: str
    rows: Sequence[tuple[datetime, datetime, str | None, int]]


class ExportReading:
    """The measurements of work units (place ids) in `[start, end)`."""

    def __init__(
        self, connection: Connection, units: Sequence[int], start: datetime, end: datetime
    ) -> None:
        self._connection = connection
        self._start = start
        self._end = end
        self._units = list(units)

    def at_most(self, limit: int) -> int:
        """Return how many rows there are; `limit` if there are so many or more."""
        asked = {"start": self._start, "end": self._end, "units": self._units, "limit": limit}
        row = self._connection.execute(_Q["count"], asked).fetchone()
        return int(row[0]) if row else 0

    def csv(self) -> Generator[bytes]:
        """Yield CSV in blocks of whole lines: tag, source_time, received_time, value, quality.

        The database writes the lines itself.
        """
        for tag_id, tag, value_type in self._tags():
            select = _Q["texts" if value_type == "text" else "numbers"]
            for piece in self._pieces(tag_id, tag):
                with (
                    self._connection.cursor() as cursor,
                    # COPY takes no parameters: the driver writes them into the statement, quoted.
                    cursor.copy(
                        f"copy ({select}) to stdout with (format csv)", piece.asked
                    ) as lines,
                ):
                    yield from _blocks(lines)
                    piece.rows = cursor.rowcount

    def columns(self) -> Generator[NumberBlock | TextBlock]:
        """Yield the same rows in columns, some ten thousand at a time."""
        for tag_id, tag, value_type in self._tags():
            for piece in self._pieces(tag_id, tag):
                yield from (self._texts(piece) if value_type == "text" else self._numbers(piece))

    def _numbers(self, piece: "_Piece") -> Generator[NumberBlock]:
        copy = f"copy ({_Q['number_columns']}) to stdout with (format binary)"
        with self._connection.cursor() as cursor, cursor.copy(copy, piece.asked) as rows:
            held = bytearray()
            begun = False
            for row in rows:
                held += row
                if not begun and len(held) >= _HEADER:
                    del held[:_HEADER]
                    begun = True
                if len(held) >= _ROWS_OF_A_BLOCK * _ROW.itemsize:
                    whole = len(held) // _ROW.itemsize * _ROW.itemsize
                    piece.rows += whole // _ROW.itemsize
                    yield _number_block(piece.asked["tag"], bytes(held[:whole]))
                    del held[:whole]
            whole = len(held) // _ROW.itemsize * _ROW.itemsize
            piece.rows += whole // _ROW.itemsize
            if whole:
                yield _number_block(piece.asked["tag"], bytes(held[:whole]))

    def _texts(self, piece: "_Piece") -> Generator[TextBlock]:
        with self._connection.cursor(name="nhipmay_export") as cursor:
            cursor.execute(_Q["text_columns"], piece.asked)
            while rows := cursor.fetchmany(_ROWS_OF_A_BLOCK):
                piece.rows += len(rows)
                yield TextBlock(piece.asked["tag"], rows)

    def _tags(self) -> list[tuple[Any, ...]]:
        return self._connection.execute(_Q["tags"], {"units": self._units}).fetchall()

    def _pieces(self, tag_id: int, tag: str) -> Iterator["_Piece"]:
        at, width = self._start, timedelta(days=1)
        while at < self._end:
            until = min(self._end, at + width)
            piece = _Piece({"tag_id": tag_id, "tag": tag, "start": at, "end": until})
            yield piece
            if piece.rows < _ROWS_OF_A_PIECE // 8:
                width = min(width * 4, _WIDEST)
            elif piece.rows > _ROWS_OF_A_PIECE:
                width = max(width / 2, _NARROWEST)
            at = until


@dataclass(slots=True)
class _Piece:
    """A part of the window of one tag, and how many rows it turned out to have."""

    asked: dict[str, Any]
    rows: int = 0


def _number_block(tag: str, rows: bytes) -> NumberBlock:
    # Every field is there and has one width, so that all rows are one array.
    found = np.frombuffer(rows, dtype=_ROW)
    return NumberBlock(
        tag,
        found["source"].astype(np.int64) + POSTGRES_EPOCH_US,
        found["received"].astype(np.int64) + POSTGRES_EPOCH_US,
        found["value"].astype(np.float64),
        found["absent"] != 0,
        found["quality"].astype(np.int64),
    )


def _blocks(lines: Iterable[bytes | bytearray | memoryview]) -> Iterator[bytes]:
    # The database sends line by line; whoever streams them pays per piece, not per byte.
    block = bytearray()
    for line in lines:
        block += line
        if len(block) >= _BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)
