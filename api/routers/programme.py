"""Pages of the pilot programme: board, records, criterion matrix, figures, comparison, sharing."""

import json
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, Response

from api.access.declaration import asks_for
from api.access.principal import CURRENT
from api.access.refusal import RefusalError
from api.access.role import Right
from api.http.context import Context, ContextDep
from api.http.problems import unknown_place
from api.programme.desk import (
    actor_of,
    desk_of,
    newest,
    reader_of,
    record_of,
    refusals,
    releasing_of,
    unknown_record,
)
from api.programme.view import (
    COMPARED,
    SECTORS_VI,
    board,
    comparison,
    figure_view,
    lines,
    matrix,
    shown_period,
)
from api.routers.pages import LanguageQuery, Pages, PagesDep
from assessment.evidence import METRICS
from assessment.form import forms
from assessment.framework import Document
from assessment.programme import KINDS, Actor, Status, next_steps
from assessment.programme.cost import BUDGET, cost_lines_vi
from assessment.programme.desk import holding
from assessment.programme.rhythm import deadlines
from assessment.programme.workflow import OFFICE_VI, STATUS_VI, Office, may_write
from assessment.scoring.proposal import DOCUMENT_VI
from assessment.sharing import DATASETS
from store.assessment.production import machines_of
from store.assessment.record import PilotTransaction, RecordRow

router = APIRouter(tags=["programme"])
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
RecordId = Annotated[int, Path(ge=1, le=2**62, description="Number of a record.")]
_MOST_PULLS = 200


def _actor() -> Actor | None:
    try:
        return actor_of(CURRENT.get())
    except RefusalError:
        return None


def show(
    template: str,
    request: Request,
    pages: Pages,
    lang: LanguageQuery,
    *,
    status: int = 200,
    **values: Any,
) -> Response:
    """Return a page of the programme, with what all of them show."""
    f = pages.live.formatter(pages.language_of(request, lang), ZONE.key)
    return pages.page(
        f"programme/{template}",
        f,
        keep=lang,
        status=status,
        actor=_actor(),
        office_vi=OFFICE_VI,
        shown_period=shown_period,
        Office=Office,
        **values,
    )


@router.get("/programme", response_class=HTMLResponse)
@asks_for(Right.PROGRAMME)
def show_programme(
    *, request: Request, context: ContextDep, pages: PagesDep, lang: LanguageQuery = None
) -> Response:
    """Show the newest programme: its enterprises, how far each is, and what is due."""
    with reader_of(context).transaction() as t:
        programmes = t.programmes()
        if not programmes:
            return show("begin.html", request, pages, lang, frameworks=_editions(context))
        programme = programmes[0]
        enterprises = t.enterprises(programme.programme_id)
        kinds, rows, own = board(enterprises, t.records(programme.programme_id))
    today = context.clock().astimezone(ZONE).date()
    return show(
        "board.html",
        request,
        pages,
        lang,
        programme=programme,
        kinds=kinds,
        rows=rows,
        own=own,
        own_kinds=[one for one in KINDS.values() if one.of_programme],
        today=today,
        deadlines=deadlines(today),
        sectors=SECTORS_VI,
    )


def _editions(context: Context) -> list[str]:
    return [one.edition for one in desk_of(context).frameworks() if one.kind == "scored"]


@router.get("/programme/enterprise/{place}", response_class=HTMLResponse)
@asks_for(Right.PROGRAMME)
def show_enterprise(
    *,
    request: Request,
    place: Annotated[str, Path(max_length=100, description="Code of the enterprise.")],
    context: ContextDep,
    pages: PagesDep,
    lang: LanguageQuery = None,
) -> Response:
    """Show the records of an enterprise, and what it allows."""
    with reader_of(context).transaction() as t:
        programme = newest(t)
        found = [one for one in t.enterprises(programme.programme_id) if one.enterprise == place]
        if not found:
            raise unknown_place(place)
        records = t.records(programme.programme_id, place)
        consents = t.consents(programme.programme_id, place)
    return show(
        "enterprise.html",
        request,
        pages,
        lang,
        programme=programme,
        one=found[0],
        sector=SECTORS_VI[found[0].sector - 1],
        lines=lines(records),
        kinds=[one for one in KINDS.values() if not one.of_programme],
        consents=consents,
        datasets=DATASETS,
        today=context.clock().astimezone(ZONE).date(),
    )


