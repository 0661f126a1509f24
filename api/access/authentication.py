"""Who a request is from, by what it shows: a token, or the cookie of a session."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
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
from plant.errors import ConfigurationError, StoreUnavailableError

SECURE_COOKIE = f"__Host-{SESSION_COOKIE}"
"""Its name over TLS: browsers take it from this very host only, and give it to no other."""
REMEMBERED_S = 1.0
"""How long at most somebody passes for who they were: whatever ends them is felt by then."""
_AGAIN_S = 0.5
"""After so long it is looked up again, beside the request that asks, which does not wait for it."""
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


@dataclass(slots=True)
class _Found:
    """Who a credential was of, and when that was looked up."""

    at: float
    principal: Principal
    is_looked_up: bool = False


Find = Callable[[str], Principal | None]


class Authentication:
    """Finds out who asks. What it found holds for `REMEMBERED_S`, as most ask again at once."""

    def __init__(
        self,
        token: str | None,
        people: KnownPeople | None,
        brake: Brake,
        tablets: KnownPlaces | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """With `people` there are accounts; without, one token is for everybody, or none is."""
        self._clock = clock
        self._tablets = tablets
        self._token = token
        self._people = people
        self._brake = brake
        self._lock = Lock()
        self._found: OrderedDict[str, _Found] = OrderedDict()
        self._forgotten = 0

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
            shown = _shown(given)
            if self._token is not None and is_token(shown, self._token):
                return INSTALLATION
            key = f"t{shown}"
            found = self._remembered(key) if shown and self._people is not None else None
            if found is None:
                raise self._refusal(address)
            return found
        cookie = _cookie(headers)
        if not cookie:
            return NOBODY
        if self._people is not None:
            return self._remembered(self._key_of(cookie, used=used)) or NOBODY
        ours = self._token is not None and is_session(cookie, self._token)
        return INSTALLATION if ours else NOBODY

    def known(
        self, headers: Headers, *, used: bool = True
    ) -> tuple[Principal, Callable[[], None] | None] | None:
        """Return who asks if that was looked up a moment ago; takes no time.

        Beside it what looks them up again, where it is time for that: whoever serves the request
        lets it run in another thread.
        """
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            key = f"t{_shown(given)}"
        else:
            cookie = _cookie(headers)
            key = self._key_of(cookie, used=used) if cookie else ""
        now = self._clock()
        with self._lock:
            found = self._found.get(key)
            if found is None or now - found.at >= REMEMBERED_S:
                return None
            if found.is_looked_up or now - found.at < _AGAIN_S:
                return found.principal, None
            found.is_looked_up = True
        return found.principal, partial(self._look_again, key)

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
            self._forgotten += 1

    def _key_of(self, cookie: str, *, used: bool) -> str:
        if self._tablets is not None and cookie.startswith(MARK):
            return f"p{cookie}"
        # Apart: an answer to the page's own polling does not say that somebody is there.
        return f"s{int(used)}{cookie}"

    def _finder(self, key: str) -> tuple[Find, str]:
        assert self._people is not None
        if key.startswith("t"):
            return self._people.of_token, key[1:]
        if key.startswith("p"):
            assert self._tablets is not None
            return self._tablets.of_token, key[1:]
        return partial(self._people.of_session, used=key[1] == "1"), key[2:]

    def _remembered(self, key: str) -> Principal | None:
        with self._lock:
            known = self._found.get(key)
        if known is not None and self._clock() - known.at < REMEMBERED_S:
            return known.principal
        return self._looked_up(key)

    def _look_again(self, key: str) -> None:
        try:
            self._looked_up(key)
        except (StoreUnavailableError, ConfigurationError):
            # Whoever asks when what is known has become too old is told.
            with self._lock:
                if (known := self._found.get(key)) is not None:
                    known.is_looked_up = False

    def _looked_up(self, key: str) -> Principal | None:
        # Before the look: what is changed while it lasts may have been missed.
        now, forgotten = self._clock(), self._forgotten
        find, shown = self._finder(key)
        found = find(shown)
        with self._lock:
            self._found.pop(key, None)
            # Only who was found: who has signed in a moment ago is not kept out by a former answer.
            if found is not None and forgotten == self._forgotten:
                self._found[key] = _Found(now, found)
            while len(self._found) > _MOST_REMEMBERED:
                self._found.popitem(last=False)
        return found

    def _refusal(self, address: str) -> RefusalError:
        wait_s = self._brake.wait_s(address)
        if wait_s:
            return TryLaterError(wait_s)
        self._brake.note_fault(address)
        return UnknownError()


def _shown(given: str) -> str:
    # Headers come as Latin-1 whatever they hold; a token file is UTF-8.
    return given.encode("latin-1").decode("utf-8", "replace").strip()


def _cookie(headers: Headers) -> str:
    cookies = cookie_parser(headers.get("cookie", ""))
    return cookies.get(SECURE_COOKIE) or cookies.get(SESSION_COOKIE, "")
