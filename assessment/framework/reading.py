"""Criteria read from a table (CSV or XLSX), every wrong cell named by row and column."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from pydantic import ValidationError

from assessment.framework.criteria import Component, Criterion, Pillar, Telemetry, Unknown
from assessment.framework.framework import CriteriaSet
from plant.errors import DataError

COLUMNS = (
    "pillar",
    "pillar_name_vi",
    "component",
    "component_name_vi",
    "criterion",
    "name_vi",
    "name_en",
    "points",
    "telemetry",
    "levels_vi",
    "ratio_vi",
    "unknown",
    "note_vi",
)
"""The columns of the table, in any order; `levels_vi` holds its levels apart by `|`."""

REQUIRED = frozenset(COLUMNS[:6]) | {"points"}
MOST_BYTES = 5_000_000
MOST_ROWS = 2_000
_MOST_UNPACKED = 50_000_000
_POINTS_RANGE = re.compile(r"^0\s*[-–]\s*(\d{1,2})$")
_POINTS_LIST = re.compile(r"^\d{1,4}(\s*/\s*\d{1,4}){1,10}$")
_BROKEN = (
    zipfile.BadZipFile,
    InvalidFileException,
    ParseError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    EOFError,
    OverflowError,
    NotImplementedError,
)
"""What openpyxl raises on parts of a workbook that are not as they should be."""


@dataclass(frozen=True, slots=True)
class CellProblem:
    """What is wrong with a cell: its row as a spreadsheet counts, its column, and why."""

    row: int
    column: str
    value: str
    reason_vi: str

    def __str__(self) -> str:
        shown = f" ({self.value[:60]!r})" if self.value else ""
        return f"dòng {self.row}, cột {self.column}{shown}: {self.reason_vi}"


class TableNotValidError(DataError):
    """A table of criteria is not valid; `problems` names each cell."""

    def __init__(self, problems: Sequence[CellProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("criteria_not_valid", "; ".join(str(one) for one in problems))


Row = tuple[int, dict[str, str]]
W = TypeVar("W", Telemetry, Unknown)


def read_criteria(content: bytes, into: CriteriaSet, version: str) -> CriteriaSet:
    """Return a new version of a criteria set with the criteria of a table.

    Identity, decision, rules and caps stay those of `into`; pillars and components come from the
    table, their points are the sums. CSV is UTF-8 with comma, semicolon or tab.

    Raises:
        TableNotValidError: Cells are wrong; nothing is imported.
    """
    if len(content) > MOST_BYTES:
        raise _whole(f"tệp lớn hơn {MOST_BYTES} byte")
    rows = _workbook(content) if content[:2] == b"PK" else _csv(content)
    criteria, pillars, components = _Reader().read(rows)
    try:
        return CriteriaSet(
            id=into.id,
            version=version,
            name_vi=into.name_vi,
            decision=into.decision,
            status_vi=into.status_vi,
            uncertainties_vi=into.uncertainties_vi,
            total_points=sum(pillar.max_points for pillar in pillars),
            pillars=tuple(pillars),
            components=tuple(components),
            criteria=tuple(criteria),
            pillar_rule=into.pillar_rule,
            overall_rule=into.overall_rule,
            telemetry_caps=into.telemetry_caps,
        )
    except ValidationError as exc:
        raise _whole("; ".join(error["msg"] for error in exc.errors())) from exc


class _Reader:
    """Reads rows, collecting problems; a name given again must be the same."""

    def __init__(self) -> None:
        self._problems: list[CellProblem] = []
        self._pillars: dict[str, str] = {}
        self._components: dict[str, tuple[str, str]] = {}
        self._seen: dict[str, int] = {}

    def read(self, rows: Iterator[Row]) -> tuple[list[Criterion], list[Pillar], list[Component]]:
        criteria = []
        for number, cells in rows:
            before = len(self._problems)
            criterion = self._criterion(number, cells)
            if criterion is not None and len(self._problems) == before:
                criteria.append(criterion)
        if not criteria and not self._problems:
            self._add(1, "criterion", "", "bảng không có tiêu chí nào")
        if self._problems:
            raise TableNotValidError(self._problems)
        points = dict.fromkeys(self._components, 0)
        for criterion in criteria:
            points[criterion.component] += criterion.max_points
        components = [
            Component(id=name, pillar=pillar, name_vi=words, max_points=points[name])
            for name, (pillar, words) in self._components.items()
        ]
        pillars = [
            Pillar(
                id=name,
                name_vi=words,
                max_points=sum(one.max_points for one in components if one.pillar == name),
            )
            for name, words in self._pillars.items()
        ]
        return criteria, pillars, components

    def _add(self, row: int, column: str, value: str, reason_vi: str) -> None:
        self._problems.append(CellProblem(row, column, value, reason_vi))

    def _criterion(self, number: int, cells: dict[str, str]) -> Criterion | None:
        for column, value in cells.items():
            if column in REQUIRED and not value:
                self._add(number, column, "", "để trống")
            elif value.startswith("="):
                self._add(number, column, value, "là công thức; hãy nhập giá trị")
        points = self._points(number, cells["points"])
        telemetry = self._word(number, "telemetry", cells["telemetry"] or "none", Telemetry)
        unknown = self._word(number, "unknown", cells["unknown"], Unknown)
        self._places(number, cells)
        name = cells["criterion"]
        if name and self._seen.setdefault(name, number) != number:
            self._add(number, "criterion", name, f"đã có ở dòng {self._seen[name]}")
        if points is None or any(one.row == number for one in self._problems):
            return None
        try:
            return Criterion(
                id=name,
                component=cells["component"],
                name_vi=cells["name_vi"],
                name_en=cells["name_en"] or None,
                points=points,
                telemetry=telemetry or Telemetry.NONE,
                levels_vi=tuple(part.strip() for part in cells["levels_vi"].split("|"))
                if cells["levels_vi"]
                else None,
                ratio_vi=cells["ratio_vi"] or None,
                unknown=unknown,
                note_vi=cells["note_vi"] or None,
            )
        except ValidationError as exc:
            for error in exc.errors():
                place = str(error["loc"][0]) if error["loc"] else "levels_vi"
                column = "criterion" if place == "id" else place
                self._add(number, column, cells.get(column, ""), error["msg"])
            return None

    def _places(self, number: int, cells: dict[str, str]) -> None:
        pillar, component = cells["pillar"], cells["component"]
        if pillar:
            said = self._pillars.setdefault(pillar, cells["pillar_name_vi"])
            if said != cells["pillar_name_vi"]:
                words = f"trụ cột {pillar} đã có tên {said!r}"
                self._add(number, "pillar_name_vi", cells["pillar_name_vi"], words)
        if component:
            here = (pillar, cells["component_name_vi"])
            there = self._components.setdefault(component, here)
            if there[0] != pillar:
                words = f"thành phần {component} đã thuộc trụ cột {there[0]}"
                self._add(number, "pillar", pillar, words)
            elif there != here:
                words = f"thành phần {component} đã có tên {there[1]!r}"
                self._add(number, "component_name_vi", here[1], words)

    def _points(self, number: int, text: str) -> tuple[int, ...] | None:
        if found := _POINTS_RANGE.match(text):
            return tuple(range(int(found[1]) + 1))
        if _POINTS_LIST.match(text):
            return tuple(int(part) for part in text.split("/"))
        if text:
            self._add(number, "points", text, "phải có dạng 0-5 hoặc 0/5/10")
        return None

    def _word(self, number: int, column: str, text: str, words: type[W]) -> W | None:
        if not text:
            return None
        if text not in set(words):
            self._add(number, column, text, f"phải là một trong: {', '.join(words)}")
            return None
        return words(text)


def _named(rows: Iterator[tuple[int, Sequence[str]]]) -> Iterator[Row]:
    names: list[str] | None = None
    for number, values in rows:
        cells = [value.strip() for value in values]
        if not any(cells):
            continue
        if names is None:
            names = [cell.lower() for cell in cells]
            while names and not names[-1]:
                names.pop()
            _check_names(number, names)
            continue
        if number > MOST_ROWS + 1:
            raise _whole(f"bảng có hơn {MOST_ROWS} dòng")
        if any(cells[len(names) :]):
            extra = next(cell for cell in cells[len(names) :] if cell)
            raise TableNotValidError(
                [CellProblem(number, f"thứ {len(names) + 1}", extra, "dòng dài hơn dòng tiêu đề")]
            )
        found = dict(zip(names, cells, strict=False))
        yield number, {column: found.get(column, "") for column in COLUMNS}
    if names is None:
        raise _whole("tệp trống")


def _check_names(number: int, names: list[str]) -> None:
    problems = [
        CellProblem(number, name, "", f"cột không biết; có: {', '.join(COLUMNS)}")
        for name in names
        if name not in COLUMNS
    ]
    problems += [
        CellProblem(number, name, "", "thiếu cột")
        for name in COLUMNS
        if name in REQUIRED - set(names)
    ]
    problems += [
        CellProblem(number, name, "", "cột có hai lần")
        for name in sorted({one for one in names if names.count(one) > 1})
    ]
    if problems:
        raise TableNotValidError(problems)


def _csv(content: bytes) -> Iterator[Row]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        row = content[: exc.start].count(b"\n") + 1
        problem = CellProblem(row, "?", "", "không phải UTF-8; hãy lưu dạng 'CSV UTF-8'")
        raise TableNotValidError([problem]) from exc
    delimiter = max(",;\t", key=text.split("\n", 1)[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        yield from _named(enumerate(reader, 1))
    except csv.Error as exc:
        problem = CellProblem(reader.line_num, "?", "", f"không phải CSV: {exc}")
        raise TableNotValidError([problem]) from exc


def _workbook(content: bytes) -> Iterator[Row]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(info.file_size for info in archive.infolist()) > _MOST_UNPACKED:
                raise _whole("sổ tính bung ra quá lớn")
        book = load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()
        rows = [
            (number, [_as_text(cell) for cell in cells])
            for number, cells in enumerate(sheet.iter_rows(max_row=MOST_ROWS + 2, max_col=40), 1)
        ]
        book.close()
    except _BROKEN as exc:
        raise _whole(f"không phải sổ tính XLSX đọc được: {exc}") from exc
    yield from _named(iter(rows))


def _as_text(cell: object) -> str:
    value = getattr(cell, "value", None)
    if getattr(cell, "data_type", "") == "f":
        return f"={str(value).lstrip('=')}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _whole(words: str) -> TableNotValidError:
    return TableNotValidError([CellProblem(1, "?", "", words)])
