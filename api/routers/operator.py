"""The page on which people at a machine give its stops their reasons."""

from collections import Counter
from datetime import timedelta
from importlib.resources import files

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from api.access.declaration import asks_for
from api.access.principal import CURRENT
from api.access.role import Right
from api.http.context import ContextDep, tree_of
from api.http.problems import unknown_place
from api.http.wire import ReasonOut, StopOut
from api.pages.appearance import Category
from api.routers.classification import USED_WITHIN
from api.routers.entries import now_of, order_choices
from api.routers.pages import LanguageQuery, PagesDep, inert_json
from plant.place import Level
from plant.state import TimeElement
from store.reading.row import StopRow

router = APIRouter(tags=["pages"])

RECENT = timedelta(hours=24)
MOST_STOPS = 60
MOST_STOPS_OF_ALL = 10_000
WORKER = "operator-worker.js"


@router.get("/operator/worker.js", response_class=Response)
@asks_for(Right.OPEN)
def send_worker() -> Response:
    """Send the service worker that keeps the page for when the network is away."""
    content = (files("api.pages") / "static" / WORKER).read_bytes()
    return Response(
        content,
        media_type="text/javascript; charset=utf-8",
        # Browsers must see a new one soon: it decides what they keep.
        headers={"Cache-Control": "no-cache"},
    )


@router.get("/operator", response_class=HTMLResponse)
@asks_for(Right.OPERATE)
def choose_machine(
    request: Request, context: ContextDep, pages: PagesDep, lang: LanguageQuery = None
) -> Response:
    """Show the machines to choose from."""
    language = pages.language_of(request, lang)
    with context.database.reading() as reading:
        tree = tree_of(reading)
        now = context.clock()
        stops = reading.stops(
            tree.unit_ids(None), now - RECENT, now, now=now, limit=MOST_STOPS_OF_ALL
        )
    open_stops = Counter(stop.place for stop in stops if is_to_do(stop))
    f = pages.live.formatter(language)
    lines = [
        (tree.ancestors(line.path)[1], line, tree.within(line.path, Level.WORK_UNIT))
        for line in tree.within(None, Level.WORK_CENTER)
    ]
    return pages.page("operator_choice.html", f, keep=lang, lines=lines, open_stops=open_stops)


@router.get("/operator/{path:path}", response_class=HTMLResponse)
@asks_for(Right.OPERATE)
def show_operator_page(
    request: Request,
    path: str,
    context: ContextDep,
    pages: PagesDep,
    lang: LanguageQuery = None,
) -> Response:
    """Show a machine's recent stops, those without a reason first, and the reasons to pick from."""
    language = pages.language_of(request, lang)
    now = context.clock()
    with context.database.reading() as reading:
        tree = tree_of(reading)
        unit = tree.get(path)
        if unit.level != Level.WORK_UNIT:
            raise unknown_place(path)
        ids = [unit.place_id]
        stops = reading.stops(ids, now - RECENT, now, now=now, limit=MOST_STOPS)
        reasons = reading.reason_choices(path.split("/", 1)[0], ids, now - USED_WITHIN)
        present = now_of(context, reading, tree, unit, language)
    may_write = CURRENT.get().may(Right.CLASSIFY) and context.settings.knows_writers()
    orders = order_choices(context, path.rpartition("/")[0]) if may_write else []
    f = pages.live.formatter(language, unit.time_zone)
    words = {
        key.removeprefix("operator."): text
        for key, text in f.catalogue.words().items()
        if key.startswith("operator.")
    }
    content = {
        "place": path,
        "zone": unit.time_zone or "UTC",
        "language": language,
        "recent_s": RECENT.total_seconds(),
        "now": now.isoformat(),
        "stops": [StopOut.model_validate(stop).model_dump(mode="json") for stop in stops],
        "reasons": [ReasonOut.model_validate(row).model_dump(mode="json") for row in reasons],
        "words": words,
        "kinds": {
            kind: f.text(f"state.{kind}")
            for kind in ("breakdown", "held", "suspended", "stopped", "down")
        },
        "no_order": f.text("reason.no_order"),
        "present": present.model_dump(mode="json"),
        "state_icons": {kind.value: kind.icon for kind in Category},
        "icons": pages.address("icons.svg"),
    }
    return pages.page(
        "operator.html",
        f,
        keep=lang,
        unit=unit,
        line=tree.ancestors(path)[-1],
        may_write=may_write,
        orders=orders,
        content=inert_json(content),
    )


def is_to_do(stop: StopRow) -> bool:
    """Tell whether people are to say why: not of short stops, nor of time without an order."""
    return not stop.stop_reason and stop.element != TimeElement.DOWN and not stop.minor
