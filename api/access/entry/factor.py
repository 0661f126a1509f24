"""Secrets of second factors, as they are kept: encrypted by a key that the database does not have.

AES-256-GCM; the key follows (HKDF-SHA256, RFC 5869) from the secret of the enterprises' logins, and
each text is bound to its account, so that it is worth nothing in another's row.
"""

import os
from base64 import b64decode, b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_MARK = "a1:"
_NONCE = 12


class FactorUnreadableError(Exception):
    """A kept secret was encrypted by another key, for another account, or was changed."""


class FactorCipher:
    """Encrypts and decrypts secrets of second factors."""

    def __init__(self, secret: str) -> None:
        """Take the secret from which the key follows."""
        derive = HKDF(SHA256(), length=32, salt=None, info=b"nhipmay second factor 1")
        self._cipher = AESGCM(derive.derive(secret.encode()))

    def closed(self, factor: str, account_id: int) -> str:
        """Return a factor's secret as it is kept."""
        nonce = os.urandom(_NONCE)
        kept = nonce + self._cipher.encrypt(nonce, factor.encode(), _bound_to(account_id))
        return _MARK + b64encode(kept).decode()

    def opened(self, kept: str, account_id: int) -> str:
        """Return a factor's secret; raises FactorUnreadableError."""
        if not is_closed(kept):
            # Of a version that kept it in the clear.
            return kept
        try:
            raw = b64decode(kept.removeprefix(_MARK), validate=True)
            opened = self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], _bound_to(account_id))
        except (ValueError, InvalidTag):
            raise FactorUnreadableError from None
        return opened.decode()


def is_closed(kept: str) -> bool:
    """Tell whether a secret is encrypted."""
    return kept.startswith(_MARK)


def _bound_to(account_id: int) -> bytes:
    return f"account {account_id}".encode()
