"""What a report says as plain lines, for a preview on a page."""

from collections.abc import Iterator

from assessment.document.report import (
    Block,
    Chart,
    Report,
    Table,
    bases_lines,
    point_letter,
    recipients_lines,
    roman,
)

Line = tuple[str, str | Table | Chart]
"""Its kind (head, title, base, section, clause, text, table, chart, foot) and content."""


def report_lines(report: Report) -> list[Line]:
    """Return the parts of a report in their order."""
    return list(_lines(report))


def _lines(report: Report) -> Iterator[Line]:
    yield "head", f"{report.superior.upper()} · {report.issuer.upper()}"
    yield "title", f"{report.kind.upper()} {report.subject}"
    if report.addressee:
        yield "text", f"Kính gửi: {report.addressee}."
    for base in bases_lines(report.bases):
        yield "base", base
    for text in report.opening:
        yield "text", text
    for number, section in enumerate(report.sections, 1):
        yield "section", f"{roman(number)}. {section.title.upper()}"
        yield from _blocks(section.blocks)
        for clause_number, clause in enumerate(section.clauses, 1):
            if clause.title:
                yield "clause", f"{clause_number}. {clause.title}"
            yield from _blocks(clause.blocks)
            for index, point in enumerate(clause.points):
                yield "text", f"{point_letter(index)}) {point}"
    for line in recipients_lines(report):
        yield "foot", line
    for annex in report.annexes:
        yield "section", annex.title.upper()
        yield from _blocks(annex.blocks)


def _blocks(blocks: tuple[Block, ...]) -> Iterator[Line]:
    for block in blocks:
        if isinstance(block, Table):
            yield "table", block
        elif isinstance(block, Chart):
            yield "chart", block
        else:
            yield "text", block
