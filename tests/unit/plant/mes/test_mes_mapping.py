"""Exports of other systems under a mapping: what a person need not type over."""

import io
from typing import Any

import openpyxl
import pytest
from pydantic import ValidationError

from plant.mes import KINDS, Located, Parsed
from plant.mes.file import DocumentFile, TableOptions
from plant.mes.file.guess import guess_layout
from plant.mes.file.limits import FileLimits
from plant.mes.file.raw_table import code_page_of
from plant.mes.kinds.mapping import ImportMapping
from plant.mes.mapping.applying import document_values
from plant.mes.mapping.notation import Notation, NotationError, read_clock, read_moment, read_number
from plant.mes.parsing import Item, parse
from plant.mes.problem import Remark
from plant.mes.quantity_unit import pieces
from tests.plants.export_files import CODE_PAGE, ODOO, SAP, windows_1258, workbook

LINE = "dong-nai/bien-hoa/co-khi/phay"
POOL = "dong-nai/bien-hoa/co-khi/ep"
SITE = TableOptions({"site": "dong-nai/bien-hoa", "enterprise": "dong-nai"})
ORDER = {"enterprise": "dong-nai", "name": "x", "kind": "orders", "time_zone": "Asia/Ho_Chi_Minh"}


def read(name: str, content: bytes, words: dict[str, str], **more: Any) -> list[Parsed]:
    stream = io.BytesIO(content)
    found = guess_layout(name, stream, "dong-nai", FileLimits()).mapping
    values = {key: dict(table) for key, table in found.values.items()}
    key = "work_unit" if "work_unit" in found.columns else "work_center"
    mapping = ImportMapping.model_validate(
        found.canonical()
        | {"time_zone": "Asia/Ho_Chi_Minh", "values": values | {key: words}}
        | more
    )
    return list(DocumentFile(name, stream, options=SITE, mapping=mapping).documents())


def fields(parsed: list[Parsed], *names: str) -> list[tuple[Any, ...]]:
    kept = [one.document.canonical() for one in parsed if isinstance(one, Located)]
    return [tuple(one[name] for name in names) for one in kept]


def remarks(parsed: list[Parsed]) -> list[str]:
    return [str(one) for one in parsed if isinstance(one, Remark)]


def test_a_list_of_sap_with_german_numbers() -> None:
    parsed = read("coois.csv", SAP, {"PHAY-01": LINE, "EP-02": POOL})

    names = ("number", "product", "planned_quantity", "planned_start", "planned_end", "status")
    assert fields(parsed, *names) == [
        (
            "1000451",
            "FERT-1001",
            1500.0,
            "2026-03-01T17:00:00Z",
            "2026-03-03T17:00:00Z",
            "released",
        ),
        ("1000452", "AB/1234.5", 2500.0, "2026-03-02T17:00:00Z", "2026-03-04T17:00:00Z", "planned"),
        (
            "1000453",
            "FERT-1001",
            1250.0,
            "2026-03-03T17:00:00Z",
            "2026-03-04T17:00:00Z",
            "finished",
        ),
    ]
    assert remarks(parsed) == [
        "row 4: columns not used: Disponent",
        "row 8: passed over, a total or a note: Summe",
    ]


def test_an_export_of_odoo() -> None:
    parsed = read("mrp.csv", ODOO, {"Milling": LINE, "Press": POOL})

    assert fields(parsed, "number", "product", "planned_quantity", "status") == [
        ("WH/MO/00012", "SP 001", 1200.0, "released"),
        ("WH/MO/00013", "SP 001", 120.0, "planned"),
    ]