@router.get("/programme/record/{record}", response_class=HTMLResponse)
@asks_for(Right.PROGRAMME)
def show_record(
    *,
    request: Request,
    record: RecordId,
    context: ContextDep,
    pages: PagesDep,
    lang: LanguageQuery = None,
) -> Response:
    """Show a record: what it says, its evidence, its way, and what may be done next."""
    return record_page(request, context, pages, record, lang)


def record_page(
    request: Request,
    context: Context,
    pages: Pages,
    record_id: int,
    lang: LanguageQuery = None,
    *,
    fault: str = "",
    status: int = 200,
) -> Response:
    """Return the page of a record, with what was refused just now."""
    desk = desk_of(context)
    actor = _actor()
    with reader_of(context).transaction() as t:
        row = record_of(t, record_id)
        content = json.loads(row.content)
        kind = KINDS[row.kind]
        seen: dict[str, Any] = {
            "record": row,
            "content": content,
            "kind": kind,
            "status_vi": STATUS_VI[Status(row.status)],
            "statuses": STATUS_VI,
            "steps": t.steps(record_id),
            "attachments": t.attachments(record_id),
            "faults": desk.faults_vi(t, row, machines=actor is not None and bool(actor.enterprise)),
            "form": forms()[kind.form] if kind.form else None,
            "problems": desk.problems_vi(t, row),
            "writable": actor is not None and may_write(kind, row.status, row.enterprise, actor),
            "next": next_steps(kind, row.status, row.enterprise, actor) if actor else [],
            "matrix": None,
            "machines": [],
            "places": {},
            "deciding": False,
            "has_document": kind.of_programme and actor is not None and actor.enterprise is None,
            "documents": {one.value: DOCUMENT_VI[one] for one in Document},
            "computed": [],
        }
        if row.kind == "replication" and actor is not None and actor.enterprise is None:
            held = holding(t.records(row.programme_id))
            seen["computed"] = cost_lines_vi(content["values"].get(BUDGET, ""), held)
        if row.kind == "assessment":
            framework = desk.criteria(content["framework"])
            seen["matrix"] = matrix(content, framework, t.evidence(record_id))
            seen["deciding"] = (
                actor is not None
                and actor.office is Office.OFFICER
                and row.status == Status.CONFIRMED
            )
        if row.kind == "register" and actor is not None and actor.enterprise is not None:
            seen["machines"] = t.machines(record_id)
            seen["places"] = machines_of(t.connection, actor.enterprise)
    return show("record.html", request, pages, lang, fault=fault, status=status, **seen)


@router.get("/programme/record/{record}/figure/{metric}", response_class=HTMLResponse)
@asks_for(Right.PROGRAMME)
def show_figure(
    *,
    request: Request,
    record: RecordId,
    metric: Annotated[str, Path(pattern=r"^E\d{2}$", description="Code of a metric.")],
    context: ContextDep,
    pages: PagesDep,
    lang: LanguageQuery = None,
) -> Response:
    """Show a figure of an assessment: value, window, coverage, formula, and what it cannot show."""
    with reader_of(context).transaction() as t:
        row = record_of(t, record)
        found = [one for one in t.evidence(record) if one.metric_code == metric]
    if not found:
        raise unknown_record(record)
    content = json.loads(row.content)
    view = figure_view(record, found[0], content)
    return show("figure.html", request, pages, lang, record=row, view=view)


