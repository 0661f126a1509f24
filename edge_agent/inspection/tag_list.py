"""Lists of tags as engineers have them, as sources of an edge: KEPServerEX, TIA, GX Works, sheets.

Columns are known by their titles, in English, German or Vietnamese, whatever their order. A row
that cannot be a tag is told with its line and the reason; the others are taken.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from edge_agent.drivers.modbus.settings import ModbusTagSettings
from edge_agent.drivers.s7.settings import S7TagSettings
from edge_agent.drivers.slmp.settings import SlmpTagSettings
from edge_agent.drivers.tag import TagSettings
from plant.errors import ConfigurationError

DRIVERS: Final = ("modbus", "s7", "slmp")
_ROWS_AT_MOST: Final = 20_000
_TITLES_WITHIN: Final = 20
_CODE: Final = re.compile(r"[^\w./-]+")

_TITLES: Final[Mapping[str, tuple[str, ...]]] = {
    "name": ("name", "tag name", "tag", "tên", "tên thẻ", "symbol", "label name", "label"),
    "address": ("address", "logical address", "logische adresse", "adresse", "địa chỉ", "register",
                "thanh ghi", "device", "assign (device/label)", "assign"),
    "type": ("type", "data type", "datentyp", "datatype", "kiểu", "kiểu dữ liệu"),
    "description": ("description", "comment", "kommentar", "mô tả", "ghi chú", "remark"),
    "unit": ("unit", "units", "eng units", "đơn vị"),
    "work_unit": ("work unit", "work_unit", "machine", "máy"),
    "role": ("role", "vai trò"),
    "scale": ("scale", "factor", "hệ số"),
    "unit_id": ("unit id", "unit_id", "slave", "slave id"),
    "word_order": ("word order", "word_order", "byte order", "thứ tự byte"),
}  # fmt: skip
_ESSENTIAL: Final = ("name", "address")

_MODBUS_TYPES: Final = {
    "boolean": None, "bool": None, "bit": None,
    "word": "uint16", "short": "int16", "dword": "uint32", "long": "int32", "llong": "int64",
    "qword": "uint64", "float": "float32", "real": "float32", "double": "float64",
    "lreal": "float64", "bcd": "bcd16", "lbcd": "bcd32", "int": "int16", "uint": "uint16",
    "dint": "int32", "udint": "uint32", "byte": "uint8", "char": "int8",
}  # fmt: skip
_SLMP_TYPES: Final = {
    "boolean": "bit", "bool": "bit", "bit": "bit",
    "short": "int16", "int": "int16", "word [signed]": "int16",
    "word": "uint16", "uint": "uint16", "word [unsigned]/bit string [16-bit]": "uint16",
    "long": "int32", "dint": "int32", "double word [signed]": "int32",
    "dword": "uint32", "udint": "uint32",
    "double word [unsigned]/bit string [32-bit]": "uint32",
    "float": "float32", "real": "float32", "float [single precision]": "float32",
    "double": "float64", "lreal": "float64", "float [double precision]": "float64",
    "llong": "int64", "qword": "uint64", "bcd": "bcd16", "lbcd": "bcd32",
}  # fmt: skip
"""KEPServerEX's words, those of IEC 61131, and those of the labels of GX Works."""
_GX_STRING: Final = re.compile(r"string\(?\[?(\d{1,3})\]?\)?")
_S7_TYPES: Final = {
    "boolean": "bool", "short": "int", "long": "dint", "float": "real", "double": "lreal",
    "llong": "lint", "qword": "lword",
}  # fmt: skip


@dataclass(slots=True)
class TagList:
    """What a list came to."""

    driver: str
    form: str
    """Which kind of list it was taken for."""
    tags: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Each row that is no tag, with its line and the reason."""

    def text(self, source: str, connection: Mapping[str, Any]) -> str:
        """Return it as a file of sources, as the edge's settings and `push-config` take it."""
        content = {"driver": self.driver, **connection, "tags": self.tags}
        text: str = yaml.safe_dump(
            {"sources": {source: content}}, sort_keys=False, allow_unicode=True, width=1000
        )
        return text


def read_tag_list(file: Path, driver: str | None, work_unit: str, sheet: str | None) -> TagList:
    """Return the tags of a list; `driver` None tells it by the addresses.

    Raises ConfigurationError when it is no list of tags.
    """
    rows = _rows(file, sheet)
    line, places = _titles(file, rows)
    found = TagList(driver or _driver_of(rows[line:], places), _form(places, rows, line))
    seen: dict[str, int] = {}
    for number, row in enumerate(rows[line:], line + 1):
        if not any(row):
            continue
        given = {
            name: row[place] for name, place in places.items() if place < len(row) and row[place]
        }
        try:
            tag = _tag(found.driver, given, work_unit)
            if tag["name"] in seen:
                raise ValueError(f"{tag['name']!r} is on line {seen[tag['name']]} already")
        except (ValueError, ValidationError) as exc:
            words = _words(exc)
            found.refused.append(f"line {number} ({given.get('name', 'no name')}): {words}")
            continue
        seen[tag["name"]] = number
        found.tags.append(tag)
    return found


