"""Elements of B2MML: their names without namespace, their texts, places and moments."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element

from ingest.mes.table import TableOptions
from plant.mes import KINDS, Parsed, parse


@dataclass(frozen=True, slots=True)
class Named:
    """One element, by its name and ID."""

    name: str

    def of(self, field: str) -> str:
        """Return `OperationsRequest LSX-1`, whatever the field."""
        return self.name


def parsed(kind: str, values: Mapping[str, Any], origin: Named) -> Parsed:
    """Return the document of a kind, or its problems; empty values count as left out."""
    given = {name: value for name, value in values.items() if value is not None and value != ""}
    return parse(KINDS[kind], given, origin)


def path_of(element: Element) -> str:
    """Return the place of an element's HierarchyScope; nested scopes are joined from outside in."""
    codes = []
    current: Element | None = element
    while current is not None:
        current = next(
            (child for child in current if local_name(child) in {"HierarchyScope", "Location"}),
            None,
        )
        if current is not None:
            codes.append(text_of(current, "EquipmentID"))
    return "/".join(code for code in codes if code)


def moment_of(text: str, options: TableOptions) -> str:
    """Return a moment with the offset of the options' zone where it has none; else the text."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    if moment.tzinfo is None and options.zone is not None:
        return moment.replace(tzinfo=options.zone).isoformat()
    return text


def local_name(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def text_of(element: Element, *names: str) -> str:
    """Return the text of the first direct child of any of the names, empty without one."""
    for name in names:
        for child in element:
            if local_name(child) == name and child.text and child.text.strip():
                return child.text.strip()
    return ""


def deep_text(element: Element, name: str) -> str:
    """Return the text of the first element of that name at any depth, empty without one."""
    for child in element.iter():
        if local_name(child) == name and child.text:
            return child.text.strip()
    return ""
