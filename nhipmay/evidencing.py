"""What `nhipmay evidence …` does, by the database's owner."""

import json
import os
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from assessment.bundle import key_id, sign_bundle, trusted_keys
from assessment.bundle.key import base64url
from assessment.programme import Desk
from assessment.programme.bundling import files_of
from plant.clock import system_clock
from plant.errors import ConfigurationError
from plant.settings import DatabaseSettings
from store import connect, store_errors
from store.access.account import audit_rows
from store.assessment.record import PilotStore, PilotTransaction, RecordRow


def signed_record(
    database: DatabaseSettings, record_id: int, key_file: Path, *, with_inputs: bool
) -> bytes:
    """Return the signed bundle of a record.

    Raises:
        ConfigurationError: There is no such record or key.
        DataError: The record was changed past its workflow.
    """
    key = _private(key_file)
    with PilotStore(database, read_only=True).transaction() as t:
        record = t.record(record_id)
        if record is None:
            raise ConfigurationError(f"there is no record {record_id}")
        files = files_of(t, record, inputs=with_inputs)
    about = {"record_id": record_id, "kind": record.kind, "status": record.status}
    return sign_bundle(files, about, key, system_clock())


def checked_records(database: DatabaseSettings) -> tuple[int, list[str]]:
    """Return how many records there are, and what was changed past the workflow."""
    store = PilotStore(database, read_only=True)
    desk = Desk(store, store, system_clock)
    faults, steps = [], {}
    with store.transaction() as t:
        records = _all(t)
        for record in records:
            faults += desk.faults_vi(t, record, machines=True)
            for step in t.steps(record.record_id):
                steps[f"HS{record.record_id}/{step.position}"] = step.hash
    with store_errors(database), connect(database) as connection:
        for _, entry, _ in audit_rows(connection):
            said = json.loads(entry)
            if said["action"] == "record-step":
                place, _, hashed = said["target"].partition(" ")
                if steps.get(place) != hashed:
                    faults.append(f"{place}: không khớp nhật ký kiểm toán")
    return len(records), faults


def rechecked(database: DatabaseSettings, record_id: int | None) -> dict[int, list[str]]:
    """Compute closed assessments again; return the differences by record."""
    store = PilotStore(database)
    desk = Desk(store, store, system_clock)
    with store.transaction() as t:
        chosen = [
            one.record_id
            for one in _all(t)
            if one.kind == "assessment"
            and one.status == "closed"
            and record_id in {None, one.record_id}
        ]
    return {one: desk.recheck(one) for one in chosen}


def make_key(file: Path, keys: Path) -> str:
    """Write a new private key, add its public half to the list; return its thumbprint.

    Raises:
        ConfigurationError: The key's file is there already, or the list is not valid.
    """
    listed = _listed(keys)
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as exc:
        raise ConfigurationError(f"{file}: {exc.strerror}") from exc
    with os.fdopen(descriptor, "wb") as out:
        out.write(pem)
    _write(keys, [*listed, {"x": base64url(key.public_key().public_bytes_raw())}])
    return key_id(key.public_key())


def revoke(keys: Path, revoked: str, why: str) -> None:
    """Mark a key of the list as revoked.

    Raises:
        ConfigurationError: The list has no such key.
    """
    listed = _listed(keys)
    known = trusted_keys(json.dumps(listed).encode())
    if revoked not in known:
        raise ConfigurationError(f"{keys} has no key {revoked}; it has {', '.join(known)}")
    x = known[revoked].x
    _write(keys, [one | ({"revoked_vi": why} if one["x"] == x else {}) for one in listed])


def _all(t: PilotTransaction) -> list[RecordRow]:
    return [row for one in t.programmes() for row in t.records(one.programme_id)]


def _listed(keys: Path) -> list[dict[str, Any]]:
    if not keys.exists():
        return []
    trusted_keys(keys.read_bytes())
    listed: list[dict[str, Any]] = json.loads(keys.read_bytes())
    return listed


def _write(keys: Path, listed: list[dict[str, Any]]) -> None:
    partial = keys.with_suffix(f"{keys.suffix}.part")
    partial.write_text(json.dumps(listed, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    partial.replace(keys)


def _private(file: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except (OSError, ValueError) as exc:
        raise ConfigurationError(f"{file}: {exc}") from exc
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"{file} is no Ed25519 key")
    return key
