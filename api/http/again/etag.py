"""Who has an answer of the API already is told so: `ETag` and `If-None-Match` (RFC 9110).

The answer is made all the same, as nothing else says whether it is another one; what is spared is
its way to whoever asks, and that they look at it again.
"""

import hashlib
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.description import LONGEST_TAGS
from api.http.error_answer import problem_response
from api.http.problems import ProblemError

_FROM = "/api/v1/"


class EntityTags:
    """ASGI middleware around the routes; what is compressed afterwards has the same weak tag."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        asked = scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}
        if not asked or not scope["path"].startswith(_FROM):
            await self._app(scope, receive, send)
            return
        known = Headers(scope=scope).get("if-none-match", "")
        if len(known) > LONGEST_TAGS:
            problem = ProblemError(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "invalid-request",
                "Invalid request",
                f"`If-None-Match` has at most {LONGEST_TAGS:,} letters.",
            )
            await problem_response(problem, scope.get("request_id", ""))(scope, receive, send)
            return
        start: Message | None = None

        async def send_tagged(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                if _is_whole(message):
                    start = message
                    return
            elif start is not None:
                begun, start = start, None
                # What comes in pieces is made while it goes: its whole is not known.
                if not message.get("more_body", False):
                    message = _tagged(begun, message, known)
                await send(begun)
            await send(message)

        await self._app(scope, receive, send_tagged)


def _is_whole(message: Message) -> bool:
    headers = Headers(raw=message["headers"])
    kind = headers.get("content-type", "").partition(";")[0]
    return message["status"] == 200 and kind == "application/json" and "etag" not in headers


def _tagged(start: Message, body: Message, known: str) -> Message:
    content = body.get("body", b"")
    tag = f'W/"{hashlib.blake2b(content, digest_size=16).hexdigest()}"'
    headers = MutableHeaders(raw=start["headers"])
    headers["ETag"] = tag
    # To be kept, but never told without asking whether it still holds, and for nobody else.
    headers["Cache-Control"] = "private, no-cache"
    headers.add_vary_header("Authorization, Cookie")
    start["headers"] = headers.raw
    if not _names(known, tag):
        return body
    start["status"] = 304
    for name in ("content-length", "content-type"):
        del headers[name]
    start["headers"] = headers.raw
    return {**body, "body": b""}


def _names(known: str, tag: str) -> bool:
    """Tell whether a list of tags names one; strong and weak ones are compared alike."""
    opaque = tag.removeprefix("W/")
    given = (one.strip().removeprefix("W/") for one in known.split(","))
    return known.strip() == "*" or opaque in given
