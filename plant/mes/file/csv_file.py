"""CSV files, streamed: memory does not grow with their length."""

import csv
import io
from collections.abc import Iterator
from typing import BinaryIO, TextIO

from plant.mes.document import MesDocument
from plant.mes.file.table import Row, TableOptions, read_table
from plant.mes.parsing import Parsed
from plant.mes.problem import Problem, Reason

_LONGEST_LINE = 1_000_000
_DELIMITERS = (",", ";", "\t")


def read_csv(
    document_type: type[MesDocument], stream: BinaryIO, options: TableOptions
) -> Iterator[Parsed]:
    """Yield the documents of a CSV file in UTF-8, delimited by comma, semicolon or tab.

    A file that cannot be read on ends with the problem that says where.
    """
    beginning = stream.read(4)
    stream.seek(0)
    if beginning[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        words = "the file is UTF-16; save it as `CSV UTF-8`"
        yield [Problem("row 1", "", Reason.MALFORMED, words)]
        return
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    rows = _Rows(text)
    try:
        yield from read_table(document_type, rows, options)
    except (csv.Error, UnicodeDecodeError, _LineTooLongError) as exc:
        words = _unreadable(exc)
        yield [Problem(f"row {rows.number + 1}", "", Reason.MALFORMED, words)]
    finally:
        # Whoever opened the stream closes it.
        text.detach()


class _LineTooLongError(Exception):
    """A line is longer than any table's."""


class _Rows:
    """The records of a stream, numbered as a spreadsheet would show them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.number = 0

    def __iter__(self) -> Iterator[Row]:
        first = self._stream.readline(_LONGEST_LINE)
        self._stream.seek(0)
        delimiter = max(_DELIMITERS, key=first.count)
        for cells in csv.reader(self._lines(), delimiter=delimiter, strict=True):
            self.number += 1
            yield self.number, cells

    def _lines(self) -> Iterator[str]:
        while line := self._stream.readline(_LONGEST_LINE):
            if len(line) == _LONGEST_LINE:
                raise _LineTooLongError
            yield line


def _unreadable(exc: Exception) -> str:
    match exc:
        case UnicodeDecodeError():
            return "the text is not UTF-8 here or shortly after; save the file as `CSV UTF-8`"
        case _LineTooLongError():
            return f"a line has more than {_LONGEST_LINE} characters; this is no table"
        case _:
            return f"this is no CSV from here on: {exc}"
