"""The live pages, the stream that keeps them live, and their files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Literal, cast
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from jinja2 import Environment
from starlette.exceptions import HTTPException

from api.access.declaration import asks_for
from api.access.role import Right
from api.http.context import ContextDep, tree_of
from api.http.places import name_of
from api.http.problems import ProblemError
from api.pages.assets import Asset
from api.pages.live import DATABASE_TROUBLE, SILENCE_S, LivePages, PageKind, Snapshot, Subject
from api.settings import Language
from api.words.bidi import straight_json
from api.words.formatting import Formatter
from plant.place import Level
from store.reading.row import PlaceRow

router = APIRouter(tags=["pages"])

LANGUAGE_COOKIE = "lang"
DENSITY_COOKIE = "view"
Density = Literal["compact", "wide"]
"""A line or a machine in one row each, or as a card with everything about it."""
MANY_MACHINES = 8
"""Beyond these a page is compact unless somebody asked for cards."""
HOURS = (8, 24)
_YEAR_S = 365 * 86_400

Hours = Annotated[int, Query(ge=1, le=72, description="How many hours back the charts go.")]
LanguageQuery = Annotated[Language | None, Query(alias="lang", description="vi or en; kept.")]
DensityQuery = Annotated[
    Density | None, Query(alias="view", description="Rows or cards; kept. Rows where many are.")
]


@dataclass(slots=True)
class Pages:
    """What rendering whole pages takes."""

    live: LivePages
    environment: Environment
    assets: Mapping[str, Asset]
    default_language: Language

    def language_of(self, request: Request, asked: Language | None = None) -> Language:
        """Return the language asked for, else the one kept in the cookie, else the default."""
        if asked is not None:
            return asked
        kept = request.cookies.get(LANGUAGE_COOKIE)
        return cast("Language", kept) if kept in {"vi", "en"} else self.default_language

    def render(
        self,
        template: str,
        request: Request,
        f: Formatter,
        *,
        snapshot: Snapshot,
        subject: Subject,
        trail: list[PlaceRow],
        other_zones: Sequence[str] = (),
        density: Density = "wide",
        status: int = HTTPStatus.OK,
    ) -> HTMLResponse:
        """Return a whole page."""
        other: Language = "en" if f.language == "vi" else "vi"
        html = self.environment.get_template(template).render(
            f=f,
            t=f.text,
            lang=f.language,
            other_language_url=f"?{urlencode({'lang': other, 'hours': subject.hours})}",
            snapshot=snapshot,
            charts_json=inert_json(snapshot.charts),
            events_url=_events_url(subject, snapshot.digest),
            silence_s=f"{SILENCE_S:g}",
            trail=[(place.path, name_of(place, f.language)) for place in trail],
            other_zones=other_zones,
            density=density,
            hours=subject.hours,
            hour_choices=HOURS,
            since=f"{f.now - timedelta(hours=subject.hours):%Y-%m-%dT%H:%M:%SZ}",
        )
        return HTMLResponse(html, status_code=status)

    def page(
        self,
        template: str,
        f: Formatter,
        *,
        keep: Language | None = None,
        query: Mapping[str, str] | None = None,
        status: int = HTTPStatus.OK,
        **values: object,
    ) -> HTMLResponse:
        """Return a page that is not live.

        `keep` is the language that was asked for: it is remembered. `query` are the other values
        of the address, which the link to the other language keeps.
        """
        other: Language = "en" if f.language == "vi" else "vi"
        html = self.environment.get_template(template).render(
            values,
            f=f,
            t=f.text,
            lang=f.language,
            other_language_url=f"?{urlencode({**(query or {}), 'lang': other})}",
        )
        return _kept(HTMLResponse(html, status_code=status), keep)

    def address(self, asset: str) -> str:
        """Return where a file is fetched from."""
        return f"/static/{self.assets[asset].address}"

    def error_page(self, request: Request, problem: ProblemError, request_id: str) -> Response:
        """Return a page that says in words what is wrong."""
        language = self.language_of(request)
        f = self.live.formatter(language)
        known = f"problem.{problem.kind}"
        words = (
            f.text(known, path=request.url.path.removeprefix("/place/"))
            if known in (f.catalogue.words())
            else problem.detail
        )
        html = self.environment.get_template("error.html").render(
            f=f,
            t=f.text,
            lang=language,
            words=words,
            status=problem.status.value,
            request_id=request_id,
        )
        return HTMLResponse(html, status_code=problem.status)


def inert_json(charts: Mapping[str, object]) -> str:
    """Return JSON that may stand within a script element."""
    # Within a script element only `<` could end it.
    return straight_json(charts).replace("<", "\\u003c")


def _kept(response: HTMLResponse, language: Language | None) -> HTMLResponse:
    if language is not None:
        _keep(response, LANGUAGE_COOKIE, language)
    return response


def _keep(response: Response, name: str, value: str) -> None:
    response.set_cookie(name, value, max_age=_YEAR_S, httponly=True, samesite="lax", path="/")


def _events_url(subject: Subject, digest: str) -> str:
    values = {"lang": subject.language, "hours": subject.hours, "seen": digest}
    if subject.place is not None:
        values["place"] = subject.place
    if subject.page != "place":
        values["page"] = subject.page
    return f"/events?{urlencode(values)}"


async def _pages(request: Request) -> Pages:
    return cast("Pages", request.app.state.pages)


PagesDep = Annotated[Pages, Depends(_pages)]


@router.get("/", response_class=HTMLResponse)
@asks_for(Right.FIGURES)
def show_plant(
    *,
    request: Request,
    context: ContextDep,
    pages: PagesDep,
    lang: LanguageQuery = None,
    hours: Hours = HOURS[0],
    view: DensityQuery = None,
) -> Response:
    """Show every line of the plant."""
    return _page(request, context, pages, None, lang, hours, view=view)


@router.get("/place/{path:path}", response_class=HTMLResponse)
@asks_for(Right.FIGURES)
def show_place(
    *,
    request: Request,
    context: ContextDep,
    pages: PagesDep,
    path: str,
    lang: LanguageQuery = None,
    hours: Hours = HOURS[0],
    view: DensityQuery = None,
) -> Response:
    """Show an enterprise, a site, an area, a line or a machine."""
    return _page(request, context, pages, path, lang, hours, view=view)


@router.get("/fleet", response_class=HTMLResponse)
@asks_for(Right.FLEET)
def show_fleet(
    *, request: Request, context: ContextDep, pages: PagesDep, lang: LanguageQuery = None
) -> Response:
    """Show the edges of every site: who is there, what arrived, what is missing, what to do."""
    return _page(request, context, pages, None, lang, HOURS[0], page="fleet")


def _page(
    request: Request,
    context: ContextDep,
    pages: Pages,
    path: str | None,
    lang: Language | None,
    hours: int,
    page: PageKind = "place",
    view: Density | None = None,
) -> Response:
    language = pages.language_of(request, lang)
    subject = Subject(path, language, hours, page)
    snapshot = pages.live.snapshot(subject)
    trail: list[PlaceRow] = []
    zone = None
    other_zones: list[str] = []
    machines = 0
    if snapshot.kind != "trouble":
        try:
            with context.database.reading() as reading:
                tree = tree_of(reading)
        except DATABASE_TROUBLE as exc:
            snapshot = pages.live.trouble(language, exc)
        else:
            zone = tree.zone(path)
            other_zones = [one for one in tree.zones(path) if one != zone]
            machines = len(tree.within(path, Level.WORK_UNIT))
            if path is not None:
                trail = [*tree.ancestors(path), tree.get(path)]
    down = snapshot.kind == "trouble"
    response = pages.render(
        f"{snapshot.kind}.html",
        request,
        pages.live.formatter(language, zone),
        snapshot=snapshot,
        subject=subject,
        trail=trail,
        other_zones=other_zones,
        density=_density(request, view, machines),
        status=HTTPStatus.SERVICE_UNAVAILABLE if down else HTTPStatus.OK,
    )
    if view is not None:
        _keep(response, DENSITY_COOKIE, view)
    return _kept(response, lang)


def _density(request: Request, asked: Density | None, machines: int) -> Density:
    kept = asked or request.cookies.get(DENSITY_COOKIE)
    if kept in {"compact", "wide"}:
        return cast("Density", kept)
    return "compact" if machines > MANY_MACHINES else "wide"


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "Changes as they come."}},
)
@asks_for(Right.FIGURES)
def stream_changes(
    *,
    request: Request,
    pages: PagesDep,
    place: Annotated[str | None, Query(max_length=400, description="Path; default all.")] = None,
    lang: LanguageQuery = None,
    hours: Hours = HOURS[0],
    page: Annotated[PageKind, Query(description="What the page is about.")] = "place",
    seen: Annotated[str | None, Query(max_length=64, description="Digest already shown.")] = None,
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
) -> StreamingResponse:
    """Stream what changes on a page, as server-sent events.

    Event `change` carries `{"regions": {name: html}, "charts": {name: figure}}`; its id names the
    content, and a client that reconnects with it is sent only what is new. Event `beat` comes while
    nothing changes, so that silence means a broken connection.
    """
    subject = Subject(place, pages.language_of(request, lang), hours, page)
    # An unknown place is an error now, not a stream that says nothing.
    pages.live.snapshot(subject)
    return StreamingResponse(
        pages.live.stream(subject, last_event_id or seen),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@router.get("/static/{address}", response_class=Response)
@asks_for(Right.OPEN)
def send_asset(
    address: str, pages: PagesDep, accept_encoding: Annotated[str, Header()] = ""
) -> Response:
    """Send a style sheet, a script or an icon; addresses name their content."""
    for asset in pages.assets.values():
        if asset.address == address:
            gzipped = "gzip" in accept_encoding
            return Response(
                asset.compressed if gzipped else asset.content,
                media_type=asset.media_type,
                headers=asset.headers(gzipped=gzipped),
            )
    raise HTTPException(HTTPStatus.NOT_FOUND)
