"""What a request may be before anything else looks at it: host, address, body, time.

A body is counted while it comes, whatever reads it, so that nobody has more of it in memory than
its route takes.
"""

import asyncio
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.hosts import TrustedHosts
from api.http.error_answer import problem_response
from api.http.problems import (
    ProblemError,
    too_busy,
    too_large,
    too_slow,
    unknown_host,
    unreadable_address,
)

USUAL_BODY = 64_000
"""Bytes of a body where a route says nothing else."""
ALL_BODIES = 64_000_000
"""Bytes of bodies that may be coming in at a time, all requests together."""
SILENCE_S = 15.0
"""Longest time that the next piece of a body may take, or the taking of a piece of the answer."""
LEAST_RATE = 4_000
"""Bytes per second with which a body has to come, apart from `SILENCE_S`."""


class Bounds:
    """ASGI middleware that refuses what no route would take."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: TrustedHosts,
        largest_body: Callable[[Scope], int],
        silence_s: float = SILENCE_S,
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._largest_body = largest_body
        self._silence_s = silence_s
        self._coming = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._largest_body(scope)
        problem = self._refusal(scope, limit)
        if problem is not None:
            await _answer(problem, scope)(scope, receive, send)
            return
        body = _Body(receive, limit, self._silence_s, self._count)
        answered = False

        async def send_within_time(message: Message) -> None:
            nonlocal answered
            if body.problem is not None and not answered:
                # Whatever the route makes of a body that was cut off.
                return
            answered = True
            async with asyncio.timeout(self._silence_s * 4):
                await send(message)

        try:
            await self._app(scope, body.receive, send_within_time)
        finally:
            self._coming -= body.counted
        if body.problem is not None and not answered:
            await _answer(body.problem, scope)(scope, receive, send)

    def _refusal(self, scope: Scope, limit: int) -> ProblemError | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        # Of two, one could be looked at here and the other be believed elsewhere.
        if len(hosts) != 1 or not self._hosts.trusts(hosts[0]):
            return unknown_host(hosts[0][:100] if hosts else "")
        raw = (scope.get("raw_path") or b"") + b"?" + scope["query_string"]
        if b"%00" in raw or "\0" in scope["path"]:
            return unreadable_address()
        declared = headers.get("content-length", "")
        # Twenty digits are above any limit, and Python takes long over thousands of them.
        if declared.isascii() and declared.isdigit() and int(declared[:20]) > limit:
            return too_large(limit)
        return None

    def _count(self, size: int) -> bool:
        """Take account of a piece; return whether there is room for it."""
        self._coming += size
        return self._coming <= ALL_BODIES


class _Body:
    """The body of one request as it comes in."""

    def __init__(
        self, receive: Receive, limit: int, silence_s: float, count: Callable[[int], bool]
    ) -> None:
        self._receive = receive
        self._limit = limit
        self._silence_s = silence_s
        self._count = count
        self._began: float | None = None
        self._whole = False
        self.counted = 0
        self.problem: ProblemError | None = None

    async def receive(self) -> Message:
        """Return the next piece; raise the problem once there was one."""
        if self.problem is not None:
            raise self.problem
        if self._whole:
            # What comes now is the end of the connection, which may take as long as it likes.
            return await self._receive()
        clock = asyncio.get_running_loop().time
        if self._began is None:
            self._began = clock()
        try:
            async with asyncio.timeout(self._silence_s):
                message = await self._receive()
        except TimeoutError:
            raise self._found(too_slow()) from None
        size = len(message.get("body", b""))
        self._whole = message["type"] != "http.request" or not message.get("more_body", False)
        self.counted += size
        if self.counted > self._limit:
            raise self._found(too_large(self._limit))
        if not self._count(size):
            raise self._found(too_busy())
        took_s = clock() - self._began
        if not self._whole and took_s > self._silence_s + self.counted / LEAST_RATE:
            raise self._found(too_slow())
        return message

    def _found(self, problem: ProblemError) -> ProblemError:
        self.problem = problem
        return problem


def _answer(problem: ProblemError, scope: Scope) -> Response:
    # The connection stays: closed with a body on its way, the answer would be lost with it.
    return problem_response(problem, scope.get("request_id", ""))
