"""Signs a bundle: a statement over the digests of its files, as a detached JWS."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assessment.bundle.archive import MANIFEST, SIGNATURE, pack
from assessment.bundle.key import base64url, key_id
from plant.errors import DataError

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "urn:nhipmay:evidence-bundle:1"


def sign_bundle(
    files: Mapping[str, bytes],
    about: Mapping[str, Any],
    key: Ed25519PrivateKey,
    signed_at: datetime,
) -> bytes:
    """Return the bundle of files: archive, manifest (in-toto style statement) and its signature.

    Raises:
        DataError: There are no files, or a name is not plain or the manifest's own.
    """
    if not files or {MANIFEST, SIGNATURE} & files.keys():
        raise DataError("bundle_not_valid", "gói cần tệp, và tên của bản kê được giữ riêng")
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [
            {"name": name, "digest": {"sha256": hashlib.sha256(files[name]).hexdigest()}}
            for name in sorted(files)
        ],
        "predicateType": PREDICATE_TYPE,
        "predicate": {**about, "signed_at": signed_at.astimezone(UTC).isoformat()},
    }
    payload = canonical_json(statement)
    header = base64url(canonical_json({"alg": "EdDSA", "kid": key_id(key.public_key())}))
    signature = key.sign(f"{header}.{base64url(payload)}".encode())
    # Detached (RFC 7515, appendix F): the payload is the manifest, which lies beside it.
    jws = f"{header}..{base64url(signature)}".encode()
    return pack({**files, MANIFEST: payload, SIGNATURE: jws})


def canonical_json(content: Any) -> bytes:
    """Return JSON in the one form that is signed: sorted keys, no blanks, UTF-8."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
