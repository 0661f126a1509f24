"""The library's client with what it lacks: a session that outlives a connection, no publishing.

A server of few sessions refuses a new one while the old one still counts: the same session is
taken up again on the next connection (OPC UA part 4, 6.7), with its subscriptions and their queues.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from asyncua import ua
from asyncua.client.ua_session import UaSession
from asyncua.common.shortcuts import Shortcuts
from asyncua.ua.uaerrors import UaError, UaStatusCodeError

from edge_agent.drivers.opcua.client.bounded import BoundedClient

_GOODBYE_S = 2.0
SESSION_TIMEOUT_S = 60.0
"""How long a server keeps a session of an agent that was killed: few servers have many."""


@dataclass(frozen=True, slots=True)
class LeftSession:
    """A session that a lost connection left at the server."""

    token: ua.NodeId
    nonce: bytes | None
    policies: list[ua.UserTokenPolicy]
    server_certificate: bytes | None


class _Session(UaSession):
    """`Subscription` publishes: the library's own loop ends for ever on one refusal."""

    def ensure_publish_loop(self) -> None:
        return


class SourceClient(BoundedClient):
    """One connection to a server."""

    def __init__(self, url: str, timeout_s: float, name: str, left: LeftSession | None) -> None:
        super().__init__(url, timeout_s, watch_s=max(1.0, timeout_s / 2))
        self.session_timeout = round(SESSION_TIMEOUT_S * 1000)
        self.name = self.description = name
        self._left = left
        self._certificate: bytes | None = None
        self.uaclient.session = _Session(self.uaclient)
        self.nodes = Shortcuts(self.uaclient.session)

    @property
    def resumed(self) -> bool:
        """Whether the session of an earlier connection goes on."""
        token = self.uaclient.session.authentication_token
        return self._left is not None and token == self._left.token

    def left(self) -> LeftSession | None:
        """Return what a later connection takes up: this one's session, or the one before it.

        A connection that ends before its session says nothing about the one that is left.
        """
        session = self.uaclient.session
        if session.authentication_token.is_null() or not self._policy_ids:
            return self._left
        return LeftSession(
            session.authentication_token,
            self._server_nonce,
            self._policy_ids,
            self.security_policy.peer_certificate,
        )

    def _try_load_persisted_session(self) -> bool:
        """Stands in for the library's file, which counts a session's age from its beginning."""
        if self._left is None:
            return False
        self.uaclient.session.restore_authentication_token(self._left.token)
        # The library declares both fields by their first value.
        self._server_nonce = self._left.nonce  # type: ignore[assignment]
        self._policy_ids = self._left.policies
        self._certificate = self.security_policy.peer_certificate
        self.security_policy.peer_certificate = self._certificate or self._left.server_certificate
        return True

    async def _try_resume_persisted_session(self) -> bool:
        """Take up the session that is left; only where it is refused a new one is made."""
        resumed = await super()._try_resume_persisted_session()
        if not resumed and self._left is not None:
            raise ConnectionError("no answer to a session that was taken up again")
        return resumed

    async def _activate_with_credentials(self) -> ua.ActivateSessionResult:
        """Activate a session; one that the server refuses is left no more."""
        try:
            return await super()._activate_with_credentials()
        except UaStatusCodeError:
            if self._left is not None:
                # A server that was set up anew shows another one.
                self._left = None
                self.security_policy.peer_certificate = self._certificate
            raise

    async def send_hello(self) -> None:
        """Say hello; a connection that is lost by then would be waited for without end."""
        protocol = self.uaclient.protocol
        if protocol is None or protocol.transport is None:
            raise ConnectionError("connection lost")
        await super().send_hello()

    async def part(self, *, for_good: bool) -> None:
        """Let go of the connection; for good: of the session and its subscriptions as well."""
        protocol = self.uaclient.protocol
        transport = None if protocol is None else protocol.transport
        try:
            await self._goodbye(for_good=for_good)
        finally:
            if transport is not None:
                # A server that stands still takes nothing more: closed, it would wait for that.
                transport.abort()

    async def _goodbye(self, *, for_good: bool) -> None:
        with suppress(OSError, TimeoutError, UaError):
            if for_good:
                await asyncio.wait_for(self.disconnect(), _GOODBYE_S)
            else:
                # Without a transport this only ends the library's tasks.
                self.disconnect_socket()
                await asyncio.wait_for(self.close_session(), _GOODBYE_S)
