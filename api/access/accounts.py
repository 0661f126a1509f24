"""Signing in and out, and what somebody may change about their own account."""

from dataclasses import dataclass
from datetime import datetime

import structlog

from api.access.entry.factor import FactorCipher, FactorUnreadableError, is_closed
from api.access.principal import Principal, Reach
from api.access.role import NEED_SECOND_FACTOR, RIGHTS, Right, Role
from api.access.rule import (
    BEARER_LIFE,
    is_locked,
    is_out_of_use,
    is_over,
    lock_after,
    must_change_password,
    password_fault,
)
from api.access.secret import (
    digest,
    hash_of_password,
    is_password,
    new_recovery_codes,
    new_secret,
    step_of_code,
)
from plant.clock import Clock, system_clock
from store.access.account import AccessStore, AccessTransaction, AccountRow, TokenRow

_log = structlog.get_logger()


class AccountError(Exception):
    """Something about an account is refused; the first argument is a key of the words for it."""

    @property
    def words(self) -> str:
        """The key of the words."""
        return str(self.args[0])


@dataclass(frozen=True, slots=True)
class Caller:
    """From where something is done."""

    address: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a client is given."""

    token: str
    scope: str
    expires_in_s: int


def audit_entry(who: str, action: str, target: str, result: str, caller: Caller) -> dict[str, str]:
    """Return what the audit says of an action."""
    return {
        "who": who,
        "action": action,
        "target": target[:400],
        "result": result,
        "from": caller.address,
        "request": caller.request_id,
    }


class Accounts:
    """The accounts of one installation, by the wall's clock."""

    def __init__(
        self, store: AccessStore, factors: FactorCipher, clock: Clock = system_clock
    ) -> None:
        self._store = store
        self._factors = factors
        self._clock = clock

    def close(self) -> None:
        """Close every connection."""
        self._store.close()

    def sign_in(self, login: str, password: str, code: str, caller: Caller) -> str:
        """Return a new session's token.

        Raises AccountError `wrong` (which says no more than that something was), `code` where
        everything but the second factor was right, or `locked`.
        """
        now = self._clock()
        with self._store.transaction() as t:
            account = t.account("by_login", login=login[:200])
            # Also where there is no account: how long the answer takes would tell which logins
            # there are.
            right = is_password(password, account.password_hash if account else None)
            outcome: str | None = "wrong"
            step = 0
            if account is not None and is_locked(account, now):
                outcome = "locked"
            elif account is not None and right and not is_out_of_use(account, now):
                step, outcome = self._second_factor(t, account, code, now)
            if (
                account is not None
                and outcome in {"wrong", "wrong_code"}
                and not is_locked(account, now)
            ):
                tries, until = lock_after(account, now)
                t.do("note_wrong", account_id=account.account_id, tries=tries, locked_until=until)
            name = account.login if account else login[:64]
            if outcome != "code":
                self._audit(t, name, "sign-in", name, outcome or "done", caller)
            if outcome is None and account is not None:
                t.do("note_right", account_id=account.account_id, now=now, step=step)
                token = new_secret()
                strong = account.totp_secret is not None
                t.do(
                    "add_session",
                    hash=digest(token),
                    account_id=account.account_id,
                    now=now,
                    address=caller.address,
                    strong=strong,
                )
                return token
        # Behind the transaction: raised within, it would undo the count of wrong tries and the
        # audit.
        raise AccountError(outcome)

    def _second_factor(
        self, t: AccessTransaction, account: AccountRow, code: str, now: datetime
    ) -> tuple[int, str | None]:
        if account.totp_secret is None:
            return account.totp_step, None
        given = code.strip().lower().replace(" ", "")
        if not given:
            return account.totp_step, "code"
        step = None
        try:
            secret = self._factors.opened(account.totp_secret, account.account_id)
        # Recovery codes need no key, so they go on to work.
        except FactorUnreadableError:
            _log.error("second_factor_unreadable", login=account.login)
        else:
            step = step_of_code(given, secret, account.totp_step, now)
        if step is not None:
            if not is_closed(account.totp_secret):
                closed = self._factors.closed(secret, account.account_id)
                t.do("close_second_factor", account_id=account.account_id, secret=closed)
            return step, None
        used = t.do("use_code", account_id=account.account_id, hash=digest(given))
        return account.totp_step, None if used else "wrong_code"

    def of_session(self, token: str, *, used: bool = True) -> Principal | None:
        """Return whose session a cookie is, if it has not ended; using it keeps it alive."""
        now = self._clock()
        key = digest(token)
        with self._store.transaction() as t:
            session = t.session(key)
            account = t.account("by_id", account_id=session.account_id) if session else None
            if session is None or account is None:
                return None
            if is_over(session, account, now) or is_out_of_use(account, now):
                t.do("end_session", hash=key)
                return None
            if used:
                t.do("touch_session", hash=key, now=now)
        must = ""
        if not session.strong and account.role in NEED_SECOND_FACTOR:
            must = "second-factor"
        elif must_change_password(account, now):
            must = "password"
        return _principal(account, RIGHTS.get(Role(account.role), frozenset()), key, must)

    def of_token(self, token: str) -> Principal | None:
        """Return for whom a token speaks, if it is good: with no more rights than both have."""
        now = self._clock()
        key = digest(token)
        with self._store.transaction() as t:
            row = t.token(key, now)
            # The secret of a client is no token: it can only be exchanged for one.
            if row is None or row.kind == "client":
                return None
            account = t.account("by_id", account_id=row.account_id)
            if account is None or is_out_of_use(account, now):
                return None
            t.do("touch_token", hash=key, now=now)
        granted = RIGHTS.get(Role(account.role), frozenset()) & set(map(Right, row.rights))
        return Principal(
            f"{account.login}/{row.token_id}",
            granted,
            reach_of(account),
            "personal" if row.kind == "personal" else "bearer",
            account.account_id,
            token_hash=key,
        )

    def lasts(self, principal: Principal) -> bool:
        """Tell whether a session or token that was good still is; asking is no use of it."""
        now = self._clock()
        with self._store.transaction() as t:
            account = t.account("by_id", account_id=principal.account_id)
            if account is None or is_out_of_use(account, now):
                return False
            if principal.token_hash is not None:
                return t.token(principal.token_hash, now) is not None
            session = t.session(principal.session_hash or b"")
        return session is not None and not is_over(session, account, now)

    def sign_out(self, principal: Principal, caller: Caller) -> None:
        """End a session."""
        with self._store.transaction() as t:
            t.do("end_session", hash=principal.session_hash)
            self._audit(t, principal.name, "sign-out", principal.name, "done", caller)

    def link_is_good(self, link: str) -> bool:
        """Tell whether a one-time link can still be used."""
        with self._store.transaction() as t:
            return t.number("link_owner", hash=digest(link), now=self._clock()) is not None

    def use_link(self, link: str, password: str, caller: Caller) -> None:
        """Set the password of a link's account; raises AccountError."""
        now = self._clock()
        with self._store.transaction() as t:
            account_id = t.number("use_link", hash=digest(link), now=now)
            account = t.account("by_id", account_id=account_id) if account_id else None
            if account is None:
                raise AccountError("link")
            self._set_password(t, account, password, now, caller)

    def change_password(self, principal: Principal, old: str, new: str, caller: Caller) -> None:
        """Set another password; every other session ends. Raises AccountError."""
        now = self._clock()
        with self._store.transaction() as t:
            account = self._own(t, principal)
            if not is_password(old, account.password_hash):
                raise AccountError("wrong")
            if old == new:
                raise AccountError("same")
            self._set_password(t, account, new, now, caller)

    def set_second_factor(
        self, principal: Principal, secret: str, code: str, caller: Caller
    ) -> list[str]:
        """Take a second factor that shows its code; return the recovery codes, shown once."""
        now = self._clock()
        with self._store.transaction() as t:
            account = self._own(t, principal)
            if account.totp_secret is not None:
                raise AccountError("has_factor")
            step = step_of_code(code.strip().replace(" ", ""), secret, 0, now)
            if step is None:
                raise AccountError("wrong_code")
            codes = new_recovery_codes()
            closed = self._factors.closed(secret, account.account_id)
            t.do("set_second_factor", account_id=account.account_id, secret=closed, step=step)
            t.replace_codes(account.account_id, [digest(one) for one in codes])
            t.do("end_sessions", account_id=account.account_id)
            self._audit(t, account.login, "second-factor", account.login, "done", caller)
        return codes

    def exchange(self, client_id: str, secret: str, wanted: list[str], caller: Caller) -> Grant:
        """Return a short-lived token for a client that shows its secret (RFC 6749, 4.4).

        Raises AccountError `invalid_client`, or `invalid_scope` for rights that it was not given.
        """
        now = self._clock()
        with self._store.transaction() as t:
            refused = None
            row = t.token(digest(secret), now)
            if row is None or row.kind != "client" or row.token_id != client_id:
                self._audit(t, client_id[:64], "client-token", client_id[:64], "wrong", caller)
                refused = "invalid_client"
            elif not set(wanted) <= set(row.rights):
                self._audit(t, client_id, "client-token", client_id, "not-allowed", caller)
                refused = "invalid_scope"
            else:
                rights = wanted or row.rights
                token = new_secret()
                t.do("touch_token", hash=digest(secret), now=now)
                t.do(
                    "add_token",
                    hash=digest(token),
                    token_id=new_secret()[:16],
                    account_id=row.account_id,
                    kind="bearer",
                    name=row.name,
                    rights=rights,
                    now=now,
                    expires_at=min(now + BEARER_LIFE, row.expires_at),
                )
                self._audit(t, client_id, "client-token", client_id, "done", caller)
        # Here for the same reason as in `sign_in`: the audit has to keep it.
        if refused is not None:
            raise AccountError(refused)
        return Grant(token, " ".join(rights), int(BEARER_LIFE.total_seconds()))

    def tokens(self, principal: Principal) -> list[TokenRow]:
        """Return the tokens of one's own account."""
        with self._store.transaction() as t:
            return t.tokens(self._own(t, principal).account_id)

    def record(
        self, principal: Principal, action: str, target: str, result: str, caller: Caller
    ) -> None:
        """Append to the audit what somebody did."""
        with self._store.transaction() as t:
            self._audit(t, principal.name, action, target, result, caller)

    def own(self, principal: Principal) -> AccountRow:
        """Return one's own account; raises AccountError where there is none."""
        with self._store.transaction() as t:
            return self._own(t, principal)

    def _own(self, t: AccessTransaction, principal: Principal) -> AccountRow:
        account = t.account("by_id", account_id=principal.account_id)
        if account is None:
            raise AccountError("wrong")
        return account

    def _set_password(
        self,
        t: AccessTransaction,
        account: AccountRow,
        password: str,
        now: datetime,
        caller: Caller,
    ) -> None:
        fault = password_fault(password, account)
        if fault is not None:
            raise AccountError(fault)
        hashed = hash_of_password(password)
        t.do("set_password", account_id=account.account_id, hash=hashed, now=now)
        t.do("end_sessions", account_id=account.account_id)
        self._audit(t, account.login, "password", account.login, "done", caller)

    def _audit(
        self, t: AccessTransaction, who: str, action: str, target: str, result: str, caller: Caller
    ) -> None:
        t.audit(audit_entry(who, action, target, result, caller))


def reach_of(account: AccountRow) -> Reach | str:
    """Return whose data an account sees."""
    if account.enterprise is not None:
        return account.enterprise
    return Reach.AGGREGATES if account.organisation_kind == "department" else Reach.NOBODY


def _principal(account: AccountRow, rights: frozenset[Right], key: bytes, must: str) -> Principal:
    return Principal(
        account.login,
        rights,
        reach_of(account),
        "session",
        account.account_id,
        key,
        must,  # type: ignore[arg-type]
    )
