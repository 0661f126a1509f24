"""The page on which the API is read and tried; its scripts come from this service only."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from api.access.declaration import asks_for
from api.access.role import Right
from api.routers.pages import LanguageQuery, PagesDep

router = APIRouter(tags=["pages"])


@router.get("/reference", response_class=HTMLResponse)
@asks_for(Right.SELF)
def show_reference(request: Request, pages: PagesDep, lang: LanguageQuery = None) -> HTMLResponse:
    """Show the API's description, with forms that ask it as whoever is signed in."""
    f = pages.live.formatter(pages.language_of(request, lang))
    return pages.page("reference.html", f, keep=lang)
