"""Shared tablets: rows and the calls on them. Codes and tokens come in as digests only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row

from store.access.account import AccessTransaction
from store.engine.queries import queries

_Q = queries("access/device")


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """One tablet; times are aware UTC."""

    device_id: int
    path: str
    name: str
    made_at: datetime
    enrolled_at: datetime | None
    seen_at: datetime | None
    revoked_at: datetime | None
    code_expires_at: datetime


class Devices:
    """The tablets, within an open transaction."""

    def __init__(self, transaction: AccessTransaction) -> None:
        self._connection = transaction.connection

    def add(self, path: str, name: str, code: bytes, *, expires_at: datetime, now: datetime) -> int:
        """Add one that waits for its code; return its number."""
        values = {"path": path, "name": name, "code": code, "expires_at": expires_at, "now": now}
        row = self._connection.execute(_Q["add"], values).fetchone()
        assert row is not None
        return int(row[0])

    def enrol(self, code: bytes, token: bytes, now: datetime) -> DeviceRow | None:
        """Use a code up, once and in time; None when it is no such code."""
        return self._one("enrol", code=code, token=token, now=now)

    def by_token(self, token: bytes) -> DeviceRow | None:
        """Return the one that shows a token, whatever has become of it."""
        return self._one("by_token", token=token)

    def by_id(self, device_id: int) -> DeviceRow | None:
        """Return one by its number."""
        return self._one("by_id", device_id=device_id)

    def of_enterprise(self, enterprise: str) -> list[DeviceRow]:
        """Return every one of an enterprise (code), those in use first."""
        with self._connection.cursor(row_factory=class_row(DeviceRow)) as cursor:
            return cursor.execute(_Q["of_enterprise"], {"enterprise": enterprise}).fetchall()

    def touch(self, device_id: int, now: datetime) -> None:
        """Note that one is in use."""
        self._connection.execute(_Q["touch"], {"device_id": device_id, "now": now})

    def revoke(self, device_id: int, now: datetime) -> bool:
        """Make one worthless; return whether it was not before."""
        values = {"device_id": device_id, "now": now}
        return self._connection.execute(_Q["revoke"], values).rowcount == 1

    def _one(self, query: str, **values: Any) -> DeviceRow | None:
        with self._connection.cursor(row_factory=class_row(DeviceRow)) as cursor:
            return cursor.execute(_Q[query], values).fetchone()
