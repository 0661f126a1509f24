"""What the administrator does with accounts, from the command line."""

from datetime import datetime

from api.access.role import ROLES_OF, Right, Role
from api.access.rule import LINK_LIFE
from api.access.secret import digest, new_secret
from plant.errors import ConfigurationError
from plant.place import checked_code
from store.access.account import AccessStore, AccessTransaction, AccountRow


def add_account(
    store: AccessStore,
    login: str,
    name: str,
    role: Role,
    organisation: str,
    kind: str,
    now: datetime,
    who: str,
) -> None:
    """Add somebody to an organisation; an enterprise's organisation has the enterprise's code.

    Raises ConfigurationError for a role that its people cannot have, and for a login that is taken.
    """
    if role not in ROLES_OF.get(kind, frozenset()):
        allowed = ", ".join(sorted(ROLES_OF.get(kind, frozenset())))
        raise ConfigurationError(f"people of a {kind} are {allowed or 'nobody'}; not {role}")
    with store.transaction() as t:
        organisation_id = t.number(
            "add_organisation",
            code=checked_code(organisation),
            kind=kind,
            name=organisation,
            enterprise=organisation if kind == "enterprise" else None,
        )
        added = t.number(
            "add_account",
            organisation_id=organisation_id,
            login=login,
            name=name,
            role=role.value,
            now=now,
            expires_at=None,
        )
        if added is None:
            raise ConfigurationError(f"there is an account {login!r} already")
        _note(t, who, "account-added", login)


def make_link(store: AccessStore, login: str, now: datetime, who: str) -> str:
    """Return a one-time secret by which somebody sets their password within a day.

    Who has lost the second factor gets rid of it by this, too. Raises ConfigurationError.
    """
    link = new_secret()
    with store.transaction() as t:
        account = _known(t, login)
        t.do(
            "add_link", hash=digest(link), account_id=account.account_id, expires_at=now + LINK_LIFE
        )
        t.do("set_second_factor", account_id=account.account_id, secret=None, step=0)
        t.do("drop_outside_identities", account_id=account.account_id)
        t.do("end_sessions", account_id=account.account_id)
        t.do("set_disabled", login=login, at=None, now=now)
        _note(t, who, "link-made", login)
    return link


def disable(store: AccessStore, login: str, now: datetime, who: str) -> None:
    """Close an account and end its sessions; raises ConfigurationError."""
    with store.transaction() as t:
        account = _known(t, login)
        t.do("set_disabled", login=login, at=now, now=now)
        t.do("end_sessions", account_id=account.account_id)
        _note(t, who, "account-disabled", login)


def add_token(
    store: AccessStore,
    login: str,
    name: str,
    rights: list[Right],
    kind: str,
    expires_at: datetime,
    now: datetime,
    who: str,
) -> tuple[str, str]:
    """Return id and secret of a new token of an account: `personal`, or `client` (OAuth 2.0)."""
    secret, token_id = new_secret(), new_secret()[:16]
    with store.transaction() as t:
        account = _known(t, login)
        t.do(
            "add_token",
            hash=digest(secret),
            token_id=token_id,
            account_id=account.account_id,
            kind=kind,
            name=name,
            rights=[right.value for right in rights],
            now=now,
            expires_at=expires_at,
        )
        _note(t, who, f"token-added {token_id}", login)
    return token_id, secret


def revoke_token(store: AccessStore, login: str, token_id: str, now: datetime, who: str) -> None:
    """Make a token worthless; raises ConfigurationError when it is not there."""
    with store.transaction() as t:
        account = _known(t, login)
        if not t.do("revoke_token", token_id=token_id, account_id=account.account_id, now=now):
            raise ConfigurationError(f"{login} has no token {token_id}")
        _note(t, who, f"token-revoked {token_id}", login)


def _known(t: AccessTransaction, login: str) -> AccountRow:
    account = t.account("by_login", login=login)
    if account is None:
        raise ConfigurationError(f"there is no account {login!r}")
    return account


def _note(t: AccessTransaction, who: str, action: str, target: str) -> None:
    t.audit(
        {"who": who, "action": action, "target": target, "result": "done", "from": "command line"}
    )
