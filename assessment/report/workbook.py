"""XLSX forms for other systems: the IOC form, items of the DTI, evidence; one set, many forms."""

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.chart import BarChart, Reference
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from assessment.programme.figures import part_of
from assessment.programme.rhythm import CADENCE_VI, period_named
from assessment.report.material import Material
from assessment.sharing.dataset import DATASETS, INDICATORS, VALUE_COLUMNS
from assessment.sharing.releasing import trace_code

_FONT: Final = "Times New Roman"
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
_WIDEST: Final = 50
_SIDES: Final = ("kỳ nền", "kỳ sau")
_SIDE_HEADS: Final = ("Kỳ nền (%)", "Kỳ sau (%)")


def workbook(material: Material) -> bytes:
    """Return the forms as one workbook; texts are texts, whatever they begin with."""
    book = Workbook()
    for one in book.worksheets:
        book.remove(one)
    ioc = [[one.content.get(name) for name, _ in VALUE_COLUMNS] for one in material.released]
    _sheet(book, "IOC", [label for _, label in VALUE_COLUMNS], ioc)
    _statistical(book, material)
    registry = [
        [one.code, one.name_vi, one.unit, "Sở Công Thương", "hồ sơ chương trình thí điểm"]
        for one in INDICATORS
    ]
    head = ["Mã chỉ tiêu", "Tên chỉ tiêu", "Đơn vị tính", "Cơ quan chủ chỉ tiêu", "Nguồn dữ liệu"]
    _sheet(book, "Danh muc chi tieu", head, registry)
    surveyed = {one.enterprise for one in material.of_kind("survey")}
    companies = [
        [one.tax_code, one.name_vi, one.commune, one.sector, one.enterprise in surveyed]
        for one in material.enterprises
    ]
    head = ["Mã số thuế", "Doanh nghiệp", "Mã xã/phường", "Phụ lục kế hoạch", "Đã khảo sát"]
    _sheet(book, "CSDL doanh nghiep", head, companies)
    # Counts with their list of enterprises, never a score.
    dti = [
        [one.tax_code, one.name_vi, "có nền tảng số (kết nối máy)"]
        for one in (assessed.enterprise for assessed in material.assessed)
        if one.size != "large"
    ]
    _sheet(book, "DTI nhom 7", ["Mã số thuế", "Doanh nghiệp", "Căn cứ"], dti)
    _figures(book, material)
    catalogue = [
        [one.code, one.name_vi, one.owner_vi, one.sensitivity_vi, one.cadence_vi, one.quality_vi]
        for one in DATASETS.values()
    ]
    head = ["Mã", "Tập dữ liệu", "Chủ quản", "Mức nhạy cảm", "Định kỳ", "Chất lượng"]
    _sheet(book, "Danh muc du lieu", head, catalogue)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


_STATISTICAL: Final = (
    ("thuc_hien_ky", "Thực hiện trong kỳ"),
    ("luy_ke", "Lũy kế từ đầu năm"),
    ("uoc_ky", "Ước thực hiện cả kỳ"),
    ("n_doanh_nghiep", "Số doanh nghiệp góp số liệu"),
)
"""Columns of numbers of the statistical form, which are numbered below its head."""


