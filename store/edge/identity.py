"""Tokens, certificates and revocations of edges, and the trail of all three."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum
from typing import Literal

from plant.settings import DatabaseSettings
from store.engine.connection import Connection, connect, store_errors
from store.engine.migration import check_migrated
from store.engine.queries import queries

_Q = queries("edge/identity")

Action = Literal["invited", "enrolled", "renewed", "revoked", "reused"]


class CertificateStanding(Enum):
    """What a certificate is good for."""

    GOOD = "good"
    """Everything."""
    RENEWED = "renewed"
    """It still opens the broker, and cannot be renewed again."""
    RETIRED = "retired"
    """Nothing: it was renewed, and its time is over."""
    VOID = "void"
    """Nothing: it was revoked, or never given to the edge."""


@dataclass(frozen=True, slots=True)
class EdgeStanding:
    """An edge of the plant description, and whether it was turned out; times are aware UTC."""

    edge_id: int
    path: str
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class TokenRow:
    """What a token is good for."""

    edge_id: int
    expires_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """A certificate to be stored."""

    serial: str
    edge_id: int
    key_hash: bytes
    token_hash: bytes | None
    begins_at: datetime
    expires_at: datetime
    pem: str


class IdentityTransaction:
    """Reads and changes within one open transaction; `now` is the wall's, as certificates are."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def edge(self, path: str) -> EdgeStanding | None:
        """Return the edge of a path `enterprise/site/edge`, locked."""
        row = self._connection.execute(_Q["edge"], {"edge": path}).fetchone()
        return EdgeStanding(*row) if row else None

    def put_token(self, edge_id: int, token_hash: bytes, expires_at: datetime) -> bool:
        """Store a token; return False when it is there already."""
        values = {"edge_id": edge_id, "token_hash": token_hash, "expires_at": expires_at}
        done = self._connection.execute(_Q["put_token"], values | {"now": self._now})
        return done.rowcount == 1

    def token(self, token_hash: bytes) -> TokenRow | None:
        """Return a token, locked."""
        row = self._connection.execute(_Q["token"], {"token_hash": token_hash}).fetchone()
        return TokenRow(*row) if row else None

    def use_token(self, token_hash: bytes) -> None:
        """Note that a token is used."""
        self._connection.execute(_Q["use_token"], {"token_hash": token_hash, "now": self._now})

    def certificate_of_key(self, edge_id: int, key_hash: bytes) -> tuple[str, bytes | None] | None:
        """Return the PEM that a key of the edge was given and the hash of the token it used."""
        values = {"edge_id": edge_id, "key_hash": key_hash}
        row = self._connection.execute(_Q["certificate_of_key"], values).fetchone()
        return (row[0], row[1]) if row else None

    def standing_of(self, edge_id: int, serial: str) -> CertificateStanding:
        """Return what a certificate of that number is good for, if the edge was given one."""
        values = {"edge_id": edge_id, "serial": serial}
        row = self._connection.execute(_Q["certificate"], values).fetchone()
        if row is None:
            return CertificateStanding.VOID
        if row[0] is None:
            return CertificateStanding.GOOD
        return CertificateStanding.RENEWED if self._now < row[0] else CertificateStanding.RETIRED

    def retire_others(self, edge_id: int, serial: str, retires_at: datetime) -> None:
        """Let every certificate of an edge but one end at a moment, or as told before."""
        values = {"edge_id": edge_id, "serial": serial, "retires_at": retires_at}
        self._connection.execute(_Q["retire"], values)

    def put_certificate(self, row: CertificateRow) -> bool:
        """Store a certificate; return False for a key that had one before."""
        return self._connection.execute(_Q["put_certificate"], asdict(row)).rowcount == 1

    def readmit(self, edge_id: int) -> None:
        """Accept again what comes in the edge's name."""
        self._connection.execute(_Q["readmit"], {"edge_id": edge_id})

    def revoke(self, edge_id: int) -> list[str]:
        """Turn an edge out, its tokens included; return the numbers of its certificates."""
        values = {"edge_id": edge_id, "now": self._now}
        self._connection.execute(_Q["lock_revocations"])
        self._connection.execute(_Q["revoke_edge"], values)
        self._connection.execute(_Q["withdraw_tokens"], values)
        return [row[0] for row in self._connection.execute(_Q["revoke_certificates"], values)]

    def revoked(self) -> list[tuple[str, datetime]]:
        """Return the number of every revoked or retired certificate and since when, oldest first.

        No other transaction revokes until this one ends.
        """
        self._connection.execute(_Q["lock_revocations"])
        return list(self._connection.execute(_Q["revoked"], {"now": self._now}))

    def record(self, edge_id: int, who: str, action: Action, detail: str = "") -> None:
        """Add to the trail."""
        self._connection.execute(
            _Q["record"],
            {
                "now": self._now,
                "edge_id": edge_id,
                "who": who,
                "action": action,
                "detail": detail,
            },
        )


@contextmanager
def identities(settings: DatabaseSettings, now: datetime) -> Iterator[IdentityTransaction]:
    """Open a transaction; it is committed when the block ends, undone when it raises.

    Raises StoreUnavailableError and ConfigurationError as `connect` does.
    """
    with store_errors(settings), connect(settings) as connection:
        check_migrated(connection)
        yield IdentityTransaction(connection, now)
