"""Secrets of second factors at rest: encrypted, bound to their account, told when changed."""

import pytest

from api.access.entry.factor import FactorCipher, FactorUnreadableError

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def test_a_kept_factor_tells_nothing_and_is_opened_again() -> None:
    cipher = FactorCipher("a key")
    kept = cipher.closed(SECRET, 7)

    assert SECRET not in kept
    assert kept != cipher.closed(SECRET, 7)
    assert cipher.opened(kept, 7) == SECRET
    assert FactorCipher("a key").opened(kept, 7) == SECRET


def test_a_factor_of_another_key_or_account_or_a_changed_one_is_not_opened() -> None:
    kept = FactorCipher("a key").closed(SECRET, 7)
    changed = kept[:-5] + ("A" if kept[-5] != "A" else "B") + kept[-4:]

    for cipher, text, account in (
        (FactorCipher("another"), kept, 7),
        (FactorCipher("a key"), kept, 8),
        (FactorCipher("a key"), changed, 7),
        (FactorCipher("a key"), "a1:", 7),
        (FactorCipher("a key"), "a1:!", 7),
    ):
        with pytest.raises(FactorUnreadableError):
            cipher.opened(text, account)


def test_a_factor_of_an_older_version_is_taken_as_it_is() -> None:
    assert FactorCipher("a key").opened(SECRET, 7) == SECRET
