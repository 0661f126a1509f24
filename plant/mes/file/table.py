"""Tables of documents: a header of field names, then a row per document; every cell has a name."""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from plant.mes.document import MesDocument, field_types
from plant.mes.kinds.mapping import ImportMapping
from plant.mes.mapping.applying import SPREADSHEET_ERROR
from plant.mes.mapping.notation import ambiguous_number
from plant.mes.parsing import WITHDRAWN, Parsed, key_model, parse
from plant.mes.problem import Problem, Reason

Row = tuple[int, Sequence[str]]
"""Number of a row as a spreadsheet shows it, and its cells as text."""

# A spreadsheet runs what begins so, in East Asia the wide forms too; a number or a time may begin
# with a sign all the same.
_FORMULA = re.compile(r"[=@\t\r＝＠＋－]|[+-](?!\d+(?:[.,:]\d+)*$)")
_SUSPICIOUS = frozenset("=@\t\r+-#＝＠＋－")
_DATE_FORMATS = frozenset({"date-time", "date", "time"})


class Exact(str):
    """A number of a workbook as text: it needs no notation to be read."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class TableOptions:
    """What fills in where a table says nothing."""

    defaults: Mapping[str, str] = field(default_factory=dict)
    """Values of fields whose cell is empty or that have no column."""
    zone: ZoneInfo | None = None
    """Zone of moments that are written without an offset; without it they are refused."""
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By field the words of a source and ours; XML has `place`, `product` and `status`."""

    def under(self, mapping: ImportMapping) -> "TableOptions":
        """Return what a mapping says, and beside it what was said here."""
        return TableOptions(
            {**self.defaults, **mapping.constants}, mapping.zone or self.zone, mapping.values
        )


@dataclass(frozen=True, slots=True)
class RowCells:
    """The cells of one row."""

    number: int
    letters: Mapping[str, str]
    """Column letters by field."""

    def of(self, field: str) -> str:
        """Return `D7`, or `row 7` for what is in no cell."""
        letter = self.letters.get(field.partition(".")[0])
        return f"{letter}{self.number}" if letter else f"row {self.number}"


def read_table(
    document_type: type[MesDocument],
    rows: Iterable[Row],
    options: TableOptions,
) -> Iterator[Parsed]:
    """Yield a document or its problems for every row that is not empty; the first is the header."""
    stream = iter(rows)
    number, header = next(stream, (1, ()))
    columns = [cleaned(name).lower() for name in header]
    while columns and not columns[-1]:
        columns.pop()
    problems = _header_problems(document_type, number, columns, options)
    if problems:
        yield problems
        return
    letters = {name: column_letter(index) for index, name in enumerate(columns)}
    types = field_types(document_type)
    moments = {name for name, kind in types.items() if kind == "date-time"}
    defaults = {
        name: value
        for name, value in options.defaults.items()
        if name in document_type.model_fields
    }
    for row_number, cells in stream:
        texts = [cleaned(cell) for cell in cells]
        exact = {index for index, cell in enumerate(cells) if isinstance(cell, Exact)}
        if not any(texts):
            continue
        origin = RowCells(row_number, letters)
        wrong = _cell_problems(row_number, columns, texts)
        if wrong:
            yield wrong
            continue
        values: dict[str, Any] = dict(defaults)
        values.update((name, text) for name, text in zip(columns, texts, strict=False) if text)
        for index in exact:
            # A workbook's number is that number, whatever two readers would make of its text.
            if types.get(columns[index]) == "number" and texts[index]:
                values[columns[index]] = float(texts[index])
        if options.zone is not None:
            for name in moments & values.keys():
                # Parts were made at some time of the day: a day alone would move them to midnight.
                if name not in _OF_PARTS or not _DAY.fullmatch(values[name]):
                    values[name] = _with_zone(values[name], options.zone)
        yield parse(document_type, values, origin)


