"""Documents of the programme from the same records as the screens: DOCX, PDF, XLSX."""

from assessment.report.letterhead import LetterSettings, letter_settings
from assessment.report.material import Material, material_of
from assessment.report.workbook import workbook
from assessment.report.writing import DOCUMENTS, report_of

__all__ = [
    "DOCUMENTS",
    "LetterSettings",
    "Material",
    "letter_settings",
    "material_of",
    "report_of",
    "workbook",
]