def test_a_planning_sheet_with_a_title_and_a_merged_header() -> None:
    asked = read("kh.xlsx", workbook(), {"Phay 1": LINE, "Ép": POOL})
    (question,) = [one for one in asked if isinstance(one, list)]
    assert "'1.500' may be 1.5 or 1500" in str(question[0])

    parsed = read(
        "kh.xlsx", workbook(), {"Phay 1": LINE, "Ép": POOL}, decimal_mark=",", date_order="dmy"
    )

    assert fields(
        parsed, "number", "planned_quantity", "planned_start", "planned_end", "status"
    ) == [
        ("LSX-03/001", 480.0, "2026-03-01T23:00:00Z", "2026-03-02T07:00:00Z", "running"),
        ("LSX-03/002", 1500.0, "2026-03-02T23:00:00Z", "2026-03-03T17:00:00Z", "planned"),
    ]


def test_a_table_in_the_code_page_of_old_vietnamese_windows() -> None:
    content = windows_1258(CODE_PAGE)
    machines = {"CNC 1": f"{LINE}/cnc-1", "CNC 2": f"{LINE}/cnc-2"}
    with pytest.raises(UnicodeDecodeError):
        content.decode("utf-8")

    parsed = read("dinh-muc.csv", content, machines)

    assert fields(parsed, "product", "seconds", "valid_from", "source") == [
        ("TRỤC-A", 26.5, "2025-10-31T17:00:00Z", "bấm giờ ngày 30/10"),
        ("TRỤC-A", 28.0, "2025-11-14T17:00:00Z", "bản vẽ"),
    ]


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("Größe;Stück;für", "cp1252"),
        ("Số lượng;Mã hàng", "utf-8"),
        ("Số lượng", "utf-16"),
        ("naïve café", "cp1252"),
    ],
)
def test_the_code_page_is_found(text: str, page: str) -> None:
    assert code_page_of(text.encode(page)) == page


@pytest.mark.parametrize(
    ("text", "mark", "number"),
    [
        ("1.500,25", "", 1500.25),
        ("1,500.25", "", 1500.25),
        ("1.500.000", "", 1.5e6),
        ("2,5", "", 2.5),
        ("0.125", "", 0.125),
        ("1 500,5", "", 1500.5),
        ("1'500.5", "", 1500.5),
        ("1.500", ",", 1500.0),
        ("1.500", ".", 1.5),
        ("15,000-", ",", -15.0),
        ("- 1\u00a0500", "", -1500.0),
        ("1.5e3", ".", 1500.0),
    ],
)
def test_numbers_are_read_in_their_notation(text: str, mark: Any, number: float) -> None:
    assert read_number(text, Notation(mark)) == number


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        *(("1.500", ""), ("1,500", ""), ("1,5", "."), ("0.125", ","), ("12.34.5", ",")),
        *(("5 cái", ","), ("12 5", ""), ("1'23", ""), ("1 500 00", ""), ("+5-", ""), ("1e400", "")),
    ],
)
def test_what_is_no_number_in_a_notation_is_asked_for(text: str, mark: Any) -> None:
    with pytest.raises(NotationError):
        read_number(text, Notation(mark))


@pytest.mark.parametrize(
    ("text", "order", "moment"),
    [
        ("28.02.2026", "", "2026-02-28T00:00:00"),
        ("01/11/2026", "dmy", "2026-11-01T00:00:00"),
        ("01/11/2026", "mdy", "2026-01-11T00:00:00"),
        ("13/1/26 6h05", "", "2026-01-13T06:05:00"),
        ("20260131", "", "2026-01-31T00:00:00"),
        ("06:30 31/01/2026", "", "2026-01-31T06:30:00"),
        ("1/2/2026 2:05 CH", "dmy", "2026-02-01T14:05:00"),
        ("2026-03-02 06:00:00", "", "2026-03-02T06:00:00"),
    ],
)
def test_dates_are_read_in_their_order(text: str, order: Any, moment: str) -> None:
    assert read_moment(text, Notation("", order))[0] == moment


@pytest.mark.parametrize("text", ["01/11/2026", "31/02/2026", "46023", "tháng 3", "1/2/2026 26:00"])
def test_a_date_of_two_readers_is_asked_for(text: str) -> None:
    with pytest.raises(NotationError):
        read_moment(text, Notation())


