"""CSV and XLSX: every cell that is wrong is named, and nothing breaks the reading."""

import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from openpyxl.worksheet.formula import ArrayFormula

from plant.errors import ConfigurationError
from plant.mes import Located, Parsed, Reason
from plant.mes.file import DocumentFile, FileLimits, TableOptions, template
from plant.mes.file.table import column_letter

LINE = "dong-nai/bien-hoa/gia-cong/day-chuyen"
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
Read = Callable[..., list[Parsed]]


def csv_of(tmp_path: Path, content: str | bytes) -> Path:
    file = tmp_path / "table.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def xlsx_of(tmp_path: Path, rows: Sequence[Sequence[Any]]) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    file = tmp_path / "table.xlsx"
    book.save(file)
    return file


def read(file: Path, kind: str = "products", **options: Any) -> list[Parsed]:
    chosen = TableOptions(options.get("defaults", {}), options.get("zone"))
    with file.open("rb") as stream:
        return list(DocumentFile(file.name, stream, kind, options.get("sheet"), chosen).documents())


def problems(parsed: Sequence[Parsed]) -> list[str]:
    return [str(problem) for one in parsed if isinstance(one, list) for problem in one]


def documents(parsed: Sequence[Parsed]) -> Iterator[dict[str, Any]]:
    for one in parsed:
        assert isinstance(one, Located), one
        yield one.document.canonical()


@pytest.fixture(params=["csv", "xlsx"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Path]:
    """Write rows as a file of either form."""

    def write(rows: Sequence[Sequence[Any]]) -> Path:
        if request.param == "xlsx":
            return xlsx_of(tmp_path, rows)
        lines = [";".join("" if cell is None else str(cell) for cell in row) for row in rows]
        return csv_of(tmp_path, "\r\n".join(lines))

    return write


def test_rows_become_documents(table: Callable[..., Path]) -> None:
    file = table(
        [
            ["enterprise", "Code ", "name_vi", "name_en"],
            ["dong-nai", "truc", " Trục\u00a020 ", None],
            [None, None, None, None],
            ["dong-nai", 1001, "Bạc", "Bush"],
        ]
    )

    assert list(documents(read(file))) == [
        {"enterprise": "dong-nai", "code": "truc", "name_vi": "Trục 20", "name_en": "Trục 20"},
        {"enterprise": "dong-nai", "code": "1001", "name_vi": "Bạc", "name_en": "Bush"},
    ]


def test_bad_cells_are_named(table: Callable[..., Path]) -> None:
    file = table(
        [
            ["enterprise", "code", "name_vi"],
            ["dong-nai", "x" * 65, "Ổ bi"],
            ["dong-nai", None, "x"],
            ["dong-nai", "a", "=1+1"],
            ["dong-nai", "b", "x", "y"],
            ["dong-nai", "c", "@SUM(A1)"],
            ["dong-nai", "d", "-2+3+cmd|' /C calc'!A0"],
            ["dong-nai", "e", "#REF!"],
            ["dong-nai", "f", "đúng"],
            ["dong-nai", "g", "＝1+1"],
        ]
    )

    found = problems(read(file))

    assert [line.partition(" ")[0].rstrip(":") for line in found] == [
        *("B2", "B3", "C4", "D5", "C6", "C7", "C8", "C10"),
    ]
    assert "is no code: write 1 to 64 characters" in found[0]
    assert "(code): required, but missing" in found[1]
    assert all("formula" in found[index] for index in (2, 4, 5, 7))
    assert "error #REF!" in found[6]


def test_a_negative_number_is_no_formula_but_still_negative(table: Callable[..., Path]) -> None:
    header = ["site", "number", "product", "work_center", "planned_quantity"]
    file = table([header, ["dong-nai/bien-hoa", "1", "p", LINE, -5]])

    (found,) = problems(read(file, "orders"))

    assert found == "E2 (planned_quantity): Input should be greater than 0"


def test_a_negative_time_is_no_formula_but_no_time_either(table: Callable[..., Path]) -> None:
    file = table([["site", "name", "start", "end"], ["dong-nai/bien-hoa", "a", "-06:00", "14:00"]])

    (found,) = problems(read(file, "shifts"))

    assert found.startswith("C2 (start): '-06:00' is no local time of day")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (["enterprise", "code", "name_vn"], ["C1 (name_vn): unknown column", "missing: name_vi"]),
        (["enterprise", "code", "code", "name_vi"], ["C1 (code): column 'code' comes twice"]),
        (["code", "name_vi"], ["row 1: required columns are missing: enterprise"]),
        ([""], ["the table is empty"]),
    ],
)
def test_a_wrong_header_is_all_that_is_said(
    table: Callable[..., Path], header: list[str], said: list[str]
) -> None:
    found = problems(read(table([header, ["a", "b", "c", "d"]])))

    assert len(found) == len(said)
    assert all(part in line for part, line in zip(said, found, strict=True))


