"""Reports in the form of NĐ 30/2020, from values."""

from assessment.document.organisation import Organisation, Organisations, organisations
from assessment.document.pdf import pdf_of
from assessment.document.report import (
    Annex,
    Chart,
    Clause,
    Report,
    Section,
    Signature,
    Table,
    remarks_vi,
)
from assessment.document.text import report_lines
from assessment.document.writer import report_docx

__all__ = [
    "Annex",
    "Chart",
    "Clause",
    "Organisation",
    "Organisations",
    "Report",
    "Section",
    "Signature",
    "Table",
    "organisations",
    "pdf_of",
    "remarks_vi",
    "report_docx",
    "report_lines",
]
