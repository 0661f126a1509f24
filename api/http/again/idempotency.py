"""A request that is sent again is not done again: `Idempotency-Key` on what the API writes.

As the draft of the IETF has it (The Idempotency-Key HTTP Header Field). The name is taken before
the request is done, and its answer kept; if the service ends between the two nobody knows whether
it was done, and that is what is answered, instead of doing it twice.
"""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.principal import CURRENT, Principal
from api.http.error_answer import problem_response
from api.http.problems import ProblemError
from plant.errors import ConfigurationError, StoreUnavailableError
from store.access.request_key import Known, RequestKeys

HEADER = "idempotency-key"
KEPT = timedelta(days=1)
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_LARGEST = 4_000_000
"""Bytes of an answer that is kept; of a longer one only the status."""

_log = structlog.get_logger()


class IdempotencyKeys:
    """ASGI middleware right around the routes, inside of what finds out who asks."""

    def __init__(self, app: ASGIApp, *, keys: RequestKeys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        named = scope["type"] == "http" and scope["method"] == "POST"
        key = Headers(scope=scope).get(HEADER) if named else None
        principal = CURRENT.get()
        if (
            key is None
            or not scope["path"].startswith("/api/v1/")
            # Who shows nothing may not write, and is nobody to be answered twice.
            or principal.credential == "none"
        ):
            await self._app(scope, receive, send)
            return
        request_id = str(scope.get("request_id", ""))
        try:
            await self._once(scope, receive, send, principal, key)
        except (ProblemError, StoreUnavailableError, ConfigurationError) as exc:
            await problem_response(exc, request_id)(scope, receive, send)

    async def _once(
        self, scope: Scope, receive: Receive, send: Send, principal: Principal, key: str
    ) -> None:
        consumer = principal.consumer
        kind = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
        if _KEY.fullmatch(key) is None or kind != "application/json":
            raise _unfit()
        body = await _whole(receive)
        if body is None:
            return
        # What they may do is part of it: a kept answer is told without asking for rights again.
        reach = f"{principal.reach} {principal.within} {principal.must}"
        may = " ".join([*sorted(principal.rights), reach])
        asked = (scope["path"].encode(), scope["query_string"], may.encode(), body)
        digest = hashlib.sha256(b"\0".join(asked)).digest()
        now = datetime.now(UTC)
        known = await run_in_threadpool(self._keys.begin, consumer, key, digest, now, now + KEPT)
        if known is not None:
            await _again(known, digest)(scope, receive, send)
            return
        answer = _Answer()
        await self._app(scope, _replayed(body, receive), answer.take)
        await self._keep(consumer, key, answer)
        for message in answer.messages:
            await send(message)

    async def _keep(self, consumer: str, key: str, answer: "_Answer") -> None:
        """Keep what was answered, or give the name back where nothing was done.

        Of an error of ours it is not known whether something was done: the name stays taken.
        """
        unknown = answer.status == HTTPStatus.INTERNAL_SERVER_ERROR
        try:
            if answer.status < HTTPStatus.MULTIPLE_CHOICES:
                content = answer.content if len(answer.content) <= _LARGEST else b""
                await run_in_threadpool(
                    self._keys.finish, consumer, key, answer.status, answer.kind, content
                )
            elif not unknown:
                await run_in_threadpool(self._keys.release, consumer, key)
        except (StoreUnavailableError, ConfigurationError) as exc:
            # It is done and will be told; asked again, nobody will know.
            _log.error("answer_not_kept", reason=str(exc))


class _Answer:
    """An answer as the routes give it."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.status = int(HTTPStatus.INTERNAL_SERVER_ERROR)
        self.kind = ""

    async def take(self, message: Message) -> None:
        """Take a part of it."""
        self.messages.append(message)
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.kind = Headers(raw=message["headers"]).get("content-type", "")

    @property
    def content(self) -> bytes:
        """Its body."""
        return b"".join(message.get("body", b"") for message in self.messages)


async def _whole(receive: Receive) -> bytes | None:
    """Return the body; None when whoever asks hung up before its end."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _again(known: Known, digest: bytes) -> Response:
    if known.digest != digest:
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "idempotency-key-reused",
            "The key stands for another request",
            "Something else, or with other rights, was sent with this `Idempotency-Key`; each "
            "request has its own.",
        )
    if known.status is None:
        raise ProblemError(
            HTTPStatus.CONFLICT,
            "idempotency-unfinished",
            "The request with this key has not ended",
            "It is under way, or broke off and may have been done: ask again in a moment, then "
            "look whether it was done before you send it with another key.",
        )
    return Response(
        known.content,
        known.status,
        {"Idempotency-Replayed": "true"},
        media_type=known.content_type or None,
    )


def _unfit() -> ProblemError:
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "bad-idempotency-key",
        "The key cannot be used",
        "`Idempotency-Key` has 1 to 200 letters, digits and signs, no blanks, and goes with JSON.",
    )