def test_defaults_fill_in_what_a_table_does_not_say(table: Callable[..., Path]) -> None:
    file = table([["code", "name_vi"], ["truc", "Trục"]])

    (document,) = documents(read(file, defaults={"enterprise": "dong-nai", "site": "x/y"}))

    assert document["enterprise"] == "dong-nai"


def test_moments_without_an_offset_need_a_zone(table: Callable[..., Path]) -> None:
    header = ["site", "number", "product", "work_center", "planned_quantity", "planned_start"]
    row = ["dong-nai/bien-hoa", "1", "p", LINE, 5, "2026-03-02 06:00"]
    file = table([header, row])

    (refused,) = problems(read(file, "orders"))
    (document,) = documents(read(file, "orders", zone=ZONE))

    assert refused.startswith("F2 (planned_start)")
    assert document["planned_start"] == "2026-03-01T23:00:00Z"


def test_a_table_that_only_withdraws_needs_only_keys(table: Callable[..., Path]) -> None:
    file = table([["enterprise", "code", "withdrawn"], ["dong-nai", "truc", "yes"]])

    (one,) = read(file)

    assert isinstance(one, Located)
    assert one.withdrawn


def test_cells_of_their_own_types_are_understood(tmp_path: Path) -> None:
    shifts: list[list[Any]] = [
        ["site", "name", "start", "end", "valid_from"],
        # A sheet has no zones.
        ["a/b", "Ca 1", time(6), datetime(1899, 12, 30, 14), datetime(2026, 3, 2)],  # noqa: DTZ001
    ]
    (shift,) = documents(read(xlsx_of(tmp_path, shifts), "shifts"))
    orders: list[list[Any]] = [
        ["site", "number", "product", "work_center", "planned_quantity", "planned_start"],
        # The same.
        ["dong-nai/bien-hoa", 2601.0, "p", LINE, 12.5, datetime(2026, 3, 2, 6)],  # noqa: DTZ001
    ]
    (order,) = documents(read(xlsx_of(tmp_path, orders), "orders", zone=ZONE))

    assert (shift["start"], shift["end"], shift["valid_from"]) == (
        *("06:00:00", "14:00:00"),
        "2026-03-02",
    )
    assert (order["number"], order["planned_quantity"]) == ("2601", 12.5)
    assert order["planned_start"] == "2026-03-01T23:00:00Z"


def test_a_booking_with_a_day_only_is_asked_for_its_time(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["site", "number", "work_unit", "product", "quantity", "produced_at", "booked_at"],
        ["dong-nai/bien-hoa", "P-1", f"{LINE}/cua", "a", 3, "2026-03-02", "2026-03-02 10:00"],
    ]

    found = problems(read(xlsx_of(tmp_path, rows), "scrap-bookings", zone=ZONE))

    assert any("F2 (produced_at)" in line and "write date, time" in line for line in found)


def test_formulas_are_refused_whatever_they_would_give(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["enterprise", "code", "name_vi"],
        ["dong-nai", "a", "=A1"],
        ["dong-nai", "b", ArrayFormula("C3", "=A1:A2")],
        [None, None, '=HYPERLINK("http://x","y")'],
    ]

    found = problems(read(xlsx_of(tmp_path, rows)))

    assert [line.partition(":")[0] for line in found] == [
        "C2 (name_vi)",
        "C3 (name_vi)",
        "C4 (name_vi)",
    ]


