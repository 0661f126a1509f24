"""Figures that analytics derived: OEE, states, stops."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from api.access.declaration import asks_for
from api.access.principal import CURRENT, Reach
from api.access.role import Right
from api.figures.choice import ChosenDep
from api.figures.oee_table import REASONS, oee_table
from api.figures.pareto import with_shares
from api.figures.roll_up import KpiGroup, roll_up
from api.http.context import ContextDep, tree_of
from api.http.problems import bad_option, too_few_machines
from api.http.windows import AsOf, End, Start, known_then, window
from api.http.wire import (
    Listing,
    OeeListing,
    OeeOut,
    OeeTableOut,
    Page,
    ParetoOut,
    StateOut,
    StopOut,
    StopPage,
    WindowOut,
    told,
)
from api.routers.places import PlacePath
from api.tables.listing import FILES, ListingFormDep, ListingSubject
from api.tables.paging import After, cursor, read_cursor
from plant.place import Level

router = APIRouter(prefix="/api/v1", tags=["figures"])

LONGEST = timedelta(days=93)
MOST_STOPS = 10_000


@router.get("/oee", response_model=OeeListing, responses=FILES)
@asks_for(Right.AGGREGATES)
def list_oee(
    *,
    context: ContextDep,
    place: PlacePath,
    kind: Annotated[Literal["hour", "shift"], Query(description="Length of the windows.")],
    start: Start = None,
    end: End = None,
    level: Annotated[
        Level | None, Query(description="Places of this level at or below `place` instead.")
    ] = None,
    as_of: AsOf = None,
    chosen: ChosenDep,
    form: ListingFormDep,
) -> Response:
    """Return OEE per hour or shift whose window overlaps the asked one, 24 hours by default.

    Of one order, product or lot it is formed from the base sums of that alone, of the slices in
    the asked window. With `as_of` the answer is the one that was given then, of what was final.
    """
    now = context.clock()
    then = known_then(as_of, now)
    if chosen and then is not None:
        raise bad_option("as_of", "without `order`, `product` and `lot`")
    asked = window(start, end, now=now, default=timedelta(days=1), longest=LONGEST)
    with context.database.reading() as reading:
        tree = tree_of(reading)
        found = tree.get(place)
        places = [found] if level is None else tree.within(found.path, level)
        if CURRENT.get().reach is Reach.AGGREGATES:
            untold = reading.untold_sites()
            if found.place_id in untold:
                raise too_few_machines(place)
            places = [one for one in places if one.place_id not in untold]
        if chosen:
            data = [
                _formed(one.path, kind, group)
                for one in places
                for group in roll_up(reading, tree, one, kind, asked, now, chosen=chosen).groups
            ]
        else:
            rows = reading.results(
                [place.place_id for place in places], kind, asked.start, asked.end, then
            )
            data = [OeeOut.model_validate(row) for row in rows]
    subject = ListingSubject("oee", now, found, asked)
    listing = OeeListing(data=data, meta=WindowOut.model_validate(asked))
    return form.file(data, OeeOut, subject) or told(listing)


def _formed(place: str, kind: str, group: KpiGroup) -> OeeOut:
    """Return an OEE formed on request in the form of a stored one."""
    sums = asdict(group.sums)
    return OeeOut.model_validate(
        {
            **asdict(group.result),
            **{name: sums[name] for name in OeeOut.model_fields.keys() & sums.keys()},
            "place": place,
            "kind": kind,
            "start": group.start,
            "end": group.end,
            "business_date": group.business_date if kind == "shift" else None,
            "shift": group.shift if kind == "shift" else None,
            "policy_version": max(group.policy_versions),
            "formula_version": max(group.formula_versions),
            "as_of": group.as_of,
            "final": group.final,
        }
    )


@router.get("/oee/table", response_model=OeeTableOut)
@asks_for(Right.FIGURES)
def get_oee_table(
    *,
    context: ContextDep,
    place: PlacePath,
    kind: Annotated[Literal["hour", "shift"], Query(description="Length of the windows.")],
    start: Start = None,
    end: End = None,
    level: Annotated[
        Level, Query(description="Places of this level at or below `place`.")
    ] = Level.WORK_UNIT,
    as_of: AsOf = None,
) -> Response:
    """Return OEE, its factors and counts of many places and windows as matrices.

    31 days by default: what a heat map or a comparison needs, without a name at every number.
    """
    now = context.clock()
    then = known_then(as_of, now)
    asked = window(start, end, now=now, default=timedelta(days=31), longest=LONGEST)
    with context.database.reading() as reading:
        tree = tree_of(reading)
        places = tree.within(tree.get(place).path, level)
        table = reading.result_table(
            [one.place_id for one in places], kind, asked.start, asked.end, REASONS, then
        )
    return Response(oee_table(places, table), media_type="application/json")


@router.get("/states", response_model=Listing[StateOut], responses=FILES)
@asks_for(Right.FIGURES)
def list_states(
    *,
    context: ContextDep,
    place: PlacePath,
    start: Start = None,
    end: End = None,
    form: ListingFormDep,
) -> Response | Listing[StateOut]:
    """Return a machine's states, clipped to the window (8 hours by default), without gaps."""
    asked = window(start, end, now=context.clock(), default=timedelta(hours=8), longest=LONGEST)
    with context.database.reading() as reading:
        unit = tree_of(reading).of_level(place, Level.WORK_UNIT)
        states = reading.states([unit.place_id], asked.start, asked.end)
    data = [StateOut.model_validate(state) for state in states]
    subject = ListingSubject("states", context.clock(), unit, asked)
    return form.file(data, StateOut, subject) or Listing(data=data)


