"""Raw measurements of a tag, page by page."""

import re
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.access.declaration import asks_for
from api.access.role import Right
from api.http.context import ContextDep, tree_of
from api.http.problems import bad_cursor, unknown_tag
from api.http.windows import End, Start, window
from api.http.wire import MeasurementOut, MeasurementPage, Page, told
from api.tables.listing import FILES, ListingFormDep, ListingSubject
from plant.clock import from_microseconds, microseconds
from store.reading.row import MeasurementRow

router = APIRouter(prefix="/api/v1", tags=["measurements"])

LONGEST = timedelta(days=366)
MOST_ROWS = 10_000
_CURSOR = re.compile(r"(-?\d{1,18})-(\d{1,9})")


@router.get("/measurements", response_model=MeasurementPage, responses=FILES)
@asks_for(Right.FIGURES)
def list_measurements(
    *,
    context: ContextDep,
    tag: Annotated[str, Query(max_length=400, description="`enterprise/site/name` of a tag.")],
    start: Start = None,
    end: End = None,
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 1000,
    after: Annotated[str | None, Query(description="`next` of the page before.")] = None,
    form: ListingFormDep,
) -> Response:
    """Return measurements of one tag in time order, the last hour by default.

    Every stored row is returned, repeats included; `meta.next` leads to the next page.
    """
    asked = window(start, end, now=context.clock(), default=timedelta(hours=1), longest=LONGEST)
    from_time, skip = _read_cursor(after) if after else (asked.start, 0)
    enterprise, site, name = [*tag.split("/", 2), "", ""][:3]
    if not name or "\0" in tag:
        raise unknown_tag(tag)
    with context.database.reading() as reading:
        key = reading.find_tag(f"{enterprise}/{site}", name)
        if key is None:
            raise unknown_tag(tag)
        rows = reading.measurements(
            key, max(from_time, asked.start), asked.end, skip=skip, limit=limit
        )
        unit = tree_of(reading).get(f"{enterprise}/{site}")
    data = [MeasurementOut.model_validate(row) for row in rows]
    subject = ListingSubject("measurements", context.clock(), unit, asked)
    file = form.file(data, MeasurementOut, subject, lambda row: {"tag": tag} | row.model_dump())
    page = MeasurementPage(
        data=data,
        meta=Page(next=_next_cursor(rows, from_time, skip) if len(rows) == limit else None),
    )
    return file or told(page)


def _read_cursor(text: str) -> tuple[datetime, int]:
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise bad_cursor()
    try:
        return from_microseconds(int(match[1])), int(match[2])
    except OverflowError as exc:
        raise bad_cursor() from exc


def _next_cursor(rows: list[MeasurementRow], from_time: datetime, skip: int) -> str:
    # Rows may repeat, so a place among them is a time and how many of that time came already.
    last = rows[-1].source_time
    seen = sum(row.source_time == last for row in rows)
    if last == from_time:
        seen += skip
    return f"{microseconds(last)}-{seen}"