def _rows(file: Path, sheet: str | None) -> list[list[str]]:
    if file.suffix.lower() in {".xlsx", ".xlsm"}:
        return _of_workbook(file, sheet)
    try:
        raw = file.read_bytes()
    except OSError as exc:
        raise ConfigurationError(f"{file} cannot be read: {exc.strerror}") from exc
    text = _decoded(raw)
    sample = text[:4000]
    separator = max(";,\t", key=sample.count)
    try:
        rows = csv.reader(io.StringIO(text), delimiter=separator)
        # As many rows as are taken, of however many there are: lengths that differ are meant.
        return [[cell.strip() for cell in row] for _, row in zip(range(_ROWS_AT_MOST), rows)]  # noqa: B905
    except csv.Error as exc:
        raise ConfigurationError(f"{file} is no CSV: {exc}") from exc


def _decoded(raw: bytes) -> str:
    """Decode a text as Excel and KEPServerEX write it."""
    for encoding in (
        ("utf-16",) if raw[:2] in {b"\xff\xfe", b"\xfe\xff"} else ("utf-8-sig", "cp1258")
    ):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def _of_workbook(file: Path, sheet: str | None) -> list[list[str]]:
    from zipfile import BadZipFile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(file, read_only=True, data_only=True)
    except (OSError, BadZipFile, KeyError, ValueError, InvalidFileException) as exc:
        raise ConfigurationError(f"{file} is no Excel workbook: {exc}") from exc
    try:
        if sheet is not None and sheet not in book.sheetnames:
            raise ConfigurationError(f"{file} has no sheet {sheet!r}: {', '.join(book.sheetnames)}")
        page = book[sheet or book.sheetnames[0]]
        rows = page.iter_rows(values_only=True, max_row=_ROWS_AT_MOST)
        return [[_cell(value) for value in row] for row in rows]
    finally:
        book.close()


def _cell(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value).strip()


def _titles(file: Path, rows: Sequence[Sequence[str]]) -> tuple[int, dict[str, int]]:
    """Return the line after that of the titles, and the column of each setting."""
    for line, row in enumerate(rows[:_TITLES_WITHIN], 1):
        titles = [cell.strip().strip('"').lower() for cell in row]
        places = {
            name: next(titles.index(title) for title in known if title in titles)
            for name, known in _TITLES.items()
            if any(title in titles for title in known)
        }
        if all(name in places for name in _ESSENTIAL):
            return line, places
    first = ", ".join(cell for row in rows[:1] for cell in row if cell)
    raise ConfigurationError(
        f"{file}: no line of titles with a name and an address among the first {_TITLES_WITHIN};"
        f" the first is: {first or 'empty'}"
    )


def _form(places: Mapping[str, int], rows: Sequence[Sequence[str]], line: int) -> str:
    titles = {cell.strip().lower() for cell in rows[line - 1]}
    if {"tag name", "respect data type"} <= titles:
        return "KEPServerEX"
    if {"logical address", "logische adresse"} & titles:
        return "TIA Portal"
    if {"label name", "assign (device/label)"} & titles:
        return "GX Works"
    return "sheet"


def _driver_of(rows: Iterable[Sequence[str]], places: Mapping[str, int]) -> str:
    """Return the driver whose addresses these are, by the first that is one."""
    for row in rows:
        if places["address"] >= len(row):
            continue
        address = row[places["address"]]
        for driver in DRIVERS:
            given = {"name": "m/x", "address": address}
            try:
                _tag(driver, given, "a/b/c")
            except (ValueError, ValidationError):
                continue
            return driver
    raise ConfigurationError("no address is one of Modbus, S7 or MELSEC: give --driver")


def _tag(driver: str, given: Mapping[str, str], work_unit: str) -> dict[str, Any]:
    """Return the settings of one row; raise ValueError or ValidationError for what is no tag."""
    if "name" not in given or "address" not in given:
        raise ValueError(f"no {'name' if 'name' not in given else 'address'}")
    unit = given.get("work_unit") or work_unit
    machine = unit.rpartition("/")[2]
    plain = _CODE.sub("_", given["name"].replace(".", "/")).strip("_/")
    name = plain if plain.startswith(f"{machine}/") else f"{machine}/{plain}"
    tag: dict[str, Any] = {"name": name, "work_unit": unit, "address": given["address"]}
    kind = given.get("type", "").lower()
    if driver == "modbus":
        known: Mapping[str, str | None] = _MODBUS_TYPES
        tag["address"] = re.sub(r"^4x|^hr(?=\d)", "", given["address"], flags=re.IGNORECASE)
    elif driver == "slmp":
        known = _SLMP_TYPES
        if text := _GX_STRING.fullmatch(kind):
            kind = f"string[{text[1]}]"
    else:
        known = _S7_TYPES
    if kind:
        tag["type"] = known.get(kind, kind)
    for setting in ("description", "unit", "role", "word_order"):
        if given.get(setting):
            tag[setting] = given[setting]
    if given.get("scale"):
        tag["scale"] = float(given["scale"].replace(",", "."))
    if given.get("unit_id") and driver == "modbus":
        tag["unit_id"] = int(given["unit_id"])
    cleared = {name: value for name, value in tag.items() if value is not None}
    _MODELS[driver].model_validate(cleared)
    return cleared


_MODELS: Final[Mapping[str, type[TagSettings]]] = {
    "modbus": ModbusTagSettings,
    "s7": S7TagSettings,
    "slmp": SlmpTagSettings,
}


def _words(exc: ValueError) -> str:
    if isinstance(exc, ValidationError):
        return "; ".join(problem["msg"].removeprefix("Value error, ") for problem in exc.errors())
    return str(exc)
