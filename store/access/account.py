"""Accounts, sessions and tokens: rows and the calls on them. Secrets come in as digests only."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from plant.settings import DatabaseSettings
from store.access.tenant import end_long_statements, mend_login
from store.engine.connection import Connection, open_pool, store_errors
from store.engine.queries import queries

_Q = queries("access/account")


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One person or system; times are aware UTC."""

    account_id: int
    login: str
    name: str
    role: str
    organisation: str
    organisation_kind: str
    enterprise: str | None
    password_hash: str | None
    password_set_at: datetime | None
    totp_secret: str | None
    totp_step: int
    made_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    disabled_at: datetime | None
    wrong_tries: int
    locked_until: datetime | None


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as it is kept."""

    began_at: datetime
    seen_at: datetime
    strong: bool
    account_id: int


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token as it is kept; `rights` are names."""

    token_id: str
    account_id: int
    kind: str
    name: str
    rights: list[str]
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None


class AccessTransaction:
    """Reads and changes within one open transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def connection(self) -> Connection:
        """The connection, for the calls of another module of this room."""
        return self._connection

    def do(self, query: str, **values: Any) -> int:
        """Run a statement of `account.sql` by name; return how many rows it concerned."""
        return self._connection.execute(_Q[query], values).rowcount

    def number(self, query: str, **values: Any) -> int | None:
        """Return the number that a statement answers, if it answers one."""
        row = self._connection.execute(_Q[query], values).fetchone()
        return None if row is None else int(row[0])

    def account(self, query: str, **values: Any) -> AccountRow | None:
        """Return the account that `by_login` or `by_id` finds."""
        with self._connection.cursor(row_factory=class_row(AccountRow)) as cursor:
            return cursor.execute(_Q[query], values).fetchone()

    def accounts(self) -> list[AccountRow]:
        """Return every account by login."""
        with self._connection.cursor(row_factory=class_row(AccountRow)) as cursor:
            return cursor.execute(_Q["accounts"]).fetchall()

    def session(self, session_hash: bytes) -> SessionRow | None:
        """Return a session."""
        with self._connection.cursor(row_factory=class_row(SessionRow)) as cursor:
            return cursor.execute(_Q["session"], {"hash": session_hash}).fetchone()

    def token(self, token_hash: bytes, now: datetime) -> TokenRow | None:
        """Return a token that is good now."""
        with self._connection.cursor(row_factory=class_row(TokenRow)) as cursor:
            values = {"hash": token_hash, "now": now}
            return cursor.execute(_Q["token"], values).fetchone()

    def tokens(self, account_id: int) -> list[TokenRow]:
        """Return the tokens of an account."""
        with self._connection.cursor(row_factory=class_row(TokenRow)) as cursor:
            return cursor.execute(_Q["tokens"], {"account_id": account_id}).fetchall()

    def replace_codes(self, account_id: int, hashes: Sequence[bytes]) -> None:
        """Give an account new recovery codes."""
        self.do("drop_codes", account_id=account_id)
        for code in hashes:
            self.do("add_code", account_id=account_id, hash=code)

    def audit(self, said: Mapping[str, Any]) -> int:
        """Append to the audit; return the entry's number."""
        row = self._connection.execute(_Q["append_audit"], {"said": Jsonb(dict(said))}).fetchone()
        assert row is not None
        return int(row[0])


class AccessStore:
    """Lends transactions on connections that are opened when they are first needed."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._pool: ConnectionPool[Connection] | None = None
        self._lock = Lock()

    @contextmanager
    def transaction(self) -> Iterator[AccessTransaction]:
        """Open a transaction; committed when the block ends, undone when it raises.

        Raises StoreUnavailableError and ConfigurationError as `connect` does.
        """
        with store_errors(self._settings):
            with self._lock:
                # Under the lock: of two pools of two first requests one would never be closed.
                if self._pool is None:
                    self._pool = open_pool(self._settings)
            with self._pool.connection() as connection:
                yield AccessTransaction(connection)

    def end_long_statements(self) -> int:
        """End what logins of enterprises have been at for too long; return how many statements.

        Raises as `transaction` does.
        """
        with self.transaction() as t:
            return end_long_statements(t.connection)

    def mend_login(self, role: str) -> bool:
        """Let a login of an enterprise be as it was made; return whether there is such a one.

        Raises as `transaction` does.
        """
        with self.transaction() as t:
            return mend_login(t.connection, role)

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            if self._pool is not None:
                self._pool.close()
                self._pool = None


def audit_end(connection: Connection) -> tuple[int, bytes] | None:
    """Return number and hash of the last audit row; for the owner of the database."""
    row = connection.execute(_Q["audit_end"]).fetchone()
    return None if row is None else (int(row[0]), bytes(row[1]))


def audit_rows(connection: Connection) -> Iterator[tuple[int, str, bytes]]:
    """Yield number, entry and hash of every audit row in order; for the owner of the database."""
    with connection.cursor("audit") as cursor:
        for audit_id, entry, digest in cursor.execute(_Q["audit"], {"after": 0}):
            yield int(audit_id), str(entry), bytes(digest)