@router.get("/stops", response_model=StopPage, responses=FILES)
@asks_for(Right.OPERATE)
def list_stops(
    *,
    context: ContextDep,
    place: PlacePath,
    start: Start = None,
    end: End = None,
    limit: Annotated[int, Query(ge=1, le=MOST_STOPS)] = 1000,
    after: After = None,
    form: ListingFormDep,
) -> Response:
    """Return whole stops that overlap the window (24 hours by default), newest first.

    `meta.next` leads to the next page. A window without `end` ends at each page's own present: give
    one where stops are still coming.
    """
    behind = read_cursor(after)
    now = context.clock()
    asked = window(start, end, now=now, default=timedelta(days=1), longest=LONGEST)
    with context.database.reading() as reading:
        tree = tree_of(reading)
        found = tree.get(place)
        units = tree.unit_ids(found.path)
        stops = reading.stops(units, asked.start, asked.end, now=now, limit=limit, behind=behind)
    data = [StopOut.model_validate(stop) for stop in stops]
    subject = ListingSubject("stops", now, found, asked)
    going_on = cursor(stops[-1].start, stops[-1].place) if len(stops) == limit else None
    return form.file(data, StopOut, subject) or told(StopPage(data=data, meta=Page(next=going_on)))


@router.get("/stops/pareto", response_model=Listing[ParetoOut], responses=FILES)
@asks_for(Right.FIGURES)
def list_pareto(
    *,
    context: ContextDep,
    place: PlacePath,
    start: Start = None,
    end: End = None,
    form: ListingFormDep,
) -> Response | Listing[ParetoOut]:
    """Return time and number of stops per reason within the window (24 hours by default).

    Longest first. `unassigned` is always listed; `no_order` are stops that explain themselves;
    every other code is a reason of the enterprise's list.
    """
    now = context.clock()
    asked = window(start, end, now=now, default=timedelta(days=1), longest=LONGEST)
    with context.database.reading() as reading:
        tree = tree_of(reading)
        found = tree.get(place)
        units = tree.unit_ids(found.path)
        rows = reading.pareto(units, asked.start, asked.end, now=now)
    data = with_shares(rows)
    subject = ListingSubject("pareto", now, found, asked)
    return form.file(data, ParetoOut, subject) or Listing(data=data)
