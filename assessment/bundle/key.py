"""Keys that sign bundles: Ed25519, named by thumbprint (RFC 7638); former and revoked ones."""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from plant.errors import ConfigurationError, DataError


class TrustedKey(BaseModel):
    """A public key that the reader of bundles trusts; a revoked one says why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    x: str
    """The raw key in base64url, as in a JWK of curve Ed25519."""
    revoked_vi: str | None = None

    def public(self) -> Ed25519PublicKey:
        """Return the key.

        Raises:
            ConfigurationError: `x` is no Ed25519 key.
        """
        try:
            return Ed25519PublicKey.from_public_bytes(from_base64url(self.x))
        except (DataError, ValueError) as exc:
            raise ConfigurationError(f"Khóa {self.x[:20]!r} không phải khóa Ed25519.") from exc


_KEYS: TypeAdapter[Sequence[TrustedKey]] = TypeAdapter(Sequence[TrustedKey])


def trusted_keys(content: bytes) -> dict[str, TrustedKey]:
    """Return the keys of a JSON list by their identity.

    Raises:
        ConfigurationError: The list is not valid.
    """
    try:
        keys = _KEYS.validate_json(content)
    except ValidationError as exc:
        raise ConfigurationError(f"Danh sách khóa không hợp lệ: {exc}") from exc
    return {key_id(one.public()): one for one in keys}


def key_id(key: Ed25519PublicKey) -> str:
    """Return the thumbprint of a key."""
    members = {"crv": "Ed25519", "kty": "OKP", "x": base64url(key.public_bytes_raw())}
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return base64url(hashlib.sha256(text.encode()).digest())


def base64url(content: bytes) -> str:
    """Return bytes in base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Return the bytes of a text in base64url.

    Raises:
        DataError: It is not the one text that these bytes have.
    """
    try:
        content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as exc:
        raise DataError("not_base64url", text[:40]) from exc
    if base64url(content) != text:
        raise DataError("not_base64url", text[:40])
    return content
