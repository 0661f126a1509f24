"""Signing in by another's word: a provider of identities says who somebody is.

Accounts are made here, as ever; the provider makes none. At the first sign-in the account is found
by the login that the provider names, and its number there is taken down: from then on that number
is the account, whatever login it names, and no other number is. What the browser keeps between the
two steps is encrypted: it can neither read nor make it.
"""

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from api.access.accounts import AccountError, Caller, audit_entry
from api.access.entry.provider import Begun, Provider, Told
from api.access.role import NEED_SECOND_FACTOR
from api.access.rule import is_out_of_use
from api.access.secret import digest, new_secret
from plant.clock import Clock, system_clock
from store.access.account import AccessStore, AccessTransaction, AccountRow

WITHIN_S = 600
"""Between the way to the provider and the way back."""
_NONCE = 12
_STRONG = frozenset(("mfa", "otp", "hwk", "swk", "sc"))
"""Words of RFC 8176 for more than a password."""


class SingleSignOn:
    """Sign-in by one provider, by the wall's clock."""

    def __init__(
        self,
        provider: Provider,
        store: AccessStore,
        secret: str,
        login_claim: str,
        clock: Clock = system_clock,
    ) -> None:
        """Take the claim in which the provider names the login of an account."""
        self._provider = provider
        self._store = store
        self._login_claim = login_claim
        self._clock = clock
        derive = HKDF(SHA256(), length=32, salt=None, info=b"nhipmay single sign-on 1")
        self._cipher = AESGCM(derive.derive(secret.encode()))

    def begin(self, redirect_uri: str, target: str) -> tuple[str, str]:
        """Return where to send the browser, and the cookie that it brings back.

        Raises ProviderError, OutgoingRefusedError and TransientError.
        """
        address, begun = self._provider.begin(redirect_uri)
        kept = asdict(begun) | {"target": target, "until": self._clock().timestamp() + WITHIN_S}
        nonce = os.urandom(_NONCE)
        text = nonce + self._cipher.encrypt(nonce, json.dumps(kept).encode(), None)
        return address, urlsafe_b64encode(text).decode()

    def finish(self, state: str, code: str, cookie: str, caller: Caller) -> tuple[str, str]:
        """Return a new session's token and where to go; raises AccountError and ProviderError.

        `outside` says no more than that it did not work, `outside_unknown` that there is no
        account, `outside_weak` that it needs a second factor, and the provider asked for none.
        """
        kept = self._opened(cookie)
        if not kept or not state or kept.pop("until") < self._clock().timestamp():
            raise AccountError("outside")
        target = str(kept.pop("target"))
        begun = Begun(**kept)
        if state != begun.state:
            raise AccountError("outside")
        told = self._provider.finish(code, begun, self._login_claim)
        now = self._clock()
        with self._store.transaction() as t:
            account = self._account(t, told, now)
            outcome = _refusal(account, told, now)
            name = account.login if account else f"{told.subject[:64]}@{self._provider.issuer}"
            t.audit(audit_entry(name, "sign-in outside", name, outcome or "done", caller))
            if account is not None and outcome is None:
                token = new_secret()
                t.do("note_right", account_id=account.account_id, now=now, step=account.totp_step)
                t.do(
                    "add_session",
                    hash=digest(token),
                    account_id=account.account_id,
                    now=now,
                    address=caller.address,
                    strong=_is_strong(told),
                )
                return token, target
        raise AccountError(outcome)

    def _account(self, t: AccessTransaction, told: Told, now: datetime) -> AccountRow | None:
        known = {"issuer": self._provider.issuer, "subject": told.subject}
        account_id = t.number("by_outside_identity", **known)
        if account_id is not None:
            return t.account("by_id", account_id=account_id)
        login = told.claims.get(self._login_claim)
        if not isinstance(login, str) or not login:
            return None
        if self._login_claim == "email" and told.claims.get("email_verified") is not True:
            return None
        account = t.account("by_login", login=login[:200])
        if account is None or _refusal(account, told, now):
            return account
        # No row where the account is already somebody else there.
        added = t.do("add_outside_identity", **known, account_id=account.account_id, now=now)
        return account if added else None

    def _opened(self, cookie: str) -> dict[str, Any]:
        try:
            text = urlsafe_b64decode(cookie)
            kept = json.loads(self._cipher.decrypt(text[:_NONCE], text[_NONCE:], None))
        except (ValueError, InvalidTag):
            return {}
        return dict(kept)


def _refusal(account: AccountRow | None, told: Told, now: datetime) -> str | None:
    if account is None or is_out_of_use(account, now):
        return "outside_unknown"
    needs = account.totp_secret is not None or account.role in NEED_SECOND_FACTOR
    return "outside_weak" if needs and not _is_strong(told) else None


def _is_strong(told: Told) -> bool:
    methods = told.claims.get("amr")
    return isinstance(methods, list) and not _STRONG.isdisjoint(map(str, methods))
