"""What the department sees after signing in: sites of every enterprise, and nothing below."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from api.access.declaration import asks_for
from api.access.principal import CURRENT, Reach
from api.access.role import Right
from api.http.context import ContextDep, tree_of
from api.pages.cards import oee_card
from api.routers.pages import LanguageQuery, PagesDep
from plant.place import Level

router = APIRouter(tags=["pages"])


@router.get("/sites", response_class=HTMLResponse)
@asks_for(Right.AGGREGATES)
def show_sites(
    request: Request, context: ContextDep, pages: PagesDep, lang: LanguageQuery = None
) -> Response:
    """Show the two newest shifts of each site that whoever asks may see: OEE and its coverage."""
    with context.database.reading() as reading:
        tree = tree_of(reading)
        sites = tree.within(None, Level.SITE)
        rows = reading.latest_shifts([site.place_id for site in sites], context.clock())
        untold = reading.untold_sites() if CURRENT.get().reach is Reach.AGGREGATES else set()
    language = pages.language_of(request, lang)
    shown = []
    for site in sites:
        f = pages.live.formatter(language, site.time_zone)
        cards = [oee_card(row, f, "") for row in rows if row.place == site.path]
        (enterprise,) = tree.ancestors(site.path)
        names = [one.name_vi if language == "vi" else one.name_en for one in (enterprise, site)]
        shown.append((*names, site.time_zone or "UTC", cards, site.place_id in untold))
    return pages.page("sites.html", pages.live.formatter(language), keep=lang, sites=shown)
