"""A mapping applied: rows of texts, or named values, become the values of documents."""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from plant.mes.document import MesDocument, field_types
from plant.mes.kind import KINDS
from plant.mes.kinds.mapping import UNIT, ImportMapping
from plant.mes.mapping.notation import NotationError, read_clock, read_day, read_moment, read_number
from plant.mes.parsing import Origin, Parsed, parse
from plant.mes.problem import Problem, Reason, Remark
from plant.mes.quantity_unit import factor_of, known_units
from plant.place import told_code

_TOTALS = re.compile(
    r"(t[oổ]ng( c[oộ]ng)?|c[oộ]ng|(grand |sub)?total|summe|gesamt|ergebnis|\*+)\b.*|\*+",
    re.IGNORECASE,
)
_RULE = re.compile(r"[-=_|+ ]{3,}")
_BRACKETED = re.compile(r"\[([^\]]+)\].*")
"""A product as Odoo shows it: `[FURN_8522] Table`."""
_FORMULA = re.compile(r"[=＝]")
SPREADSHEET_ERROR = re.compile(r"#(?:REF!|N/A|DIV/0!|VALUE!|NAME\?|NUM!|NULL!)")
_OF_PARTS = frozenset({"produced_at", "booked_at", "inspected_at"})
_ENDS = frozenset({"planned_end", "ended_at", "end", "valid_to"})
_FOREVER = 9999


@dataclass(frozen=True, slots=True)
class MappedRow:
    """Where a row's values stand, in the source's own words."""

    where: str
    """`row 7`, or how the source names a document."""
    cells: Mapping[str, str]
    """Cell, such as `D7`, by field."""

    def of(self, field: str) -> str:
        """Return the cell of a field, or the row."""
        return self.cells.get(field.partition(".")[0], self.where)


def document_values(
    mapping: ImportMapping, given: Mapping[str, Any], origin: Origin
) -> dict[str, Any] | list[Problem]:
    """Return the fields of a document from named values, or what is wrong with those.

    Numbers and moments that come as such are taken as they are; texts are read by the notation.
    """
    values: dict[str, Any] = dict(mapping.constants)
    problems = []
    types = field_types(KINDS[mapping.kind])
    for field in {**mapping.columns, **mapping.values, **mapping.constants}:
        raw = _given(mapping, field, given)
        if raw is None and field in mapping.constants:
            raw = mapping.constants[field]
            if field.endswith(UNIT):
                continue
        try:
            value = _value(mapping, field, raw, types.get(field, ""))
        except NotationError as exc:
            problems.append(Problem(origin.of(field), field, Reason.WRONG_VALUE, str(exc)))
            continue
        if value is None:
            if field not in mapping.constants:
                values.pop(field, None)
        else:
            values[field] = value
    for name in [name for name in values if name.endswith(UNIT)]:
        field, unit = name.removesuffix(UNIT), str(values.pop(name))
        factor = factor_of(field, unit)
        if factor is None:
            words = f"the unit {unit!r} is none that can be converted: {known_units(field)}"
            problems.append(Problem(origin.of(name), field, Reason.WRONG_VALUE, words))
        elif isinstance(values.get(field), int | float):
            values[field] *= factor
    return problems or values


def mapped_documents(
    mapping: ImportMapping,
    header: Sequence[str],
    rows: Iterable[tuple[int, Sequence[Any]]],
    cell: Callable[[int, int], str],
    defaults: Mapping[str, str],
) -> Iterator[Parsed]:
    """Yield a document for each row below the header, its problems, or why it was passed over.

    `cell` names a cell by its row and its column.
    """
    document_type = KINDS[mapping.kind]
    # Backwards, so that of two columns of one name the first one counts.
    places = {name: index for index, name in reversed(list(enumerate(header))) if name}
    missing = [one for names in mapping.columns.values() for one in names if one not in places]
    if missing:
        yield [_no_column(name, header, mapping.header_row) for name in missing]
        return
    mapping = mapping.with_defaults(defaults)
    used = {name for names in mapping.columns.values() for name in names}
    unused = [name for name in header if name and name not in used]
    if unused:
        yield Remark(f"row {mapping.header_row}", f"columns not used: {', '.join(unused)}")
    for number, cells in rows:
        texts = [value for value in cells if value not in ("", None)]
        if not texts or all(isinstance(one, str) and _RULE.fullmatch(one) for one in texts):
            continue
        given = {name: cells[index] for name, index in places.items() if index < len(cells)}
        at = {field: cell(number, places[names[0]]) for field, names in mapping.columns.items()}
        origin = MappedRow(f"row {number}", at)
        if _is_total(document_type, mapping, given, texts):
            yield Remark(origin.where, f"passed over, a total or a note: {str(texts[0])[:60]}")
            continue
        values = document_values(mapping, given, origin)
        yield values if isinstance(values, list) else parse(document_type, values, origin)


def _no_column(name: str, header: Sequence[str], row: int) -> Problem:
    near = difflib.get_close_matches(name, [one for one in header if one], n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(filter(None, header))}"
    return Problem(f"row {row}", "", Reason.MISSING, f"there is no column {name!r}; {hint}")


