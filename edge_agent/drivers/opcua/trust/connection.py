"""A connection to a server, secured and logged in; what goes wrong with it is told in words."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from asyncua.ua import uaerrors
from asyncua.ua.uaerrors import UaError
from cryptography.exceptions import InvalidSignature

from edge_agent.drivers.opcua.client import SourceClient
from edge_agent.drivers.opcua.lasting import Lasting
from edge_agent.drivers.opcua.settings import OpcUaSettings
from edge_agent.drivers.opcua.trust.certificates import Certificates, now_utc
from edge_agent.drivers.opcua.trust.endpoint import (
    NotOfferedError,
    NotTrustedError,
    chosen,
    endpoints_of,
    log_in,
    offers,
    secure,
)
from edge_agent.drivers.supervision import LoginRefusedError
from plant.errors import SourceUnavailableError

# It logs every lost connection with a traceback; the agent reports each change once, in words.
logging.getLogger("asyncua").setLevel(logging.CRITICAL + 1)

_LOGIN_REFUSED = (
    uaerrors.BadUserAccessDenied,
    uaerrors.BadIdentityTokenRejected,
    uaerrors.BadIdentityTokenInvalid,
)
_EDGE_NOT_TRUSTED = (
    uaerrors.BadSecurityChecksFailed,
    uaerrors.BadCertificateUntrusted,
    uaerrors.BadCertificateInvalid,
    uaerrors.BadCertificateUseNotAllowed,
    uaerrors.BadCertificateUriInvalid,
    uaerrors.BadCertificateChainIncomplete,
    uaerrors.BadCertificateTimeInvalid,
)
_OTHER_SECURITY = (uaerrors.BadSecurityModeRejected, uaerrors.BadSecurityPolicyRejected)


class Way:
    """How one source's server is reached."""

    def __init__(self, name: str, settings: OpcUaSettings, certificates: Certificates) -> None:
        self._name = name
        self._settings = settings
        self._certificates = certificates

    @asynccontextmanager
    async def connected(self, lasting: Lasting) -> AsyncIterator[SourceClient]:
        """Give a client that is connected; a session that was lost is noted in `lasting`.

        Raises SourceUnavailableError with the reason, also for what ends the body, and
        LoginRefusedError.
        """
        settings = self._settings
        client = SourceClient(
            settings.endpoint, settings.timeout_s, f"Nhip May {self._name}", lasting.session
        )
        lost = False
        try:
            await self._connect(client)
            yield client
        except _LOGIN_REFUSED as exc:
            raise LoginRefusedError(
                self._name,
                [
                    f"{settings.endpoint}: the server refuses the login of "
                    f"{self._user()} ({type(exc).__name__}): check it; it is tried again seldom, "
                    "so that no account is locked"
                ],
            ) from exc
        except NotTrustedError as exc:
            raise self._unavailable(str(exc)) from exc
        except _EDGE_NOT_TRUSTED as exc:
            raise self._unavailable(self._not_trusted(type(exc).__name__)) from exc
        except (NotOfferedError, *_OTHER_SECURITY) as exc:
            raise self._unavailable(await self._offered(str(exc))) from exc
        except SourceUnavailableError:
            lost = True
            raise
        except TimeoutError as exc:
            lost = True
            raise self._unavailable(f"no answer within {settings.timeout_s:g} s") from exc
        except OSError as exc:
            lost = True
            raise self._unavailable(f"nothing answers ({exc.strerror or exc})") from exc
        except UaError as exc:
            lost = True
            raise self._unavailable(str(exc) or type(exc).__name__) from exc
        finally:
            lasting.session = client.left() if lost else None
            await client.part(for_good=not lost)

    async def _connect(self, client: SourceClient) -> None:
        settings = self._settings
        await log_in(client, settings)
        if settings.security_policy != "none":
            offered = await endpoints_of(settings.endpoint, settings.timeout_s)
            await secure(client, settings, chosen(settings, offered), self._certificates)
        try:
            await client.connect()
        except (AssertionError, InvalidSignature, ValueError) as exc:
            # The library's way of saying that an answer is none that it expects, or is forged.
            raise self._unavailable(
                f"its answer is not understood ({str(exc) or type(exc).__name__})"
            ) from exc

    async def _offered(self, reason: str) -> str:
        """Return words for a server that has another security than the settings ask for."""
        if self._settings.security_policy != "none":
            return f"{reason}: set security_policy and security_mode to what it has"
        try:
            found = await endpoints_of(self._settings.endpoint, self._settings.timeout_s)
        except (UaError, OSError, TimeoutError, AssertionError):
            return "the server wants security: set security_policy to auto"
        return f"the server wants security: set security_policy to auto (it offers {offers(found)})"

    def _not_trusted(self, reason: str) -> str:
        if self._settings.security_policy == "none":
            return f"the server refuses the connection ({reason})"
        own = self._certificates.own(now_utc())
        return (
            f"the server does not trust this edge ({reason}): put {own.certificate} (SHA-256 "
            f"{own.fingerprint}) into its list of trusted clients"
        )

    def _user(self) -> str:
        if self._settings.user_certificate_file is not None:
            return f"the certificate {self._settings.user_certificate_file}"
        return self._settings.username or "anonymous"

    def _unavailable(self, reason: str) -> SourceUnavailableError:
        return SourceUnavailableError(self._name, [f"{self._settings.endpoint}: {reason}"])
