"""How long a body may be, by route; `api.http.bounds` keeps to it."""

from starlette.types import Scope

from api.http.bounds import USUAL_BODY

LARGEST_FILE = 32_000_000
"""Bytes of a file of master data."""
LARGEST_LIST = 16_000_000
"""Bytes of a list of documents."""
LARGEST_RECORD = 5_200_000
"""Bytes of a form of a record, or of a file that is added to one."""
_ENVELOPE = 500_000
"""What is said of a file beside it."""
_SIGN_IN = 10_000
_BY_PATH = {
    **dict.fromkeys(("/api/v1/mes-files", "/api/v1/mes-files/layout"), LARGEST_FILE + _ENVELOPE),
    "/sign-in": _SIGN_IN,
}


def largest_body(scope: Scope) -> int:
    """Return how many bytes the body of a request may have."""
    path = scope["path"]
    if path.startswith("/api/v1/mes/"):
        return LARGEST_LIST
    if path.startswith("/programme/"):
        return LARGEST_RECORD
    return _BY_PATH.get(path, USUAL_BODY)
