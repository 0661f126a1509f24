"""Visitors of a demo: who sits at its machine takes one of its roles without a password."""

from collections.abc import Sequence

from api.access.accounts import AccountError, Caller, audit_entry
from api.access.secret import digest, new_secret
from plant.clock import Clock, system_clock
from store.access.account import AccessStore, AccountRow


class Visitors:
    """The accounts of a demo that visitors may take; the first is the one they begin with."""

    def __init__(
        self, store: AccessStore, logins: Sequence[str], clock: Clock = system_clock
    ) -> None:
        self._store = store
        self._logins = tuple(logins)
        self._clock = clock

    @property
    def first(self) -> str:
        """The login that a visitor begins with."""
        return self._logins[0]

    def accounts(self) -> list[AccountRow]:
        """Return the accounts to choose from."""
        with self._store.transaction() as t:
            found = [t.account("by_login", login=login) for login in self._logins]
        return [account for account in found if account is not None]

    def begin(self, login: str, caller: Caller) -> str:
        """Return a new session's token; raises AccountError `wrong` for any other login."""
        now = self._clock()
        with self._store.transaction() as t:
            account = t.account("by_login", login=login) if login in self._logins else None
            if account is None:
                raise AccountError("wrong")
            token = new_secret()
            t.do("note_right", account_id=account.account_id, now=now, step=account.totp_step)
            t.do(
                "add_session",
                hash=digest(token),
                account_id=account.account_id,
                now=now,
                address=caller.address,
                # Nothing here is worth a second factor, and every role is to be tried.
                strong=True,
            )
            t.audit(audit_entry(account.login, "visit", account.login, "done", caller))
        return token
