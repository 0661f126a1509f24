"""Writes a report as DOCX in the form of NĐ 30/2020, Phụ lục I."""

import io
import unicodedata
from datetime import UTC, datetime

import docx
from docx.document import Document
from docx.enum.section import WD_SECTION
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.shared import Mm, Pt
from docx.table import _Cell
from docx.text.paragraph import Paragraph

from assessment.document import form
from assessment.document.chart import add_chart
from assessment.document.paper import (
    draw_line,
    first_paragraph,
    number_pages,
    repeat_head,
    set_fonts,
    set_page,
    set_widths,
    tight,
    words,
)
from assessment.document.report import (
    Annex,
    Block,
    Chart,
    Clause,
    Report,
    Table,
    bases_lines,
    point_letter,
    recipients_lines,
    roman,
)

_END = "./."
_BLANK = "\N{NO-BREAK SPACE}" * 6


def report_docx(report: Report) -> bytes:
    """Return a report as DOCX; number, day, month and signature stay blank.

    The same report gives the same text; what the file says of its author and time is empty.
    """
    document = docx.Document()
    set_fonts(document)
    set_page(document.sections[0])
    number_pages(document.sections[0])
    properties = document.core_properties
    properties.author = properties.comments = properties.last_modified_by = ""
    properties.title, properties.language = _nfc(f"{report.kind} {report.subject}"), "vi-VN"
    properties.created = properties.modified = datetime(
        report.dated.year, report.dated.month, report.dated.day, tzinfo=UTC
    )
    _letterhead(document, report)
    _title(document, report)
    if report.addressee:
        paragraph = document.add_paragraph()
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        _spaced(paragraph)
        words(paragraph, _nfc(f"Kính gửi: {report.addressee}."), form.BODY_PT)
    for base in bases_lines(report.bases):
        _body(document, base, italic=True)
    last = _content(document, report)
    _end(last)
    if report.secretary is None:
        _signature(document, report)
    else:
        _minutes_signatures(document, report, report.secretary)
    for index, annex in enumerate(report.annexes):
        _annex(document, report, annex, roman(index + 1) if len(report.annexes) > 1 else "")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _letterhead(document: Document, report: Report) -> None:
    table = document.add_table(rows=2, cols=2)
    set_widths(table, (form.LEFT_CELL_MM, form.RIGHT_CELL_MM))
    left, right = table.rows[0].cells
    issuer = _nfc(report.issuer.upper())
    words(first_paragraph(left), _nfc(report.superior.upper()), form.AGENCY_PT)
    words(tight(left.add_paragraph()), issuer, form.AGENCY_PT, bold=True)
    # Between a third and a half of the words above it.
    length = form.width_mm(issuer, form.AGENCY_PT) * 0.42
    draw_line(left.add_paragraph(), length, form.LEFT_CELL_MM)
    words(first_paragraph(right), form.NATION, form.NATION_PT, bold=True)
    words(tight(right.add_paragraph()), form.MOTTO, form.MOTTO_PT, bold=True)
    length = form.width_mm(form.MOTTO, form.MOTTO_PT)
    draw_line(right.add_paragraph(), length, form.RIGHT_CELL_MM)
    left, right = table.rows[1].cells
    for cell in (left, right):
        first_paragraph(cell).paragraph_format.space_before = Pt(6)
    words(left.paragraphs[0], f"Số:{_BLANK}/{report.symbol}", form.NUMBER_PT)
    dated = f"{report.place}, ngày{_BLANK}tháng{_BLANK}năm {report.dated.year}"
    words(right.paragraphs[0], _nfc(dated), form.PLACE_PT, italic=True)


def _title(document: Document, report: Report) -> None:
    kind = tight(document.add_paragraph())
    kind.paragraph_format.space_before = Pt(18)
    words(kind, _nfc(report.kind.upper()), form.BODY_PT, bold=True)
    subject = tight(document.add_paragraph())
    words(subject, _nfc(report.subject), form.BODY_PT, bold=True)
    width = min(form.width_mm(report.subject, form.BODY_PT), form.TEXT_MM)
    line = document.add_paragraph()
    draw_line(line, width * 0.42, form.TEXT_MM)
    line.paragraph_format.space_after = Pt(12)


def _content(document: Document, report: Report) -> Paragraph:
    """Write opening and sections; return the paragraph that ends the content."""
    for text in report.opening:
        _body(document, text)
    for number, section in enumerate(report.sections, 1):
        heading = _body(document, f"{roman(number)}. {section.title.upper()}", bold=True)
        heading.paragraph_format.keep_with_next = True
        _blocks(document, section.blocks)
        for clause_number, clause in enumerate(section.clauses, 1):
            _clause(document, clause_number, clause)
    ends_with_table = document.element.body.xpath("./*[not(self::w:sectPr)][last()][self::w:tbl]")
    if ends_with_table:
        return _body(document, "")
    return document.paragraphs[-1]


def _end(last: Paragraph) -> None:
    """End the content: the mark takes the place of the full stop."""
    if last.runs:
        last.runs[-1].text = last.runs[-1].text.rstrip(" .;")
    words(last, _END, form.BODY_PT)


def _clause(document: Document, number: int, clause: Clause) -> None:
    blocks = clause.blocks
    if clause.title is not None:
        heading = _body(document, f"{number}. {clause.title}", bold=True)
        heading.paragraph_format.keep_with_next = True
    elif blocks and isinstance(blocks[0], str):
        _body(document, f"{number}. {blocks[0]}")
        blocks = blocks[1:]
    _blocks(document, blocks)
    for index, point in enumerate(clause.points):
        _body(document, f"{point_letter(index)}) {point}")


