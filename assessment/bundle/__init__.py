"""Signed evidence bundles, which anybody checks offline."""

from assessment.bundle.archive import MANIFEST, SIGNATURE
from assessment.bundle.key import TrustedKey, key_id, trusted_keys
from assessment.bundle.signing import sign_bundle
from assessment.bundle.verification import Verified, verify_bundle

__all__ = [
    "MANIFEST",
    "SIGNATURE",
    "TrustedKey",
    "Verified",
    "key_id",
    "sign_bundle",
    "trusted_keys",
    "verify_bundle",
]
