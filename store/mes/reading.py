"""What master data say at present, and how they came to say it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from plant.errors import ConfigurationError
from plant.mes.kind import KINDS
from plant.mes.kinds.mapping import ImportMapping
from plant.settings import DatabaseSettings
from store.engine.connection import Connection, connect, store_errors
from store.engine.queries import queries
from store.mes.home import page_statement
from store.mes.statement import comparable, current_documents

_Q = queries("mes/mes")
LATEST = 2**62
"""An event id after every event."""


@dataclass(frozen=True, slots=True)
class EventRow:
    """One change of master data."""

    event_id: int
    recorded_at: datetime
    who: str
    source: str
    reason: str
    kind: str
    scope: str
    key: dict[str, Any]
    action: str
    old: dict[str, Any] | None
    new: dict[str, Any] | None


def stored_mapping(
    target: DatabaseSettings | Connection, enterprise: str, name: str
) -> ImportMapping:
    """Return a confirmed mapping; raises ConfigurationError naming those there are."""
    if isinstance(target, DatabaseSettings):
        with store_errors(target), connect(target) as connection:
            return stored_mapping(connection, enterprise, name)
    asked = {"enterprise": enterprise}
    found: dict[str, dict[str, Any]] = dict(target.execute(_Q["import_mappings"], asked).fetchall())
    if name not in found:
        known = ", ".join(found) or "none"
        raise ConfigurationError(f"{enterprise} has no import mapping {name!r}; there are: {known}")
    try:
        return ImportMapping.model_validate(asked | {"name": name} | found[name])
    except ValueError as exc:
        # One that an older release took: it is told, and stops nobody else.
        raise ConfigurationError(f"the mapping {name!r} is none of today: {exc}") from exc


def list_documents(
    settings: DatabaseSettings,
    kind: str,
    scope: str,
    *,
    skip: int = 0,
    limit: int,
    after: Sequence[str] | None = None,
) -> tuple[list[dict[str, Any]], list[str] | None]:
    """Return a page of the documents at or below a place, in the order of their keys.

    Those of its enterprise, such as products, are among them. They are as they would come in.
    Beside them the key behind which the next page begins (`after`), None at the end. Raises
    DataError for an `after` that is no key of the kind.
    """
    behind = None if after is None else Jsonb(list(after))
    parameters = {"scope": scope, "skip": skip, "limit": limit, "after": behind}
    with store_errors(settings), connect(settings) as connection:
        connection.read_only = True
        keys = [row[0] for row in connection.execute(page_statement(kind), parameters)]
        stored = current_documents(connection, kind, keys)
    documents = [comparable(KINDS[kind], one) or one for _, one in sorted(stored.items())]
    if len(keys) < limit:
        return documents, None
    # By name: JSON of the database has an order of its own.
    return documents, [keys[-1][name] for name in KINDS[kind].KEY]


def list_events(
    settings: DatabaseSettings,
    kind: str | None,
    scope: str | None,
    *,
    before: int = LATEST,
    limit: int,
) -> list[EventRow]:
    """Return changes, newest first: of a kind, at or below a place, before an event."""
    parameters = {"kind": kind, "scope": scope, "before": before, "limit": limit}
    with store_errors(settings), connect(settings) as connection:
        connection.read_only = True
        return [EventRow(*row) for row in connection.execute(_Q["list_events"], parameters)]
