"""The statements of each kind of documents, and what is stored in the form of documents."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

from plant.mes.document import MesDocument
from store.engine.connection import Connection
from store.engine.queries import forms, queries
from store.mes.home import found

_CURRENT = forms("mes/current")
_PUT = queries("mes/put")


def current_documents(
    connection: Connection, kind: str, keys: Sequence[Mapping[str, Any]]
) -> dict[int, dict[str, Any]]:
    """Return what is stored under keys of a kind, by the position of the key."""
    if not keys:
        return {}
    asked = json.dumps([{"n": n} | dict(key) for n, key in enumerate(keys)], ensure_ascii=False)
    # Reasons of stops, scrap and rework differ in where they are kept, not in what they say.
    form = "reasons" if kind.endswith("-reasons") else kind.replace("-", "_")
    statement = _CURRENT[form].format(found=found(kind))
    return dict(connection.execute(statement, {"keys": asked}).fetchall())


def put_statements(kind: str) -> list[LiteralString]:
    """Return the statements that write documents of a kind, in order."""
    first = f"{kind.replace('-', '_')}_put"
    return [
        statement
        for name, statement in _PUT.items()
        if name == first or name.startswith(f"{first}_")
    ]


def key_list(documents: Sequence[MesDocument]) -> str:
    """Return the keys of documents as the statements take them: JSON, each with its position."""
    return json.dumps(
        [
            {"n": n} | dict(zip(document.KEY, document.key, strict=True))
            for n, document in enumerate(documents)
        ],
        ensure_ascii=False,
    )


def comparable(document_type: type[MesDocument], stored: dict[str, Any]) -> dict[str, Any] | None:
    """Return what is stored in the form of `canonical`, None if it would not come in today."""
    try:
        return document_type.model_validate(stored).canonical()
    except ValueError:
        # An older description may hold what documents may not: it counts as different.
        return None
