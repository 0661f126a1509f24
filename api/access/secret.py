"""Secrets: passwords as Argon2id, one-time codes, and tokens of which only digests are kept."""

import hashlib
import hmac
import secrets
from datetime import datetime
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from pyotp import TOTP, random_base32

_STEP_S = 30
RECOVERY_CODES = 10
# 19 MiB each (RFC 9106 leaves room to go lower than its 64), two at a time: memory is bounded.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_AT_ONCE = BoundedSemaphore(2)
_NOBODYS = _HASHER.hash(secrets.token_hex(16))


def hash_of_password(password: str) -> str:
    """Return a password as it is kept."""
    with _AT_ONCE:
        return _HASHER.hash(password)


def is_password(password: str, kept: str | None) -> bool:
    """Tell whether a password is the kept one, in about the same time if there is none."""
    with _AT_ONCE:
        try:
            _HASHER.verify(kept or _NOBODYS, password)
        except (Argon2Error, InvalidHashError):
            return False
    return kept is not None


def new_secret() -> str:
    """Return a token of 256 bits that nobody can guess."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def new_factor() -> str:
    """Return the secret of a new second factor, in base 32."""
    return random_base32()


def factor_address(secret: str, login: str) -> str:
    """Return the address by which an authenticator takes a secret over."""
    return TOTP(secret).provisioning_uri(name=login, issuer_name="Nhịp Máy")


def step_of_code(code: str, secret: str, after: int, now: datetime) -> int | None:
    """Return the time step of a one-time code (RFC 6238); None when it is wrong or was used.

    Clocks may differ by a step. Steps up to `after` are used up.
    """
    present = int(now.timestamp()) // _STEP_S
    for step in (present, present - 1, present + 1):
        if step > after and hmac.compare_digest(TOTP(secret).at(step * _STEP_S), code):
            return step
    return None


def new_recovery_codes() -> list[str]:
    """Return codes that stand in for the second factor, once each."""
    return [f"{secrets.token_hex(3)}-{secrets.token_hex(3)}" for _ in range(RECOVERY_CODES)]
