"""The page on which a person shows the installation's token once."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.access.brake import address_of
from api.access.session import LASTS_S, SESSION_COOKIE, is_token, session_of
from api.http.context import ContextDep
from api.http.problems import too_many_tries
from api.routers.pages import LanguageQuery, PagesDep

router = APIRouter(tags=["pages"])

Next = Annotated[str, Query(alias="next", max_length=2000, description="Where to go afterwards.")]


@router.get("/sign-in", response_class=HTMLResponse)
def show_sign_in(
    request: Request, pages: PagesDep, next_: Next = "/", lang: LanguageQuery = None
) -> Response:
    """Ask for the token."""
    f = pages.live.formatter(pages.language_of(request, lang))
    asked = {"next": _own(next_)}
    return pages.page("sign_in.html", f, keep=lang, query=asked, asked=asked, wrong=False)


@router.post(
    "/sign-in",
    response_class=RedirectResponse,
    status_code=HTTPStatus.SEE_OTHER,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/x-www-form-urlencoded": {
                    "schema": {
                        "type": "object",
                        "properties": {"token": {"type": "string"}},
                        "required": ["token"],
                    }
                }
            },
        }
    },
)
async def sign_in(
    request: Request, context: ContextDep, pages: PagesDep, next_: Next = "/"
) -> Response:
    """Take the token and keep a cookie made from it, or ask again."""
    who = address_of(request.client)
    wait_s = context.brake.wait_s(who)
    if wait_s:
        raise too_many_tries(wait_s)
    body = await request.body()
    (token,) = parse_qs(body.decode("utf-8", "replace")).get("token", [""])[:1]
    right = context.settings.bearer_token()
    if right is not None and not is_token(token, right):
        context.brake.note_fault(who)
        f = pages.live.formatter(pages.language_of(request))
        asked = {"next": _own(next_)}
        return pages.page(
            "sign_in.html", f, status=HTTPStatus.FORBIDDEN, query=asked, asked=asked, wrong=True
        )
    context.brake.note_success(who)
    response = RedirectResponse(_own(next_), HTTPStatus.SEE_OTHER)
    if right is not None:
        response.set_cookie(
            SESSION_COOKIE,
            session_of(right),
            max_age=LASTS_S,
            httponly=True,
            secure=request.url.scheme == "https",
            samesite="lax",
            path="/",
        )
    return response


def _own(address: str) -> str:
    """Return an address of this site; any other becomes the first page."""
    # Browsers take `//x` and `/\\x` for another site.
    return address if address[:1] == "/" and address[1:2] not in {"/", "\\"} else "/"
