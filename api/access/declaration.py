"""What a route says of who may call it; one that says nothing is nobody's."""

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from api.access.accounts import Caller
from api.access.outside import OutsideReadings
from api.access.principal import CURRENT, Principal
from api.access.refusal import (
    ForeignError,
    OtherSiteError,
    RightError,
    UndeclaredError,
    UnknownError,
)
from api.access.role import Right

F = TypeVar("F", bound=Callable[..., Any])

_MARK = "__access_right__"
PLACE_PARAMETERS = ("place", "path", "tag", "edge")
"""Parameters of routes that say whose data is asked for: paths that begin with the enterprise."""


def asks_for(right: Right) -> Callable[[F], F]:
    """Declare what a route asks of whoever calls it."""

    def mark(endpoint: F) -> F:
        setattr(endpoint, _MARK, right)
        return endpoint

    return mark


def right_of(endpoint: object) -> Right | None:
    """Return what a route asks for; None when it does not say."""
    return getattr(endpoint, _MARK, None)


async def gate(request: Request) -> None:
    """Let a request through to its route, or raise RefusalError; runs before every route.

    On the event loop, as nothing in it waits: another thread would cost more than all of it.
    """
    principal = CURRENT.get()
    right = right_of(request.scope.get("endpoint"))
    if right is None:
        raise UndeclaredError
    if not principal.may(right):
        raise UnknownError if principal.credential == "none" else RightError(right)
    if right is not Right.OPEN:
        paths = _check_places(request, principal)
        _check_own_pages(request, principal)
        outside: OutsideReadings | None = getattr(request.app.state, "outside", None)
        if outside is not None and outside.concerns(principal, right):
            host = request.client.host if request.client else ""
            caller = Caller(host, request.scope.get("request_id", ""))
            route = f"{request.method} {request.scope['route'].path}"
            await run_in_threadpool(outside.note, principal, right, route, paths, caller)


def _check_places(request: Request, principal: Principal) -> list[str]:
    """Return the paths that are asked for; raise ForeignError for one that is not theirs."""
    asked: list[str] = []
    for name in PLACE_PARAMETERS:
        given = request.query_params.getlist(name)
        if name in request.path_params:
            given.append(request.path_params[name])
        asked += given
        for path in given:
            if path and not principal.covers(path):
                request.scope["foreign"] = path
                # As of a place that there is not: whether it is there is their owner's business.
                raise ForeignError(path)
    return asked


def _check_own_pages(request: Request, principal: Principal) -> None:
    # A browser sends the cookie whoever wrote the page; only these two headers tell who did.
    if principal.credential not in {"session", "tablet"} or request.method in {"GET", "HEAD"}:
        return
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    ours = f"{request.url.scheme}://{request.headers.get('host', '')}"
    if site in {"same-origin", "none"} or (site is None and origin == ours):
        return
    raise OtherSiteError
