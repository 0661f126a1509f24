"""What a file most likely is: a mapping to look at, to mend and to confirm, never to trust."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import islice
from pathlib import PurePath
from typing import Any, BinaryIO

import yaml

from plant.mes.document import field_types
from plant.mes.file.limits import FileLimits
from plant.mes.file.mapped import WORKBOOKS, raw_rows
from plant.mes.file.raw_table import RawRow, code_page_of, delimiter_of, header_of, sample_of
from plant.mes.file.table import column_letter
from plant.mes.kind import KINDS
from plant.mes.kinds.mapping import ImportMapping
from plant.mes.mapping.notation import ambiguous_number

_HEAD = 20
_SAMPLE_ROWS = 400
_GUESSED = ("orders", "products", "planned-run-times", "order-runs", "scrap-bookings")
Preset = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file as it stands there."""

    letter: str
    name: str
    samples: tuple[str, ...]
    """The first values, each once."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What a file seems to be, and what is in it."""

    mapping: ImportMapping
    columns: tuple[Column, ...]
    preset: str
    """Name of the preset whose headers it has most of; empty when no header is known."""
    top: tuple[RawRow, ...]
    """The first rows, to point at the header."""


def presets() -> dict[str, Preset]:
    """Return what is known of the exports of common systems, by name."""
    return dict(_presets())


@cache
def _presets() -> tuple[tuple[str, Preset], ...]:
    folder = files("plant.mes.file") / "presets"
    return tuple(
        (
            file.name.removesuffix(".yaml"),
            yaml.safe_load(file.read_text(encoding="utf-8")),
        )
        for file in sorted(folder.iterdir(), key=lambda one: one.name)
        if file.name.endswith(".yaml")
    )


def guess_layout(
    name: str,
    stream: BinaryIO,
    enterprise: str,
    limits: FileLimits,
    *,
    kind: str = "",
    preset: str = "",
) -> Guess:
    """Return a mapping for a table; `kind` and `preset` are what a person says already.

    Raises UnreadableError for a file that is no table.
    """
    given: dict[str, Any] = {"enterprise": enterprise, "name": PurePath(name).stem[:100] or "?"}
    if PurePath(name).suffix.lower() not in WORKBOOKS:
        given["code_page"] = code_page_of(sample_of(stream))
        text = sample_of(stream).decode(given["code_page"], "replace")
        given["delimiter"] = delimiter_of(text.splitlines()[:40])
    plain = ImportMapping.model_validate(given | {"kind": kind or "orders"})
    rows = list(islice(raw_rows(name, stream, plain, limits), _SAMPLE_ROWS))
    best: tuple[int, int, ImportMapping, str] | None = None
    for row, _ in rows[:_HEAD]:
        for height in (1, 2):
            laid = plain.model_copy(update={"header_row": row, "header_rows": height})
            header = header_of(rows, laid)
            for one in (kind,) if kind else (*_GUESSED, *KINDS):
                if one == ImportMapping.KIND:
                    continue
                for system, known in presets().items():
                    if preset and system != preset:
                        continue
                    columns = _columns(header, one, known)
                    score = sum(1 for field in columns if "." not in field)
                    if best is None or score * 4 - height > best[0]:
                        update = {"kind": one, "columns": columns}
                        best = (score * 4 - height, row, laid.model_copy(update=update), system)
    if best is None or not best[2].columns:
        widest = max(rows[:_HEAD], key=lambda one: sum(map(bool, one[1])), default=(1, ()))
        return looked_at(plain.model_copy(update={"header_row": widest[0]}), rows, preset)
    mapping, system = best[2], best[3]
    return looked_at(_with_notation(mapping, rows, presets()[system]), rows, system)


def looked_at(mapping: ImportMapping, rows: Sequence[RawRow], preset: str = "") -> Guess:
    """Return the columns of a table under a mapping, and its first rows."""
    header = header_of(rows, mapping)
    below = [cells for number, cells in rows if number >= mapping.header_row + mapping.header_rows]
    columns = tuple(
        Column(column_letter(index), name, _samples(below, index))
        for index, name in enumerate(header)
        if name
    )
    return Guess(mapping, columns, preset, tuple(rows[:_HEAD]))


def _columns(header: Sequence[str], kind: str, preset: Preset) -> dict[str, list[str]]:
    known = {name: [name] for name in KINDS[kind].model_fields} | {
        field: [*names, field] for field, names in preset["fields"].get(kind, {}).items()
    }
    plain = {_plain(name): name for name in reversed(header) if name}
    found: dict[str, list[str]] = {}
    for field, names in known.items():
        match = next((plain[_plain(name)] for name in names if _plain(name) in plain), None)
        if match is not None and [match] not in found.values():
            found[field] = [match]
    return found


def _plain(name: str) -> str:
    """Return a header without case, accents and marks: `Số LSX.` and `so lsx` are alike."""
    apart = unicodedata.normalize("NFD", name.casefold().replace("đ", "d"))
    letters = (one if one.isalnum() else " " for one in apart if not unicodedata.combining(one))
    return " ".join("".join(letters).split())


def _with_notation(mapping: ImportMapping, rows: Sequence[RawRow], preset: Preset) -> ImportMapping:
    types = field_types(KINDS[mapping.kind])
    header = header_of(rows, mapping)
    below = [cells for number, cells in rows if number >= mapping.header_row + mapping.header_rows]

    def texts(*wanted: str) -> list[str]:
        places = [
            header.index(names[0])
            for field, names in mapping.columns.items()
            if types.get(field) in wanted
        ]
        return [
            cells[place]
            for cells in below
            for place in places
            if place < len(cells) and isinstance(cells[place], str) and cells[place]
        ]

    dates = texts("date", "date-time")
    values = preset.get("values", {}).get(mapping.kind, {})
    return mapping.model_copy(
        update={
            "decimal_mark": _decimal_mark(texts("number")),
            "date_order": _date_order(dates),
            "values": {field: table for field, table in values.items() if field in mapping.columns},
        }
    )


def _decimal_mark(numbers: Iterable[str]) -> str:
    """Return what begins decimals, as far as any number tells; empty where none does."""
    votes = {"": 0, ".": 0, ",": 0}
    for text in numbers:
        marks = [one for one in text if one in ".,"]
        if not marks or (ambiguous_number(text) and len(marks) == 1):
            continue
        last = marks[-1]
        if len(marks) > 1 and len(set(marks)) == 1:
            last = "," if last == "." else "."
        votes[last] += 1
    return max((one for one in (".", ",")), key=votes.__getitem__) if any(votes.values()) else ""


def _date_order(dates: Iterable[str]) -> str:
    """Return the order that every date fits, empty where several do."""
    possible = {"dmy", "mdy"}
    seen = False
    for text in dates:
        parts = text.replace("/", ".").replace("-", ".").split(" ")[0].split(".")
        if len(parts) != 3 or not all(part.isdigit() for part in parts):
            continue
        if len(parts[0]) == 4:
            return "ymd"
        seen = True
        if int(parts[0]) > 12 or "." in text:
            possible.discard("mdy")
        if int(parts[1]) > 12:
            possible.discard("dmy")
    return possible.pop() if seen and len(possible) == 1 else ""


def _samples(rows: Iterable[Sequence[Any]], index: int) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for cells in rows:
        if index < len(cells) and cells[index] not in ("", None):
            found[str(cells[index])[:60]] = None
        if len(found) == 4:
            break
    return tuple(found)