def test_named_values_of_a_message_are_read_by_it() -> None:
    mapping = ImportMapping.model_validate(
        ORDER
        | {
            "columns": {
                "number": "name",
                "product": "product_id.1",
                "planned_quantity": "product_qty",
                "planned_start": ["day", "clock"],
                "work_center": "line",
                "status": "stat",
            },
            "constants": {"site": "dong-nai/bien-hoa"},
            "values": {
                "work_center": {"12": LINE},
                "status": {"FREI": "released", "TECO": "finished"},
            },
        }
    )
    given = {
        "name": "MO/1",
        "product_id": [7, "[SP 001] Trục"],
        "product_qty": 1.125,
        "day": "02.03.2026",
        "clock": "06:00:00",
        "line": 12,
        "stat": "FREI DRUC TECO",
    }

    values = document_values(mapping, given, Item(0))
    assert isinstance(values, dict)
    found = parse(KINDS["orders"], values, Item(0))

    assert isinstance(found, Located)
    assert fields([found], "product", "planned_quantity", "planned_start", "status") == [
        ("SP 001", 1.125, "2026-03-01T23:00:00Z", "finished")
    ]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"kind": "order"}, "there is no kind"),
        ({"columns": {"nummer": ["Auftrag"]}}, "has no field nummer"),
        ({"code_page": "rot13"}, "is none of"),
        ({"time_zone": "Mars"}, "no IANA time zone"),
        ({"decimal_mark": ";"}, "decimal_mark"),
    ],
)
def test_a_mapping_that_means_nothing_is_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ImportMapping.model_validate(ORDER | changed)


@pytest.mark.parametrize(("text", "clock"), [("24:00", "00:00:00"), ("24h", "00:00:00")])
def test_a_day_may_end_at_24(text: str, clock: str) -> None:
    assert read_clock(text) == clock


def test_a_workbook_gives_codes_as_it_shows_them_and_neither_formulas_nor_errors() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["code", "name_vi"], [451, "Trục"], ["#REF!", "Bánh"], ["SP-2", "=A1&B1"]):
        sheet.append(row)
    sheet["A2"].number_format = "000000"
    stream = io.BytesIO()
    book.save(stream)
    mapping = ImportMapping.model_validate(
        {
            "enterprise": "co-khi",
            "name": "danh mục",
            "kind": "products",
            "columns": {"code": ["code"], "name_vi": ["name_vi"]},
        }
    )
    file = DocumentFile("danh-muc.xlsx", stream, options=SITE, mapping=mapping)
    parsed = list(file.documents())
    assert fields(parsed, "code") == [("000451",)]
    problems = [problem for one in parsed if isinstance(one, list) for problem in one]
    assert [(one.where, one.words) for one in problems] == [
        ("A3", "holds the spreadsheet's error #REF!"),
        ("B4", "'=A1&B1' is or looks like a formula; put in the value itself"),
    ]


def test_a_number_of_a_workbook_needs_no_notation() -> None:
    # 1.125 as a number of a cell is no question; as a text it is one.
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["work_unit", "product", "seconds"])
    book.active.append([f"{LINE}/cnc-1", "TRỤC-A", 1.125])
    book.active.append([f"{LINE}/cnc-1", "TRỤC-B", "1.125"])
    made = io.BytesIO()
    book.save(made)

    first, second = DocumentFile("a.xlsx", made, "planned-run-times").documents()

    assert fields([first], "seconds") == [(1.125,)]
    assert isinstance(second, list)
    assert second[0].where == "C3"


@pytest.mark.parametrize(
    ("unit", "factor"), [("ST", 1), ("T3", 1000), ("Cái", 1), ("DZN", 12), ("KG", None)]
)
def test_units_of_pieces(unit: str, factor: float | None) -> None:
    assert pieces(unit) == factor
