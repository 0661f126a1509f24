"""What a mapping leaves open: words of the source that are no place or state here yet."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import PurePath
from typing import BinaryIO
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from plant.mes.file.guess import Guess, guess_layout, looked_at
from plant.mes.file.limits import FileLimits
from plant.mes.file.mapped import raw_rows
from plant.mes.file.raw_table import UnreadableError, header_of
from plant.mes.kind import KINDS
from plant.mes.kinds.mapping import XML, ImportMapping
from plant.place import Level, told_code

_MOST_ROWS = 20_000
_MOST_WORDS = 60
PLACE_FIELDS = {
    "work_unit": Level.WORK_UNIT,
    "work_center": Level.WORK_CENTER,
    "site": Level.SITE,
    "place": None,
}
"""Fields that name a place, and its level; any level for None."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A file under a mapping, and the words that it has to be told."""

    guess: Guess
    words: dict[str, list[str]] = field(default_factory=dict)
    """By field their words that the mapping does not translate."""
    choices: dict[str, list[str]] = field(default_factory=dict)
    """By field of fixed words: those there are."""


def layout(
    name: str,
    stream: BinaryIO,
    mapping: ImportMapping | None,
    enterprise: str,
    limits: FileLimits,
    *,
    kind: str = "",
    preset: str = "",
) -> Layout:
    """Return a file under a mapping, under the guessed one where there is none.

    Raises UnreadableError for a file that is neither a table nor XML.
    """
    if PurePath(name).suffix.lower() == ".xml":
        return _xml(name, stream, mapping, enterprise)
    if mapping is None:
        found = guess_layout(name, stream, enterprise, limits, kind=kind, preset=preset)
    else:
        rows = list(islice(raw_rows(name, stream, mapping, limits), 400))
        found = looked_at(mapping, rows)
    mapping = found.mapping
    choices = {
        one: options
        for one, options in _enumerations(mapping.kind).items()
        if one in mapping.columns
    }
    fields = [one for one in (*PLACE_FIELDS, *choices) if one in mapping.columns]
    below = mapping.header_row + mapping.header_rows
    every = raw_rows(name, stream, mapping, limits)
    head = list(islice(every, below - 1))
    header = header_of(head, mapping)
    words: dict[str, dict[str, None]] = {one: {} for one in fields}
    for _, cells in islice(every, _MOST_ROWS):
        for one in fields:
            column = mapping.columns[one][0]
            index = header.index(column) if column in header else len(cells)
            text = told_code(str(cells[index])) if index < len(cells) else ""
            if text and len(words[one]) < _MOST_WORDS:
                words[one][text] = None
    return Layout(found, {one: _open(mapping, one, words[one]) for one in fields}, choices)


def _open(mapping: ImportMapping, name: str, words: Iterable[str]) -> list[str]:
    known = {theirs.casefold() for theirs in mapping.values.get(name, {})}
    return [word for word in words if word.casefold() not in known]


def _enumerations(kind: str) -> dict[str, list[str]]:
    found = {}
    for name, schema in KINDS[kind].model_json_schema()["properties"].items():
        for part in (schema, *schema.get("anyOf", ())):
            if "enum" in part:
                found[name] = list(part["enum"])
    return found


def _xml(name: str, stream: BinaryIO, mapping: ImportMapping | None, enterprise: str) -> Layout:
    stem = PurePath(name).stem[:100] or "?"
    mapping = mapping or ImportMapping.model_validate(
        {"enterprise": enterprise, "name": stem, "kind": XML}
    )
    places: dict[str, None] = {}
    states: dict[str, None] = {}
    for tag, text, other in _texts(stream):
        if tag == "EquipmentID" and "/" not in text:
            places[text] = None
        elif tag == "RequestState" and other:
            states[other] = None
    words = {"place": _open(mapping, "place", places), "status": _open(mapping, "status", states)}
    return Layout(Guess(mapping, (), "", ()), words, {"status": _enumerations("orders")["status"]})


def _texts(stream: BinaryIO) -> Iterator[Sequence[str]]:
    stream.seek(0)
    try:
        for _, element in iterparse(stream, forbid_dtd=True):
            text = (element.text or "").strip()
            tag = element.tag.rpartition("}")[2]
            if text:
                yield tag, text, element.get("OtherValue", "")
            if tag.endswith(("Request", "Response", "Entry")):
                element.clear()
    except (ParseError, DefusedXmlException, ValueError, LookupError) as exc:
        raise UnreadableError(f"is no XML: {exc}") from exc
