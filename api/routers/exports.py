"""All measurements of a place as a file: CSV and Parquet as they are read, XLSX from a disk."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Response
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.responses import StreamingResponse

from api.access.declaration import asks_for
from api.access.role import Right
from api.http.context import Context, ContextDep, tree_of
from api.http.problems import too_many_rows
from api.http.windows import End, Start, window
from api.routers.places import PlacePath
from api.tables.file import CSV_TYPE, PARQUET_TYPE, XLSX_TYPE
from api.tables.measurement_file import MOST_SHEET_ROWS, parquet, write_workbook
from plant.calendar import Window
from store.reading.export import ExportReading

router = APIRouter(prefix="/api/v1", tags=["measurements"])

LONGEST = timedelta(days=366)
CSV_HEADER = b"tag,source_time,received_time,value,quality\n"
_PIECE_BYTES = 256 * 1024


class _Asked(NamedTuple):
    context: Context
    place: str
    window: Window


async def _asked(
    context: ContextDep, place: PlacePath, start: Start = None, end: End = None
) -> _Asked:
    asked = window(start, end, now=context.clock(), default=timedelta(hours=1), longest=LONGEST)
    return _Asked(context, place, asked)


AskedDep = Annotated[_Asked, Depends(_asked)]


def _file_of(media_type: str) -> dict[int | str, dict[str, object]]:
    content: dict[str, object] = {media_type.partition(";")[0]: {}}
    return {200: {"content": content, "description": "A file, streamed."}}


@router.get("/measurements.csv", response_class=Response, responses=_file_of(CSV_TYPE))
@asks_for(Right.FIGURES)
async def export_measurements(asked: AskedDep) -> StreamingResponse:
    """Stream every measurement at or below a place as CSV, the last hour by default.

    Columns: `tag,source_time,received_time,value,quality`. Number and text tags, whole, repeats
    included, all as of one moment.
    """
    return await _streamed(asked, "csv", CSV_TYPE)


@router.get("/measurements.parquet", response_class=Response, responses=_file_of(PARQUET_TYPE))
@asks_for(Right.FIGURES)
async def export_parquet(asked: AskedDep) -> StreamingResponse:
    """Stream every measurement at or below a place as Parquet, the last hour by default.

    Columns: `tag`, `source_time`, `received_time` (microseconds, UTC), `value` (of number tags),
    `text` (of text tags, as stored), `quality`. A stream that breaks off has no footer: no reader
    takes it for a whole file.
    """
    return await _streamed(asked, "parquet", PARQUET_TYPE)


@router.get("/measurements.xlsx", response_class=Response, responses=_file_of(XLSX_TYPE))
@asks_for(Right.FIGURES)
async def export_workbook(asked: AskedDep) -> StreamingResponse:
    """Send every measurement at or below a place as a workbook, the last hour by default.

    Times are in the site's zone. A sheet holds 1,048,575 rows below its heading: more are refused
    (`too-many-rows`), never cut off. It is written whole before its first byte is sent.
    """
    return await _streamed(asked, "xlsx", XLSX_TYPE)


async def _streamed(asked: _Asked, form: str, media_type: str) -> StreamingResponse:
    stack = ExitStack()
    try:
        pieces = await run_in_threadpool(_open, asked, stack, form)
    except BaseException:  # a cancelled request, too, leaves no connection open
        await run_in_threadpool(stack.close)
        raise
    name = f"{asked.place.replace('/', '-')}.{form}"
    return StreamingResponse(
        _closing(pieces, stack),
        media_type=media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _open(asked: _Asked, stack: ExitStack, form: str) -> Iterator[bytes]:
    reading = stack.enter_context(asked.context.database.exporting())
    tree = tree_of(reading)
    place = tree.get(asked.place)
    found = reading.export(tree.unit_ids(place.path), asked.window.start, asked.window.end)
    match form:
        case "csv":
            pieces = _under_heading(found)
        case "parquet":
            pieces = parquet(found.columns())
        case _:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nhipmay-")))
            pieces = _workbook(found, folder / "measurements.xlsx", ZoneInfo(tree.zone(place.path)))
    stack.callback(pieces.close)
    return pieces


def _under_heading(found: ExportReading) -> Generator[bytes]:
    yield CSV_HEADER
    yield from found.csv()


def _workbook(found: ExportReading, path: Path, zone: ZoneInfo) -> Generator[bytes]:
    """Write the file now; return what yields it."""
    if found.at_most(MOST_SHEET_ROWS + 1) > MOST_SHEET_ROWS:
        raise too_many_rows(MOST_SHEET_ROWS)
    write_workbook(found.columns(), path, "measurements", zone)
    return _pieces_of(path)


def _pieces_of(path: Path) -> Generator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece


async def _closing(pieces: Iterator[bytes], stack: ExitStack) -> AsyncIterator[bytes]:
    # The connection goes back when the stream ends, also when the reader hangs up half way.
    try:
        async for piece in iterate_in_threadpool(pieces):
            yield piece
    finally:
        # Not awaited: whoever hung up has cancelled us.
        asyncio.get_running_loop().run_in_executor(None, stack.close)
