"""How much of the service one consumer may take: requests at once, streams, and seconds of work.

Whoever asks for too much waits or is told when to come again; everybody else is served meanwhile.
Used on the event loop alone.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from api.access.principal import Principal
from api.access.refusal import TryLaterError

AT_ONCE = 8
STREAMS = 30
"""A wall of screens, or a browser with many tabs."""
WORK_S = 60.0
"""Seconds of work that may be owed; one is paid back each second."""
PATIENCE_S = 15.0
INSTALLATION = 5
"""Times as much for the one token of an installation, behind which Grafana's people are."""
_MOST = 10_000


@dataclass(slots=True)
class _Account:
    slots: asyncio.Semaphore
    streams: int = 0
    owed_s: float = 0.0
    at: float = 0.0
    inside: int = 0


class Budget:
    """The consumers of one service."""

    def __init__(self, clock: Callable[[], float], patience_s: float = PATIENCE_S) -> None:
        self._clock = clock
        self._patience_s = patience_s
        self._accounts: OrderedDict[str, _Account] = OrderedDict()

    @asynccontextmanager
    async def place(
        self, principal: Principal, address: str, *, stream: bool
    ) -> AsyncIterator[Callable[[float], None]]:
        """Take a place for one request; call what is lent with the seconds it worked.

        Raises TryLaterError when the consumer owes too much, has too many streams, or when none of
        its places is free after `patience_s`.
        """
        share = INSTALLATION if principal.credential == "installation" else 1
        account = self._account(principal, address, share)
        owed = self._owed(account, share) - WORK_S * share
        # What a request costs is known only afterwards, so it is owed and paid back by waiting.
        if owed > 0:
            raise TryLaterError(owed / share)
        if stream and account.streams >= STREAMS * share:
            raise TryLaterError(self._patience_s)
        account.inside += 1
        try:
            if stream:
                account.streams += 1
                try:
                    yield lambda _worked_s: None
                finally:
                    account.streams -= 1
                return
            try:
                async with asyncio.timeout(self._patience_s):
                    await account.slots.acquire()
            except TimeoutError:
                raise TryLaterError(self._patience_s) from None
            try:
                yield lambda worked_s: self._charge(account, worked_s)
            finally:
                account.slots.release()
        finally:
            account.inside -= 1

    def _account(self, principal: Principal, address: str, share: int) -> _Account:
        key = f"address {address}" if principal.credential == "none" else principal.consumer
        account = self._accounts.get(key)
        if account is None:
            account = self._accounts[key] = _Account(
                asyncio.Semaphore(AT_ONCE * share), at=self._clock()
            )
        self._accounts.move_to_end(key)
        if len(self._accounts) > _MOST:
            for old, one in self._accounts.items():
                # Who is inside keeps the account: with a new one all of its places would be free
                # again.
                if not one.inside:
                    del self._accounts[old]
                    break
        return account

    def _owed(self, account: _Account, share: int) -> float:
        now = self._clock()
        account.owed_s = max(0.0, account.owed_s - (now - account.at) * share)
        account.at = now
        return account.owed_s

    def _charge(self, account: _Account, worked_s: float) -> None:
        account.owed_s += worked_s
