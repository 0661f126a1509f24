"""What a report says, apart from how it looks: the parts of form 1.4 of NĐ 30/2020, Phụ lục III."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

POINTS: Final = "abcdđeghiklmnopqrstuvxy"
"""The letters of points: those of the Vietnamese alphabet without marks, so no f, j, w, z."""

_ROMAN: Final = ((10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its head; the cells are words."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        if not self.head or any(len(row) != len(self.head) for row in self.rows):
            raise ValueError("every row of a table is as long as its head")


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars side by side, a group per category; a value that is not known has no bar."""

    title: str
    unit: str
    categories: tuple[str, ...]
    series: tuple[tuple[str, tuple[float | None, ...]], ...]

    def __post_init__(self) -> None:
        if any(len(values) != len(self.categories) for _, values in self.series):
            raise ValueError("every series of a chart has a value per category")


Block = str | Table | Chart


@dataclass(frozen=True, slots=True)
class Clause:
    """A numbered clause (khoản); bold with a title, its points are lettered."""

    title: str | None
    blocks: tuple[Block, ...] = ()
    points: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A part with a Roman number."""

    title: str
    blocks: tuple[Block, ...] = ()
    clauses: tuple[Clause, ...] = ()


@dataclass(frozen=True, slots=True)
class Annex:
    """An annex: its title and content; it begins on a page of its own."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signs, by office only: the name and the signature are the document system's."""

    authority: str | None
    """KT., TM., TL., TUQ. or Q. with the office it is signed for; `None`: the head signs."""
    office: str


@dataclass(frozen=True, slots=True)
class Report:
    """A report; number, day, month and signature stay blank."""

    superior: str
    issuer: str
    symbol: str
    """As in `BC-SCT`."""
    place: str
    dated: date
    """Only its year is printed; names of organisations were chosen by it."""
    kind: str
    subject: str
    bases: tuple[str, ...]
    opening: tuple[str, ...]
    sections: tuple[Section, ...]
    recipients: tuple[str, ...]
    signature: Signature
    addressee: str | None = None
    to_superior: bool = True
    secretary: str | None = None
    """Of minutes (form 1.9): who signs on the left; the signature's office is the chair's."""
    annexes: tuple[Annex, ...] = ()


def roman(number: int) -> str:
    """Return a number from 1 to 39 in Roman digits."""
    if not 1 <= number < 40:
        raise ValueError(f"{number} is no number of a part")
    text = ""
    for value, digits in _ROMAN:
        while number >= value:
            text += digits
            number -= value
    return text


def point_letter(index: int) -> str:
    """Return the letter of the point with an index from 0."""
    if not 0 <= index < len(POINTS):
        raise ValueError(f"a clause has at most {len(POINTS)} points")
    return POINTS[index]


def bases_lines(bases: tuple[str, ...]) -> tuple[str, ...]:
    """Return the legal bases as lines: each ends with a semicolon, the last with a full stop."""
    bare = [base.rstrip(" ;.,") for base in bases]
    return tuple(f"{base}{';' if base is not bare[-1] else '.'}" for base in bare)


def recipients_lines(report: Report) -> tuple[str, ...]:
    """Return the lines of *Nơi nhận*; the last one, with the copy that is kept, ends the list."""
    bare = [one.strip(" -;.") for one in report.recipients]
    if report.addressee and bare[:1] != ["Như trên"]:
        bare = ["Như trên", *bare]
    return tuple(
        f"- {one}{'.' if index == len(bare) - 1 else ';'}" for index, one in enumerate(bare)
    )


def remarks_vi(report: Report) -> tuple[str, ...]:
    """Return what a reader versed in NĐ 30/2020 would remark; nothing here stops the writer."""
    return tuple(_remarks(report))


def _remarks(report: Report) -> Iterator[str]:
    if report.to_superior and not report.addressee:
        yield "Báo cáo gửi cấp trên cần 'Kính gửi:' và Nơi nhận mở đầu '- Như trên;'."
    if not report.recipients or not report.recipients[-1].strip(" -").startswith("Lưu:"):
        yield "Dòng cuối của Nơi nhận phải là '- Lưu: VT, …'."
    for base in report.bases:
        if not base.startswith("Căn cứ "):
            yield f"Căn cứ phải mở đầu bằng 'Căn cứ': {base}"
        if re.match(r"Căn cứ (Bộ l|L)uật\b.*\bsố \d", base):
            yield f"Luật được dẫn không kèm số và cơ quan: {base}"
        elif not re.match(r"Căn cứ (Bộ l|L)uật\b", base) and " số " not in base:
            yield f"Văn bản khác Luật được dẫn đủ số, ngày, cơ quan: {base}"
    if re.search(r"\b(TS|ThS|PGS|GS)\.", f"{report.signature.authority} {report.signature.office}"):
        yield "Chức danh ký không ghi học hàm, học vị."
