"""The OPC UA driver: connections to one server, one after the other."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from asyncua.client.client import Client
from asyncua.ua import uaerrors
from asyncua.ua.uaerrors import UaError

from edge_agent.drivers.contract import Inlet
from edge_agent.drivers.opcua.session import OpcUaSession
from edge_agent.drivers.opcua.settings import OpcUaSettings
from edge_agent.drivers.supervision import keep_connected
from plant.clock import Clock
from plant.errors import SourceUnavailableError

# It logs every lost connection with a traceback; the agent reports each change once, in words.
logging.getLogger("asyncua").setLevel(logging.CRITICAL + 1)

_LOGIN_REFUSED = (
    uaerrors.BadUserAccessDenied,
    uaerrors.BadIdentityTokenRejected,
    uaerrors.BadIdentityTokenInvalid,
)
_GOODBYE_S = 2.0


class OpcUaDriver:
    """Follows one server; see the package's README."""

    keeps_repeats = False

    def __init__(self, name: str, settings: OpcUaSettings, clock: Clock) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock

    async def run(self, inlet: Inlet) -> None:
        """Deliver until cancelled; see `Driver.run`."""
        await keep_connected(lambda connected: self._session(inlet, connected), inlet)

    async def _session(self, inlet: Inlet, connected: Callable[[], None]) -> None:
        settings = self._settings
        client = Client(
            settings.endpoint, timeout=settings.timeout_s, watchdog_intervall=settings.timeout_s / 2
        )
        if settings.username is not None:
            client.set_user(settings.username)
            client.set_password(settings.secret() or "")
        try:
            await client.connect()
            connected()
            await OpcUaSession(self._name, settings, self._clock, client).run(inlet)
        except _LOGIN_REFUSED as exc:
            raise self._unavailable(
                f"the server refuses the login of {settings.username or 'anonymous'}: check "
                "username and password"
            ) from exc
        except TimeoutError as exc:
            raise self._unavailable(f"no answer within {settings.timeout_s:g} s") from exc
        except OSError as exc:
            raise self._unavailable(f"nothing answers ({exc.strerror or exc})") from exc
        except UaError as exc:
            raise self._unavailable(str(exc) or type(exc).__name__) from exc
        finally:
            await self._goodbye(client)

    async def _goodbye(self, client: Client) -> None:
        with suppress(OSError, TimeoutError, UaError):
            await asyncio.wait_for(client.disconnect(), _GOODBYE_S)

    def _unavailable(self, reason: str) -> SourceUnavailableError:
        return SourceUnavailableError(self._name, [f"{self._settings.endpoint}: {reason}"])
