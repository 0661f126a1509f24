"""One's own account: the first password, another one, the second factor; and tokens of programs."""

from base64 import b64decode
from http import HTTPStatus
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from api.access.accounts import AccountError, Accounts
from api.access.brake import address_of
from api.access.declaration import asks_for
from api.access.principal import CURRENT
from api.access.role import Right
from api.access.secret import factor_address, new_factor
from api.http.context import Context, ContextDep
from api.http.origin import OwnPagesOnly
from api.http.problems import ProblemError, too_many_tries
from api.http.wire import Wire
from api.routers.pages import LanguageQuery, PagesDep
from api.routers.sign_in import FORM, caller_of, form_body, form_of

router = APIRouter(tags=["account"])
token_router = APIRouter(prefix="/api/v1", tags=["account"])

_GRANT_FORM = form_body("grant_type", scope="", client_id="", client_secret="")
_GRANT_FORM["requestBody"]["content"][FORM]["schema"]["properties"]["grant_type"]["enum"] = [
    "client_credentials"
]


class GrantOut(Wire):
    """A token for a client's secret."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int = Field(description="Seconds.")
    scope: str


class GrantErrorOut(Wire):
    """Why there is none, in the form of RFC 6749."""

    error: str


def _accounts(context: Context) -> Accounts:
    if context.accounts is None:
        raise ProblemError(
            HTTPStatus.NOT_FOUND, "no-accounts", "No accounts here", "Set `accounts` to have them."
        )
    return context.accounts


@router.get("/sign-in/link/{link}", response_class=HTMLResponse)
@asks_for(Right.OPEN)
def show_link(
    request: Request, link: str, context: ContextDep, pages: PagesDep, lang: LanguageQuery = None
) -> Response:
    """Ask for a password, on a one-time link."""
    good = _accounts(context).link_is_good(link)
    f = pages.live.formatter(pages.language_of(request, lang))
    words = "" if good else f.text("account.fault.link")
    return pages.page("first_password.html", f, keep=lang, good=good, fault=words)


@router.post(
    "/sign-in/link/{link}",
    response_class=RedirectResponse,
    status_code=HTTPStatus.SEE_OTHER,
    dependencies=[OwnPagesOnly],
    openapi_extra=form_body("password"),
)
@asks_for(Right.OPEN)
async def use_link(request: Request, link: str, context: ContextDep, pages: PagesDep) -> Response:
    """Set the password of a one-time link's account."""
    who = address_of(request.client)
    password = (await form_of(request)).get("password", "")
    with context.brake.trying(who) as wait_s:
        if wait_s:
            raise too_many_tries(wait_s)
        try:
            await run_in_threadpool(_accounts(context).use_link, link, password, caller_of(request))
        except AccountError as exc:
            if exc.words == "link":
                context.brake.note_fault(who)
            f = pages.live.formatter(pages.language_of(request))
            words = f.text(f"account.fault.{exc.words}")
            status = HTTPStatus.UNPROCESSABLE_ENTITY
            return pages.page(
                "first_password.html", f, status=status, good=exc.words != "link", fault=words
            )
    return RedirectResponse("/sign-in", HTTPStatus.SEE_OTHER)


@router.get("/account", response_class=HTMLResponse)
@asks_for(Right.SELF)
def show_account(
    request: Request, context: ContextDep, pages: PagesDep, lang: LanguageQuery = None
) -> Response:
    """Show who one is, and what one may change."""
    return _account_page(request, context, pages, lang=lang)


@router.post(
    "/account/password", response_class=HTMLResponse, openapi_extra=form_body("old", "new")
)
@asks_for(Right.SELF)
async def change_password(request: Request, context: ContextDep, pages: PagesDep) -> Response:
    """Set another password; every session ends."""
    form = await form_of(request)
    accounts, principal = _accounts(context), CURRENT.get()
    key = f"password {principal.name}"
    with context.brake.trying(key) as wait_s:
        if wait_s:
            raise too_many_tries(wait_s)
        try:
            await run_in_threadpool(
                accounts.change_password,
                principal,
                form.get("old", ""),
                form.get("new", ""),
                caller_of(request),
            )
        except AccountError as exc:
            context.brake.note_fault(key)
            return await run_in_threadpool(
                _account_page, request, context, pages, fault=f"account.fault.{exc.words}"
            )
    context.authentication.forget()
    return RedirectResponse("/sign-in", HTTPStatus.SEE_OTHER)


