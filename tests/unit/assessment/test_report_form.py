"""The measures of NĐ 30/2020, read back from the file that the writer made."""

import io
import re
import shutil
import subprocess
import unicodedata
from datetime import date
from pathlib import Path

import docx
import pytest
from docx.document import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.text.paragraph import Paragraph

from assessment.document import form, organisations, remarks_vi, report_docx
from assessment.document.report import point_letter, roman
from plant.errors import ConfigurationError
from tests.unit.assessment.report_sample import sample
from tests.waiting import HANG_S


def opened(annexes: int = 2, addressee: str | None = None) -> Document:
    return docx.Document(io.BytesIO(report_docx(sample(annexes, addressee))))


def millimetres(length: object) -> float:
    assert isinstance(length, int)
    return length / 36_000


def sizes(paragraph: Paragraph) -> set[float]:
    return {run.font.size.pt for run in paragraph.runs if run.text.strip() and run.font.size}


def line_mm(paragraph: Paragraph, within_mm: float) -> float:
    assert paragraph._p.xpath("./w:pPr/w:pBdr/w:bottom[@w:val='single']")
    spacing = paragraph.paragraph_format
    return within_mm - millimetres(spacing.left_indent) - millimetres(spacing.right_indent)


def test_paper_and_margins() -> None:
    document = opened()

    assert len(document.sections) == 3
    for section in document.sections:
        assert millimetres(section.page_width) == pytest.approx(210, abs=0.1)
        assert millimetres(section.page_height) == pytest.approx(297, abs=0.1)
        assert 20 <= round(millimetres(section.top_margin), 1) <= 25
        assert 20 <= round(millimetres(section.bottom_margin), 1) <= 25
        assert 30 <= round(millimetres(section.left_margin), 1) <= 35
        assert 15 <= round(millimetres(section.right_margin), 1) <= 20


def test_one_font_for_every_script() -> None:
    document = opened()
    fonts = document.styles["Normal"].element.rPr.rFonts

    assert {fonts.get(qn(f"w:{one}")) for one in ("ascii", "hAnsi", "eastAsia", "cs")} == {
        "Times New Roman"
    }
    assert not document.element.body.xpath(".//w:rFonts")
    assert not document.element.body.xpath(".//w:u")


def test_page_numbers_stand_at_the_top_but_not_on_the_first_page() -> None:
    for section in opened().sections:
        paragraph = section.header.paragraphs[0]
        assert section.different_first_page_header_footer
        assert paragraph.alignment == WD_ALIGN_PARAGRAPH.CENTER
        assert "PAGE" in paragraph._p.xpath("string(.//w:instrText)")
        assert 13 <= paragraph.runs[0].font.size.pt <= 14
        assert not section.first_page_header.paragraphs[0].text
        assert not section.footer.paragraphs[0].text
        assert section._sectPr.xpath("string(./w:pgNumType/@w:start)") == "1"


def test_the_letterhead() -> None:
    (agency, nation), (number, place) = (row.cells for row in opened().tables[0].rows)
    superior, department, agency_line = agency.paragraphs
    republic, motto, motto_line = nation.paragraphs

    assert superior.text == "UBND THÀNH PHỐ ĐỒNG NAI"
    assert not superior.runs[0].bold
    assert department.text == "SỞ CÔNG THƯƠNG"
    assert department.runs[0].bold
    assert republic.text == "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
    assert motto.text == "Độc lập - Tự do - Hạnh phúc"
    assert republic.runs[0].bold
    assert motto.runs[0].bold
    assert sizes(republic) <= {12, 13}
    assert sizes(motto) <= {13, 14}
    share = line_mm(agency_line, form.LEFT_CELL_MM) / form.width_mm(department.text, 12)
    assert 1 / 3 <= share <= 1 / 2
    of_motto = form.width_mm(motto.text, 13)
    assert line_mm(motto_line, form.RIGHT_CELL_MM) == pytest.approx(of_motto, abs=0.2)
    assert re.fullmatch(r"Số:\xa0+/BC-SCT", number.text)
    assert sizes(number.paragraphs[0]) == {13}
    assert re.fullmatch(r"Đồng Nai, ngày\xa0+tháng\xa0+năm 2026", place.text)
    assert place.paragraphs[0].runs[0].italic
    assert form.width_mm(republic.text, 12) < form.RIGHT_CELL_MM


def test_kind_subject_and_the_line_under_them() -> None:
    kind, subject, line = opened().paragraphs[:3]

    assert kind.text == "BÁO CÁO"
    assert kind.runs[0].bold
    assert subject.runs[0].bold
    assert {kind.alignment, subject.alignment} == {WD_ALIGN_PARAGRAPH.CENTER}
    assert 1 / 3 <= line_mm(line, form.TEXT_MM) / form.TEXT_MM <= 1 / 2


