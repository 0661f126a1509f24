"""Requests under a name that their sender gave them: done once, answered as often as asked."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from store.access.account import AccessStore
from store.engine.queries import queries

_Q = queries("access/request_key")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a request; without a status it has no answer yet."""

    digest: bytes
    decided: dict[str, Any] | None
    status: int | None
    content_type: str | None
    content: bytes | None


class RequestKeys:
    """The names of one service's requests, each for its sender alone."""

    def __init__(self, store: AccessStore) -> None:
        self._store = store

    def known(self, consumer: str, key: str) -> Known | None:
        """Return what is known of a request, if its name was taken; raises as `begin` does."""
        with (
            self._store.transaction() as t,
            t.connection.cursor(row_factory=class_row(Known)) as cursor,
        ):
            return cursor.execute(_Q["known"], _named(consumer, key)).fetchone()

    def begin(
        self,
        consumer: str,
        key: str,
        digest: bytes,
        now: datetime,
        expires_at: datetime,
        decided: dict[str, Any] | None = None,
    ) -> Known | None:
        """Take a name for a request; return what is known of it when it was taken before.

        Raises StoreUnavailableError and ConfigurationError.
        """
        named = _named(consumer, key)
        with self._store.transaction() as t:
            t.connection.execute(_Q["forget"], {"now": now})
            values = named | {
                "digest": digest,
                "expires_at": expires_at,
                "decided": None if decided is None else Jsonb(decided),
            }
            if t.connection.execute(_Q["begin"], values).fetchone() is not None:
                return None
            with t.connection.cursor(row_factory=class_row(Known)) as cursor:
                found = cursor.execute(_Q["known"], named).fetchone()
        # Released between the two: as one that is under way.
        return found or Known(digest, decided, None, None, None)

    def finish(
        self, consumer: str, key: str, status: int, content_type: str, content: bytes
    ) -> None:
        """Keep the answer; raises as `begin` does."""
        values = {"status": status, "content_type": content_type, "content": content}
        with self._store.transaction() as t:
            t.connection.execute(_Q["finish"], _named(consumer, key) | values)

    def release(self, consumer: str, key: str) -> None:
        """Give a name back as nothing was done under it; raises as `begin` does."""
        with self._store.transaction() as t:
            t.connection.execute(_Q["release"], _named(consumer, key))

    def close(self) -> None:
        """Close every connection."""
        self._store.close()


def _named(consumer: str, key: str) -> dict[str, Any]:
    return {"consumer": consumer, "key": hashlib.sha256(key.encode()).digest()}
