"""XLSX workbooks, read row by row; formulas are refused, never computed or trusted."""

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from itertools import zip_longest
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from plant.mes.document import MesDocument
from plant.mes.file.limits import FileLimits, whole_file
from plant.mes.file.table import Exact, Row, TableOptions, cleaned, field_formats, read_table
from plant.mes.parsing import Parsed
from plant.mes.problem import Problem, Reason

_LIMITS = FileLimits()
_MOST_COLUMNS = 100
_TEXTS = "xl/sharedStrings.xml"
# What openpyxl raises on parts of a workbook that are not as they should be.
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    InvalidFileException,
    ParseError,
    DefusedXmlException,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    OverflowError,
    EOFError,
    NotImplementedError,
)


def read_workbook(
    document_type: type[MesDocument],
    stream: BinaryIO,
    options: TableOptions,
    sheet: str | None = None,
    limits: FileLimits = _LIMITS,
) -> Iterator[Parsed]:
    """Yield the documents of a sheet, the first one unless another is named.

    Whatever cannot be read is a problem that says where.
    """
    try:
        check_size(stream, limits)
        book = load_workbook(stream, read_only=True, data_only=False, keep_links=False)
    except BROKEN as exc:
        yield [whole_file(f"is no XLSX workbook that can be read: {exc}")]
        return
    try:
        names = book.sheetnames
        if not names or (sheet is not None and sheet not in names):
            words = f"has no sheet {sheet!r}; there are {', '.join(names)}"
            yield [whole_file(words, Reason.UNKNOWN_REFERENCE)]
            return
        rows = _Rows(book[sheet or names[0]], field_formats(document_type))
        try:
            yield from read_table(document_type, rows, options)
        except BROKEN as exc:
            words = f"the sheet cannot be read from here on: {exc}"
            yield [Problem(f"row {rows.number + 1}", "", Reason.MALFORMED, words)]
    finally:
        book.close()


def check_size(stream: BinaryIO, limits: FileLimits) -> None:
    """Refuse an archive that would unpack to more than a workbook has any use for."""
    with zipfile.ZipFile(stream) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
    if sum(sizes.values()) > limits.unpacked or sizes.get(_TEXTS, 0) > limits.texts:
        raise ValueError("it unpacks to an enormous size; write a CSV file instead")


class _Rows:
    """The rows of a sheet as texts; a formula is its own text, which the table refuses."""

    def __init__(self, sheet: Any, formats: Mapping[str, str]) -> None:
        self._sheet = sheet
        self._formats = formats
        self.number = 0

    def __iter__(self) -> Iterator[Row]:
        formats: list[str] = []
        # What a sheet says of its own size may be wrong, or left out.
        self._sheet.reset_dimensions()
        for number, cells in enumerate(self._sheet.iter_rows(max_col=_MOST_COLUMNS), 1):
            self.number = number
            if not formats:
                names = [cleaned(str(cell.value or "")).lower() for cell in cells]
                formats = [self._formats.get(name, "") for name in names]
            yield (
                number,
                [
                    _as_text(cell, wanted)
                    for cell, wanted in zip_longest(cells, formats)
                    if cell is not None
                ],
            )


def shown_digits(cell: Any) -> str | None:
    """Return a whole number as the sheet shows it where its form is zeros; None for others.

    A code such as 000451 that was typed into a cell is the number 451 and the form 000000.
    """
    value, form = cell.value, cell.number_format
    zeros = isinstance(form, str) and len(form) > 1 and not form.strip("0")
    if not zeros or isinstance(value, bool) or value < 0 or value != int(value):
        return None
    return f"{int(value):0{len(form)}d}"


def _as_text(cell: Any, wanted: str | None) -> str:
    value = cell.value
    if cell.data_type == "f":
        # An array formula is an object, and one with a text of its own may hide its sign.
        return f"={value.lstrip('=')}" if isinstance(value, str) else "={array}"
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() | int() if (digits := shown_digits(cell)) is not None:
            return Exact(digits)
        case float() if value.is_integer() and abs(value) < 2**53:
            return Exact(int(value))
        case float() | int():
            return Exact(value)
        case datetime():
            if wanted == "date" and value.time() == time():
                return value.date().isoformat()
            if wanted == "time":
                return value.time().isoformat()
            # Spreadsheets keep moments as floating days: a millisecond is what they tell apart.
            return value.isoformat(timespec="milliseconds")
        case date() | time():
            return value.isoformat()
        case _:
            return str(value)
