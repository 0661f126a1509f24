"""Columns of numbers in a row's arrays: from the database into numpy without a loop over rows.

A query that gathers its rows with `array_agg` answers with one row; COPY would be read row by row.
"""

from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format

from store.engine.connection import Connection

# An array's binary form: dimensions, whether it holds nulls, type; size and lower bound of each.
_HEADER = 12
_DIMENSION = 8
POSTGRES_EPOCH_US = 946_684_800_000_000
"""PostgreSQL counts microseconds from 2000-01-01T00:00Z."""


class _ArrayLoader(Loader):
    """An array without nulls, of one dimension or empty, of elements of one width."""

    format = Format.BINARY
    element: str
    result: type[np.generic]

    def load(self, data: Buffer) -> NDArray[Any]:
        """Return the elements, shape (n,); nulls must have been replaced by the query."""
        held = memoryview(data)
        body = held[_HEADER + _DIMENSION :] if len(held) > _HEADER else held[:0]
        element = np.dtype([("length", ">i4"), ("value", self.element)])
        # A copy: the bytes belong to the driver's result.
        return np.frombuffer(body, dtype=element)["value"].astype(self.result)


class _Int2(_ArrayLoader):
    element, result = ">i2", np.int64


class _Int4(_ArrayLoader):
    element, result = ">i4", np.int64


class _Int8(_ArrayLoader):
    element, result = ">i8", np.int64


class _Float8(_ArrayLoader):
    element, result = ">f8", np.float64


class _Times(_Int8):
    def load(self, data: Buffer) -> NDArray[Any]:
        """Return microseconds since 1970."""
        return super().load(data) + POSTGRES_EPOCH_US


def array_cursor(connection: Connection) -> psycopg.Cursor[tuple[Any, ...]]:
    """Return a cursor whose arrays of numbers and times come as numpy columns, shape (n,).

    Whole numbers become int64, times int64 microseconds since 1970. An array must hold no null.
    """
    cursor = connection.cursor(binary=True)
    for name, loader in _LOADERS.items():
        cursor.adapters.register_loader(connection.adapters.types[name].array_oid, loader)
    return cursor


_LOADERS: dict[str, type[Loader]] = {
    "int2": _Int2,
    "int4": _Int4,
    "int8": _Int8,
    "float8": _Float8,
    "timestamptz": _Times,
}
