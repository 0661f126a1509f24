"""The measures of NĐ 30/2020, Phụ lục I, that the writer uses and the tests read back."""

import unicodedata
from typing import Final

FONT: Final = "Times New Roman"
PAGE_MM: Final = (210, 297)
TOP_MM: Final = 20
BOTTOM_MM: Final = 20
LEFT_MM: Final = 30
RIGHT_MM: Final = 15
TEXT_MM: Final = PAGE_MM[0] - LEFT_MM - RIGHT_MM
LEFT_CELL_MM: Final = 66
RIGHT_CELL_MM: Final = TEXT_MM - LEFT_CELL_MM

BODY_PT: Final = 14
PAGE_NUMBER_PT: Final = 14
NATION_PT: Final = 12
MOTTO_PT: Final = 13
AGENCY_PT: Final = 12
NUMBER_PT: Final = 13
PLACE_PT: Final = 13
RECIPIENTS_HEAD_PT: Final = 12
RECIPIENTS_PT: Final = 11
TABLE_PT: Final = 12
FIRST_LINE_MM: Final = 12.7
BETWEEN_PT: Final = 6

NATION: Final = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
MOTTO: Final = "Độc lập - Tự do - Hạnh phúc"

_BOLD: Final = (
    dict(zip("abcdefghijklm", (500, 556, 444, 556, 444, 333, 500, 556, 278, 333, 556, 278, 833),
             strict=True))
    | dict(zip("nopqrstuvwxyz", (556, 500, 556, 556, 444, 389, 333, 556, 500, 722, 500, 500, 444),
               strict=True))
    | dict(zip("ABCDEFGHIJKLM", (722, 667, 722, 722, 667, 611, 778, 778, 389, 500, 778, 667, 944),
               strict=True))
    | dict(zip("NOPQRSTUVWXYZ", (722, 778, 611, 778, 722, 556, 667, 722, 722, 1000, 722, 722, 667),
               strict=True))
    | {" ": 250, "-": 333, ",": 250, ".": 250, "đ": 556, "Đ": 722}
)  # fmt: skip
"""Widths of Times Bold in thousandths of its size (Adobe's font metrics); marks add nothing."""


def width_mm(text: str, size_pt: float) -> float:
    """Return how wide a bold text in Times is, in millimetres."""
    letters = (one for one in unicodedata.normalize("NFD", text) if not unicodedata.combining(one))
    return sum(_BOLD.get(one, 500) for one in letters) / 1000 * size_pt * 25.4 / 72