@router.get("/programme/record/{record}/attachment/{attachment}", response_class=Response)
@asks_for(Right.PROGRAMME)
def send_attachment(
    record: RecordId,
    attachment: Annotated[int, Path(ge=1, le=2**62, description="Number of a file.")],
    context: ContextDep,
) -> Response:
    """Send a file of a record; never as a page."""
    with reader_of(context).transaction() as t:
        known = [one.attachment_id for one in t.attachments(record)]
        found = t.attachment(attachment) if attachment in known else None
    if found is None:
        raise unknown_record(record)
    _, _, content, digest = found
    headers = {"Content-Disposition": f'attachment; filename="{digest[:16]}"'}
    return Response(content, media_type="application/octet-stream", headers=headers)


@router.get("/programme/comparison", response_class=HTMLResponse)
@asks_for(Right.PROGRAMME)
def show_comparison(
    *, request: Request, context: ContextDep, pages: PagesDep, lang: LanguageQuery = None
) -> Response:
    """Show enterprises side by side under one formula version, never ranked."""
    with reader_of(context).transaction() as t:
        programme = newest(t)
        enterprises = t.enterprises(programme.programme_id)
        newest_of = _assessments(t, programme.programme_id)
        rows = {name: (one, t.evidence(one.record_id)) for name, one in newest_of.items()}
    return show(
        "comparison.html",
        request,
        pages,
        lang,
        groups=comparison(enterprises, rows),
        metrics=[METRICS[code] for code in COMPARED],
    )


def _assessments(t: PilotTransaction, programme_id: int) -> dict[str, RecordRow]:
    found: dict[str, RecordRow] = {}
    for one in holding(t.records(programme_id, kind="assessment")):
        if one.enterprise is not None:
            before = found.get(one.enterprise)
            if before is None or before.period < one.period:
                found[one.enterprise] = one
    return found


@router.get("/programme/sharing", response_class=HTMLResponse)
@asks_for(Right.PROGRAMME)
def show_sharing(
    *,
    request: Request,
    context: ContextDep,
    pages: PagesDep,
    dataset: Annotated[str, Query(max_length=40, description="Dataset to preview.")] = "",
    period: Annotated[str, Query(max_length=10, description="Period of the preview.")] = "",
    lang: LanguageQuery = None,
) -> Response:
    """Show what was shared with whom, what enterprises allow, and what a release would tell."""
    actor = _actor()
    today = context.clock().astimezone(ZONE).date()
    preview = []
    with reader_of(context).transaction() as t:
        programme = newest(t)
        consents = t.consents(programme.programme_id)
        pulls = t.pulls(_MOST_PULLS)
        names = {one.enterprise: one.name_vi for one in t.enterprises(programme.programme_id)}
    chosen = dataset or "nmtm-chi-tieu"
    quarter = period or f"{today.year}{(today.month - 1) // 3 + 1}"
    if actor is not None and actor.enterprise is None:
        with refusals():
            preview = releasing_of(context).preview(programme.programme_id, chosen, quarter, today)
    return show(
        "sharing.html",
        request,
        pages,
        lang,
        programme=programme,
        consents=consents,
        pulls=pulls,
        names=names,
        datasets=DATASETS,
        chosen=chosen,
        period=quarter,
        preview=preview,
        today=today,
    )


@router.get("/programme/frameworks", response_class=HTMLResponse)
@asks_for(Right.PROGRAMME)
def show_frameworks(
    *,
    request: Request,
    context: ContextDep,
    pages: PagesDep,
    edition: Annotated[str, Query(max_length=80, description="Edition to read whole.")] = "",
    lang: LanguageQuery = None,
) -> Response:
    """Show criteria sets with what is uncertain in them, and the form to import one."""
    return frameworks_page(request, context, pages, lang, edition=edition)


def frameworks_page(
    request: Request,
    context: Context,
    pages: Pages,
    lang: LanguageQuery = None,
    *,
    edition: str = "",
    fault: str = "",
    status: int = 200,
) -> Response:
    """Return the page of criteria sets, with what was refused just now."""
    found = desk_of(context).frameworks()
    chosen = next((one for one in found if one.edition == edition), None)
    document = chosen.model_dump_json(indent=1, exclude_none=True) if chosen else ""
    return show(
        "frameworks.html",
        request,
        pages,
        lang,
        frameworks=found,
        chosen=chosen,
        document=document,
        fault=fault,
        status=status,
    )
