"""Which endpoint of a server is taken, how it is secured, and who logs in."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from asyncua import ua
from asyncua.crypto import security_policies
from asyncua.ua.uaerrors import UaError

from edge_agent.drivers.opcua.client import BoundedClient, SourceClient
from edge_agent.drivers.opcua.settings import OpcUaSettings
from edge_agent.drivers.opcua.trust.certificates import Certificates, fingerprint_of, now_utc

_POLICIES = {
    "Aes256_Sha256_RsaPss": security_policies.SecurityPolicyAes256Sha256RsaPss,
    "Aes128_Sha256_RsaOaep": security_policies.SecurityPolicyAes128Sha256RsaOaep,
    "Basic256Sha256": security_policies.SecurityPolicyBasic256Sha256,
}
"""The strongest first."""
_MODES = {
    "sign_and_encrypt": ua.MessageSecurityMode.SignAndEncrypt,
    "sign": ua.MessageSecurityMode.Sign,
}
_CERTIFICATE_BEGIN = 4
_NO_ANSWER = (UaError, OSError, TimeoutError, AssertionError)
"""The library asserts that a server opens a channel; one that wants security does not."""


class NotTrustedError(Exception):
    """The server's certificate is in no list; the words say what to do."""


class NotOfferedError(Exception):
    """The server has no endpoint as it was asked for; the words say what it has."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One way in that a server offers."""

    policy: str
    mode: ua.MessageSecurityMode
    server_certificate: bytes


async def endpoints_of(url: str, timeout_s: float) -> list[ua.EndpointDescription]:
    """Ask a server, without security, for its endpoints; also where discovery has its own path."""
    client = BoundedClient(url, timeout_s)
    try:
        return await client.connect_and_get_server_endpoints()
    except _NO_ANSWER:
        discovery = urlsplit(url)._replace(path="/discovery").geturl()
        with suppress(*_NO_ANSWER):
            return await BoundedClient(discovery, timeout_s).connect_and_get_server_endpoints()
        raise


def chosen(settings: OpcUaSettings, offered: Sequence[ua.EndpointDescription]) -> Choice:
    """Return the endpoint that the settings ask for; raise NotOfferedError where there is none."""
    wanted = [settings.security_policy] if settings.security_policy != "auto" else list(_POLICIES)
    mode = _MODES[settings.security_mode]
    for policy in wanted:
        for one in offered:
            if _policy_of(one) == policy and one.SecurityMode == mode and one.ServerCertificate:
                return Choice(policy, mode, _first_of_chain(bytes(one.ServerCertificate)))
    raise NotOfferedError(
        f"it does not offer {' or '.join(wanted)} with {settings.security_mode}; "
        f"it offers {offers(offered)}"
    )


def offers(offered: Sequence[ua.EndpointDescription]) -> str:
    """Return in words what a server offers."""
    ways = {f"{_policy_of(one)} with {one.SecurityMode.name}" for one in offered}
    return ", ".join(sorted(ways)) or "nothing"


async def secure(
    client: SourceClient, settings: OpcUaSettings, choice: Choice, certificates: Certificates
) -> None:
    """Have a client speak as the choice says; raise NotTrustedError for an unknown server."""
    der = choice.server_certificate
    if not certificates.trusts(der, now_utc()) and not (
        settings.trust == "first" and certificates.trust_first(settings.endpoint, der)
    ):
        file, fingerprint = certificates.reject(der), fingerprint_of(der)
        raise NotTrustedError(
            f"the server's certificate is not trusted: compare its SHA-256 {fingerprint} with what "
            f"the machine shows, then run `nhipmay edge trust {fingerprint[:16]}` (kept as {file})"
        )
    own = certificates.own(now_utc())
    client.application_uri = own.application_uri
    await client.set_security(
        # Its base class is abstract, each of these is not.
        _POLICIES[choice.policy],  # type: ignore[type-abstract]
        own.certificate,
        own.key,
        server_certificate=der,
        mode=choice.mode,
    )


async def log_in(client: SourceClient, settings: OpcUaSettings) -> None:
    """Tell a client who the user is: a name and password, a certificate, or nobody."""
    if settings.username is not None:
        client.set_user(settings.username)
        client.set_password(settings.secret() or "")
    elif settings.user_certificate_file is not None and settings.user_key_file is not None:
        await client.load_client_certificate(str(settings.user_certificate_file))
        await client.load_private_key(settings.user_key_file)


def _policy_of(endpoint: ua.EndpointDescription) -> str:
    return str(endpoint.SecurityPolicyUri).rpartition("#")[2]


def _first_of_chain(der: bytes) -> bytes:
    """Return the server's own certificate of a chain: an ASN.1 sequence tells its length."""
    if len(der) > _CERTIFICATE_BEGIN and der[0] == 0x30 and der[1] == 0x82:
        return der[: _CERTIFICATE_BEGIN + int.from_bytes(der[2:_CERTIFICATE_BEGIN], "big")]
    return der
