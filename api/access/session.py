"""How a browser, which sends no header of its own, shows the token: a cookie made from it."""

import hmac
from hashlib import sha256

SESSION_COOKIE = "session"
LASTS_S = 30 * 86_400


def session_of(token: str) -> str:
    """Return the cookie of a token; whoever reads it does not learn the token.

    Another token makes every cookie of the old one worthless.
    """
    return hmac.new(token.encode(), b"nhipmay session", sha256).hexdigest()


def is_token(given: str, token: str) -> bool:
    """Tell whether a text is the token, in a time that tells nothing of it."""
    return hmac.compare_digest(given.strip().encode(), token.encode())


def is_session(given: str, token: str) -> bool:
    """Tell whether a cookie was made from the token."""
    return hmac.compare_digest(given.encode(), session_of(token).encode())
