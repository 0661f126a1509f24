"""What all documents share: a scope, a key, and what they refer to."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class Target(StrEnum):
    """What a document may refer to."""

    PLACE = "place"
    """A place of the plant, by its path."""
    PRODUCT = "product"
    ORDER = "order"
    LOT = "lot"
    SCRAP_REASON = "scrap_reason"
    REWORK_REASON = "rework_reason"


@dataclass(frozen=True, slots=True)
class Reference:
    """A thing that must exist for a document to mean anything."""

    target: Target
    scope: str
    """Path of the enterprise or site in which `code` names it; empty for a place."""
    code: str
    field: str


class MesDocument(BaseModel):
    """One item of master data or one fact, as it comes in; unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    KIND: ClassVar[str]
    KEY: ClassVar[tuple[str, ...]]
    """Fields that together name it; the same key again is a correction."""
    FACT: ClassVar[bool] = False
    """Recorded once and in numbers: its arrival is in its own row, only corrections are events."""

    WITHDRAWABLE: ClassVar[bool] = True
    """Whether it may be taken back."""

    @property
    def key(self) -> tuple[str, ...]:
        """The values of the key fields as text."""
        return tuple(_text(getattr(self, name)) for name in self.KEY)

    @property
    def scope(self) -> str:
        """Path of the enterprise or site that it belongs to; the first key field tells."""
        path: str = getattr(self, self.KEY[0])
        return "/".join(path.split("/")[:2])

    @property
    def owner(self) -> str:
        """Code of the enterprise that it belongs to."""
        return self.scope.partition("/")[0]

    def canonical(self) -> dict[str, Any]:
        """Return the fields as JSON has them, the same for documents that say the same."""
        fields = self.model_dump(mode="json")
        if fields.get("name_en") == "":
            # What is left out and what is said in full are one document: to send it again changes
            # nothing.
            fields["name_en"] = fields["name_vi"]
        return fields

    def references(self) -> Iterator[Reference]:
        """Yield what must exist already."""
        yield from ()


@cache
def field_types(document_type: type[MesDocument]) -> dict[str, str]:
    """Return `number`, `text`, `date`, `time` or `date-time` for fields that hold such."""
    found = {}
    for name, schema in document_type.model_json_schema()["properties"].items():
        for part in (schema, *schema.get("anyOf", ())):
            kind = part.get("format") if part.get("format") in _DATES else part.get("type")
            if kind in _TYPES:
                found[name] = _TYPES[kind]
    return found


_DATES = frozenset({"date-time", "date", "time"})
_TYPES = {
    **{name: name for name in _DATES},
    "number": "number",
    "integer": "number",
    "string": "text",
}


def place(path: str, field: str) -> Reference:
    """Return the reference to a place."""
    return Reference(Target.PLACE, "", path, field)


def within(path: str, scope: str) -> bool:
    """Tell whether a path is a scope or lies below it."""
    return path == scope or path.startswith(f"{scope}/")


def check_order(first: datetime | date | None, last: datetime | date | None, names: str) -> None:
    """Raise ValueError unless the second moment is after the first, where both are given."""
    if first is not None and last is not None and last <= first:
        raise ValueError(f"{names}: the end is not after the start")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)
