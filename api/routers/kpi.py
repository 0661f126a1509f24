"""Figures formed on request: every place, any window, every ratio or the reason for none."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.access.declaration import asks_for
from api.access.role import Right
from api.figures import fault as kpi_fault
from api.figures.answer import flat_kpi, flat_losses, kpi_out, kpi_window, losses_out
from api.figures.choice import ChosenDep
from api.figures.roll_up import KpiAnswer, roll_up
from api.figures.wire import (
    CapabilityOut,
    FaultOut,
    KpiListing,
    KpiOut,
    LossesListing,
    LossesOut,
    RestatementOut,
)
from api.http.context import Context, ContextDep, tree_of
from api.http.problems import bad_option, unknown_tag
from api.http.windows import AsOf, End, Start, known_then, window
from api.http.wire import Listing
from api.routers.measurements import MOST_ROWS
from api.routers.places import PlacePath
from api.tables.listing import FILES, ListingFormDep, ListingSubject
from plant.calendar import Window
from plant.kpi.capability import capability
from plant.measurement import Quality
from plant.place import Level
from store.reading.kpi import Chosen
from store.reading.row import PlaceRow

router = APIRouter(prefix="/api/v1", tags=["figures"])

LONGEST = timedelta(days=366)
MOST_HOURS = timedelta(days=93)
MOST_ROWS_OF_TRAIL = 10_000
By = Annotated[
    Literal["hour", "shift", "day", "product", "order", "lot"] | None,
    Query(description="One group for each; without it one for the whole window."),
]


@router.get("/kpi", response_model=KpiListing, responses=FILES)
@asks_for(Right.FIGURES)
def list_kpi(
    *,
    context: ContextDep,
    place: PlacePath,
    start: Start = None,
    end: End = None,
    by: By = None,
    chosen: ChosenDep,
    form: ListingFormDep,
) -> Response | KpiListing:
    """Return every figure of ISO 22400-2 of a place, for the window or per group of it.

    A figure without a value has a reason. Any place: a serial line by its bottleneck, a pool, an
    area, a site or an enterprise by the sums of its lines.
    """
    found, asked, answer = _answer(context, place, start, end, by, chosen, losses=False)
    data = [kpi_out(place, by, group) for group in answer.groups]
    subject = ListingSubject("kpi", context.clock(), found, answer.window)
    return form.file(data, KpiOut, subject, flat_kpi) or KpiListing(
        data=data, meta=kpi_window(asked, answer)
    )


@router.get("/losses", response_model=LossesListing, responses=FILES)
@asks_for(Right.FIGURES)
def list_losses(
    *,
    context: ContextDep,
    place: PlacePath,
    start: Start = None,
    end: End = None,
    by: By = None,
    chosen: ChosenDep,
    form: ListingFormDep,
) -> Response | LossesListing:
    """Return where the time went: from calendar time to fully productive time, to 0 s.

    Not scheduled, production beyond the plan, planned downtime, then the six big losses.
    """
    found, asked, answer = _answer(context, place, start, end, by, chosen, losses=True)
    data = [losses_out(place, by, group) for group in answer.groups]
    subject = ListingSubject("losses", context.clock(), found, answer.window)
    return form.file(data, LossesOut, subject, flat_losses) or LossesListing(
        data=data, meta=kpi_window(asked, answer)
    )


@router.get("/restatements", response_model=Listing[RestatementOut], responses=FILES)
@asks_for(Right.FIGURES)
def list_restatements(
    *,
    context: ContextDep,
    place: PlacePath,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS_OF_TRAIL)] = 1000,
    form: ListingFormDep,
) -> Response | Listing[RestatementOut]:
    """Return final figures at or below a place that changed, newest change first.

    The window is that of the figures (31 days by default), not of the change; with `as_of` the
    trail as it was then.
    """
    now = context.clock()
    then = known_then(as_of, now)
    asked = window(start, end, now=now, default=timedelta(days=31), longest=LONGEST)
    with context.database.reading() as reading:
        tree = tree_of(reading)
        found = tree.get(place)
        path = found.path
        places = [one.place_id for level in Level for one in tree.within(path, level)]
        rows = reading.kpi([], [], "", asked.start, asked.end).restatements(places, limit, then)
    data = [RestatementOut.model_validate(row) for row in rows]
    subject = ListingSubject("restatements", context.clock(), found, asked)
    return form.file(data, RestatementOut, subject) or Listing(data=data)


@router.get("/faults", response_model=Listing[FaultOut], responses=FILES)
@asks_for(Right.FIGURES)
def list_faults(
    *,
    context: ContextDep,
    place: PlacePath,
    start: Start = None,
    end: End = None,
    form: ListingFormDep,
) -> Response | Listing[FaultOut]:
    """Return what is wrong in the set-up at or below a place, with what mends it.

    As far as the figures of the window show it (7 days by default): faster than planned, no
    calendar, no planned run time, unmapped states, a bottleneck that is none any more.
    """
    asked = window(start, end, now=context.clock(), default=timedelta(days=7), longest=MOST_HOURS)
    with context.database.reading() as reading:
        tree = tree_of(reading)
        found = tree.get(place)
        data = kpi_fault.faults(reading, tree, found, asked)
    subject = ListingSubject("faults", context.clock(), found, asked)
    return form.file(data, FaultOut, subject) or Listing(data=data)


Limit = Annotated[float, Field(allow_inf_nan=False)]


@router.get("/capability", response_model=CapabilityOut, responses=FILES)
@asks_for(Right.FIGURES)
def get_capability(
    *,
    context: ContextDep,
    tag: Annotated[str, Query(max_length=400, description="`enterprise/site/name` of a tag.")],
    start: Start = None,
    end: End = None,
    lower: Annotated[Limit | None, Query(description="Lower tolerance limit.")] = None,
    upper: Annotated[Limit | None, Query(description="Upper tolerance limit.")] = None,
    subgroup: Annotated[int, Query(ge=1, le=10, description="Values of one subgroup.")] = 1,
    form: ListingFormDep,
) -> Response | CapabilityOut:
    """Return Cp, Cpk, Pp, Ppk of a number tag's good values, with 95 % confidence intervals.

    The last 24 hours by default; at most 10,000 values, the first of the window. What came twice
    counts once.
    """
    if lower is not None and upper is not None and lower >= upper:
        raise bad_option("lower", "below `upper`")
    asked = window(start, end, now=context.clock(), default=timedelta(days=1), longest=LONGEST)
    enterprise, site, name = [*tag.split("/", 2), "", ""][:3]
    with context.database.reading() as reading:
        key = reading.find_tag(f"{enterprise}/{site}", name) if "\0" not in tag else None
        if key is None or key.value_type != "number":
            raise unknown_tag(tag)
        rows = reading.measurements(key, asked.start, asked.end, skip=0, limit=MOST_ROWS)
        home = tree_of(reading).get(f"{enterprise}/{site}")
    values = {
        row.source_time: float(row.value)
        for row in rows
        if row.quality == Quality.GOOD and isinstance(row.value, float | int)
    }
    found = capability(list(values.values()), lower, upper, subgroup=subgroup)
    answer = CapabilityOut.model_validate({"tag": tag} | asdict(found))
    subject = ListingSubject("capability", context.clock(), home, asked)
    return form.file([answer], CapabilityOut, subject) or answer


def _answer(
    context: Context,
    place: str,
    start: Start,
    end: End,
    by: str | None,
    chosen: Chosen,
    *,
    losses: bool,
) -> tuple[PlaceRow, Window, KpiAnswer]:
    now = context.clock()
    longest = MOST_HOURS if by == "hour" else LONGEST
    asked = window(start, end, now=now, default=timedelta(days=1), longest=longest)
    with context.database.reading() as reading:
        tree = tree_of(reading)
        found = tree.get(place)
        answer = roll_up(reading, tree, found, by or "", asked, now, losses=losses, chosen=chosen)
        return found, asked, answer
