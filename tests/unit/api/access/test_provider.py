"""A provider's signed word: taken when it is this provider's, for this client, now, and for us."""

from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from api.access.entry.provider import Provider, ProviderError

ISSUER, CLIENT = "https://provider.example.vn", "nhip-may"
KEY = ECKey.generate_key("P-256", {"kid": "1", "use": "sig", "alg": "ES256"})
OTHER = ECKey.generate_key("P-256", {"kid": "1", "use": "sig", "alg": "ES256"})


class Silent(Provider):
    """A provider whose documents are given, so that nobody is called."""

    documents: dict[str, Any]
    fetched: list[str]

    def _fetched(self, url: str, headers: Any = None) -> dict[str, Any]:
        self.fetched.append(url)
        found: dict[str, Any] = self.documents[url]
        return found


@pytest.fixture
def provider() -> Silent:
    provider = Silent(ISSUER, CLIENT, "secret", clock=lambda: 0.0)
    provider.fetched = []
    provider.documents = {
        f"{ISSUER}/.well-known/openid-configuration": {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/auth",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
        },
        f"{ISSUER}/keys": {"keys": [KEY.as_dict(private=False)]},
    }
    return provider


def said(**changes: Any) -> dict[str, Any]:
    now = int(datetime.now(UTC).timestamp())
    claims = {"iss": ISSUER, "aud": CLIENT, "sub": "42", "iat": now, "exp": now + 300}
    claims |= {"nonce": "n"} | changes
    return {name: value for name, value in claims.items() if value is not None}


def signed(claims: dict[str, Any], key: ECKey = KEY) -> str:
    return jwt.encode({"alg": "ES256", "kid": "1"}, claims, key)


def test_a_good_word_names_somebody(provider: Silent) -> None:
    told = provider.told(signed(said(preferred_username="ky-su")), "n")

    assert (told.subject, told.claims["preferred_username"]) == ("42", "ky-su")


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"aud": None},
        {"aud": [CLIENT, "another"]},
        {"iss": "https://another.example.vn"},
        {"exp": 1},
        {"exp": None},
        {"iat": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 42},
        {"nbf": 4_000_000_000},
    ],
)
def test_a_word_for_somebody_else_or_another_time_is_not_taken(
    provider: Silent, changes: dict[str, Any]
) -> None:
    with pytest.raises(ProviderError):
        provider.told(signed(said(**changes)), "n")


def test_a_word_that_another_signed_or_nobody_is_not_taken(provider: Silent) -> None:
    shared = OctKey.import_key(str(KEY.as_dict(private=False)["x"]))
    none = signed(said()).split(".")
    header = "eyJhbGciOiJub25lIn0"  # {"alg":"none"}
    for text in (
        signed(said(), OTHER),
        f"{header}.{none[1]}.",
        jwt.encode({"alg": "HS256", "kid": "1"}, said(), shared),
        "",
        "a.b.c",
        signed(said())[:-4] + "AAAA",
    ):
        with pytest.raises(ProviderError):
            provider.told(text, "n")
    # Unknown keys make nobody ask the provider again and again.
    assert provider.fetched.count(f"{ISSUER}/keys") == 1


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://another.example.vn"},
        {"issuer": ISSUER},
        {"issuer": ISSUER, "authorization_endpoint": 1, "token_endpoint": "", "jwks_uri": ""},
        {},
    ],
)
def test_a_provider_that_says_it_is_another_is_not_taken(
    provider: Silent, document: dict[str, Any]
) -> None:
    provider.documents[f"{ISSUER}/.well-known/openid-configuration"] = document

    with pytest.raises(ProviderError):
        provider.begin("https://us.example.vn/back")


def test_the_way_to_the_provider_carries_state_nonce_and_a_challenge(provider: Silent) -> None:
    address, begun = provider.begin("https://us.example.vn/back")
    other, _ = provider.begin("https://us.example.vn/back")

    assert address.startswith(f"{ISSUER}/auth?")
    assert begun.verifier not in address
    for part in (begun.state, begun.nonce, "code_challenge_method=S256", "response_type=code"):
        assert part in address
    assert address != other