def _blocks(document: Document, blocks: tuple[Block, ...]) -> None:
    for block in blocks:
        if isinstance(block, Table):
            _table(document, block)
        elif isinstance(block, Chart):
            add_chart(tight(document.add_paragraph()), block)
        else:
            _body(document, block)


def _body(document: Document, text: str, *, bold: bool = False, italic: bool = False) -> Paragraph:
    paragraph = document.add_paragraph()
    paragraph.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY
    paragraph.paragraph_format.first_line_indent = Mm(form.FIRST_LINE_MM)
    _spaced(paragraph)
    words(paragraph, _nfc(text), form.BODY_PT, bold=bold, italic=italic)
    return paragraph


def _spaced(paragraph: Paragraph) -> None:
    paragraph.paragraph_format.space_before = Pt(0)
    paragraph.paragraph_format.space_after = Pt(form.BETWEEN_PT)
    paragraph.paragraph_format.line_spacing = 1


def _table(document: Document, content: Table) -> None:
    table = document.add_table(rows=1, cols=len(content.head), style="Table Grid")
    table.autofit = False
    widths = _column_widths(content)
    for cell, text in zip(table.rows[0].cells, content.head, strict=True):
        words(first_paragraph(cell), _nfc(text), form.TABLE_PT, bold=True)
    for row in content.rows:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            paragraph = tight(cell.paragraphs[0], WD_ALIGN_PARAGRAPH.LEFT)
            words(paragraph, _nfc(text), form.TABLE_PT)
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Mm(width)
        for cell in column.cells:
            cell.width = Mm(width)
    repeat_head(table)
    # Without a paragraph after it a table would touch the next one.
    words(tight(document.add_paragraph()), "", 6)


def _column_widths(content: Table) -> tuple[float, ...]:
    """Return widths in millimetres: as long as the words are, within bounds, and whole words."""
    columns = list(zip(content.head, *content.rows, strict=True))
    longest = [max(len(one) for one in column) for column in columns]
    word = [max(len(part) for one in column for part in one.split() or [""]) for column in columns]
    weights = [max(w, min(long, 28), 3) + 2 for w, long in zip(word, longest, strict=True)]
    return tuple(form.TEXT_MM * weight / sum(weights) for weight in weights)


def _signature(document: Document, report: Report) -> None:
    table = document.add_table(rows=1, cols=2)
    half = form.TEXT_MM / 2
    set_widths(table, (half, half))
    left, right = table.rows[0].cells
    head = tight(first_paragraph(left), WD_ALIGN_PARAGRAPH.LEFT)
    words(head, "Nơi nhận:", form.RECIPIENTS_HEAD_PT, bold=True, italic=True)
    for line in recipients_lines(report):
        paragraph = tight(left.add_paragraph(), WD_ALIGN_PARAGRAPH.LEFT)
        words(paragraph, _nfc(line), form.RECIPIENTS_PT)
    _offices(right, report)


def _minutes_signatures(document: Document, report: Report, secretary: str) -> None:
    table = document.add_table(rows=1, cols=2)
    half = form.TEXT_MM / 2
    set_widths(table, (half, half))
    left, right = table.rows[0].cells
    words(first_paragraph(left), _nfc(secretary.upper()), form.BODY_PT, bold=True)
    words(first_paragraph(right), _nfc(report.signature.office.upper()), form.BODY_PT, bold=True)
    for _ in range(4):
        words(tight(right.add_paragraph()), "", form.BODY_PT)
    head = tight(document.add_paragraph(), WD_ALIGN_PARAGRAPH.LEFT)
    words(head, "Nơi nhận:", form.RECIPIENTS_HEAD_PT, bold=True, italic=True)
    for line in recipients_lines(report):
        paragraph = tight(document.add_paragraph(), WD_ALIGN_PARAGRAPH.LEFT)
        words(paragraph, _nfc(line), form.RECIPIENTS_PT)


def _offices(cell: _Cell, report: Report) -> None:
    lines = [one for one in (report.signature.authority, report.signature.office) if one]
    for index, line in enumerate(lines):
        paragraph = first_paragraph(cell) if index == 0 else tight(cell.add_paragraph())
        words(paragraph, _nfc(line.upper()), form.BODY_PT, bold=True)
    # Room for the signature and the name, which the document system adds.
    for _ in range(4):
        words(tight(cell.add_paragraph()), "", form.BODY_PT)


def _annex(document: Document, report: Report, annex: Annex, number: str) -> None:
    section = document.add_section(WD_SECTION.NEW_PAGE)
    set_page(section)
    for old in section._sectPr.xpath("./w:pgNumType"):
        section._sectPr.remove(old)
    number_pages(section)
    words(tight(document.add_paragraph()), f"Phụ lục {number}".strip(), form.BODY_PT, bold=True)
    title = tight(document.add_paragraph())
    words(title, _nfc(annex.title.upper()), form.BODY_PT, bold=True)
    kind = report.kind.capitalize()
    reference = (
        f"(Kèm theo {kind} số{_BLANK}/{report.symbol} ngày{_BLANK}tháng{_BLANK}"
        f"năm {report.dated.year} của {report.issuer})"
    )
    paragraph = tight(document.add_paragraph())
    paragraph.paragraph_format.space_after = Pt(12)
    words(paragraph, _nfc(reference), form.BODY_PT, italic=True)
    _blocks(document, annex.blocks)