def test_another_sheet_can_be_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.create_sheet("Sản phẩm")
    sheet.append(["enterprise", "code", "name_vi"])
    sheet.append(["dong-nai", "truc", "Trục"])
    book.save(tmp_path / "two.xlsx")

    assert len(list(documents(read(tmp_path / "two.xlsx", sheet="Sản phẩm")))) == 1
    (said,) = problems(read(tmp_path / "two.xlsx", sheet="x"))
    assert said == "the file: has no sheet 'x'; there are Sheet, Sản phẩm"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfea\x00", "UTF-16"),
        ("enterprise,code,name_vi\na,b,Tr\u1ee5c\n".encode("cp1258", "replace") + b"\xe0", "UTF-8"),
        (b'enterprise,code,name_vi\na,b,"c\n', "no CSV from here on"),
        (b"enterprise,code,name_vi\n" + b"x" * 1_100_000, "no table"),
        (b'enterprise,code,name_vi\na,b,"' + b"x\n" * 100_000, "no CSV from here on"),
        (b"", "the table is empty"),
        (b"enterprise,code,name_vi\na,b,c\0d\n", "cannot be printed"),
    ],
)
def test_a_file_that_is_no_table_ends_with_the_reason(
    tmp_path: Path, content: bytes, said: str
) -> None:
    found = problems(read(csv_of(tmp_path, content)))

    assert said in found[-1]


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path: Path) -> None:
    content = "\ufeffenterprise\tcode\tname_vi\ndong-nai\ttruc\tTrục\n"

    assert len(list(documents(read(csv_of(tmp_path, content))))) == 1


def test_a_file_that_is_no_workbook_is_said_to_be_none(tmp_path: Path) -> None:
    file = tmp_path / "x.xlsx"
    file.write_bytes(b"enterprise,code")
    assert "no XLSX workbook" in problems(read(file))[0]
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("xl/workbook.xml", "<x")
    assert "no XLSX workbook" in problems(read(file))[0]


def test_an_archive_that_unpacks_to_an_enormous_size_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", b"\0" * 201_000_000)

    (said,) = problems(read(file))
    assert "enormous" in said


def test_columns_are_lettered_as_in_a_spreadsheet() -> None:
    assert [column_letter(index) for index in (0, 25, 26, 701, 702)] == [
        *("A", "Z", "AA", "ZZ", "AAA"),
    ]


def test_a_shift_can_be_written_in_one_row(table: Callable[..., Path]) -> None:
    file = table(
        [
            ["site", "name", "start", "end", "weekdays", "breaks"],
            ["a/b", "Ca 3", "22:00", "06:00", "mon,tue", "Ăn đêm 01:30-02:00"],
        ]
    )

    (shift,) = documents(read(file, "shifts"))

    assert shift["weekdays"] == ["mon", "tue"]
    assert shift["breaks"] == [{"name": "Ăn đêm", "start": "01:30:00", "end": "02:00:00"}]


def test_reasons_are_told_apart(table: Callable[..., Path]) -> None:
    file = table([["enterprise", "code", "name_vi"], ["dong-nai", "a", "=1"]])

    (found,) = read(file)

    assert isinstance(found, list)
    assert [problem.reason for problem in found] == [Reason.FORMULA]


def test_a_template_names_every_field_the_required_ones_first() -> None:
    assert template("products") == "enterprise,code,name_vi,name_en,withdrawn"


@pytest.mark.parametrize("name", ["x.csv", "x.xlsx", "x.json", "x"])
def test_what_a_file_holds_must_be_said(name: str) -> None:
    with pytest.raises(ConfigurationError):
        DocumentFile(name, io.BytesIO())


@pytest.mark.parametrize("name", ["x.pdf", "csv", ""])
def test_a_file_of_another_form_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="is none of"):
        DocumentFile(name, io.BytesIO(), "products")


@pytest.mark.parametrize("content", [b"%PDF", b"3", b'{"documents": 3}'])
def test_a_file_that_is_no_json_of_documents_is_said_to_be_none(content: bytes) -> None:
    (said,) = problems(list(DocumentFile("x.json", io.BytesIO(content), "products").documents()))

    assert "no JSON of documents" in said


def test_a_file_is_refused_when_it_is_larger_than_its_limit() -> None:
    limits = FileLimits(xml=10, json=10)
    for name in ("x.json", "x.xml"):
        file = DocumentFile(name, io.BytesIO(b"[" * 11), "products", limits=limits)
        assert problems(list(file.documents())) == ["the file: is larger than 10 bytes"]