def cleaned(text: str) -> str:
    """Return a cell's text without blanks around it; no-break spaces become plain ones."""
    return text.replace("\u00a0", " ").strip(" \r\n\ufeff")


def cell_text(value: Any) -> str:
    """Return a field of a document, as JSON has it, in the form in which a cell is read."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case [{"name": _, "start": _, "end": _}, *_]:
            # The seconds of a break are no more written than those of a bus.
            return "; ".join(f"{one['name']} {one['start'][:5]}-{one['end'][:5]}" for one in value)
        case [list(), *_]:
            return " | ".join(", ".join(day) or "off" for day in value)
        case list():
            return ", ".join(map(str, value))
        case float():
            # Three decimals would be thousands to another reader: see `ambiguous_number`.
            text = repr(value)
            return f"{text}0" if ambiguous_number(text) else text
        case dict() if not all(isinstance(one, int | float) for one in value.values()):
            return json.dumps(value, ensure_ascii=False)
        case dict():
            return "; ".join(f"{path} {weight}" for path, weight in value.items())
        case _:
            return str(value)


def column_letter(index: int) -> str:
    """Return the letters of a column, `A` for 0."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def field_formats(document_type: type[MesDocument]) -> dict[str, str]:
    """Return `date-time`, `date` or `time` for the fields that hold such."""
    found = {}
    for name, schema in document_type.model_json_schema()["properties"].items():
        for part in (schema, *schema.get("anyOf", ())):
            if part.get("format") in _DATE_FORMATS:
                found[name] = part["format"]
    return found


def required_fields(document_type: type[MesDocument]) -> list[str]:
    """Return the fields that every document must give."""
    return [name for name, each in document_type.model_fields.items() if each.is_required()]


def _header_problems(
    document_type: type[MesDocument],
    number: int,
    columns: Sequence[str],
    options: TableOptions,
) -> list[Problem]:
    known = [*document_type.model_fields, WITHDRAWN]
    if not columns:
        words = f"the table is empty; its first row names the fields: {', '.join(known)}"
        return [Problem(f"row {number}", "", Reason.MISSING, words)]
    found = []
    for index, name in enumerate(columns):
        where = f"{column_letter(index)}{number}"
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(known)}"
            words = f"unknown column {name!r}; {hint}"
            found.append(Problem(where, name, Reason.UNKNOWN_FIELD, words))
        elif name in columns[:index]:
            found.append(Problem(where, name, Reason.DUPLICATE, f"column {name!r} comes twice"))
    # Who only withdraws need give no more than keys.
    required = required_fields(key_model(document_type) if WITHDRAWN in columns else document_type)
    missing = [name for name in required if name not in columns and name not in options.defaults]
    if missing:
        words = f"required columns are missing: {', '.join(missing)}"
        found.append(Problem(f"row {number}", "", Reason.MISSING, words))
    return found


def _cell_problems(number: int, columns: Sequence[str], texts: Sequence[str]) -> list[Problem]:
    found = []
    for index, text in enumerate(texts):
        if not text or (text[0] not in _SUSPICIOUS and index < len(columns)):
            continue
        where = f"{column_letter(index)}{number}"
        if index >= len(columns):
            words = "a cell beyond the last column of the header"
            found.append(Problem(where, "", Reason.UNKNOWN_FIELD, words))
        elif _FORMULA.match(text):
            words = f"{text[:40]!r} is or looks like a formula; put in the value itself"
            found.append(Problem(where, columns[index], Reason.FORMULA, words))
        elif SPREADSHEET_ERROR.fullmatch(text):
            words = f"holds the spreadsheet's error {text}"
            found.append(Problem(where, columns[index], Reason.WRONG_VALUE, words))
    return found


_OF_PARTS = frozenset({"produced_at", "booked_at", "inspected_at"})
_DAY = re.compile(r"\d{4}-?\d{2}-?\d{2}")


def _with_zone(text: str, zone: ZoneInfo) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment.replace(tzinfo=zone).isoformat() if moment.tzinfo is None else text
