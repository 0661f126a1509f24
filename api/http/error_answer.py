"""How errors are answered: as RFC 9457 problem documents, as pages where a person is looking.

A document is `application/problem+json` with `type`, `title`, `status`, `detail` and
`request_id`; the end of its type is the kind of a `ProblemError`.
"""

from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route
from starlette.types import Scope

from api.access.refusal import (
    ForeignError,
    OtherSiteError,
    RefusalError,
    RightError,
    TryLaterError,
    UnknownError,
)
from api.http.description import PROBLEM_JSON
from api.http.headers import SECURITY_HEADERS
from api.http.problems import (
    ProblemError,
    forbidden,
    too_many_tries,
    unauthorized,
    unknown_place,
    value_refused,
)
from plant.errors import ConfigurationError, DataError, StoreUnavailableError
from store.reading.reading import QueryTooLongError

_log = structlog.get_logger()

TYPE_ROOT = "urn:nhipmay:problem:"


def problem_of(exc: Exception) -> ProblemError:
    """Return the error that an exception means to a caller."""
    match exc:
        case ProblemError():
            return exc
        case RefusalError():
            return _refused(exc)
        case StoreUnavailableError() | ConfigurationError():
            return ProblemError(
                HTTPStatus.SERVICE_UNAVAILABLE, "database-down", "Database not usable", str(exc)
            )
        case DataError():
            return value_refused(exc.detail)
        case QueryTooLongError():
            return ProblemError(
                HTTPStatus.SERVICE_UNAVAILABLE, "query-too-long", "Query took too long", str(exc)
            )
        case RequestValidationError():
            return ProblemError(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "invalid-request",
                "Request not valid",
                "; ".join(
                    f"{error['name']}: {error['message']}" for error in validation_errors(exc)
                ),
            )
        case HTTPException():
            status = HTTPStatus(exc.status_code)
            return ProblemError(status, _slug(status), status.phrase, f"{exc.detail}.")
        case _:
            return ProblemError(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "internal-error",
                "Internal error",
                "Something failed inside; the service's log tells more under this request id.",
            )


def _refused(exc: RefusalError) -> ProblemError:
    match exc:
        case UnknownError():
            return unauthorized()
        case TryLaterError():
            return too_many_tries(exc.wait_s)
        case RightError():
            return forbidden(exc.right)
        case ForeignError():
            return unknown_place(exc.path)
        case OtherSiteError():
            return ProblemError(
                HTTPStatus.FORBIDDEN, "cross-site", "Other site", "Only our own pages may write."
            )
    return ProblemError(
        HTTPStatus.NOT_FOUND, "not-found", "Not Found", "This address is open to nobody."
    )


def validation_errors(exc: RequestValidationError) -> list[dict[str, str]]:
    """Return where a request is wrong and why, one entry per parameter."""
    return [
        {
            "name": ".".join(str(part) for part in error["loc"] if part != "query"),
            "message": error["msg"],
        }
        for error in exc.errors()
    ]


def validation_words(exc: ValidationError) -> str:
    """Return the first thing that is wrong with a body, in words."""
    first = exc.errors(include_url=False, include_input=False)[0]
    path = ".".join(str(part) for part in first["loc"])
    return f"{path}: {first['msg']}" if path else first["msg"]


def problem_response(exc: Exception, request_id: str) -> Response:
    """Return the problem document of an exception."""
    problem = problem_of(exc)
    content: dict[str, Any] = {
        "type": TYPE_ROOT + problem.kind,
        "title": problem.title,
        "status": problem.status.value,
        "detail": problem.detail,
        "request_id": request_id,
    }
    if isinstance(exc, RequestValidationError):
        content["errors"] = validation_errors(exc)
    elif problem.errors:
        content["errors"] = problem.errors
    return JSONResponse(
        content,
        status_code=problem.status,
        media_type=PROBLEM_JSON,
        headers=_headers(problem, exc),
    )


def _headers(problem: ProblemError, exc: Exception) -> dict[str, str]:
    headers = dict(exc.headers or {}) if isinstance(exc, HTTPException) else {}
    if problem.status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if problem.status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        headers["Retry-After"] = str(problem.retry_after_s)
    return headers


def _methods_of(app: FastAPI, scope: Scope) -> list[str]:
    # The framework names those of the first route of an address; others may take further ones.
    return sorted(
        method
        for route in app.state.routes
        if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE
        for method in route.methods or ()
    )


def _slug(status: HTTPStatus) -> str:
    return status.phrase.lower().replace(" ", "-")


_PAGES = frozenset(("/", "/operator", "/import", "/fleet", "/enrol", "/sites", "/reference"))


def is_page_path(path: str) -> bool:
    """Return whether a path is that of a page, which a person's browser asks for."""
    return path in _PAGES or path.startswith(
        (
            *("/place/", "/operator/", "/board/", "/trend/", "/anomalies/", "/corrections/"),
            "/programme",
            *("/sign-in", "/account", "/tablets"),
        )
    )


def _is_looked_at(request: Request) -> bool:
    """Return whether a person's browser asks, for an address that is no program's."""
    programs = ("/api/", "/static/", "/events", "/health/", "/metrics")
    return (
        request.method == "GET"
        and "text/html" in request.headers.get("accept", "")
        and not request.url.path.startswith(programs)
    )


def install(app: FastAPI) -> None:
    """Make every exception of the app an answer of the kind that its caller can read."""

    async def answer(request: Request, exc: Exception) -> Response:
        request_id = request.scope.get("request_id", "")
        problem = problem_of(exc)
        if isinstance(exc, StoreUnavailableError | ConfigurationError):
            await run_in_threadpool(app.state.context.mend_login)
        if problem.status is HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("request_failed", path=request.url.path, request_id=request_id)
        response: Response
        is_page = is_page_path(request.url.path)
        if is_page and problem.kind == "unauthorized" and request.method == "GET":
            query = f"?{request.url.query}" if request.url.query else ""
            asked = urlencode({"next": request.url.path + query})
            return RedirectResponse(f"/sign-in?{asked}", HTTPStatus.SEE_OTHER)
        if is_page or _is_looked_at(request):
            response = app.state.pages.error_page(request, problem, request_id)
            response.headers.update(_headers(problem, exc))
        else:
            response = problem_response(exc, request_id)
        if problem.status is HTTPStatus.METHOD_NOT_ALLOWED:
            response.headers["Allow"] = ", ".join(_methods_of(app, request.scope))
        if problem.status is HTTPStatus.INTERNAL_SERVER_ERROR:
            # Answered outside the middleware that adds these to everything else.
            response.headers.update(
                {"X-Request-ID": request_id, "Cache-Control": "no-store", **SECURITY_HEADERS}
            )
        return response

    for kind in (
        ProblemError,
        RefusalError,
        StoreUnavailableError,
        ConfigurationError,
        DataError,
        QueryTooLongError,
        RequestValidationError,
        HTTPException,
        Exception,
    ):
        app.add_exception_handler(kind, answer)
