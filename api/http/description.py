"""What the OpenAPI document says of every route alike: errors, and how to show who asks."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from api.access.declaration import right_of
from api.access.role import Right
from api.access.session import SESSION_COOKIE
from api.http.wire import ProblemOut

LONGEST_TAGS = 4_000
"""Letters of `If-None-Match`."""
PROBLEM_JSON = "application/problem+json"
Responses = dict[int | str, dict[str, Any]]
_WORDS = {
    HTTPStatus.BAD_REQUEST: "The address or the body cannot be read at all.",
    HTTPStatus.UNAUTHORIZED: "The token is missing or wrong.",
    HTTPStatus.FORBIDDEN: "The account or token may not do this.",
    HTTPStatus.NOT_FOUND: "There is no such place, tag or thing.",
    HTTPStatus.METHOD_NOT_ALLOWED: "The address takes other methods.",
    HTTPStatus.REQUEST_TIMEOUT: "The body stopped coming.",
    HTTPStatus.CONFLICT: "It contradicts what is there already.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too long.",
    HTTPStatus.MISDIRECTED_REQUEST: "The request names another host.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "A parameter or field is missing or wrong.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too much at once; `Retry-After` says when to ask again.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The database is not usable at the moment.",
}

_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "`ETag` of the answer that is there already.",
    "schema": {"type": "string", "maxLength": LONGEST_TAGS},
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Name of the request: sent again, it is not done again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}
_PROBLEM = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}
_PAGE = {"text/html": {"schema": {"type": "string"}}}
ERRORS: Responses = {
    status.value: {"description": words, "content": _PROBLEM} for status, words in _WORDS.items()
}
"""What any endpoint of the API may answer besides what it was asked for."""
PAGE_ERRORS: Responses = {
    status.value: {"description": words, "content": _PAGE | _PROBLEM}
    for status, words in _WORDS.items()
}
"""The same of pages, whose errors are pages too, but for those found before the page is known."""


def described(document: dict[str, Any], routes: Iterable[BaseRoute]) -> dict[str, Any]:
    """Return an OpenAPI document with what no route declares: the form of errors, credentials."""
    components = document.setdefault("components", {})
    components.setdefault("schemas", {})["ProblemOut"] = ProblemOut.model_json_schema()
    components["securitySchemes"] = {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of an account, of a system, or of the installation.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": SESSION_COOKIE,
            "description": "What a browser has after signing in.",
        },
    }
    _shared(document)
    _asked_again(document)
    document["security"] = [{"token": []}, {"session": []}]
    for route in routes:
        if isinstance(route, APIRoute) and right_of(route.endpoint) is Right.OPEN:
            for operation in document["paths"].get(route.path_format, {}).values():
                operation["security"] = []
    return document


def _asked_again(document: dict[str, Any]) -> None:
    """Say what may be asked again: whether an answer still holds, a request that was named."""
    unchanged = {"description": "The answer that is there already holds."}
    document["components"]["responses"]["Unchanged"] = unchanged
    for path, item in document["paths"].items():
        taken = item.get("post", {}).get("requestBody", {}).get("content", {})
        if path.startswith("/api/v1/") and "application/json" in taken:
            item["post"].setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
        answers = item.get("get", {}).get("responses", {}).get("200", {})
        if path.startswith("/api/v1/") and "application/json" in answers.get("content", {}):
            parameters = item["get"].setdefault("parameters", [])
            parameters.append(_IF_NONE_MATCH)
            item["get"]["responses"]["304"] = {"$ref": "#/components/responses/Unchanged"}


def _shared(document: dict[str, Any]) -> None:
    """Say once what every route may answer, and refer to it: the document is a fifth as long."""
    shared = document["components"].setdefault("responses", {})
    for kind, errors in (("Problem", ERRORS), ("Page", PAGE_ERRORS)):
        for status, said in errors.items():
            shared[f"{kind}{status}"] = said
    for item in document["paths"].values():
        for operation in item.values():
            for status, said in operation["responses"].items():
                for kind, errors in (("Problem", ERRORS), ("Page", PAGE_ERRORS)):
                    if status.isdigit() and said == errors.get(int(status)):
                        ref = {"$ref": f"#/components/responses/{kind}{status}"}
                        operation["responses"][status] = ref
