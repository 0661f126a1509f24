"""Raw measurements: page by page as JSON, or whole as CSV."""

import asyncio
import re
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.responses import StreamingResponse

from api.access.declaration import asks_for
from api.access.role import Right
from api.http.context import Context, ContextDep, tree_of
from api.http.problems import bad_cursor, unknown_tag
from api.http.windows import End, Start, window
from api.http.wire import MeasurementOut, MeasurementPage, Page
from api.routers.places import PlacePath
from api.tables.listing import FILES, ListingFormDep, ListingSubject
from plant.clock import from_microseconds, microseconds
from store.reading.row import MeasurementRow

router = APIRouter(prefix="/api/v1", tags=["measurements"])

LONGEST = timedelta(days=366)
MOST_ROWS = 10_000
CSV_HEADER = b"tag,source_time,received_time,value,quality\n"
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
) -> Response | MeasurementPage:
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
    return file or MeasurementPage(
        data=data,
        meta=Page(next=_next_cursor(rows, from_time, skip) if len(rows) == limit else None),
    )


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


@router.get(
    "/measurements.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}, "description": "Streamed CSV."}},
)
@asks_for(Right.FIGURES)
async def export_measurements(
    context: ContextDep, place: PlacePath, start: Start = None, end: End = None
) -> StreamingResponse:
    """Stream every measurement at or below a place as CSV, the last hour by default.

    Columns: `tag,source_time,received_time,value,quality`. Number and text tags, whole, repeats
    included, all as of one moment.
    """
    asked = window(start, end, now=context.clock(), default=timedelta(hours=1), longest=LONGEST)
    stack = ExitStack()
    try:
        lines = await run_in_threadpool(_open_export, context, stack, place, asked.start, asked.end)
    except BaseException:  # a cancelled request, too, leaves no connection open
        await run_in_threadpool(stack.close)
        raise
    name = f"{place.replace('/', '-')}.csv"
    return StreamingResponse(
        _closing(lines, stack),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _open_export(
    context: Context, stack: ExitStack, place: str, start: datetime, end: datetime
) -> Generator[bytes]:
    reading = stack.enter_context(context.database.exporting())
    tree = tree_of(reading)
    lines = reading.export(tree.unit_ids(tree.get(place).path), start, end)
    stack.callback(lines.close)
    return lines


async def _closing(lines: Iterator[bytes], stack: ExitStack) -> AsyncIterator[bytes]:
    # The connection goes back when the stream ends, also when the reader hangs up half way.
    try:
        yield CSV_HEADER
        async for line in iterate_in_threadpool(lines):
            yield line
    finally:
        # Not awaited: whoever hung up has cancelled us.
        asyncio.get_running_loop().run_in_executor(None, stack.close)
