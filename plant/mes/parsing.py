"""From named values to a document or to the problems that it has: the one gate of all ways in."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Protocol, cast

from pydantic import ConfigDict, ValidationError, create_model

from plant.mes.document import MesDocument
from plant.mes.problem import Problem, Reason, Remark

WITHDRAWN = "withdrawn"
"""A document with this field set takes back the one of the same key; other fields do not count."""
_YES = frozenset({"true", "yes", "1", "x"})


class Origin(Protocol):
    """Where a document came from."""

    def of(self, field: str) -> str:
        """Return the name of the cell or element that holds a field; of all of it for ``""``."""


@dataclass(frozen=True, slots=True)
class Located:
    """A sound document and where it came from."""

    document: MesDocument
    """Only its key fields are there if it is withdrawn."""
    origin: Origin
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One position of a list of documents."""

    index: int
    name: str = "documents"

    def of(self, field: str) -> str:
        """Return `documents[3].seconds`."""
        return f"{self.name}[{self.index}]" + (f".{field}" if field else "")


Parsed = Located | list[Problem] | Remark
"""A document, what is wrong with it, or what was passed over."""


def parse(document_type: type[MesDocument], values: Any, origin: Origin) -> Located | list[Problem]:
    """Return the document that the values make, or everything that is wrong with them."""
    if not isinstance(values, Mapping):
        return [Problem(origin.of(""), "", Reason.MALFORMED, "is no set of named fields")]
    withdrawn = _is_withdrawn(values)
    if withdrawn is None:
        words = f"{values[WITHDRAWN]!r} is neither yes nor no"
        return [Problem(origin.of(WITHDRAWN), WITHDRAWN, Reason.WRONG_VALUE, words)]
    if withdrawn and not document_type.WITHDRAWABLE:
        words = "cannot be withdrawn; give the right one instead"
        return [Problem(origin.of(WITHDRAWN), WITHDRAWN, Reason.WRONG_VALUE, words)]
    model = document_type
    if WITHDRAWN in values:
        values = {name: value for name, value in values.items() if name != WITHDRAWN}
    if withdrawn:
        # Whoever takes something back has only to name it: its other fields may be wrong, and often
        # are why.
        model = key_model(document_type)
    try:
        return Located(model.model_validate(values), origin, withdrawn)
    except ValidationError as exc:
        return _problems(exc, document_type, origin)


@cache
def key_model(document_type: type[MesDocument]) -> type[MesDocument]:
    """Return the model of a document's key alone."""
    fields: dict[str, Any] = {
        name: (field.rebuild_annotation(), field)
        for name, field in document_type.model_fields.items()
        if name in document_type.KEY
    }
    model = create_model(f"{document_type.__name__}Key", __base__=_Key, **fields)
    model.KIND, model.KEY = document_type.KIND, document_type.KEY
    return cast("type[MesDocument]", model)


class _Key(MesDocument):
    model_config = ConfigDict(extra="ignore", frozen=True)

    KIND: ClassVar[str] = ""
    KEY: ClassVar[tuple[str, ...]] = ()


def _is_withdrawn(values: Mapping[str, Any]) -> bool | None:
    given = values.get(WITHDRAWN, False)
    if isinstance(given, bool):
        return given
    word = given.strip().lower() if isinstance(given, str) else None
    if word in _YES:
        return True
    return False if word in {"", "false", "no", "0"} else None


def _problems(
    error: ValidationError, document_type: type[MesDocument], origin: Origin
) -> list[Problem]:
    known = [*document_type.model_fields, WITHDRAWN]
    found = []
    for problem in error.errors(include_url=False, include_input=False):
        path = [str(part) for part in problem["loc"]]
        words = problem["msg"].removeprefix("Value error, ")
        reason = Reason.WRONG_VALUE
        if problem["type"] == "missing":
            reason, words = Reason.MISSING, "required, but missing"
        elif problem["type"] == "extra_forbidden":
            near = difflib.get_close_matches(path[-1], known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(known)}"
            reason, words = Reason.UNKNOWN_FIELD, f"unknown field; {hint}"
        elif not path:
            # What a document says about two of its fields begins with their names.
            first = words.partition(":")[0].partition(",")[0]
            path = [first] if first in known else []
        field = ".".join(path)
        found.append(Problem(origin.of(field), field, reason, words))
    return found
