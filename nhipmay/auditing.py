"""`nhipmay audit seal` and `nhipmay audit verify`: by the database's owner, who alone reads it."""

import os
from pathlib import Path
from threading import Event

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from plant.clock import Clock, system_clock
from plant.errors import ConfigurationError, TransientError
from plant.settings import DatabaseSettings
from store import connect, store_errors
from store.access.account import audit_end, audit_rows
from store.access.audit import Head, Verdict, sealed, verified

_log = structlog.get_logger()


def seal(
    database: DatabaseSettings, heads: Path, key_file: Path, clock: Clock = system_clock
) -> str:
    """Append the signed last entry to the file of heads; return what was done, in words."""
    key = _key(key_file)
    with store_errors(database), connect(database) as connection:
        last = audit_end(connection)
    if last is None:
        return "the audit has no entry yet"
    head = sealed(*last, clock(), key)
    with heads.open("a", encoding="ascii") as out:
        out.write(f"{head.line()}\n")
        out.flush()
        os.fsync(out.fileno())
    return f"entry {head.audit_id} is sealed"


def seal_again_and_again(
    database: DatabaseSettings, heads: Path, key_file: Path, every_s: float, stop: Event
) -> None:
    """Seal until `stop` is set; a database that is away is tried again, a bad file is not."""
    while True:
        try:
            _log.info("audit_sealed", said=seal(database, heads, key_file))
        except TransientError as exc:
            _log.warning("audit_not_sealed", reason=str(exc))
        if stop.wait(every_s):
            return


def verify(database: DatabaseSettings, heads: Path, key_file: Path) -> Verdict:
    """Return what is wrong with the audit; raises ConfigurationError for files it cannot use."""
    try:
        known = [Head.of_line(line) for line in heads.read_text("ascii").splitlines()]
        public = _public(key_file.read_bytes())
    except (OSError, ValueError) as exc:
        raise ConfigurationError(f"{heads} or {key_file} cannot be used: {exc}") from exc
    with store_errors(database), connect(database) as connection:
        return verified(audit_rows(connection), known, public)


def _key(file: Path) -> Ed25519PrivateKey:
    if not file.exists():
        made = Ed25519PrivateKey.generate()
        pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(pem)
        return made
    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except (OSError, ValueError, TypeError) as exc:
        raise ConfigurationError(f"the key {file} cannot be used: {exc}") from exc
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"the key {file} is no Ed25519 key")
    return key


def _public(pem: bytes) -> Ed25519PublicKey:
    key = load_pem_public_key(pem) if b"PUBLIC KEY" in pem else load_pem_private_key(pem, None)
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    if not isinstance(public, Ed25519PublicKey):
        raise ValueError("no Ed25519 key")
    return public
