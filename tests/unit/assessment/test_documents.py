"""Documents of the programme follow the form, in correct Vietnamese, each figure with its code."""

import io
import re
import unicodedata
from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction

import docx
import pytest
from docx.shared import Mm
from openpyxl import load_workbook

from assessment.document import remarks_vi, report_docx, report_lines
from assessment.programme.content import canonical_text, digest_of
from assessment.programme.rhythm import period_named
from assessment.report import DOCUMENTS, LetterSettings, Material, report_of, workbook
from assessment.report.material import Assessed
from assessment.sharing.dataset import VALUE_COLUMNS
from assessment.sharing.releasing import Release
from plant.errors import DataError
from store.assessment.record import EnterpriseRow, ProgrammeRow, RecordRow

NOW = datetime(2026, 12, 1, tzinfo=UTC)
TONES = "\u0300\u0301\u0303\u0309\u0323"
SYLLABLE = re.compile(
    r"^(ngh|ng|nh|gh|gi|kh|ph|qu|th|tr|ch|[bcdđghklmnpqrstvx])?"
    r"(iê|yê|ươ|uô|uyê|uye|oă|oa|oe|uê|uy|uơ$|uâ|ia|ya|ưa|ua|[aăâeêioôơuưy])"
    r"(ch|ng|nh|[cmnptiyou])?$"
)


def record(number: int, kind: str, period: str, content: dict[str, object]) -> RecordRow:
    text = canonical_text(content)
    enterprise = "a" if kind == "assessment" else None
    return RecordRow(
        number, 1, enterprise, kind, period, 1, None, "closed", text, digest_of(text), "x", NOW, NOW
    )


def figure(code: str, value: str, **more: object) -> dict[str, object]:
    return {
        "metric": code,
        "label_vi": "Số đo",
        "shown_vi": value,
        "value": "1/2",
        "parts": [],
        "below_gate_vi": [],
        "formula_version": f"{code}/1",
        "inputs_hash": "0" * 64,
        "limits_vi": "Không cho biết nguyên nhân.",
        "quality": {"completeness": str(Fraction(99, 100))},
        **more,
    }


def material() -> Material:
    enterprise = EnterpriseRow(1, "a", "Công ty Mẫu", "3600000001", 1, "small", "26041", NOW)
    content: dict[str, object] = {
        "framework": "DBI-SME-1970@1.0.0",
        "self": {"3.2.9": {"points": 1}},
        "proposals": {
            "3.2.9": {"level": 2, "shown_vi": "Mức 2", "metrics": ["E01"], "by": "E01"},
        },
        "confirmed": {"3.2.9": {"level": 2}},
    }
    assessment = record(4, "assessment", "2026-11-01_2026-11-28", content)
    sides = [
        ["Trung vị kỳ nền", "7/10", "%", "70,0 %"],
        ["Trung vị kỳ sau", "3/4", "%", "75,0 %"],
        ["Cận dưới 95 %", "1/100", "%", "1,0 %"],
        ["Cận trên 95 %", "9/100", "%", "9,0 %"],
        ["Ngày có số liệu, kỳ nền", 28, "ngày", "28 ngày"],
        ["Ngày có số liệu, kỳ sau", 28, "ngày", "28 ngày"],
    ]
    figures = {
        "E01": figure("E01", "66,7 %"),
        "E02": figure("E02", "99,0 %"),
        "E18": figure("E18", "5,0 %", parts=sides),
    }
    said = {"chi_dao": "Sở đã ban hành kế hoạch.", "can_cu": "Căn cứ Luật Công nghiệp"}
    final = record(9, "final", "2026", {"values": said})
    quarterly = record(10, "quarterly", "20264", {"values": {"nhan_xet": "Đạt yêu cầu."}})
    row = {name: None for name, _ in VALUE_COLUMNS} | {
        "ma": "NMTM04",
        "ten": "=Số máy",
        "dvt": "máy",
        "thuc_hien_ky": 8,
    }
    return Material(
        ProgrammeRow(1, "p", "Chương trình", 2026, "DBI-SME-1970@1.0.0"),
        date(2026, 12, 1),
        [enterprise],
        [assessment, final, quarterly],
        [Assessed(enterprise, assessment, content, figures)],
        [Release("nmtm-chi-tieu", "k", row, (), None)],
    )


PERIODS = {"final": "2026", "quarterly": "20264", "selection": "lần-1", "replication": "2026"}


@pytest.mark.parametrize("kind", [one.record for one in DOCUMENTS])
def test_each_document_has_the_measures_of_the_form(kind: str) -> None:
    report = report_of(material(), LetterSettings(), kind, PERIODS[kind])
    document = docx.Document(io.BytesIO(report_docx(report)))
    text = "\n".join(one.text for one in document.paragraphs)

    for section in document.sections:
        sizes = (section.page_width, section.page_height)
        assert [round(one.mm) for one in sizes if one] == [210, 297]
        margins = (section.left_margin, section.right_margin, section.top_margin)
        left, right, top = (round(one.mm) for one in margins if one)
        assert 30 <= left <= 35
        assert 15 <= right <= 20
        assert 20 <= top <= 25
        assert section.different_first_page_header_footer
    assert text.count("./.") == 1
    assert unicodedata.is_normalized("NFC", text)
    for table in document.tables[2:]:
        widths = [cell.width for cell in table.rows[0].cells]
        assert sum(width or 0 for width in widths) <= Mm(166)
    assert not [one for one in remarks_vi(report) if "Nơi nhận" in one]


