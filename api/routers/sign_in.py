"""Signing in and out: with an account where there are accounts, else with the one token."""

from http import HTTPStatus
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from api.access.accounts import AccountError, Caller
from api.access.authentication import SECURE_COOKIE
from api.access.brake import address_of
from api.access.declaration import asks_for
from api.access.principal import CURRENT, Principal
from api.access.refusal import UnknownError
from api.access.role import Right
from api.access.rule import ABSOLUTE_LIMIT
from api.access.session import LASTS_S, SESSION_COOKIE, is_token, session_of
from api.http.context import Context, ContextDep
from api.http.origin import OwnPagesOnly
from api.http.problems import too_many_tries
from api.routers.pages import LanguageQuery, Pages, PagesDep
from store.access.account import AccountRow

router = APIRouter(tags=["pages"])

Next = Annotated[str, Query(alias="next", max_length=2000, description="Where to go afterwards.")]


FORM = "application/x-www-form-urlencoded"


def form_body(*required: str, **optional: str) -> dict[str, Any]:
    """Return the OpenAPI description of a form of texts."""
    properties: dict[str, dict[str, Any]] = {
        name: {"type": "string"} for name in (*required, *optional)
    }
    schema = {"type": "object", "properties": properties, "required": list(required)}
    content = {FORM: {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a form, the first of each name."""
    body = (await request.body()).decode("utf-8", "replace")
    return {name: values[0] for name, values in parse_qs(body).items()}


def caller_of(request: Request) -> Caller:
    """Return from where a request comes, for the audit."""
    host = request.client.host if request.client else ""
    return Caller(host, request.scope.get("request_id", ""))


@router.get("/sign-in", response_class=HTMLResponse)
@asks_for(Right.OPEN)
def show_sign_in(
    *,
    request: Request,
    context: ContextDep,
    pages: PagesDep,
    next_: Next = "/",
    lang: LanguageQuery = None,
    choose: Annotated[bool, Query(description="Of a demo's roles, choose one.")] = False,
) -> Response:
    """Ask for login, password and code, or for the token; a demo's visitor is let in at once."""
    if context.visitors and not choose and CURRENT.get().credential == "none" and _is_here(request):
        return begun(
            request,
            context.visitors.begin(context.visitors.first, caller_of(request)),
            own_address(next_),
        )
    f = pages.live.formatter(pages.language_of(request, lang))
    asked = {"next": own_address(next_)}
    return pages.page(
        "sign_in.html",
        f,
        keep=lang,
        query=asked,
        asked=asked,
        wrong="",
        accounts=context.accounts is not None,
        visitors=_visitors(context, request),
        single=single_title(context),
        login="",
    )


@router.post(
    "/sign-in",
    response_class=RedirectResponse,
    status_code=HTTPStatus.SEE_OTHER,
    dependencies=[OwnPagesOnly],
    openapi_extra=form_body(token="", login="", password="", code="", visitor=""),
)
@asks_for(Right.OPEN)
async def sign_in(
    *, request: Request, context: ContextDep, pages: PagesDep, next_: Next = "/"
) -> Response:
    """Begin a session and keep it in a cookie, or ask again."""
    form = await form_of(request)
    if "visitor" in form:
        return await run_in_threadpool(_visit, request, context, form["visitor"])
    login = form.get("login", "").strip()
    keys = [address_of(request.client)]
    if context.accounts is not None:
        keys.append(f"account {login.casefold()}")
    with context.brake.trying(*keys) as wait_s:
        if wait_s:
            raise too_many_tries(wait_s)
        if context.accounts is None:
            wrong, cookie, lasts_s = _by_token(context, form.get("token", ""))
        else:
            given = (login, form.get("password", ""), form.get("code", ""), caller_of(request))
            try:
                cookie = await run_in_threadpool(context.accounts.sign_in, *given)
                wrong, lasts_s = "", int(ABSOLUTE_LIMIT.total_seconds())
            except AccountError as exc:
                wrong, cookie, lasts_s = exc.words, "", 0
        if wrong:
            if wrong != "code":
                context.brake.note_fault(*keys)
            return asked_again(request, pages, context, next_, wrong, login)
        context.brake.note_success(*keys)
    target = own_address(next_)
    if context.accounts is not None and target == "/":
        target = home_of(await run_in_threadpool(context.accounts.of_session, cookie))
    return begun(request, cookie, target, lasts_s, accounts=context.accounts is not None)


def _visit(request: Request, context: Context, login: str) -> Response:
    if context.visitors is None or context.accounts is None or not _is_here(request):
        raise UnknownError
    try:
        cookie = context.visitors.begin(login, caller_of(request))
    except AccountError:
        raise UnknownError from None
    return begun(request, cookie, home_of(context.accounts.of_session(cookie)))


def _is_here(request: Request) -> bool:
    """Return whether a request comes from this machine, by its own address."""
    try:
        return ip_address(request.client.host if request.client else "").is_loopback
    except ValueError:
        return False


def _visitors(context: Context, request: Request) -> list[AccountRow]:
    return context.visitors.accounts() if context.visitors and _is_here(request) else []


def begun(
    request: Request,
    cookie: str,
    target: str,
    lasts_s: int = int(ABSOLUTE_LIMIT.total_seconds()),
    *,
    accounts: bool = True,
) -> Response:
    """Return the answer with which a session begins, in the browser's cookie."""
    response = RedirectResponse(target, HTTPStatus.SEE_OTHER)
    if cookie:
        secure = request.url.scheme == "https"
        response.set_cookie(
            SECURE_COOKIE if secure and accounts else SESSION_COOKIE,
            cookie,
            max_age=lasts_s,
            httponly=True,
            secure=secure,
            samesite="lax",
            path="/",
        )
    return response


@router.post("/sign-out", response_class=RedirectResponse, status_code=HTTPStatus.SEE_OTHER)
@asks_for(Right.SELF)
async def sign_out(*, request: Request, context: ContextDep) -> Response:
    """End the session."""
    principal = CURRENT.get()
    if context.accounts is not None and principal.session_hash is not None:
        await run_in_threadpool(context.accounts.sign_out, principal, caller_of(request))
    context.authentication.forget()
    response = RedirectResponse(
        "/sign-in?choose=1" if context.visitors else "/sign-in", HTTPStatus.SEE_OTHER
    )
    for name in (SECURE_COOKIE, SESSION_COOKIE):
        response.delete_cookie(name, path="/", secure=name == SECURE_COOKIE, httponly=True)
    return response


def _by_token(context: Context, token: str) -> tuple[str, str, int]:
    right = context.settings.bearer_token()
    if right is None:
        return "", "", 0
    if not is_token(token, right):
        return "token", "", 0
    return "", session_of(right), LASTS_S


def asked_again(
    request: Request, pages: Pages, context: Context, next_: str, wrong: str, login: str
) -> Response:
    """Return the page again, with what was wrong."""
    f = pages.live.formatter(pages.language_of(request))
    asked = {"next": own_address(next_)}
    words = f.text(f"sign_in.{'wrong' if wrong in {'wrong_code', 'token'} else wrong}")
    if wrong == "token":
        words = f.text("sign_in.wrong_token")
    return pages.page(
        "sign_in.html",
        f,
        status=HTTPStatus.FORBIDDEN,
        query=asked,
        asked=asked,
        wrong=words,
        accounts=context.accounts is not None,
        visitors=[],
        single=single_title(context),
        login=login,
    )


def home_of(principal: Principal | None) -> str:
    """Return the first page that somebody may see."""
    if principal is not None and principal.may(Right.FIGURES):
        return "/"
    if principal is not None and principal.may(Right.OPERATE):
        return "/operator"
    if principal is not None and principal.may(Right.AGGREGATES):
        return "/sites"
    return "/account"


def single_title(context: Context) -> str:
    """Return what a provider of identities is called here; empty where there is none."""
    accounts = context.settings.accounts
    block = accounts.single_sign_on if accounts else None
    return block.title if block else ""


def own_address(address: str) -> str:
    """Return an address of this site; any other becomes the first page."""
    # Browsers take `//x` and `/\\x` for another site.
    return address if address[:1] == "/" and address[1:2] not in {"/", "\\"} else "/"
