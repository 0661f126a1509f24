"""Errors as RFC 9457 problem documents, and as pages where a person is looking.

Every error of the API is `application/problem+json` with `type`, `title`, `status`, `detail`
and `request_id`; the types are the constants below.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from api.headers import SECURITY_HEADERS
from plant.errors import ConfigurationError, StoreUnavailableError
from store.reading import QueryTooLongError

_log = structlog.get_logger()

TYPE_ROOT = "urn:nhipmay:problem:"
PROBLEM_JSON = "application/problem+json"


class ProblemError(Exception):
    """An answer that is an error: which kind, and what to do about it."""

    def __init__(
        self,
        status: HTTPStatus,
        kind: str,
        title: str,
        detail: str,
        errors: Sequence[Mapping[str, str]] = (),
    ) -> None:
        self.status = status
        self.errors = errors
        """What is wrong one by one: `name`, `message`, and of documents `field` and `reason`."""
        self.kind = kind
        self.title = title
        self.detail = detail
        super().__init__(detail)


def unknown_place(path: str) -> ProblemError:
    """Return the error for a path that names no place."""
    return ProblemError(
        HTTPStatus.NOT_FOUND,
        "unknown-place",
        "Unknown place",
        f"There is no place {path!r}; GET /api/v1/places lists them.",
    )


def unknown_tag(tag: str) -> ProblemError:
    """Return the error for a name that is no tag's."""
    return ProblemError(
        HTTPStatus.NOT_FOUND,
        "unknown-tag",
        "Unknown tag",
        f"There is no tag {tag!r}; write enterprise/site/name as GET /api/v1/tags lists it.",
    )


def wrong_level(path: str, level: str, wanted: str) -> ProblemError:
    """Return the error for a place of a level that the question does not fit."""
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "wrong-level",
        "Wrong level of place",
        f"{path!r} is a place of level {level}; this needs {wanted}.",
    )


def bad_window(detail: str) -> ProblemError:
    """Return the error for a window that cannot be served."""
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad-window", "Bad time window", detail)


def bad_option(name: str, wanted: str) -> ProblemError:
    """Return the error for a choice that a board does not offer."""
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY, "bad-option", "Bad option", f"`{name}` must be {wanted}."
    )


def bad_cursor() -> ProblemError:
    """Return the error for a page cursor that we did not make."""
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "bad-cursor",
        "Bad page cursor",
        "`after` must be the `next` of an answer to the same question.",
    )


def too_many_exports() -> ProblemError:
    """Return the error for more exports at a time than the service carries."""
    return ProblemError(
        HTTPStatus.TOO_MANY_REQUESTS,
        "too-many-exports",
        "Too many exports at once",
        "Other exports are running; ask again when one of them has ended.",
    )


def unauthorized() -> ProblemError:
    """Return the error for a request without the right token."""
    return ProblemError(
        HTTPStatus.UNAUTHORIZED,
        "unauthorized",
        "Token needed",
        "Send the header `Authorization: Bearer <token>` with this installation's token.",
    )


def unknown_kind(kind: str, known: Sequence[str]) -> ProblemError:
    """Return the error for a kind of documents that there is not."""
    return ProblemError(
        HTTPStatus.NOT_FOUND,
        "unknown-kind",
        "Unknown kind of documents",
        f"There is no kind {kind!r}; known: {', '.join(known)}.",
    )


def writing_disabled() -> ProblemError:
    """Return the error for writing where nobody can prove who they are."""
    return ProblemError(
        HTTPStatus.FORBIDDEN,
        "writing-disabled",
        "Writing is not enabled",
        "This installation has no token, so anybody could write: set `token` or `token_file`.",
    )


def too_many_imports() -> ProblemError:
    """Return the error for more imports at a time than the service carries."""
    return ProblemError(
        HTTPStatus.TOO_MANY_REQUESTS,
        "too-many-imports",
        "Another import is running",
        "One file is read at a time; send this one again when the other has ended.",
    )


def file_changed() -> ProblemError:
    """Return the error for a file that is not the one that was looked at."""
    return ProblemError(
        HTTPStatus.CONFLICT,
        "file-changed",
        "Another file",
        "The file is not the one of the preview that `sha256` stands for; look at it again.",
    )


def too_large(limit: int) -> ProblemError:
    """Return the error for a body that is longer than any list of documents."""
    return ProblemError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "too-large",
        "Request too large",
        f"A body may have {limit} bytes; send several, or use `nhipmay import`.",
    )


def malformed(detail: str) -> ProblemError:
    """Return the error for a body that is no list of documents."""
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "malformed", "Body not understood", detail)


def documents_refused(detail: str, errors: Sequence[Mapping[str, str]]) -> ProblemError:
    """Return the error for documents with problems; none of them was written."""
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "documents-refused",
        "Documents refused",
        detail,
        errors,
    )


def value_refused(detail: str) -> ProblemError:
    """Return the error for a value that the database refuses."""
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "value-refused", "Value refused", detail)


def problem_of(exc: Exception) -> ProblemError:
    """Return the error that an exception means to a caller."""
    match exc:
        case ProblemError():
            return exc
        case StoreUnavailableError() | ConfigurationError():
            return ProblemError(
                HTTPStatus.SERVICE_UNAVAILABLE, "database-down", "Database not usable", str(exc)
            )
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
        headers["Retry-After"] = "5"
    return headers


def _slug(status: HTTPStatus) -> str:
    return status.phrase.lower().replace(" ", "-")


def is_page_path(path: str) -> bool:
    """Return whether a path is that of a page, which a person's browser asks for."""
    return path in {"/", "/operator", "/import", "/sign-in"} or path.startswith(
        ("/place/", "/operator/", "/board/")
    )


def install(app: FastAPI) -> None:
    """Make every exception of the app an answer of the kind that its caller can read."""

    async def answer(request: Request, exc: Exception) -> Response:
        request_id = request.scope.get("request_id", "")
        problem = problem_of(exc)
        if problem.status is HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("request_failed", path=request.url.path, request_id=request_id)
        response: Response
        if is_page_path(request.url.path):
            response = app.state.pages.error_page(request, problem, request_id)
        else:
            response = problem_response(exc, request_id)
        if problem.status is HTTPStatus.INTERNAL_SERVER_ERROR:
            # Answered outside the middleware that adds these to everything else.
            response.headers.update({"X-Request-ID": request_id, **SECURITY_HEADERS})
        return response

    for kind in (
        ProblemError,
        StoreUnavailableError,
        ConfigurationError,
        QueryTooLongError,
        RequestValidationError,
        HTTPException,
        Exception,
    ):
        app.add_exception_handler(kind, answer)
