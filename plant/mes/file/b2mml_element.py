"""The elements of B2MML, read by their names in any namespace."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element

from plant.mes.file.table import TableOptions
from plant.mes.kind import KINDS
from plant.mes.parsing import Parsed, parse


@dataclass(frozen=True, slots=True)
class Named:
    """One element, by its name and ID."""

    name: str

    def of(self, field: str) -> str:
        """Return `OperationsRequest LSX-1`, whatever the field."""
        return self.name


def local_name(element: Element) -> str:
    """Return the name of an element without its namespace."""
    name = element.tag.rpartition("}")[2]
    # V07 calls an element within one of its kind a child.
    return name.removesuffix("Child")


def child_text(element: Element, *names: str) -> str:
    """Return the text of the first direct child of any of the names, empty without one."""
    for name in names:
        for child in element:
            if local_name(child) == name and child.text and child.text.strip():
                return child.text.strip()
    return ""


def deep_text(element: Element, name: str) -> str:
    """Return the first text of a name anywhere within an element."""
    for child in element.iter():
        if local_name(child) == name and child.text:
            return child.text.strip()
    return ""


def scope_path(element: Element) -> str:
    """Return the place of an element's HierarchyScope; nested scopes are joined from outside in."""
    codes = []
    current: Element | None = element
    while current is not None:
        current = next(
            (child for child in current if local_name(child) in {"HierarchyScope", "Location"}),
            None,
        )
        if current is not None:
            codes.append(child_text(current, "EquipmentID"))
    return "/".join(code for code in codes if code)


def equipment_of(element: Element, name: str) -> str:
    """Return the equipment of the first element of a name within another."""
    for child in element.iter():
        if local_name(child) == name:
            return child_text(child, "EquipmentID")
    return ""


def with_offset(text: str, options: TableOptions) -> str:
    """Return a moment with the offset of the zone, where it has none of its own."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    if moment.tzinfo is None and options.zone is not None:
        return moment.replace(tzinfo=options.zone).isoformat()
    return text


def parsed(kind: str, values: Mapping[str, Any], origin: Named) -> Parsed:
    """Return the document that the values make that are not empty."""
    given = {name: value for name, value in values.items() if value is not None and value != ""}
    return parse(KINDS[kind], given, origin)


def named_place(path: str, options: TableOptions) -> str:
    """Return what a place is called here: whole, or by the last of its codes."""
    table = options.values.get("place", {})
    return table.get(path) or table.get(path.rpartition("/")[2]) or path
