"""A table in a file read by a mapping."""

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from pathlib import PurePath
from typing import BinaryIO

from plant.mes.file.limits import FileLimits, whole_file
from plant.mes.file.raw_table import (
    RawRow,
    UnreadableError,
    cell_name,
    header_of,
    text_rows,
    workbook_rows,
)
from plant.mes.kinds.mapping import ImportMapping
from plant.mes.mapping.applying import mapped_documents
from plant.mes.parsing import Parsed

WORKBOOKS = (".xlsx", ".xlsm")


def raw_rows(
    name: str, stream: BinaryIO, mapping: ImportMapping, limits: FileLimits
) -> Iterator[RawRow]:
    """Yield the rows of a workbook or a text; raises UnreadableError."""
    if PurePath(name).suffix.lower() in WORKBOOKS:
        return workbook_rows(stream, mapping.sheet, limits)
    return text_rows(stream, mapping)


def read_mapped(
    name: str,
    stream: BinaryIO,
    mapping: ImportMapping,
    defaults: Mapping[str, str],
    limits: FileLimits,
) -> Iterator[Parsed]:
    """Yield the documents of a table, its problems, and what was passed over."""
    try:
        rows = raw_rows(name, stream, mapping, limits)
        below = mapping.header_row + mapping.header_rows - 1
        head = list(islice(rows, below))
        header = header_of(head, mapping)
        yield from mapped_documents(
            mapping, header, chain((r for r in head if r[0] > below), rows), cell_name, defaults
        )
    except UnreadableError as exc:
        yield [whole_file(str(exc))]
