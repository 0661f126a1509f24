"""The audit: whether its chain is whole, and signed heads that tell when its end was cut off."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry at a moment, signed by a key that the database does not have."""

    audit_id: int
    hash: str
    at: str
    signature: str

    def line(self) -> str:
        """Return it as one line of the file of heads."""
        return json.dumps(
            {"id": self.audit_id, "hash": self.hash, "at": self.at, "signature": self.signature}
        )

    @classmethod
    def of_line(cls, line: str) -> "Head":
        """Read one line; raises ValueError when it is none."""
        try:
            read = json.loads(line)
            return cls(int(read["id"]), str(read["hash"]), str(read["at"]), str(read["signature"]))
        except (KeyError, TypeError) as exc:
            raise ValueError(f"no head: {line[:60]!r}") from exc


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification found."""

    entries: int
    heads: int
    faults: tuple[str, ...]
    """Each names the entry; empty when the audit is whole."""


def chained(before: bytes, entry: str) -> bytes:
    """Return the hash of an entry: SHA-256 over the hash before and its text."""
    return hashlib.sha256(before + entry.encode()).digest()


def sealed(audit_id: int, digest: bytes, now: datetime, key: Ed25519PrivateKey) -> Head:
    """Return the signed head."""
    at = now.isoformat()
    return Head(audit_id, digest.hex(), at, key.sign(_said(audit_id, digest.hex(), at)).hex())


def verified(
    rows: Iterable[tuple[int, str, bytes]], heads: Iterable[Head], key: Ed25519PublicKey
) -> Verdict:
    """Follow the chain from its first entry, and compare it with every head.

    After a fault the chain goes on from what is there, so that each fault is named by itself.
    """
    faults: list[str] = []
    at_head = {head.audit_id: head for head in heads if _is_signed(head, key, faults)}
    expected, before, count = 1, b"", 0
    for audit_id, entry, digest in rows:
        count += 1
        if audit_id != expected:
            missing = f"{expected}" if audit_id == expected + 1 else f"{expected} to {audit_id - 1}"
            faults.append(f"entry {missing} is missing")
        elif chained(before, entry) != digest:
            faults.append(f"entry {audit_id} was changed, or one before it")
        # The text that is hashed has the number too: a row under another number shows.
        if _id_in(entry) != audit_id:
            faults.append(f"entry {audit_id} stands in the place of another")
        head = at_head.pop(audit_id, None)
        if head is not None and head.hash != digest.hex():
            faults.append(f"entry {audit_id} is not the one that was sealed at {head.at}")
        expected, before = audit_id + 1, digest
    faults += [
        f"entry {head.audit_id}, sealed at {head.at}, is missing: the audit was cut off or set back"
        for head in at_head.values()
    ]
    return Verdict(count, len(at_head), tuple(dict.fromkeys(faults)))


def _id_in(entry: str) -> int | None:
    try:
        found = json.loads(entry)["id"]
    except (ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, int) else None


def _is_signed(head: Head, key: Ed25519PublicKey, faults: list[str]) -> bool:
    try:
        key.verify(bytes.fromhex(head.signature), _said(head.audit_id, head.hash, head.at))
    except (InvalidSignature, ValueError):
        faults.append(f"the head of entry {head.audit_id} is not signed by this key")
        return False
    return True


def _said(audit_id: int, digest: str, at: str) -> bytes:
    return f"nhipmay audit head 1\n{audit_id}\n{digest}\n{at}\n".encode()
