"""Checks a bundle offline; what is wrong is named with its place."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature

from assessment.bundle.archive import MANIFEST, SIGNATURE, unpack
from assessment.bundle.key import TrustedKey, base64url, from_base64url
from assessment.bundle.signing import PREDICATE_TYPE, STATEMENT_TYPE
from plant.errors import DataError


@dataclass(frozen=True, slots=True)
class Verified:
    """What a sound bundle holds, and which key signed it."""

    key_id: str
    predicate: dict[str, Any]
    files: dict[str, bytes]


def verify_bundle(content: bytes, keys: Mapping[str, TrustedKey]) -> Verified:
    """Return the content of a bundle whose every byte is as it was signed.

    Raises:
        DataError: Something was changed, or the key is not trusted; the message names the place.
    """
    files = unpack(content)
    for name in (MANIFEST, SIGNATURE):
        if name not in files:
            raise DataError("bundle_damaged", f"{name}: không có trong gói")
    payload = files.pop(MANIFEST)
    signer = _check_signature(files.pop(SIGNATURE), payload, keys)
    statement = json.loads(payload)
    if statement.get("_type") != STATEMENT_TYPE or statement["predicateType"] != PREDICATE_TYPE:
        raise DataError("bundle_damaged", f"{MANIFEST}: không phải bản kê của gói bằng chứng")
    digests = {one["name"]: one["digest"]["sha256"] for one in statement["subject"]}
    problems = [f"{name}: không có trong bản kê" for name in sorted(files.keys() - digests.keys())]
    problems += [f"{name}: thiếu trong gói" for name in sorted(digests.keys() - files.keys())]
    problems += [
        f"{name}: nội dung không khớp bản kê đã ký"
        for name in sorted(files.keys() & digests.keys())
        if hashlib.sha256(files[name]).hexdigest() != digests[name]
    ]
    if problems:
        raise DataError("bundle_damaged", "; ".join(problems))
    return Verified(signer, statement["predicate"], files)


def _check_signature(jws: bytes, payload: bytes, keys: Mapping[str, TrustedKey]) -> str:
    try:
        header, between, signature = jws.decode("ascii").split(".")
        said = json.loads(from_base64url(header))
        raw = from_base64url(signature)
    except (ValueError, DataError) as exc:
        raise DataError("signature_not_valid", f"{SIGNATURE}: không phải JWS tách rời") from exc
    # Any other member may change what is signed (`b64`) or must be understood (`crit`).
    if between or not isinstance(said, dict) or said.keys() != {"alg", "kid"}:
        raise DataError("signature_not_valid", f"{SIGNATURE}: không phải JWS tách rời")
    if said["alg"] != "EdDSA" or not isinstance(said["kid"], str) or said["kid"] not in keys:
        raise DataError("key_not_trusted", f"{SIGNATURE}: khóa {said['kid']!r} không được tin cậy")
    key = keys[said["kid"]]
    if key.revoked_vi is not None:
        raise DataError("key_revoked", f"{SIGNATURE}: khóa đã bị thu hồi: {key.revoked_vi}")
    try:
        key.public().verify(raw, f"{header}.{base64url(payload)}".encode())
    except InvalidSignature as exc:
        words = f"{MANIFEST} hoặc {SIGNATURE}: chữ ký không khớp bản kê"
        raise DataError("signature_not_valid", words) from exc
    return said["kid"]
