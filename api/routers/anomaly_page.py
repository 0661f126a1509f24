"""The page of anomalies: events of a place, and of a machine the four steps to a model."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from api.access.declaration import asks_for
from api.access.principal import CURRENT
from api.access.role import Right
from api.http.context import ContextDep, tree_of
from api.routers.pages import LanguageQuery, PagesDep, inert_json
from plant.place import Level

router = APIRouter(tags=["pages"])


@router.get("/anomalies/{path:path}", response_class=HTMLResponse)
@asks_for(Right.FIGURES)
def show_anomalies(
    *,
    request: Request,
    path: str,
    context: ContextDep,
    pages: PagesDep,
    lang: LanguageQuery = None,
) -> Response:
    """Show what was found at a place; for a machine, also how it comes to be watched."""
    language = pages.language_of(request, lang)
    with context.database.reading() as reading:
        tree = tree_of(reading)
        place = tree.get(path)
        ancestors = tree.ancestors(path)
        machines = [
            {"path": unit.path, "name": unit.name_vi if language == "vi" else unit.name_en}
            for unit in tree.within(path, Level.WORK_UNIT)
        ]
    f = pages.live.formatter(language, place.time_zone)
    words = {
        key.removeprefix("anomaly."): text
        for key, text in f.catalogue.words().items()
        if key.startswith("anomaly.")
    }
    principal = CURRENT.get()
    content = {
        "place": path,
        "zone": place.time_zone or "UTC",
        "language": language,
        "now": context.clock().isoformat(),
        "machine": place.level == Level.WORK_UNIT,
        "site": place.level == Level.SITE,
        "machines": machines,
        "may_judge": principal.may(Right.CLASSIFY),
        "may_model": principal.may(Right.MASTER_DATA),
        "words": words,
    }
    trail = [
        (one.path, one.name_vi if language == "vi" else one.name_en) for one in [*ancestors, place]
    ]
    return pages.page(
        "anomalies.html",
        f,
        keep=lang,
        place=place,
        trail=trail,
        machine=place.level == Level.WORK_UNIT,
        site=place.level == Level.SITE,
        site_path=next((one.path for one in ancestors if one.level == Level.SITE), None),
        may_model=principal.may(Right.MASTER_DATA),
        content=inert_json(content),
    )