def _statistical(book: Workbook, material: Material) -> None:
    """Write the form with the head of Biểu …/SCT-BCT, a block per period; its number stays blank.

    What did not happen is left empty, never 0.
    """
    sheet: Worksheet = book.create_sheet("Bieu SCT-BCT")
    width = 3 + len(_STATISTICAL)
    periods = sorted({str(one.content["ky"]) for one in material.released if one.content["ky"]})
    for code in periods:
        period = period_named(code)
        until = f"{min(material.day, period.last):%d/%m/%Y}"
        for left, right in (
            ("Biểu số: …/SCT-BCT", "Đơn vị báo cáo: Sở Công Thương"),
            ("Ban hành theo Thông tư số 34/2022/TT-BCT", "Đơn vị nhận báo cáo: …"),
            (f"Kỳ báo cáo: {CADENCE_VI[period.cadence]} {code}", f"Số liệu đến ngày {until}"),
            (f"Từ ngày {period.first:%d/%m/%Y} đến ngày {period.last:%d/%m/%Y}", ""),
            (f"Hạn gửi: trước ngày {period.due:%d/%m/%Y}", ""),
        ):
            sheet.append([left, *[None] * 3, right])
        sheet.append([])
        heads = ["TT", "Chỉ tiêu", "Đơn vị tính", *(label for _, label in _STATISTICAL)]
        sheet.append(heads)
        sheet.append(["A", "B", "C", *range(1, len(_STATISTICAL) + 1)])
        for row in (sheet.max_row - 1, sheet.max_row):
            for cell in sheet[row]:
                cell.font = Font(name=_FONT, bold=True)
                cell.alignment = Alignment(wrap_text=True, horizontal="center")
        own = [one for one in material.released if str(one.content["ky"]) == code]
        for number, one in enumerate(own, 1):
            numbers = [one.content.get(name) for name, _ in _STATISTICAL]
            name, unit = (_plain(one.content[each]) for each in ("ten", "dvt"))
            sheet.append([number, name, unit, *numbers])
        sheet.append([])
    for line in sheet.iter_rows():
        for cell in line:
            if not cell.font.b:
                cell.font = Font(name=_FONT)
            if isinstance(cell.value, str):
                cell.data_type = "s"
    for column in range(1, width + 1):
        sheet.column_dimensions[get_column_letter(column)].width = 40 if column == 2 else 16


def _figures(book: Workbook, material: Material) -> None:
    rows: list[list[object]] = []
    for one in material.assessed:
        for code, figure in sorted(one.figures.items()):
            rows.append(
                [
                    trace_code(one.record.record_id, code),
                    one.enterprise.name_vi,
                    f"{code} {figure['label_vi']}",
                    figure["shown_vi"],
                    figure["formula_version"],
                    figure["limits_vi"],
                ]
            )
    head = ["Mã", "Doanh nghiệp", "Số đo", "Giá trị", "Công thức", "Không cho biết"]
    _sheet(book, "Bang chung", head, rows)
    sides: list[list[object]] = []
    for one in material.assessed:
        values = [_percent(one.figures.get("E18"), f"Trung vị {side}") for side in _SIDES]
        if None not in values:
            sides.append([one.enterprise.name_vi, *values])
    if sides:
        _chart(_sheet(book, "Truoc sau", ["Doanh nghiệp", *_SIDE_HEADS], sides), len(sides) + 1)


def _percent(figure: Mapping[str, Any] | None, label: str) -> float | None:
    part = part_of(figure, label) if figure else None
    return round(float(part.value) * 100, 2) if part and part.value is not None else None


def _chart(sheet: Worksheet, last: int) -> None:
    chart = BarChart()
    chart.title = "OEE, trung vị theo ngày (%)"
    values = Reference(sheet, min_col=2, max_col=3, min_row=1, max_row=last)
    chart.add_data(values, titles_from_data=True)
    chart.set_categories(Reference(sheet, min_col=1, min_row=2, max_row=last))
    sheet.add_chart(chart, "E2")


def _sheet(
    book: Workbook, title: str, head: Sequence[str], rows: Iterable[Sequence[object]]
) -> Worksheet:
    sheet: Worksheet = book.create_sheet(title)
    sheet.append(list(head))
    for row in rows:
        sheet.append([_plain(one) for one in row])
    for cell in sheet[1]:
        cell.font = Font(name=_FONT, bold=True)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    for line in sheet.iter_rows(min_row=2):
        for cell in line:
            cell.font = Font(name=_FONT)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if isinstance(cell.value, str):
                cell.data_type = "s"
    for column in range(1, len(head) + 1):
        letter = get_column_letter(column)
        longest = max(len(str(cell.value or "")) for cell in sheet[letter])
        sheet.column_dimensions[letter].width = min(_WIDEST, longest + 2)
    sheet.freeze_panes = "A2"
    return sheet


def _plain(value: object) -> object:
    if isinstance(value, bool):
        return "có" if value else "không"
    if isinstance(value, str) and value.startswith(_FORMULAS):
        return f"'{value}"
    return value
