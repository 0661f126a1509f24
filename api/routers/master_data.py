"""Master data and MES facts: what they say, how they came to say it, and writing them."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from api.access.declaration import asks_for
from api.access.role import Right
from api.http.context import Context, ContextDep, tree_of
from api.http.error_answer import validation_words
from api.http.origin import OwnPagesOnly
from api.http.problems import (
    bad_cursor,
    documents_refused,
    malformed,
    unknown_kind,
    value_refused,
    writing_disabled,
)
from api.http.wire import Listing, Page
from api.routers.master_data_wire import MasterDataEventOut, ReportOut
from api.routers.places import PlacePath
from api.tables.listing import FILES, ListingFormDep, ListingSubject, as_text
from plant.errors import ConfigurationError, DataError
from plant.mes import KINDS, Parsed, Problem, Report
from plant.mes.file.json_file import JsonDocuments
from plant.mes.file.table import cell_text
from plant.mes.kinds.mapping import ImportMapping
from store.mes.reading import LATEST, list_documents, list_events, stored_mapping
from store.mes.writing import Provenance, write_documents

router = APIRouter(prefix="/api/v1", tags=["master data"])

MOST_DOCUMENTS = 20_000


Who = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Note = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]


class DocumentPage(Listing[dict[str, Any]]):
    """One page of documents."""

    meta: Page


class DocumentsIn(BaseModel):
    """Documents of one kind: all of them are written, or none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    documents: Annotated[list[Any], Field(max_length=MOST_DOCUMENTS)] = Field(
        description="As the reference of documents describes them."
    )
    who: Who = Field("", description="Who writes, for the trail.")
    reason: Note = Field("", description="Why, for the trail.")
    mapping: Annotated[str, Field(max_length=200)] = Field(
        "", description="Confirmed mapping that they are read by: in the source's own words."
    )
    enterprise: Annotated[str, Field(max_length=64)] = Field(
        "", description="Enterprise whose mapping it is."
    )
    site: Annotated[str, Field(max_length=200)] = Field(
        "", description="Site (enterprise/site) where the mapping and the documents name none."
    )


async def _kind(kind: str) -> str:
    if kind not in KINDS:
        raise unknown_kind(kind, list(KINDS))
    return kind


Kind = Annotated[str, Depends(_kind)]


