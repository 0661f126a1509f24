"""Rules of information-security level 2 for accounts: passwords, tries, sessions, disuse."""

from datetime import datetime, timedelta

from api.access.role import NEED_SECOND_FACTOR, Role
from store.access.account import AccountRow, SessionRow

MOST_TRIES = 5
LOCKED_FOR = timedelta(minutes=15)
SHORTEST_WITH_SECOND_FACTOR = 8
SHORTEST = 14
LONGEST = 256
IDLE_LIMIT = timedelta(minutes=15)
ABSOLUTE_LIMIT = timedelta(hours=12)
ADMINISTRATORS_IDLE_LIMIT = timedelta(minutes=5)
ADMINISTRATORS_ABSOLUTE_LIMIT = timedelta(hours=1)
DISUSE = timedelta(days=45)
ADMINISTRATORS_ROTATION = timedelta(days=60)
LINK_LIFE = timedelta(hours=24)
BEARER_LIFE = timedelta(minutes=15)


def password_fault(password: str, account: AccountRow) -> str | None:
    """Return why a password cannot be taken, as a key of the words; None when it can."""
    strong = account.totp_secret is not None or account.role in NEED_SECOND_FACTOR
    if len(password) < (SHORTEST_WITH_SECOND_FACTOR if strong else SHORTEST):
        return "short_strong" if strong else "short"
    if len(password) > LONGEST:
        return "long"
    plain = password.casefold()
    if len(set(plain)) < 5 or plain in {account.login, account.login * 2}:
        return "plain"
    return None


def is_out_of_use(account: AccountRow, now: datetime) -> bool:
    """Tell whether an account is closed: disabled, at its end, or not used for too long."""
    last = account.used_at or account.made_at
    expired = account.expires_at is not None and now >= account.expires_at
    return account.disabled_at is not None or expired or now - last > DISUSE


def is_locked(account: AccountRow, now: datetime) -> bool:
    """Tell whether too many wrong tries have closed an account for the moment."""
    return account.locked_until is not None and now < account.locked_until


def lock_after(account: AccountRow, now: datetime) -> tuple[int, datetime | None]:
    """Return the count of wrong tries after one more, and until when the account is closed."""
    tries = account.wrong_tries + 1
    return (0, now + LOCKED_FOR) if tries >= MOST_TRIES else (tries, None)


def is_over(session: SessionRow, account: AccountRow, now: datetime) -> bool:
    """Tell whether a session has ended by disuse or age."""
    administrator = account.role == Role.ADMINISTRATOR
    idle = ADMINISTRATORS_IDLE_LIMIT if administrator else IDLE_LIMIT
    whole = ADMINISTRATORS_ABSOLUTE_LIMIT if administrator else ABSOLUTE_LIMIT
    return now - session.seen_at > idle or now - session.began_at > whole


def must_change_password(account: AccountRow, now: datetime) -> bool:
    """Tell whether an administrator's password is too old."""
    if account.role != Role.ADMINISTRATOR or account.password_set_at is None:
        return False
    return now - account.password_set_at > ADMINISTRATORS_ROTATION
