"""The statements of each kind of documents, and what is stored in the form of documents."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

from plant.mes.document import MesDocument
from store.engine.connection import Connection
from store.engine.queries import queries

_CURRENT = queries("mes/current")
_PUT = queries("mes/put")
_WITHDRAW = queries("mes/withdraw")


def withdraw_statement(kind: str) -> LiteralString:
    """Return the statement that removes documents of a kind by their keys."""
    return _WITHDRAW[statement_name(kind, "withdraw")]


def current_documents(
    connection: Connection, kind: str, keys: Sequence[Mapping[str, Any]]
) -> dict[int, dict[str, Any]]:
    """Return what is stored under keys of a kind, by the position of the key."""
    if not keys:
        return {}
    asked = json.dumps([{"n": n} | dict(key) for n, key in enumerate(keys)], ensure_ascii=False)
    return dict(
        connection.execute(_CURRENT[statement_name(kind, "current")], {"keys": asked}).fetchall()
    )


def statement_name(kind: str, what: str) -> str:
    """Return the name of the statement that does something with a kind."""
    return f"{kind.replace('-', '_')}_{what}"


def put_statements(kind: str) -> list[LiteralString]:
    """Return the statements that write documents of a kind, in order."""
    first = statement_name(kind, "put")
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
