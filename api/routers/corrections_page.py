"""The page on which people correct what was derived: judgements of counters, bounds of stops."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from api.access.declaration import asks_for
from api.access.principal import CURRENT
from api.access.role import Right
from api.http.context import ContextDep, tree_of
from api.routers.pages import LanguageQuery, PagesDep, inert_json
from plant.place import Level

router = APIRouter(tags=["pages"])

SPANS = (24, 168, 744)


@router.get("/corrections/{path:path}", response_class=HTMLResponse)
@asks_for(Right.FIGURES)
def show_corrections(
    *,
    request: Request,
    path: str,
    context: ContextDep,
    pages: PagesDep,
    lang: LanguageQuery = None,
    hours: Annotated[int, Query(ge=1, le=2208, description="How far back.")] = SPANS[0],
) -> Response:
    """Show what counters showed that is no plain growth, and the stops of a machine."""
    language = pages.language_of(request, lang)
    with context.database.reading() as reading:
        tree = tree_of(reading)
        place = tree.get(path)
        trail = [*tree.ancestors(path), place]
        machines = tree.within(path, Level.WORK_UNIT)
    f = pages.live.formatter(language, place.time_zone)
    words = {
        key: text
        for key, text in f.catalogue.words().items()
        if key.startswith(("correction.", "state.", "reason."))
    }
    principal = CURRENT.get()

    def named(one: Any) -> str:
        return str(one.name_vi if language == "vi" else one.name_en)

    content = {
        "place": path,
        "zone": place.time_zone or "UTC",
        "language": language,
        "end": context.clock().isoformat(),
        "start": (context.clock() - timedelta(hours=hours)).isoformat(),
        "names": {unit.path: named(unit) for unit in machines},
        "machine": place.level == Level.WORK_UNIT,
        "may_judge": principal.may(Right.MASTER_DATA),
        "may_divide": principal.may(Right.CLASSIFY),
        "words": words,
    }
    return pages.page(
        "corrections.html",
        f,
        keep=lang,
        query={"hours": str(hours)},
        trail=[(one.path, named(one)) for one in trail],
        machine=place.level == Level.WORK_UNIT,
        hours=hours,
        spans=SPANS,
        content=inert_json(content),
    )
