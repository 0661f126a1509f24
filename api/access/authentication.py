"""Who a request is from, by what it shows: a token, or the cookie of a session."""

import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import Protocol

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from api.access.brake import Brake
from api.access.entry.tablet import MARK
from api.access.principal import INSTALLATION, NOBODY, Principal
from api.access.refusal import RefusalError, TryLaterError, UnknownError
from api.access.session import SESSION_COOKIE, is_session, is_token

SECURE_COOKIE = f"__Host-{SESSION_COOKIE}"
"""Its name over TLS: browsers take it from this very host only, and give it to no other."""
_REMEMBERED_S = 3.0
_MOST_REMEMBERED = 2_000


class KnownPeople(Protocol):
    """What finds out whose a credential is."""

    def of_session(self, token: str, *, used: bool = True) -> Principal | None:
        """Return whose session it is; unless `used`, being asked does not keep it alive."""

    def of_token(self, token: str) -> Principal | None:
        """Return for whom a token speaks."""

    def lasts(self, principal: Principal) -> bool:
        """Tell whether somebody's session or token is still good."""


class KnownPlaces(Protocol):
    """What finds out which place a shared tablet is."""

    def of_token(self, token: str) -> Principal | None:
        """Return which place it is."""

    def lasts(self, device_id: int) -> bool:
        """Tell whether a tablet is still good."""


class Authentication:
    """Finds out who asks. What it found holds for `_REMEMBERED_S`, as most ask again at once."""

    def __init__(
        self,
        token: str | None,
        people: KnownPeople | None,
        brake: Brake,
        tablets: KnownPlaces | None = None,
    ) -> None:
        """With `people` there are accounts; without, one token is for everybody, or none is."""
        self._tablets = tablets
        self._token = token
        self._people = people
        self._brake = brake
        self._lock = Lock()
        self._found: OrderedDict[str, tuple[float, Principal]] = OrderedDict()

    @property
    def is_quick(self) -> bool:
        """Whether nothing has to be looked up."""
        return self._people is None

    def principal(self, headers: Headers, address: str, *, used: bool = True) -> Principal:
        """Return who asks; `NOBODY` who shows nothing, or a session that has ended.

        What a page asks by itself is no use of a session (`used` is false): it would never end.
        Raises UnknownError for a token that is not good, and TryLaterError.
        """
        if self._people is None and self._token is None:
            return INSTALLATION
        scheme, _, given = headers.get("authorization", "").partition(" ")
        # Of other kinds routes make what they can: clients show their secret as `Basic`.
        if scheme.lower() == "bearer":
            # Headers come as Latin-1 whatever they hold; a token file is UTF-8.
            shown = given.encode("latin-1").decode("utf-8", "replace").strip()
            found = self._of_token(shown)
            if found is None:
                raise self._refusal(address)
            return found
        cookies = cookie_parser(headers.get("cookie", ""))
        cookie = cookies.get(SECURE_COOKIE) or cookies.get(SESSION_COOKIE, "")
        if not cookie:
            return NOBODY
        if self._people is not None:
            if self._tablets is not None and cookie.startswith(MARK):
                return self._remembered(f"p{cookie}", self._tablets.of_token, cookie) or NOBODY
            find = partial(self._people.of_session, used=used)
            # Apart: an answer to the page's own polling does not say that somebody is there.
            return self._remembered(f"s{int(used)}{cookie}", find, cookie) or NOBODY
        ours = self._token is not None and is_session(cookie, self._token)
        return INSTALLATION if ours else NOBODY

    def known(self, headers: Headers, *, used: bool = True) -> Principal | None:
        """Return who asks if that was looked up a moment ago; takes no time."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            shown = given.encode("latin-1").decode("utf-8", "replace").strip()
            return self._fresh(f"t{shown}")
        cookies = cookie_parser(headers.get("cookie", ""))
        cookie = cookies.get(SECURE_COOKIE) or cookies.get(SESSION_COOKIE, "")
        return self._fresh(f"s{int(used)}{cookie}") or self._fresh(f"p{cookie}") if cookie else None

    def _fresh(self, key: str) -> Principal | None:
        with self._lock:
            known = self._found.get(key)
        fresh = known is not None and time.monotonic() - known[0] < _REMEMBERED_S
        return known[1] if known is not None and fresh else None

    def lasts(self, principal: Principal) -> bool:
        """Tell whether somebody whose request is still being served may go on."""
        if principal.device_id is not None:
            return self._tablets is not None and self._tablets.lasts(principal.device_id)
        if principal.account_id is None or self._people is None:
            return True
        return self._people.lasts(principal)

    def forget(self) -> None:
        """Look everybody up anew: somebody has signed out, or may do other things from now on."""
        with self._lock:
            self._found.clear()

    def _of_token(self, shown: str) -> Principal | None:
        if self._token is not None and is_token(shown, self._token):
            return INSTALLATION
        if self._people is None or not shown:
            return None
        return self._remembered(f"t{shown}", self._people.of_token, shown)

    def _remembered(
        self, key: str, find: Callable[[str], Principal | None], shown: str
    ) -> Principal | None:
        known = self._fresh(key)
        if known is not None:
            return known
        now = time.monotonic()
        found = find(shown)
        with self._lock:
            self._found.pop(key, None)
            # Only who was found: who has signed in a moment ago is not kept out by a former answer.
            if found is not None:
                self._found[key] = (now, found)
            while len(self._found) > _MOST_REMEMBERED:
                self._found.popitem(last=False)
        return found

    def _refusal(self, address: str) -> RefusalError:
        wait_s = self._brake.wait_s(address)
        if wait_s:
            return TryLaterError(wait_s)
        self._brake.note_fault(address)
        return UnknownError()
