"""The rows of a table as they stand in a file of any source: workbooks, and texts of any code page.

Cells are texts, but for numbers and moments of a workbook, which need no notation to be read.
"""

import csv
import io
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import islice, pairwise
from typing import Any, BinaryIO

from openpyxl import load_workbook

from plant.mes.file.limits import FileLimits
from plant.mes.file.table import cleaned, column_letter
from plant.mes.file.workbook import BROKEN, check_size, shown_digits
from plant.mes.kinds.mapping import ImportMapping

RawRow = tuple[int, Sequence[Any]]
"""Number of a row as a spreadsheet shows it, and its cells."""

_LONGEST_LINE = 1_000_000
_MOST_COLUMNS = 200
_SAMPLE = 65_536
DELIMITERS = (";", "\t", "|", ",")


class UnreadableError(ValueError):
    """The file is not what its mapping says; the words say what."""


def text_rows(stream: BinaryIO, mapping: ImportMapping) -> Iterator[RawRow]:
    """Yield the rows of a delimited text; raises UnreadableError."""
    stream.seek(0)
    page = mapping.code_page or "utf-8"
    if page == "utf-8":
        page = "utf-8-sig"
    text = io.TextIOWrapper(stream, encoding=page, newline="")
    number = 0
    try:
        lines = iter(lambda: text.readline(_LONGEST_LINE), "")
        head = list(islice(lines, 40))
        delimiter = mapping.delimiter or delimiter_of(head)

        def all_lines() -> Iterator[str]:
            yield from head
            yield from lines

        for cells in csv.reader(all_lines(), delimiter=delimiter):
            number += 1
            yield number, [unicodedata.normalize("NFC", cleaned(cell)) for cell in cells]
    except UnicodeError as exc:
        words = f"row {number + 1} or shortly after is not in the code page {page}"
        raise UnreadableError(words) from exc
    except csv.Error as exc:
        raise UnreadableError(f"row {number + 1}: no table from here on: {exc}") from exc
    finally:
        text.detach()


def delimiter_of(lines: Sequence[str]) -> str:
    """Return what divides the cells of lines: what stands in most of them, as often in each."""

    def evenness(delimiter: str) -> tuple[int, int]:
        counts = [line.count(delimiter) for line in lines if line.strip()]
        alike = sum(1 for one, other in pairwise(counts) if one == other and one)
        return alike, sum(counts)

    return max(DELIMITERS, key=evenness)


def workbook_rows(stream: BinaryIO, sheet: str, limits: FileLimits) -> Iterator[RawRow]:
    """Yield the rows of a sheet, the first one by default; raises UnreadableError."""
    stream.seek(0)
    try:
        check_size(stream, limits)
        book = load_workbook(stream, read_only=True, data_only=False, keep_links=False)
    except BROKEN as exc:
        raise UnreadableError(f"is no XLSX workbook that can be read: {exc}") from exc
    try:
        if sheet and sheet not in book.sheetnames:
            raise UnreadableError(f"has no sheet {sheet!r}; there are {', '.join(book.sheetnames)}")
        found = book[sheet or book.sheetnames[0]]
        found.reset_dimensions()
        for number, cells in enumerate(found.iter_rows(max_col=_MOST_COLUMNS), 1):
            yield number, [_raw(cell) for cell in cells]
    except BROKEN as exc:
        if isinstance(exc, UnreadableError):
            raise
        raise UnreadableError(f"the sheet cannot be read to its end: {exc}") from exc
    finally:
        book.close()


def _raw(cell: Any) -> Any:
    value = cell.value
    if cell.data_type == "f":
        # A formula is never computed here; its text is no number and no code.
        return f"={value}" if not str(value).startswith("=") else str(value)
    match value:
        case None:
            return ""
        case str():
            return unicodedata.normalize("NFC", cleaned(value))
        case datetime():
            # Spreadsheets keep moments as floating days: round what that makes of seconds.
            rounded = value + timedelta(microseconds=500_000)
            return rounded.replace(microsecond=0)
        case float() | int() if (digits := shown_digits(cell)) is not None:
            return digits
        case bool() | int() | float() | date() | time():
            return value
        case _:
            return str(value)


def header_of(rows: Sequence[RawRow], mapping: ImportMapping) -> list[str]:
    """Return the names of the columns, those of merged cells joined with ` / `, each once."""
    upper = [
        [_name(value) for value in cells]
        for number, cells in rows
        if mapping.header_row <= number < mapping.header_row + mapping.header_rows
    ]
    width = max((len(names) for names in upper), default=0)
    upper = [names + [""] * (width - len(names)) for names in upper]
    for names, below in pairwise(upper):
        for index in range(1, width):
            # A merged cell keeps its text in the first of its columns.
            if not names[index] and below[index] and below[index - 1]:
                names[index] = names[index - 1]
    found: list[str] = []
    for index in range(width):
        name = " / ".join(dict.fromkeys(filter(None, (names[index] for names in upper))))
        copy, plain = 2, name
        while name and name in found:
            name, copy = f"{plain} ({copy})", copy + 1
        found.append(name)
    while found and not found[-1]:
        found.pop()
    return found


def _name(value: Any) -> str:
    return " ".join(str(value).split()) if value is not None else ""


def cell_name(row: int, column: int) -> str:
    """Return the name of a cell, `D7`."""
    return f"{column_letter(column)}{row}"


def code_page_of(beginning: bytes) -> str:
    """Return the code page that the beginning of a text is most likely in."""
    if beginning[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return "utf-16"
    if beginning[1::2].count(0) * 3 > len(beginning):
        return "utf-16-le"
    if beginning[::2].count(0) * 3 > len(beginning):
        return "utf-16-be"
    try:
        # A sample may end within a character.
        io.TextIOWrapper(io.BytesIO(beginning[:-4] or beginning), encoding="utf-8").read()
    except UnicodeDecodeError:
        return _of_one_byte(beginning)
    return "utf-8"


_SIGNS = frozenset(b"\xc3\xcc\xd0\xd2\xd5\xdd\xde\xe3\xec\xf0\xf2\xf5\xfd\xfe")
"""Bytes that windows-1258 reads otherwise than cp1252: letters and tones of Vietnamese."""


def _of_one_byte(beginning: bytes) -> str:
    if not _SIGNS.intersection(beginning):
        return "cp1252"
    text = beginning.decode("windows-1258", "replace")
    tones = sum(unicodedata.combining(one) > 0 for one in text)
    alone = sum(unicodedata.combining(one) > 0 for one in unicodedata.normalize("NFC", text))
    vietnamese = sum(text.count(letter) for letter in "ăĂđĐơƠưƯ") + tones
    # A tone that sits on no vowel is a letter of another language.
    return "windows-1258" if vietnamese > 3 * alone else "cp1252"


def sample_of(stream: BinaryIO) -> bytes:
    """Return the beginning of a file."""
    stream.seek(0)
    return stream.read(_SAMPLE)
