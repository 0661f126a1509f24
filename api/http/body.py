"""Bodies of requests, read no further than is wanted."""

from starlette.requests import Request
from starlette.types import Message

from api.http.problems import too_large


async def read_body(request: Request, limit: int) -> bytes:
    """Return a body; raise the problem `too-large` as soon as it is longer than `limit` bytes."""
    parts = bytearray()
    async for part in request.stream():
        parts += part
        if len(parts) > limit:
            raise too_large(limit)
    return bytes(parts)


def limited(request: Request, limit: int) -> Request:
    """Return the request with a body that raises `too-large` beyond `limit` bytes."""
    seen = 0

    async def receive() -> Message:
        nonlocal seen
        message = await request.receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise too_large(limit)
        return message

    return Request(request.scope, receive)