@router.get("/mes/{kind}", response_model=DocumentPage, responses=FILES)
@asks_for(Right.FIGURES)
def list_master_data(
    *,
    context: ContextDep,
    kind: Kind,
    place: PlacePath,
    skip: Annotated[
        int, Query(ge=0, le=10**9, deprecated=True, description="`after` goes on in a list.")
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    after: Annotated[
        str | None, Query(max_length=3000, description="`next` of the page before.")
    ] = None,
    form: ListingFormDep,
) -> Response | DocumentPage:
    """Return documents of a kind at or below a place, and those of its enterprise.

    In the order of their keys; `meta.next` leads to the next page. As a file it is a table that
    can be corrected and imported again.
    """
    behind = _read_cursor(kind, after) if after else None
    with context.database.reading() as reading:
        found = tree_of(reading).get(place)
    try:
        documents, last = list_documents(
            context.reading_login(), kind, found.path, skip=skip, limit=limit, after=behind
        )
    except DataError as exc:
        # No word of theirs goes into a value but through `after`.
        raise bad_cursor() from exc
    rows = (
        {
            name: cell_text(value) if isinstance(value, list | dict) else value
            for name, value in document.items()
        }
        for document in documents
    )
    subject = ListingSubject(kind, context.clock(), found)
    names = list(KINDS[kind].model_fields)
    going_on = None if last is None else _cursor(kind, last)
    return form.table(rows, names, subject, labelled=False) or DocumentPage(
        data=documents, meta=Page(next=going_on)
    )


def _cursor(kind: str, key: Sequence[str]) -> str:
    return urlsafe_b64encode(json.dumps([kind, *key]).encode()).decode()


def _read_cursor(kind: str, after: str) -> list[str]:
    try:
        said = json.loads(urlsafe_b64decode(after.encode()))
    except (ValueError, RecursionError) as exc:
        raise bad_cursor() from exc
    if (
        not isinstance(said, list)
        or len(said) != 1 + len(KINDS[kind].KEY)
        or not all(isinstance(one, str) and "\0" not in one for one in said)
        # The database would notice only where it has to compare.
        or said[0] != kind
    ):
        raise bad_cursor()
    return said[1:]


@router.get("/mes-events", response_model=Listing[MasterDataEventOut], responses=FILES)
@asks_for(Right.FIGURES)
def list_master_data_events(
    *,
    context: ContextDep,
    place: PlacePath,
    kind: Annotated[str | None, Query(max_length=50)] = None,
    before: Annotated[int, Query(ge=1, le=LATEST, description="Event id to go on from.")] = LATEST,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
    form: ListingFormDep,
) -> Response | Listing[MasterDataEventOut]:
    """Return changes of master data, newest first: who, when, why, from what to what."""
    with context.database.reading() as reading:
        found = tree_of(reading).get(place)
    events = list_events(context.reading_login(), kind, found.path, before=before, limit=limit)
    data = [MasterDataEventOut.model_validate(event) for event in events]
    subject = ListingSubject("mes-events", context.clock(), found)
    return form.file(data, MasterDataEventOut, subject, _flat_event) or Listing(data=data)


def _flat_event(event: MasterDataEventOut) -> dict[str, Any]:
    values = event.model_dump()
    return values | {name: as_text(values[name]) for name in ("key", "old", "new")}


@router.post(
    "/mes/{kind}",
    dependencies=[OwnPagesOnly],
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": DocumentsIn.model_json_schema()}},
        }
    },
)
@asks_for(Right.MASTER_DATA)
async def write_master_data(
    *,
    context: ContextDep,
    request: Request,
    kind: Kind,
    preview: Annotated[bool, Query(description="Say what would happen, write nothing.")] = False,
) -> ReportOut:
    """Write documents of a kind: all of them, or none and what is wrong with each."""
    if not context.settings.knows_writers():
        raise writing_disabled()
    body = await request.body()
    return await run_in_threadpool(_write, context, kind, body, preview=preview)


def _write(context: Context, kind: str, body: bytes, *, preview: bool) -> ReportOut:
    try:
        given = DocumentsIn.model_validate_json(body)
    except ValidationError as exc:
        raise malformed(validation_words(exc)) from exc
    except RecursionError as exc:
        raise malformed("The body is nested too deeply.") from exc
    provenance = Provenance(
        who=given.who or "API",
        source=f"POST /api/v1/mes/{kind}",
        now=context.clock(),
        reason=given.reason,
    )
    mapping = _mapping(context, kind, given)
    parsed = JsonDocuments(given.documents).parsed(KINDS[kind], mapping)
    return ReportOut.model_validate(write_parsed(context, parsed, provenance, preview=preview))


def _mapping(context: Context, kind: str, given: DocumentsIn) -> ImportMapping | None:
    if not given.mapping:
        return None
    enterprise = given.enterprise or given.site.partition("/")[0]
    try:
        found = stored_mapping(context.settings.writing(), enterprise, given.mapping)
    except ConfigurationError as exc:
        raise malformed(str(exc)) from exc
    if found.kind != kind:
        raise malformed(f"The mapping {given.mapping!r} is of {found.kind}.")
    return found.with_defaults({"enterprise": enterprise, "site": given.site} if given.site else {})


def write_parsed(
    context: Context, parsed: Iterable[Parsed], provenance: Provenance, *, preview: bool
) -> Report:
    """Write documents; raise the problem `documents-refused` when something is wrong with one."""
    try:
        report = write_documents(
            context.settings.writing(),
            parsed,
            provenance,
            scope=context.writing_scope(),
            preview=preview,
        )
    except DataError as exc:
        raise value_refused(exc.detail) from exc
    if not report.fit:
        detail = f"{report.words()}; nothing was written."
        raise documents_refused(detail, [_error(problem) for problem in report.problems])
    return report


def _error(problem: Problem) -> dict[str, str]:
    return {
        "name": problem.where,
        "field": problem.field,
        "message": problem.words,
        "reason": problem.reason.value,
    }
