"""Reports in the form of NĐ 30/2020, from values."""

from assessment.document.organisation import Organisation, Organisations, organisations
from assessment.document.report import (
    Annex,
    Clause,
    Report,
    Section,
    Signature,
    Table,
    remarks_vi,
)
from assessment.document.writer import report_docx

__all__ = [
    "Annex",
    "Clause",
    "Organisation",
    "Organisations",
    "Report",
    "Section",
    "Signature",
    "Table",
    "organisations",
    "remarks_vi",
    "report_docx",
]
