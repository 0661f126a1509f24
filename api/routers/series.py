"""One signal over any time, in as many points as a drawing needs."""

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.access.declaration import asks_for
from api.access.role import Right
from api.figures.series import shape, sums
from api.http.context import ContextDep, tree_of
from api.http.problems import no_number, unknown_tag
from api.http.windows import End, Start, window
from api.http.wire import Listing, Time, Wire, told
from api.tables.listing import FILES, ListingFormDep, ListingSubject
from plant.calendar import Window
from plant.clock import from_microseconds
from store.reading.rollup import RollupReading

router = APIRouter(prefix="/api/v1", tags=["measurements"])

LONGEST = timedelta(days=3660)
MOST_POINTS = 10_000


class PointOut(Wire):
    """Good values of a stretch of time, or one of them."""

    time: Time = Field(description="Where the stretch begins; with `lttb` the time of the value.")
    value: float = Field(description="Mean of the stretch's values; with `lttb` a stored value.")
    low: float
    high: float
    samples: int


class SeriesMeta(Wire):
    """How the points were made."""

    start: Time
    end: Time
    unit: str
    method: Literal["minmax", "lttb"]
    cell_s: int | None = Field(
        description="Width in seconds of the cells that were looked at; null for every row."
    )


class DrawnSeriesOut(Listing[PointOut]):
    """A signal in few points."""

    meta: SeriesMeta


@router.get("/series", response_model=DrawnSeriesOut, responses=FILES)
@asks_for(Right.FIGURES)
def draw_series(
    *,
    context: ContextDep,
    tag: Annotated[str, Query(max_length=400, description="`enterprise/site/name` of a tag.")],
    start: Start = None,
    end: End = None,
    points: Annotated[int, Query(ge=2, le=MOST_POINTS, description="At most so many.")] = 1000,
    method: Annotated[
        Literal["minmax", "lttb"],
        Query(
            description="`minmax`: low, mean and high of each stretch; `lttb`: the stored values "
            "that keep the shape (largest triangle three buckets)."
        ),
    ] = "minmax",
    form: ListingFormDep,
) -> Response:
    """Return a number tag over any time, up to ten years, in few points; the last hour by default.

    Good values only. Where nothing was measured there is no point.
    """
    asked = window(start, end, now=context.clock(), default=timedelta(hours=1), longest=LONGEST)
    enterprise, site, name = [*tag.split("/", 2), "", ""][:3]
    if not name or "\0" in tag:
        raise unknown_tag(tag)
    with context.database.reading() as reading:
        key = reading.find_tag(f"{enterprise}/{site}", name)
        if key is None:
            raise unknown_tag(tag)
        if key.value_type != "number":
            raise no_number(tag)
        place = tree_of(reading).get(f"{enterprise}/{site}")
        question = reading.rollups(key, asked.start, asked.end)
        data, cell_s = (_shape if method == "lttb" else _sums)(question, asked, points)
    meta = SeriesMeta(start=asked.start, end=asked.end, unit=key.unit, method=method, cell_s=cell_s)
    subject = ListingSubject("series", context.clock(), place, asked)
    file = form.file(data, PointOut, subject, lambda row: {"tag": tag} | row.model_dump())
    return file or told(DrawnSeriesOut(data=data, meta=meta))


def _shape(reading: RollupReading, asked: Window, points: int) -> tuple[list[PointOut], int | None]:
    found, cell_s = shape(reading, asked, points)
    pairs = zip(found.time_us.tolist(), found.value.tolist(), strict=True)
    data = [
        PointOut(time=from_microseconds(time), value=value, low=value, high=value, samples=1)
        for time, value in pairs
    ]
    return data, cell_s


def _sums(reading: RollupReading, asked: Window, points: int) -> tuple[list[PointOut], int | None]:
    found, cell_s = sums(reading, asked, points)
    columns = (found.start_us, found.mean, found.low, found.high, found.samples)
    data = [
        PointOut(time=from_microseconds(time), value=mean, low=low, high=high, samples=samples)
        for time, mean, low, high, samples in zip(
            *(column.tolist() for column in columns), strict=True
        )
    ]
    return data, cell_s