def test_body() -> None:
    body = [one for one in opened().paragraphs if one.paragraph_format.first_line_indent]

    assert len(body) > 15
    for paragraph in body:
        assert paragraph.alignment == WD_ALIGN_PARAGRAPH.JUSTIFY
        assert sizes(paragraph) <= {13, 14}
        assert 10 <= round(millimetres(paragraph.paragraph_format.first_line_indent), 1) <= 12.7
        after = paragraph.paragraph_format.space_after
        assert after is not None
        assert after.pt >= 6


def test_bases_are_italic_and_the_last_ends_with_a_full_stop() -> None:
    bases = [one for one in opened().paragraphs if one.text.startswith("Căn cứ")]

    assert [one.text[-1] for one in bases] == [";", "."]
    assert all(run.italic for one in bases for run in one.runs)


def test_numbering_by_the_vietnamese_alphabet() -> None:
    texts = [one.text for one in opened().paragraphs]

    assert [one[:3] for one in texts if one[:2] in {"I.", "II"}] == ["I. ", "II.", "III"]
    assert "1. Khảo sát và lựa chọn" in texts
    assert "2. Kỳ nền 28 ngày, kỳ sau 28 ngày." in texts
    assert [one[0] for one in texts if one[1:2] == ")"] == list("abcdđeg")
    assert [roman(number) for number in (4, 9, 14)] == ["IV", "IX", "XIV"]
    with pytest.raises(ValueError, match="at most 23"):
        point_letter(23)


def test_the_content_ends_with_its_mark_and_annexes_do_not() -> None:
    ends = [one.text for one in opened().paragraphs if one.text.endswith("./.")]

    assert len(ends) == 1
    assert ends[0].endswith("xem xét./.")


def test_recipients_and_signature_stand_side_by_side() -> None:
    left, right = opened().tables[2].rows[0].cells
    recipients, offices = left.paragraphs, [one for one in right.paragraphs if one.text]

    assert recipients[0].text == "Nơi nhận:"
    assert (recipients[0].runs[0].bold, recipients[0].runs[0].italic) == (True, True)
    assert sizes(recipients[0]) == {12}
    assert [one.text for one in recipients[1:]] == [
        "- Phòng Quản lý Công nghiệp;",
        "- Lưu: VT, CN.",
    ]
    assert sizes(recipients[1]) == {11}
    assert [one.text for one in offices] == ["KT. GIÁM ĐỐC", "PHÓ GIÁM ĐỐC"]
    assert all(run.bold for one in offices for run in one.runs)


def test_a_report_to_a_superior() -> None:
    document = opened(addressee="UBND thành phố Đồng Nai")

    assert "Kính gửi: UBND thành phố Đồng Nai." in [one.text for one in document.paragraphs]
    assert document.tables[2].rows[0].cells[0].paragraphs[1].text == "- Như trên;"


@pytest.mark.parametrize(
    ("annexes", "titles"), [(0, []), (1, ["Phụ lục"]), (2, ["Phụ lục I", "Phụ lục II"])]
)
def test_annexes(annexes: int, titles: list[str]) -> None:
    paragraphs = opened(annexes).paragraphs

    assert [one.text for one in paragraphs if one.text.startswith("Phụ lục")] == titles
    references = [one for one in paragraphs if one.text.startswith("(Kèm theo Báo cáo số")]
    assert len(references) == annexes
    assert all(run.italic for one in references for run in one.runs)


def test_words_are_composed_and_no_name_or_time_is_in_the_file() -> None:
    document = opened()
    text = "\n".join(one.text for one in document.paragraphs)

    assert unicodedata.is_normalized("NFC", text)
    assert report_docx(sample())
    assert document.core_properties.author == ""
    assert document.core_properties.last_modified_by == ""


def test_names_follow_the_date_of_the_document() -> None:
    names = organisations()

    assert names.name_on("superior", date(2026, 4, 29)) == "UBND tỉnh Đồng Nai"
    assert names.name_on("superior", date(2026, 4, 30)) == "UBND thành phố Đồng Nai"
    with pytest.raises(ConfigurationError, match="không có tên của 'superior'"):
        names.name_on("superior", date(1975, 1, 1))


def test_remarks() -> None:
    assert remarks_vi(sample(addressee="UBND thành phố Đồng Nai")) == ()
    assert "Kính gửi" in remarks_vi(sample())[0]


def test_libreoffice_makes_pages_of_it(tmp_path: Path) -> None:
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("no soffice on this machine (Debian: libreoffice-writer-nogui)")
    (tmp_path / "report.docx").write_bytes(report_docx(sample()))
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    command = [office, profile, "--headless", "--convert-to", "pdf", "report.docx"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=HANG_S)

    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
