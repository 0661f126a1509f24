"""Shared tablets: somebody of the enterprise names a place, the tablet types the code."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from api.access.accounts import AccountError
from api.access.authentication import SECURE_COOKIE
from api.access.brake import address_of
from api.access.declaration import asks_for
from api.access.entry.tablet import LIFE, Tablets
from api.access.principal import CURRENT
from api.access.refusal import ForeignError
from api.access.role import Right
from api.access.session import SESSION_COOKIE
from api.http.context import Context, ContextDep, tree_of
from api.http.origin import OwnPagesOnly
from api.http.problems import ProblemError, too_many_tries
from api.routers.pages import LanguageQuery, PagesDep
from api.routers.sign_in import caller_of, form_body, form_of
from plant.place import Level

router = APIRouter(tags=["tablets"])

LONGEST_NAME = 80


def _tablets(context: Context) -> Tablets:
    if context.tablets is None:
        raise ProblemError(
            HTTPStatus.NOT_FOUND, "no-accounts", "No accounts here", "Set `accounts` to have them."
        )
    return context.tablets


@router.get("/tablets", response_class=HTMLResponse)
@asks_for(Right.TABLETS)
def show_tablets(
    request: Request, context: ContextDep, pages: PagesDep, lang: LanguageQuery = None
) -> Response:
    """Show the enterprise's tablets, and the form for a further one."""
    return _page(request, context, pages, lang=lang)


@router.post("/tablets", response_class=HTMLResponse, openapi_extra=form_body("place", "name"))
@asks_for(Right.TABLETS)
async def invite_tablet(request: Request, context: ContextDep, pages: PagesDep) -> Response:
    """Name a place; show the code by which a tablet becomes it, this once."""
    form = await form_of(request)
    return await run_in_threadpool(
        _invite, request, context, pages, form.get("place", ""), form.get("name", "")
    )


def _invite(request: Request, context: Context, pages: PagesDep, path: str, name: str) -> Response:
    principal = CURRENT.get()
    if not principal.covers(path):
        raise ForeignError(path)
    with context.database.reading() as reading:
        place = tree_of(reading).get(path)
    words = " ".join(name.split())[:LONGEST_NAME] or place.name_vi
    code = _tablets(context).invite(principal, place.path, words, caller_of(request))
    return _page(request, context, pages, code=code)


@router.post(
    "/tablets/{tablet}/revocation",
    response_class=RedirectResponse,
    status_code=HTTPStatus.SEE_OTHER,
)
@asks_for(Right.TABLETS)
def revoke_tablet(
    request: Request,
    tablet: Annotated[int, Path(ge=1, le=2_147_483_647)],
    context: ContextDep,
) -> Response:
    """End a tablet: from its next request on it is nobody."""
    if not _tablets(context).revoke(CURRENT.get(), tablet, caller_of(request)):
        raise ProblemError(
            HTTPStatus.NOT_FOUND,
            "unknown-tablet",
            "Unknown tablet",
            f"There is no tablet {tablet}.",
        )
    context.authentication.forget()
    return RedirectResponse("/tablets", HTTPStatus.SEE_OTHER)


@router.get("/enrol", response_class=HTMLResponse)
@asks_for(Right.OPEN)
def show_enrolment(
    request: Request, context: ContextDep, pages: PagesDep, lang: LanguageQuery = None
) -> Response:
    """Ask for the code, on the tablet."""
    _tablets(context)
    f = pages.live.formatter(pages.language_of(request, lang))
    return pages.page("enrol.html", f, keep=lang, fault="")


@router.post(
    "/enrol",
    response_class=RedirectResponse,
    status_code=HTTPStatus.SEE_OTHER,
    dependencies=[OwnPagesOnly],
    openapi_extra=form_body("code"),
)
@asks_for(Right.OPEN)
async def enrol_tablet(request: Request, context: ContextDep, pages: PagesDep) -> Response:
    """Make this browser the place of a code."""
    who = f"tablet {address_of(request.client)}"
    code = (await form_of(request)).get("code", "")[:40]
    with context.brake.trying(who) as wait_s:
        if wait_s:
            raise too_many_tries(wait_s)
        try:
            token, device = await run_in_threadpool(
                _tablets(context).enrol, code, caller_of(request)
            )
        except AccountError as exc:
            context.brake.note_fault(who)
            f = pages.live.formatter(pages.language_of(request))
            words = f.text(f"tablet.fault.{exc.words}")
            return pages.page("enrol.html", f, status=HTTPStatus.FORBIDDEN, fault=words)
    is_machine = device.path.count("/") == len(Level) - 1
    response = RedirectResponse(
        f"/operator/{device.path}" if is_machine else "/operator", HTTPStatus.SEE_OTHER
    )
    secure = request.url.scheme == "https"
    response.set_cookie(
        SECURE_COOKIE if secure else SESSION_COOKIE,
        token,
        max_age=int(LIFE.total_seconds()),
        httponly=True,
        secure=secure,
        samesite="lax",
        path="/",
    )
    return response


def _page(
    request: Request,
    context: Context,
    pages: PagesDep,
    *,
    lang: LanguageQuery = None,
    code: str = "",
) -> Response:
    enterprise = CURRENT.get().enterprise
    with context.database.reading() as reading:
        tree = tree_of(reading)
    zone = tree.zone(None)
    f = pages.live.formatter(pages.language_of(request, lang), zone)
    tablets = _tablets(context).of_enterprise(enterprise) if enterprise else []
    names = {place.path: place.name_vi if f.language == "vi" else place.name_en for place in tree}
    return pages.page(
        "tablets.html",
        f,
        keep=lang,
        code=code,
        now=datetime.now(UTC),
        address=f"{request.url.scheme}://{request.headers.get('host', '')}/enrol",
        places=[(place.path, names[place.path], place.path.count("/")) for place in tree],
        tablets=[(one, names.get(one.path, one.path)) for one in tablets],
    )