@router.post(
    "/account/second-factor", response_class=HTMLResponse, openapi_extra=form_body("secret", "code")
)
@asks_for(Right.SELF)
async def set_second_factor(request: Request, context: ContextDep, pages: PagesDep) -> Response:
    """Take a second factor that shows its code; show the recovery codes, this once."""
    form = await form_of(request)
    secret = form.get("secret", "")
    try:
        codes = await run_in_threadpool(
            _accounts(context).set_second_factor,
            CURRENT.get(),
            secret,
            form.get("code", ""),
            caller_of(request),
        )
    except (AccountError, ValueError) as exc:
        words = exc.words if isinstance(exc, AccountError) else "wrong_code"
        return await run_in_threadpool(
            _account_page, request, context, pages, fault=f"account.fault.{words}", secret=secret
        )
    context.authentication.forget()
    f = pages.live.formatter(pages.language_of(request))
    return pages.page("recovery_codes.html", f, codes=codes)


@token_router.post(
    "/oauth/token",
    response_model=GrantOut,
    responses={
        400: {"model": GrantErrorOut, "description": "The request is not one for a token."},
        401: {"model": GrantErrorOut, "description": "The client or its secret is wrong."},
    },
    openapi_extra=_GRANT_FORM,
)
@asks_for(Right.OPEN)
async def give_token(request: Request, context: ContextDep) -> GrantOut | JSONResponse:
    """Give a client a short-lived token for its secret (OAuth 2.0 client credentials)."""
    form = await form_of(request)
    who = address_of(request.client)
    with context.brake.trying(who) as wait_s:
        if wait_s:
            raise too_many_tries(wait_s)
        if form.get("grant_type") != "client_credentials":
            return _oauth_error("unsupported_grant_type")
        client_id, secret = _client(request, form)
        wanted = form.get("scope", "").split()
        accounts = _accounts(context)
        try:
            grant = await run_in_threadpool(
                accounts.exchange, client_id, secret, wanted, caller_of(request)
            )
        except AccountError as exc:
            context.brake.note_fault(who)
            return _oauth_error(exc.words)
    return GrantOut(
        access_token=grant.token,
        token_type="Bearer",
        expires_in=grant.expires_in_s,
        scope=grant.scope,
    )


def _client(request: Request, form: dict[str, str]) -> tuple[str, str]:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = b64decode(given, validate=True).decode().partition(":")
        except ValueError:
            return "", ""
        return client_id, secret
    return form.get("client_id", ""), form.get("client_secret", "")


def _oauth_error(kind: str) -> JSONResponse:
    status = HTTPStatus.UNAUTHORIZED if kind == "invalid_client" else HTTPStatus.BAD_REQUEST
    return JSONResponse({"error": kind}, status)


def _account_page(
    request: Request,
    context: Context,
    pages: PagesDep,
    *,
    lang: LanguageQuery = None,
    fault: str = "",
    secret: str = "",
) -> Response:
    accounts, principal = _accounts(context), CURRENT.get()
    account = accounts.own(principal)
    f = pages.live.formatter(pages.language_of(request, lang))
    has_factor = account.totp_secret is not None
    secret = "" if has_factor else secret or new_factor()
    return pages.page(
        "account.html",
        f,
        keep=lang,
        status=HTTPStatus.UNPROCESSABLE_ENTITY if fault else HTTPStatus.OK,
        account=account,
        must=principal.must,
        may_enrol=principal.may(Right.TABLETS),
        role=f.text(f"account.role.{account.role}"),
        fault=f.text(fault) if fault else "",
        has_factor=has_factor,
        secret=secret,
        address=factor_address(secret, account.login) if secret else "",
        tokens=accounts.tokens(principal),
    )
