"""The page of signals: any tags over any window, with states, stops and anomalies beside them."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from api.access.declaration import asks_for
from api.access.role import Right
from api.http.context import ContextDep, tree_of
from api.http.places import name_of
from api.pages.appearance import Category
from api.pages.picking import PickDep, choices, resolve
from api.routers.pages import LanguageQuery, PagesDep, inert_json
from api.routers.series import LONGEST
from plant.measurement import TagRole, ValueType
from plant.place import Level
from store.reading.row import TagRow

router = APIRouter(tags=["pages"])

MOST_SIGNALS = 12
DEFAULT_HOURS = 8
_FIRST_CHOICE = 4
STATES_WITHIN = timedelta(days=3)
"""Longer, states would be too many to draw or to send."""


@router.get("/trend/{path:path}", response_class=HTMLResponse)
@asks_for(Right.FIGURES)
def show_trend(
    *,
    request: Request,
    path: str,
    context: ContextDep,
    pages: PagesDep,
    lang: LanguageQuery = None,
    pick: PickDep,
    tag: Annotated[
        list[Annotated[str, Query(max_length=400)]],
        Query(max_length=200, description="`enterprise/site/name` of tags; some by default."),
    ] = [],  # noqa: B006  # FastAPI copies defaults
    stop: Annotated[
        str | None, Query(max_length=40, description="The beginning of a stop to point out.")
    ] = None,
) -> Response:
    """Show signals of a place over a window of up to ten years: to zoom in, and to take along."""
    language = pages.language_of(request, lang)
    now = context.clock()
    with context.database.reading() as reading:
        tree = tree_of(reading)
        place = tree.get(path)
        picked = resolve(
            reading, tree, place, pick, now=now, default_hours=DEFAULT_HOURS, longest=LONGEST
        )
        offered = choices(reading, tree, place, now)
        units = tree.within(path, Level.WORK_UNIT)
        names = tree.names(units, language)
        tags = [
            one
            for one in reading.tags([unit.place_id for unit in units])
            if one.value_type == ValueType.NUMBER
        ]
        reasons = reading.stop_reasons(path.split("/", 1)[0])
    f = pages.live.formatter(language, tree.zone(path))
    chosen = _chosen(tags, tag)
    window = picked.window
    content = {
        "place": path,
        "zone": f.zone.key,
        "language": language,
        "now": now.isoformat(),
        "start": window.start.isoformat(),
        "end": window.end.isoformat(),
        "stop": stop,
        "most": MOST_SIGNALS,
        "states_within_ms": STATES_WITHIN / timedelta(milliseconds=1),
        "signals": {
            one.tag: {
                "name": one.description or one.name,
                "unit": f.unit(one.unit),
                "machine": one.work_unit,
            }
            for one in tags
        },
        "chosen": chosen,
        "machines": names,
        "units": [unit.path for unit in units],
        "reasons": {code: vi if language == "vi" else en for code, (vi, en) in reasons.items()},
        "kinds": {
            kind.value: {"name": f.text(f"state.{kind.value}"), "texture": kind.texture}
            for kind in Category
        },
        "anomaly_kinds": {
            key.removeprefix("anomaly.kind_"): text
            for key, text in f.catalogue.words().items()
            if key.startswith("anomaly.kind_")
        },
        "unassigned": f.text("reason.unassigned"),
        "words": {
            key.removeprefix("trend."): text
            for key, text in f.catalogue.words().items()
            if key.startswith("trend.")
        },
        "in_time": {unit: f.text(f"unit.{unit}", s="{s}", m="{m}", h="{h}") for unit in _UNITS},
    }
    return pages.page(
        "trend.html",
        f,
        keep=lang,
        query=dict(picked.query),
        place=place,
        place_name=name_of(place, language),
        trail=[(one.path, name_of(one, language)) for one in tree.ancestors(path)],
        tags=[(names[unit.path], [t for t in tags if t.work_unit == unit.path]) for unit in units],
        chosen=chosen,
        picked=picked,
        offered=offered,
        day=f"{f.local(window.start):%Y-%m-%d}",
        start=f"{f.local(window.start):%Y-%m-%dT%H:%M}",
        end=f"{f.local(window.end):%Y-%m-%dT%H:%M}",
        content=inert_json(content),
    )


_UNITS = ("seconds", "minutes", "hours")


def _chosen(tags: list[TagRow], asked: list[str]) -> list[str]:
    """Return the tags to draw: those asked for that there are, else the first process values."""
    there = {one.tag for one in tags}
    wanted = [name for name in dict.fromkeys(asked) if name in there]
    values = [one.tag for one in tags if one.role == TagRole.NONE] or [one.tag for one in tags]
    return wanted[:MOST_SIGNALS] or values[:_FIRST_CHOICE]