def _is_total(
    document_type: type[MesDocument],
    mapping: ImportMapping,
    given: Mapping[str, Any],
    texts: Sequence[Any],
) -> bool:
    required = [
        name
        for name, field in document_type.model_fields.items()
        if (field.is_required() or name in document_type.KEY) and name in mapping.columns
    ]
    empty = [name for name in required if _given(mapping, name, given) is None]
    if not empty:
        return False
    if _TOTALS.fullmatch(str(texts[0]).strip()):
        return True
    # A signature or a note below a table: one text beside nothing that a document needs.
    return len(texts) == 1 and len(required) > 1


def _given(mapping: ImportMapping, field: str, given: Mapping[str, Any]) -> Any:
    """Return what a source says of a field: a value, or texts joined; None for nothing."""
    found = [_found(given, name) for name in mapping.columns.get(field, ())]
    kept = [_trimmed(one) for one in found if one is not None and _trimmed(one) != ""]
    if len(kept) > 1:
        return " ".join(_joined(one) for one in kept)
    return kept[0] if kept else None


def _joined(value: Any) -> str:
    # A workbook keeps a day as that day's midnight.
    text = value.isoformat(" ") if isinstance(value, datetime) else str(value)
    return text.removesuffix(" 00:00:00")


def _found(given: Mapping[str, Any], name: str) -> Any:
    """Return a value by its name; in nested ones `product_id.1` is the second of a list."""
    if name in given:
        return given[name]
    current: Any = given
    for part in name.split("."):
        if isinstance(current, Mapping):
            current = current.get(part)
        elif isinstance(current, list | tuple) and part.isdigit() and int(part) < len(current):
            current = current[int(part)]
        else:
            return None
    return current


def _trimmed(value: Any) -> Any:
    return told_code(value) if isinstance(value, str) else value


def _value(mapping: ImportMapping, field: str, raw: Any, kind: str) -> Any:
    table = _folded(mapping).get(field, {})
    if table:
        ours = table.get(_fold(raw), _last_of(table, _fold(raw)))
        if ours is not None:
            return ours or None
    if raw is None:
        return None
    match kind:
        case "number" if isinstance(raw, str):
            return read_number(raw, mapping.notation)
        case "date" if isinstance(raw, datetime):
            return raw.date().isoformat()
        case "date" if isinstance(raw, date):
            return raw.isoformat()
        case "date":
            return read_day(str(raw), mapping.notation)
        case "time":
            return raw if not isinstance(raw, str) else read_clock(raw)
        case "date-time":
            return _moment(mapping, field, raw)
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    if field == "product" and isinstance(raw, str) and (bracketed := _BRACKETED.fullmatch(raw)):
        return bracketed[1]
    if isinstance(raw, str):
        _check_text(raw)
    # A code that a spreadsheet took for a number is the same code; lists stay for the type.
    return (
        str(raw) if isinstance(raw, int) and not isinstance(raw, bool) and kind == "text" else raw
    )


def _check_text(text: str) -> None:
    """Refuse what a spreadsheet computes, or could not."""
    if _FORMULA.match(text):
        raise NotationError(f"{text[:40]!r} is or looks like a formula; put in the value itself")
    if SPREADSHEET_ERROR.fullmatch(text):
        raise NotationError(f"holds the spreadsheet's error {text}")


def _last_of(table: Mapping[str, str], text: str) -> str | None:
    """Return what the last of several words means that stand in one cell, as SAP's states do."""
    words = text.split()
    known = [ours for theirs, ours in table.items() if theirs in words]
    return known[-1] if known and len(words) > 1 else None


def _moment(mapping: ImportMapping, field: str, raw: Any) -> Any:
    if isinstance(raw, datetime):
        alone = raw.tzinfo is None and raw.time() == datetime.min.time()
        text = raw.isoformat()
    elif isinstance(raw, date):
        text, alone = f"{raw.isoformat()}T00:00:00", True
    elif isinstance(raw, str):
        text, alone = read_moment(raw, mapping.notation)
    else:
        raise NotationError(
            f"{raw!r} is no moment; a spreadsheet's number needs the form of a date"
        )
    moment = datetime.fromisoformat(text)
    if moment.year == _FOREVER and field in _ENDS:
        return None
    if alone and field in _OF_PARTS:
        raise NotationError(f"{raw!s:.30} is a day; parts were made at some time of it: add that")
    if alone and field in _ENDS:
        # Who writes a day for an end means that day, too.
        moment += timedelta(days=1)
    if moment.tzinfo is not None:
        return moment.isoformat()
    if mapping.zone is None:
        raise NotationError(f"{raw!s:.30} has no offset: say the time zone of the source")
    return moment.replace(tzinfo=mapping.zone).isoformat()


def _fold(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else told_code(str(value)).casefold()


def _folded(mapping: ImportMapping) -> Mapping[str, Mapping[str, str]]:
    return _folded_values(
        tuple((field, tuple(table.items())) for field, table in mapping.values.items())
    )


@lru_cache(maxsize=64)
def _folded_values(
    values: tuple[tuple[str, tuple[tuple[str, str], ...]], ...],
) -> Mapping[str, Mapping[str, str]]:
    return {field: {_fold(theirs): ours for theirs, ours in table} for field, table in values}
