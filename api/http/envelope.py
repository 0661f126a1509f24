"""What every request gets whatever it asks: an id, a check of the token, safe headers, a count."""

import re
import time
import uuid
from http import HTTPStatus
from urllib.parse import urlencode

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.brake import Brake, address_of
from api.access.session import SESSION_COOKIE, is_session, is_token
from api.http.error_answer import is_page_path, problem_response
from api.http.headers import SECURITY_HEADERS
from api.http.metrics import Metrics
from api.http.problems import too_many_tries, unauthorized

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Health tells nothing; nobody can sign in without the page for it, and its style; edges that want a
# certificate prove by other means who they are.
_OPEN_PATHS = ("/health/", "/sign-in", "/static/", "/api/v1/edge-certificates")


class Envelope:
    """ASGI middleware around the whole app, streams included."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, token: str | None, brake: Brake) -> None:
        self._app = app
        self._metrics = metrics
        self._token = token
        self._brake = brake

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
            if self._may_pass(scope["path"], headers):
                await self._app(scope, receive, send_sealed)
            else:
                await self._refusal(scope, headers)(scope, receive, send_sealed)
        finally:
            self._metrics.count(scope["method"], _route(scope), status, time.perf_counter() - began)
            structlog.contextvars.unbind_contextvars("request_id")

    def _may_pass(self, path: str, headers: Headers) -> bool:
        if self._token is None or path.startswith(_OPEN_PATHS):
            return True
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme:
            # Headers come as Latin-1 whatever they hold; a token file is UTF-8.
            shown = given.encode("latin-1").decode("utf-8", "replace")
            return scheme.lower() == "bearer" and is_token(shown, self._token)
        cookies = cookie_parser(headers.get("cookie", ""))
        return is_session(cookies.get(SESSION_COOKIE, ""), self._token)

    def _refusal(self, scope: Scope, headers: Headers) -> Response:
        """Return the way to sign in for a person, the problem for a program."""
        request_id = scope["request_id"]
        if "authorization" in headers:
            who = address_of(scope.get("client"))
            wait_s = self._brake.wait_s(who)
            if wait_s:
                return problem_response(too_many_tries(wait_s), request_id)
            self._brake.note_fault(who)
        elif scope["method"] == "GET" and is_page_path(scope["path"]):
            query = scope["query_string"].decode("latin-1")
            asked = scope["path"] + (f"?{query}" if query else "")
            return RedirectResponse(f"/sign-in?{urlencode({'next': asked})}", HTTPStatus.SEE_OTHER)
        return problem_response(unauthorized(), request_id)


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _route(scope: Scope) -> str:
    # The template, not the path: paths are without end and would swell the metrics.
    return str(getattr(scope.get("route"), "path", "unmatched"))
