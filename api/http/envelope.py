"""What every request gets whatever it asks: an id, who it is from, safe headers, a count."""

import asyncio
import re
import time
import uuid
from http import HTTPStatus

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.accounts import Accounts, Caller
from api.access.authentication import Authentication
from api.access.brake import address_of
from api.access.budget import Budget
from api.access.principal import CURRENT, NOBODY, Principal
from api.access.refusal import RefusalError, TryLaterError
from api.http.error_answer import problem_response
from api.http.headers import SECURITY_HEADERS
from api.http.metrics import Metrics
from plant.errors import ConfigurationError, StoreUnavailableError

_log = structlog.get_logger()

_NOTED_THERE = ("/account", "/sign-", "/tablets", "/enrol")
_UNCOUNTED = ("/health/", "/static/")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Envelope:
    """ASGI middleware around the whole app, streams included."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        authentication: Authentication,
        accounts: Accounts | None,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._authentication = authentication
        self._accounts = accounts
        self._budget = Budget(time.monotonic)
        self._looking: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        scope["request_id"] = request_id
        structlog.contextvars.bind_contextvars(request_id=request_id)
        began = time.perf_counter()
        status = HTTPStatus.INTERNAL_SERVER_ERROR.value

        async def send_sealed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                sealed = MutableHeaders(scope=message)
                sealed["X-Request-ID"] = request_id
                for name, value in SECURITY_HEADERS.items():
                    sealed[name] = value
                if "cache-control" not in sealed:
                    sealed["Cache-Control"] = "no-store"
            await send(message)

        try:
            try:
                principal = await self._principal(scope, headers)
            except (RefusalError, StoreUnavailableError, ConfigurationError) as exc:
                await problem_response(exc, request_id)(scope, receive, send_sealed)
                return
            current = CURRENT.set(principal)
            try:
                await self._served(scope, receive, send_sealed, principal, headers)
            except TryLaterError as exc:
                await problem_response(exc, request_id)(scope, receive, send_sealed)
            finally:
                CURRENT.reset(current)
                await self._audit(scope, principal, status)
        finally:
            self._metrics.count(scope["method"], _route(scope), status, time.perf_counter() - began)
            structlog.contextvars.unbind_contextvars("request_id")

    async def _served(
        self, scope: Scope, receive: Receive, send: Send, principal: Principal, headers: Headers
    ) -> None:
        """Serve a request within what its consumer may take."""
        if scope["path"].startswith(_UNCOUNTED):
            await self._app(scope, receive, send)
            return
        stream = "text/event-stream" in headers.get("accept", "")
        who = address_of(scope.get("client"))
        async with self._budget.place(principal, who, stream=stream) as charge:
            began = time.perf_counter()
            charged = False

            async def send_charged(message: Message) -> None:
                nonlocal charged
                if not charged:
                    # What comes after the first piece goes at the pace of whoever reads it.
                    charged = True
                    charge(time.perf_counter() - began)
                await send(message)

            await self._app(scope, receive, send_charged)

    async def _audit(self, scope: Scope, principal: Principal, status: int) -> None:
        """Note who changed what, and who asked for what is not theirs."""
        if self._accounts is None or principal.credential in {"none", "installation"}:
            return
        changes = scope["method"] not in {"GET", "HEAD"}
        refused = status == HTTPStatus.FORBIDDEN or "foreign" in scope
        # What somebody does to their own account is noted where it is done.
        if scope["path"].startswith(_NOTED_THERE) or not (changes or refused):
            return
        client = scope.get("client")
        caller = Caller(client[0] if client else "", scope["request_id"])
        target = scope.get("foreign") or scope["path"]
        action = f"{scope['method']} {_route(scope)}"
        result = "foreign" if "foreign" in scope else str(status)
        try:
            await run_in_threadpool(
                self._accounts.record, principal, action, target, result, caller
            )
        except (StoreUnavailableError, ConfigurationError) as exc:
            _log.error("audit_not_written", action=action, who=principal.name, reason=str(exc))

    async def _principal(self, scope: Scope, headers: Headers) -> Principal:
        who = address_of(scope.get("client"))
        if self._authentication.is_quick:
            return self._authentication.principal(headers, who)
        if "authorization" not in headers and "cookie" not in headers:
            return NOBODY
        # What pages ask by themselves keeps nobody's session alive.
        used = scope["path"] != "/events" and "x-refresh" not in headers
        known = self._authentication.known(headers, used=used)
        if known is not None:
            principal, look_again = known
            if look_again is not None:
                looking = asyncio.create_task(run_in_threadpool(look_again))
                self._looking.add(looking)
                looking.add_done_callback(self._looking.discard)
            return principal
        return await run_in_threadpool(self._authentication.principal, headers, who, used=used)


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _route(scope: Scope) -> str:
    # The template, not the path: paths are without end and would swell the metrics.
    return str(getattr(scope.get("route"), "path", "unmatched"))