def test_minutes_are_signed_by_secretary_and_chair() -> None:
    report = report_of(material(), LetterSettings(), "selection", "lần-1")
    document = docx.Document(io.BytesIO(report_docx(report)))
    (row,) = [t.rows[0] for t in document.tables if "THƯ KÝ" in t.rows[0].cells[0].text]

    assert row.cells[1].text.strip() == "CHỦ TỌA"
    assert report.symbol == "BB-SCT"
    assert "Kính gửi" not in "\n".join(one.text for one in document.paragraphs)


def test_every_figure_of_the_final_report_has_its_code_and_the_wording_claims_no_cause() -> None:
    report = report_of(material(), LetterSettings(), "final", "2026")
    document = docx.Document(io.BytesIO(report_docx(report)))
    cells = "\n".join(cell.text for t in document.tables for row in t.rows for cell in row.cells)
    text = "\n".join(str(content) for _, content in report_lines(report))
    charts = [part for part in document.part.package.iter_parts() if "/charts/" in part.partname]

    assert {"HS4-E01", "HS4-E02", "HS4-E18"} <= set(re.findall(r"HS\d+-E\d\d", cells))
    assert "trùng thời điểm với" in text
    assert not re.search(r"(giảm|tăng)[^.]* do thí điểm", text)
    assert "Chưa có nội dung." in text
    assert len(charts) == 1
    assert "75.0" in charts[0].blob.decode()


def test_names_of_organisations_follow_the_documents_day() -> None:
    old = LetterSettings().names(date(2026, 4, 29))
    new = LetterSettings().names(date(2026, 4, 30))
    assert old[0] == "UBND tỉnh Đồng Nai"
    assert new[0] == "UBND thành phố Đồng Nai"


def test_the_workbook_holds_texts_as_texts() -> None:
    book = load_workbook(io.BytesIO(workbook(material())))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]

    assert book.sheetnames[0] == "IOC"
    assert all(cell.data_type != "f" for cell in cells)
    assert book["CSDL doanh nghiep"]["A2"].value == "3600000001"
    assert {cell.font.name for cell in cells if cell.value is not None} == {"Times New Roman"}


def test_the_statistical_form_has_its_head_and_leaves_empty_what_did_not_happen() -> None:
    held = material()
    (row,) = held.released
    quarter = replace(row, content=dict(row.content) | {"ky": "20264", "uoc_ky": 9.5})
    book = load_workbook(io.BytesIO(workbook(replace(held, released=[quarter]))))
    sheet = book["Bieu SCT-BCT"]
    lines = [[cell.value for cell in line] for line in sheet.iter_rows()]

    assert [line[0] for line in lines[:5]] == [
        "Biểu số: …/SCT-BCT",
        "Ban hành theo Thông tư số 34/2022/TT-BCT",
        "Kỳ báo cáo: quý 20264",
        "Từ ngày 15/09/2026 đến ngày 14/12/2026",
        "Hạn gửi: trước ngày 10/12/2026",
    ]
    assert [line[4] for line in lines[:3]] == [
        "Đơn vị báo cáo: Sở Công Thương",
        "Đơn vị nhận báo cáo: …",
        "Số liệu đến ngày 01/12/2026",
    ]
    assert lines[7] == ["A", "B", "C", 1, 2, 3, 4]
    # Done, cumulative and estimated each in a column of its own; nothing is 0 that is not known.
    assert lines[8] == [1, "'=Số máy", "máy", 8, None, 9.5, None]


@pytest.mark.parametrize("code", ["", "2026Q4", "20265", "202613", "20260", "hai", "20264x9"])
def test_a_code_of_no_period_is_refused(code: str) -> None:
    with pytest.raises(DataError, match="kỳ"):
        period_named(code)


def toned(letter: str) -> str:
    """Return the letter that bears a tone, without it; nothing for a letter without one."""
    parts = unicodedata.normalize("NFD", letter)
    rest = "".join(one for one in parts if one not in TONES)
    return unicodedata.normalize("NFC", rest) if rest != parts else ""


def misspelt(text: str) -> list[str]:
    """Return words that are no Vietnamese syllable and no code, number or abbreviation."""
    found = []
    for word in re.findall(r"[^\W\d_]+", unicodedata.normalize("NFC", text)):
        low = unicodedata.normalize("NFD", word.lower())
        tones = [one for one in low if one in TONES]
        plain = unicodedata.normalize("NFC", "".join(one for one in low if one not in TONES))
        syllable = SYLLABLE.match(plain)
        stopped = syllable and syllable[3] in {"c", "ch", "p", "t"}
        wrong = not syllable or len(tones) > 1
        # A tone stands on the vowel that has a mark of its own, where there is one.
        wrong = wrong or any(toned(one) not in {"", *"êôâăơ"} for one in word.lower()) & bool(
            set(plain) & set("êôâăơ")
        )
        wrong = wrong or bool(stopped and tones and tones[0] not in "\u0301\u0323")
        if wrong:
            found.append(word)
    return found


def test_the_words_of_the_reports_are_vietnamese() -> None:
    known = {
        *("OEE", "DBI", "SME", "HS", "E", "BC", "SCT", "VT", "CN", "UBND", "KT", "PHÓ", "SXCT"),
        *("KH", "BKHCN", "MES", "ERP", "SPC", "ISO", "SIRI", "TT", "robot", "kWh", "mm", "L", "A"),
        *("P", "Q", "p", "đ", "DN", "R", "NMTM", "CNHT", "AG", "Samsung", "IOC"),
    }
    for kind, period in PERIODS.items():
        report = report_of(material(), LetterSettings(), kind, period)
        lines = [str(content) for _, content in report_lines(report) if isinstance(content, str)]
        wrong = [word for line in lines for word in misspelt(line) if word not in known]
        wrong = [one for one in wrong if set(one) - set("IVX")]
        assert wrong == [], kind
    assert misspelt("nghìên cứu đuợc thẩm trà kết qủaa") == ["nghìên", "đuợc", "qủaa"]
