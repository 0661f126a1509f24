"""Records and released datasets for programs: aggregates only, with a log of every pull."""

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AwareDatetime, Field

from api.access.declaration import asks_for
from api.access.principal import CURRENT
from api.access.role import Right
from api.http.context import ContextDep
from api.http.wire import Listing, Time, Wire
from api.programme.desk import newest, reader_of, refusals, releasing_of
from api.programme.view import lines
from api.tables.listing import FILES, ListingFormDep, ListingSubject
from assessment.sharing import DATASETS
from assessment.sharing.releasing import MOST_ROWS

router = APIRouter(prefix="/api/v1/programme", tags=["programme"])
CORRELATION = "X-Correlation-ID"


class RecordOut(Wire):
    """A record of the programme, without its content."""

    record_id: int
    enterprise: str | None
    kind: str
    period: str
    version: int
    status: str
    supersedes: int | None
    sha256: str = Field(description="SHA-256 of its content, which each step names.")
    changed_at: Time


class DatasetOut(Wire):
    """A catalogue entry."""

    code: str
    name_vi: str
    name_en: str
    owner_vi: str
    sensitivity_vi: str
    cadence_vi: str
    quality_vi: str
    columns: dict[str, str] = Field(description="Vietnamese headings by the names of columns.")


class ReleasedOut(Wire):
    """A released row; of several with one `key` the last one holds."""

    release: int
    key: str
    content: dict[str, Any]
    sha256: str = Field(description="SHA-256 of the content as JSON, keys sorted, no blanks.")
    released_at: Time
    withdrawn: bool


class PulledOut(Wire):
    """A page of released rows."""

    data: list[ReleasedOut]
    next: int = Field(description="Give it as `after` to go on; the same where there is no more.")
    more: bool
    as_of: Time


@router.get("/records", response_model=Listing[RecordOut], responses=FILES)
@asks_for(Right.PROGRAMME)
def list_records(context: ContextDep, form: ListingFormDep) -> Listing[RecordOut] | Response:
    """List the records of the newest programme that whoever asks may see."""
    with reader_of(context).transaction() as t:
        found = lines(t.records(newest(t).programme_id))
    rows = [RecordOut.model_validate(one.record) for one in found]
    subject = ListingSubject("programme_records", context.clock())
    return form.file(rows, RecordOut, subject) or Listing(data=rows)


@router.get("/datasets", response_model=Listing[DatasetOut], responses=FILES)
@asks_for(Right.PULL)
def list_datasets(context: ContextDep, form: ListingFormDep) -> Listing[DatasetOut] | Response:
    """List the datasets that may be pulled: owner, sensitivity, cadence, quality, columns."""
    rows = [
        DatasetOut(
            code=one.code,
            name_vi=one.name_vi,
            name_en=one.name_en,
            owner_vi=one.owner_vi,
            sensitivity_vi=one.sensitivity_vi,
            cadence_vi=one.cadence_vi,
            quality_vi=one.quality_vi,
            columns=dict(one.columns),
        )
        for one in DATASETS.values()
    ]
    subject = ListingSubject("programme_datasets", context.clock())
    return form.file(rows, DatasetOut, subject) or Listing(data=rows)


@router.get("/datasets/{dataset}/rows")
@asks_for(Right.PULL)
def pull_rows(
    *,
    request: Request,
    response: Response,
    dataset: Annotated[str, Path(max_length=40, description="Code of a dataset.")],
    context: ContextDep,
    after: Annotated[int, Query(ge=0, le=2**62, description="Cursor of the last pull.")] = 0,
    as_of: Annotated[
        AwareDatetime | None, Query(description="As it was at a moment; default now.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS, description="Rows at most.")] = 200,
) -> PulledOut:
    """Return released rows after a cursor. Nothing is computed: the same question has one answer.

    The log of pulls names consumer, rows and `X-Correlation-ID` (else the request's own id) before
    anything is given; enterprises read there what was told of them.
    """
    correlation = request.headers.get(CORRELATION, "")[:200] or str(request.scope["request_id"])
    moment: datetime | None = as_of
    with refusals():
        rows, at = releasing_of(context).pull(
            CURRENT.get().name, dataset, after, moment, limit, correlation
        )
    response.headers[CORRELATION] = correlation if correlation.isascii() else "-"
    return PulledOut(
        data=[
            ReleasedOut(
                release=one.release_id,
                key=one.row_key,
                content=json.loads(one.content),
                sha256=one.sha256,
                released_at=one.released_at,
                withdrawn=one.withdrawn,
            )
            for one in rows
        ],
        next=rows[-1].release_id if rows else after,
        more=len(rows) == limit,
        as_of=at,
    )
