"""Tables as files: what spreadsheets must not run, and what programs must read unchanged."""

import csv
import io
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook

from api.tables.file import csv_bytes, harmless, xlsx_bytes
from api.tables.table import MOST_SHOWN, Column, Table
from api.words.catalogue import CATALOGUES
from api.words.formatting import Formatter

AT = datetime(2026, 3, 2, 5, 30, tzinfo=UTC)
TABLE = Table(
    "t",
    "Bảng/1 [x]: dài hơn ba mươi mốt chữ cái",
    (
        Column("name", "Tên"),
        Column("at", "Lúc", "time"),
        Column("day", "Ngày", "date"),
        Column("length", "Thời gian", "duration"),
        Column("share", "Tỷ lệ", "percent"),
        Column("count", "Số", "number"),
    ),
    (("=1+1", AT, date(2026, 3, 2), 90.5, 1 / 3, -4), ("Ổn", None, None, None, None, None)),
)


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-2", "@SUM(A1)", "\tx", "\rx", "\x00=1", " =1", "\n=1"]
)
def test_a_text_is_no_formula_when_it_looks_like_one(text: str) -> None:
    assert harmless(text).startswith("'")


@pytest.mark.parametrize(
    ("text", "safe"),
    [("x;=1+1", "x;'=1+1"), ('x"; "@A', 'x"; "\'@A'), ("a\t-1", "a\t'-1")],
)
def test_no_cell_begins_with_a_formula_where_another_sign_ends_cells(text: str, safe: str) -> None:
    assert harmless(text) == safe


@pytest.mark.parametrize("text", ["Máy 1", "a=b", "", "3-4", "a; b", "x, -1", "1\n2"])
def test_a_text_stays_as_it_is_when_it_is_harmless(text: str) -> None:
    assert harmless(text) == text


def test_csv_keeps_every_digit_and_the_zone() -> None:
    content = csv_bytes(TABLE)
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows[0] == ["name", "at", "day", "length", "share", "count"]
    assert rows[1] == ["'=1+1", "2026-03-02T05:30:00Z", "2026-03-02", "90.5", str(1 / 3), "-4"]
    assert rows[2] == ["Ổn", "", "", "", "", ""]


def test_xlsx_has_types_and_local_times() -> None:
    content = xlsx_bytes([("Vị trí", "=cmd()")], [TABLE, TABLE], ZoneInfo("Asia/Ho_Chi_Minh"))
    book = load_workbook(io.BytesIO(content))
    assert len(book.sheetnames) == 3
    assert book.worksheets[0]["B1"].value == "'=cmd()"
    sheet = book.worksheets[1]
    first = next(iter(sheet.iter_rows(min_row=2, max_row=2)))
    assert [cell.data_type for cell in first] == ["s", "d", "d", "d", "n", "n"]
    assert first[1].value == datetime(2026, 3, 2, 12, 30)  # noqa: DTZ001  # a sheet has no zones
    assert first[4].value == pytest.approx(1 / 3)
    assert first[5].value == -4


def test_a_page_shows_the_first_rows_and_says_how_many_it_leaves_to_the_files() -> None:
    table = Table("x", "X", (Column("n", "n", "number"),), tuple((k,) for k in range(507)))

    assert len(table.shown(Formatter(CATALOGUES["vi"], ZoneInfo("UTC"), AT))) == MOST_SHOWN == 500
    assert table.beyond == 7
