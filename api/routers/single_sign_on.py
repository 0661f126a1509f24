"""Signing in by the word of a provider of identities (OpenID Connect)."""

from http import HTTPStatus
from typing import Annotated

import structlog
from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.access.accounts import AccountError
from api.access.brake import address_of
from api.access.declaration import asks_for
from api.access.entry.provider import ProviderError
from api.access.entry.single_sign_on import WITHIN_S, SingleSignOn
from api.access.role import Right
from api.http.context import Context, ContextDep
from api.http.problems import ProblemError, too_many_tries
from api.routers.pages import PagesDep
from api.routers.sign_in import Next, asked_again, begun, caller_of, home_of, own_address
from plant.errors import TransientError
from plant.outgoing import OutgoingRefusedError

router = APIRouter(tags=["account"])
_log = structlog.get_logger()

COOKIE = "single-sign-on"
PATH = "/sign-in/single"


def _known(context: Context) -> SingleSignOn:
    if context.single_sign_on is None:
        raise ProblemError(
            HTTPStatus.NOT_FOUND,
            "no-single-sign-on",
            "No provider of identities here",
            "Set `accounts.single_sign_on` to have one.",
        )
    return context.single_sign_on


@router.get(PATH, response_class=RedirectResponse, status_code=HTTPStatus.SEE_OTHER)
@asks_for(Right.OPEN)
def go_to_provider(
    request: Request, context: ContextDep, pages: PagesDep, next_: Next = "/"
) -> Response:
    """Send the browser to the provider."""
    target = own_address(next_)
    try:
        address, kept = _known(context).begin(_redirect_uri(request), target)
    except (ProviderError, OutgoingRefusedError, TransientError) as exc:
        _log.warning("provider_unavailable", reason=str(exc))
        return asked_again(request, pages, context, target, "outside", "")
    response = RedirectResponse(address, HTTPStatus.SEE_OTHER)
    secure = request.url.scheme == "https"
    # `lax`: the browser comes back from another site, by a link.
    response.set_cookie(
        COOKIE, kept, max_age=WITHIN_S, httponly=True, secure=secure, samesite="lax", path=PATH
    )
    return response


@router.get(f"{PATH}/back", response_class=RedirectResponse, status_code=HTTPStatus.SEE_OTHER)
@asks_for(Right.OPEN)
def come_back(
    *,
    request: Request,
    context: ContextDep,
    pages: PagesDep,
    state: Annotated[str, Query(max_length=400, description="As it was sent.")] = "",
    code: Annotated[str, Query(max_length=4000, description="What the provider gave.")] = "",
) -> Response:
    """Begin a session for whoever the provider says it is."""
    single = _known(context)
    who = address_of(request.client)
    with context.brake.trying(who) as wait_s:
        if wait_s:
            raise too_many_tries(wait_s)
        target = "/"
        try:
            cookie, target = single.finish(
                state, code, request.cookies.get(COOKIE, ""), caller_of(request)
            )
        except (AccountError, ProviderError, OutgoingRefusedError, TransientError) as exc:
            if not isinstance(exc, AccountError):
                # It cost the provider a call.
                context.brake.note_fault(who)
                _log.warning("single_sign_on_refused", reason=str(exc))
            words = exc.words if isinstance(exc, AccountError) else "outside"
            response = asked_again(request, pages, context, target, words, "")
        else:
            if target == "/" and context.accounts is not None:
                target = home_of(context.accounts.of_session(cookie))
            response = begun(request, cookie, target)
    response.delete_cookie(COOKIE, path=PATH, httponly=True)
    return response


def _redirect_uri(request: Request) -> str:
    # The host is one of the names of this service: `Bounds` has looked.
    return f"{request.url.scheme}://{request.headers.get('host', '')}{PATH}/back"
