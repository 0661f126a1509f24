"""Talking to a provider of identities (OpenID Connect Core 1.0, authorization code with PKCE).

The protocol is Authlib's, signatures are joserfc's; every call goes through the guard on outgoing
addresses.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import urlencode

from authlib.common.security import generate_token  # type: ignore[import-untyped]  # no types
from authlib.oauth2.base import OAuth2Error  # type: ignore[import-untyped]  # no types
from authlib.oauth2.client import OAuth2Client  # type: ignore[import-untyped]  # no types
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]  # no types
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from plant.errors import NhipmayError, TransientError
from plant.outgoing import Network, call

CALL_S = 10.0
_KNOWN_S = 3_600.0
_KEYS_S = 60.0
_LEEWAY_S = 60
ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"]
"""Signatures that are taken; `none` and those by a shared secret are not."""


class ProviderError(NhipmayError):
    """The provider of identities does not answer as it should."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What has to be remembered between the way to the provider and the way back."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class Told:
    """Who somebody is, by the provider's signed word."""

    subject: str
    claims: Mapping[str, Any]


class Provider:
    """One provider, as one client."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str,
        networks: Sequence[Network] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._networks = networks
        self._clock = clock
        self._lock = Lock()
        self._known: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def begin(self, redirect_uri: str) -> tuple[str, Begun]:
        """Return where to send the browser, and what to remember; raises ProviderError."""
        begun = Begun(generate_token(32), generate_token(32), generate_token(64), redirect_uri)
        address, _ = self._client(begun).create_authorization_url(
            str(self._metadata()["authorization_endpoint"]),
            state=begun.state,
            nonce=begun.nonce,
            code_verifier=begun.verifier,
        )
        return str(address), begun

    def finish(self, code: str, begun: Begun, claim: str) -> Told:
        """Exchange the code for the provider's word on who it is, `claim` if it has it.

        Raises ProviderError.
        """
        try:
            answer = self._client(begun).fetch_token(
                str(self._metadata()["token_endpoint"]),
                grant_type="authorization_code",
                code=code,
                redirect_uri=begun.redirect_uri,
                code_verifier=begun.verifier,
            )
        except (OAuth2Error, ValueError) as exc:
            raise ProviderError(f"{self.issuer} gives no token for the code: {exc}") from exc
        told = self.told(str(answer.get("id_token", "")), begun.nonce)
        if claim in told.claims:
            return told
        return self._told_more(told, str(answer.get("access_token", "")))

    def _told_more(self, told: Told, token: str) -> Told:
        """Return what the provider says beside its signed word: as it should, on request."""
        where = self._metadata().get("userinfo_endpoint")
        if not isinstance(where, str):
            return told
        more = self._fetched(where, {"Authorization": f"Bearer {token}"})
        if more.get("sub") != told.subject:
            raise ProviderError(f"{self.issuer} tells of somebody else")
        return Told(told.subject, more | dict(told.claims))

    def told(self, text: str, nonce: str) -> Told:
        """Return whom a signed word (ID token) names; raises ProviderError."""
        try:
            try:
                token = jwt.decode(text, self._key_set(), algorithms=ALGORITHMS)
            except (JoseError, ValueError):
                # Perhaps by a key that is newer than those we know.
                token = jwt.decode(text, self._key_set(anew=True), algorithms=ALGORITHMS)
            claims = CodeIDToken(
                token.claims,
                token.header,
                options={
                    "iss": {"essential": True, "value": self.issuer},
                    "aud": {"essential": True, "value": self._client_id},
                },
                params={"nonce": nonce, "client_id": self._client_id},
            )
            claims.validate(leeway=_LEEWAY_S)
        except (JoseError, ValueError) as exc:
            raise ProviderError(f"the word of {self.issuer} is not good: {exc}") from exc
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise ProviderError(f"{self.issuer} names nobody")
        return Told(subject, dict(claims))

    def _client(self, begun: Begun) -> Any:
        return OAuth2Client(
            _Session(self._networks),
            client_id=self._client_id,
            client_secret=self._client_secret,
            scope="openid profile email",
            redirect_uri=begun.redirect_uri,
            code_challenge_method="S256",
        )

    def _metadata(self) -> dict[str, Any]:
        with self._lock:
            if self._known is not None and self._clock() - self._known[0] < _KNOWN_S:
                return self._known[1]
        found = self._fetched(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self.issuer:
            raise ProviderError(f"{self.issuer} says that it is {found.get('issuer')!r}")
        needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if not all(isinstance(found.get(name), str) for name in needed):
            raise ProviderError(f"{self.issuer} does not say where its endpoints are")
        with self._lock:
            self._known = (self._clock(), found)
        return found

    def _key_set(self, *, anew: bool = False) -> KeySet:
        with self._lock:
            known = self._keys
        age = self._clock() - known[0] if known else 0.0
        # Anew, but seldom: anybody can come with a key that nobody knows.
        if known is not None and age < (_KEYS_S if anew else _KNOWN_S):
            return known[1]
        found = self._fetched(str(self._metadata()["jwks_uri"]))
        try:
            keys = KeySet.import_key_set(found)  # type: ignore[arg-type]
        except (JoseError, ValueError, KeyError, TypeError) as exc:
            raise ProviderError(f"{self.issuer} has no keys that can be used: {exc}") from exc
        with self._lock:
            self._keys = (self._clock(), keys)
        return keys

    def _fetched(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        answer = call("GET", url, headers=headers, networks=self._networks, timeout_s=CALL_S)
        try:
            found = json.loads(answer.body)
        except ValueError:
            found = None
        if answer.status != 200 or not isinstance(found, dict):
            raise ProviderError(f"{self.issuer} answers {answer.status} where it should say more")
        return found


class _Session:
    """What Authlib calls to send a request: through the guard."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = networks

    def post(
        self, url: str, data: Mapping[str, str], headers: Mapping[str, str], auth: Any
    ) -> "_Response":
        """Send a form with the client's own proof of who it is."""
        uri, prepared, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        answer = call(
            "POST",
            uri,
            body=body.encode(),
            headers=prepared,
            networks=self._networks,
            timeout_s=CALL_S,
        )
        return _Response(answer.status, answer.body)


@dataclass(frozen=True, slots=True)
class _Response:
    status_code: int
    body: bytes

    def json(self) -> Any:
        """Return the content; raises ValueError."""
        return json.loads(self.body)

    def raise_for_status(self) -> None:
        """Raise TransientError for an answer that is no success."""
        if self.status_code >= 400:
            raise TransientError(f"the provider of identities answers {self.status_code}")
