"""Tables as files: CSV and Parquet for programs, XLSX for people.

No cell of a file that a spreadsheet opens can be taken for a formula.
"""

import csv
import io
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from fastapi.responses import Response
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from api.tables.table import Cell, Column, Kind, Table

CSV_TYPE = "text/csv; charset=utf-8"
PARQUET_TYPE = "application/vnd.apache.parquet"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# At its beginning; and after what a spreadsheet of another language takes for the end of a cell or
# of a line (where the decimal sign is a comma, as in Vietnamese, cells end with `;`).
_FORMULA = re.compile(r"\A(?=[\s\"]*[=+\-@＝＋－＠]|[\t\r\n])|[;\t\r\n][\s\"]*(?=[=+\-@＝＋－＠])")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_NO_SHEET_NAME = re.compile(r"[\\/*?:\[\]]")
_DAY_S = 86_400
_FORMATS: dict[Kind, str] = {
    "time": "dd/mm/yyyy hh:mm:ss",
    "date": "dd/mm/yyyy",
    "duration": "[h]:mm:ss",
    "number": "#,##0",
    "decimal": "#,##0.000",
    "percent": "0.0%",
}


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula, without control characters.

    What would begin one gets an apostrophe before it, as OWASP advises. The database does the same
    to texts that it exports by itself (`texts` in `store/reading/export.sql`).
    """
    return _FORMULA.sub(r"\g<0>'", _CONTROL.sub("", text))


def csv_bytes(table: Table) -> bytes:
    """Return a table as CSV in UTF-8 with a byte order mark, without which Excel spoils Vietnamese.

    The first line holds the columns' keys; times are RFC 3339 in UTC, numbers plain and not
    rounded, durations seconds, percents fractions, no value an empty field.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([column.key for column in table.columns])
    writer.writerows([_plain(cell) for cell in row] for row in table.rows)
    return text.getvalue().encode("utf-8-sig")


def _plain(cell: Cell) -> str | float | int | None:
    match cell:
        case datetime():
            return cell.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return cell.isoformat()
        case str():
            return harmless(cell)
    return cell


def xlsx_bytes(about: Sequence[tuple[str, str]], tables: Sequence[Table], zone: ZoneInfo) -> bytes:
    """Return tables as a workbook, a sheet each, after one that says what they are `about`.

    Times are in the site's zone (a spreadsheet knows none), durations are spans of time.
    """
    book = Workbook(write_only=True)
    if about:
        first = book.create_sheet("Nhịp Máy")
        first.column_dimensions["A"].width = 28
        first.column_dimensions["B"].width = 90
        for name, words in about:
            first.append([_bold(first, name), harmless(words)])
    names: set[str] = set()
    for table in tables:
        sheet = book.create_sheet(_sheet_name(table.title, names))
        sheet.freeze_panes = "A2"
        for index, column in enumerate(table.columns, start=1):
            sheet.column_dimensions[get_column_letter(index)].width = (
                34 if column.kind == "text" else 18
            )
        sheet.append([_bold(sheet, column.label) for column in table.columns])
        for row in table.rows:
            sheet.append(
                [
                    _cell(sheet, cell, column, zone)
                    for cell, column in zip(row, table.columns, strict=True)
                ]
            )
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def parquet_bytes(table: Table) -> bytes:
    """Return a table as Parquet: its keys for columns, times in UTC, nothing rounded or altered."""
    # Large, and seldom needed.
    import pyarrow as pa  # noqa: PLC0415 - as said above
    from pyarrow import parquet as pq  # noqa: PLC0415 - the same

    kinds = {"time": pa.timestamp("us", tz="UTC"), "date": pa.date32(), "text": pa.string()}
    columns = []
    for index, column in enumerate(table.columns):
        cells = [row[index] for row in table.rows]
        given = [cell for cell in cells if cell is not None]
        kind = kinds.get(column.kind)
        # Last values of tags are numbers and texts: a column has one type.
        if column.kind == "text" or any(isinstance(cell, str) for cell in given):
            cells, kind = [None if cell is None else str(cell) for cell in cells], kinds["text"]
        elif kind is None:
            kind = pa.int64() if all(isinstance(cell, int) for cell in given) else pa.float64()
        columns.append(pa.array(cells, kind))
    out = io.BytesIO()
    pq.write_table(pa.table(columns, names=[one.key for one in table.columns]), out)
    return out.getvalue()


def download(content: bytes, media_type: str, name: str) -> Response:
    """Return a file that a browser keeps under a name."""
    return Response(
        content,
        media_type=media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _bold(sheet: WriteOnlyWorksheet, text: str) -> object:
    cell = WriteOnlyCell(sheet, value=harmless(text))
    cell.font = Font(bold=True)
    return cell


def _cell(sheet: WriteOnlyWorksheet, value: Cell, column: Column, zone: ZoneInfo) -> object:
    if value is None or isinstance(value, str):
        return None if value is None else harmless(value)
    cell = WriteOnlyCell(sheet)
    if isinstance(value, datetime):
        cell.value = value.astimezone(zone).replace(tzinfo=None)
    elif isinstance(value, date):
        cell.value = datetime.combine(value, time.min)
    else:
        cell.value = value / _DAY_S if column.kind == "duration" else value
    if column.kind in _FORMATS:
        cell.number_format = _FORMATS[column.kind]
    return cell


def _sheet_name(title: str, taken: set[str]) -> str:
    # Excel takes 31 characters and no two sheets of one name.
    base = _NO_SHEET_NAME.sub(" ", harmless(title)).strip("' ")[:28] or "—"
    name, number = base, 2
    while name.casefold() in taken:
        name, number = f"{base} {number}", number + 1
    taken.add(name.casefold())
    return name
