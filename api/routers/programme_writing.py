"""What people do on the pages of the programme: write, confirm, review, close, allow, release."""

from collections.abc import Callable
from datetime import date
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from api.access.declaration import asks_for
from api.access.principal import CURRENT
from api.access.refusal import ForeignError
from api.access.role import Right
from api.http.context import Context, ContextDep
from api.programme.desk import (
    actor_of,
    desk_of,
    newest,
    reader_of,
    refusals,
    refused,
    releasing_of,
    writing_of,
)
from api.routers.pages import PagesDep
from api.routers.programme import ZONE, RecordId, frameworks_page, record_page
from api.routers.sign_in import caller_of, form_body, form_of
from assessment.framework import CriteriaSet, Document, read_criteria
from assessment.programme import Actor, Desk
from assessment.sharing import DATASETS
from plant.errors import DataError
from store.assessment.record import MachineRow

router = APIRouter(tags=["programme"])

MOST_FILE_BYTES = 5_000_000
_PAGE: dict[str, Any] = {
    "response_class": RedirectResponse,
    "status_code": HTTPStatus.SEE_OTHER,
    "responses": {422: {"content": {"text/html": {}}, "description": "Refused, said on the page."}},
}
_SIZES = ("micro", "small", "medium", "large")
Doing = Callable[[Desk, Actor, dict[str, str]], None]


async def _on_record(
    request: Request, context: Context, pages: PagesDep, record: int, doing: Doing
) -> Response:
    """Do something to a record with the fields of a form; what is refused is said on its page."""
    form = await form_of(request)
    actor = actor_of(CURRENT.get())

    def work() -> Response:
        try:
            doing(desk_of(context), actor, form)
        except DataError as exc:
            status = HTTPStatus.UNPROCESSABLE_ENTITY
            return record_page(
                request, context, pages, record, fault=exc.detail, status=status.value
            )
        return _to(f"/programme/record/{record}")

    return await run_in_threadpool(work)


def _to(path: str) -> Response:
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)


@router.post("/programme", openapi_extra=form_body("code", "name", "year", "framework"), **_PAGE)
@asks_for(Right.REVIEW)
async def begin_programme(request: Request, context: ContextDep) -> Response:
    """Begin a programme, under one edition of a criteria set."""
    form = await form_of(request)
    actor = actor_of(CURRENT.get())

    def work() -> None:
        with refusals():
            desk_of(context).criteria(form.get("framework", ""))
            values = {
                "code": form.get("code", "").strip()[:60],
                "name_vi": form.get("name", "").strip()[:300],
                "year": _number(form, "year"),
                "framework": form.get("framework", ""),
                "who": actor.name,
                "at": context.clock(),
            }
            if not values["code"] or not values["name_vi"]:
                raise DataError("incomplete", "thiếu mã hoặc tên chương trình")
            with writing_of(context) as t:
                t.number("add_programme", values)

    await run_in_threadpool(work)
    return _to("/programme")


@router.post(
    "/programme/enterprises",
    openapi_extra=form_body("enterprise", "name", "tax_code", "sector", "size", "commune"),
    **_PAGE,
)
@asks_for(Right.REVIEW)
async def add_enterprise(request: Request, context: ContextDep) -> Response:
    """Take an enterprise into the programme."""
    form = await form_of(request)

    def work() -> None:
        with refusals(), writing_of(context) as t:
            if form.get("size") not in _SIZES or not form.get("enterprise", "").strip():
                raise DataError("incomplete", "thiếu mã hoặc quy mô doanh nghiệp")
            t.do(
                "add_enterprise",
                {
                    "programme_id": newest(t).programme_id,
                    "enterprise": form["enterprise"].strip()[:100],
                    "name_vi": form.get("name", "").strip()[:300],
                    "tax_code": form.get("tax_code", "").strip(),
                    "sector": _number(form, "sector"),
                    "size": form["size"],
                    "commune": form.get("commune", "").strip(),
                    "at": context.clock(),
                },
            )

    await run_in_threadpool(work)
    return _to("/programme")


@router.post("/programme/records", openapi_extra=form_body("kind", "period", place=""), **_PAGE)
@asks_for(Right.DECLARE)
async def open_record(request: Request, context: ContextDep) -> Response:
    """Begin a record, or a version that supersedes a closed one."""
    form = await form_of(request)
    principal = CURRENT.get()
    enterprise = form.get("place") or None
    if enterprise is not None and not principal.covers(enterprise):
        raise ForeignError(enterprise)

    def work() -> int:
        with refusals():
            with reader_of(context).transaction() as t:
                programme_id = newest(t).programme_id
            return desk_of(context).open_record(
                actor_of(principal),
                programme_id,
                enterprise,
                form.get("kind", ""),
                form.get("period", "").strip(),
            )

    record = await run_in_threadpool(work)
    return _to(f"/programme/record/{record}")


@router.post("/programme/record/{record}/values", openapi_extra=form_body(), **_PAGE)
@asks_for(Right.DECLARE)
async def write_values(
    request: Request, record: RecordId, context: ContextDep, pages: PagesDep
) -> Response:
    """Write the answers of a form into a draft, all of them at once."""

    def doing(desk: Desk, actor: Actor, form: dict[str, str]) -> None:
        desk.write_values(actor, record, form)

    return await _on_record(request, context, pages, record, doing)


@router.post("/programme/record/{record}/machines", openapi_extra=form_body(machines=""), **_PAGE)
@asks_for(Right.DECLARE)
async def write_machines(
    request: Request, record: RecordId, context: ContextDep, pages: PagesDep
) -> Response:
    """Write the machines of a register: a line per machine, its cells apart by `|`."""

    def doing(desk: Desk, actor: Actor, form: dict[str, str]) -> None:
        desk.write_machines(actor, record, machines_of_lines(form.get("machines", "")))

    return await _on_record(request, context, pages, record, doing)


def machines_of_lines(text: str) -> list[MachineRow]:
    """Return machines of lines: code, name, department, maker, model, year, path of the machine.

    Raises:
        DataError: A line has no code, name or department, or a year is no number.
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        cells = [cell.strip()[:200] for cell in line.split("|")]
        cells += [""] * (7 - len(cells))
        code, name, department, maker, model, year, unit = cells[:7]
        if not (code and name and department) or (year and not year.isdigit()):
            words = f"dòng {number}: cần mã | tên | bộ phận | hãng | model | năm | đường dẫn máy"
            raise DataError("machine_not_valid", words)
        found.append(
            MachineRow(
                code, name, department, maker, model, int(year) if year else None, unit or None
            )
        )
    return found


@router.post("/programme/record/{record}/points", openapi_extra=form_body(), **_PAGE)
@asks_for(Right.DECLARE)
async def write_points(
    request: Request, record: RecordId, context: ContextDep, pages: PagesDep
) -> Response:
    """Write the enterprise's own points by criterion into a draft."""

    def doing(desk: Desk, actor: Actor, form: dict[str, str]) -> None:
        try:
            points = {name: int(value) for name, value in form.items()}
        except ValueError as exc:
            raise DataError("points_not_whole", "điểm phải là số nguyên") from exc
        desk.declare(actor, record, points)

    return await _on_record(request, context, pages, record, doing)


@router.post("/programme/record/{record}/evidence", openapi_extra=form_body(), **_PAGE)
@asks_for(Right.DECLARE)
async def make_evidence(
    request: Request, record: RecordId, context: ContextDep, pages: PagesDep
) -> Response:
    """Compute the evidence of an assessment's window anew."""

    def doing(desk: Desk, actor: Actor, _: dict[str, str]) -> None:
        desk.make_evidence(actor, record)

    return await _on_record(request, context, pages, record, doing)


@router.post(
    "/programme/record/{record}/level",
    openapi_extra=form_body("criterion", level="", comment=""),
    **_PAGE,
)
@asks_for(Right.REVIEW)
async def confirm_level(
    request: Request, record: RecordId, context: ContextDep, pages: PagesDep
) -> Response:
    """Confirm a level of a criterion for the department; without a level it is taken back."""

    def doing(desk: Desk, actor: Actor, form: dict[str, str]) -> None:
        level = _number(form, "level") if form.get("level") else None
        desk.confirm_level(actor, record, form.get("criterion", ""), level, form.get("comment", ""))

    return await _on_record(request, context, pages, record, doing)


@router.post("/programme/record/{record}/documents", openapi_extra=form_body(), **_PAGE)
@asks_for(Right.REVIEW)
async def confirm_documents(
    request: Request, record: RecordId, context: ContextDep, pages: PagesDep
) -> Response:
    """Say which documents the department has seen: caps of evidence follow from them."""

    def doing(desk: Desk, actor: Actor, form: dict[str, str]) -> None:
        said = {one.value: form.get(f"{one.value}_comment", "") for one in Document if one in form}
        desk.confirm_documents(actor, record, said, all_departments="all_departments" in form)

    return await _on_record(request, context, pages, record, doing)


@router.post("/programme/record/{record}/step", openapi_extra=form_body("to", comment=""), **_PAGE)
@asks_for(Right.PROGRAMME)
async def move_record(
    request: Request, record: RecordId, context: ContextDep, pages: PagesDep
) -> Response:
    """Move a record a step on, or back with a reason; who may is the workflow's to say."""

    def doing(desk: Desk, actor: Actor, form: dict[str, str]) -> None:
        try:
            step = desk.move(actor, record, form.get("to", ""), form.get("comment", ""))
        except ValueError as exc:
            raise DataError("no_such_step", "không có bước này") from exc
        if context.accounts is not None:
            # The audit is sealed away from the database: a chain made anew does not agree with it.
            principal, caller = CURRENT.get(), caller_of(request)
            context.accounts.record(principal, "record-step", step, "done", caller)

    return await _on_record(request, context, pages, record, doing)


@router.post(
    "/programme/record/{record}/attachments",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "properties": {"file": {"type": "string", "format": "binary"}},
                        "required": ["file"],
                    }
                }
            },
        }
    },
    **_PAGE,
)
@asks_for(Right.DECLARE)
async def attach_file(
    request: Request, record: RecordId, context: ContextDep, pages: PagesDep
) -> Response:
    """Add a file to a draft, such as the photo of a nameplate; 5 MB at most."""
    actor = actor_of(CURRENT.get())
    async with request.form(max_files=1, max_fields=1) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise refused(DataError("file_not_valid", "thiếu tệp"))
        content = await file.read(MOST_FILE_BYTES + 1)
        name, media_type = file.filename or "", file.content_type or ""

    def work() -> Response:
        try:
            desk_of(context).attach(actor, record, name, media_type, content)
        except DataError as exc:
            return record_page(request, context, pages, record, fault=exc.detail, status=422)
        return _to(f"/programme/record/{record}")

    return await run_in_threadpool(work)


@router.post(
    "/programme/consents",
    openapi_extra=form_body("dataset", "receiver", "detail", valid_to=""),
    **_PAGE,
)
@asks_for(Right.CONFIRM)
async def give_consent(request: Request, context: ContextDep) -> Response:
    """Allow a receiver to be told of the enterprise in a dataset."""
    form = await form_of(request)
    actor = actor_of(CURRENT.get())

    def work() -> None:
        with refusals(), writing_of(context) as t:
            if form.get("dataset") not in DATASETS or actor.enterprise is None:
                raise DataError("unknown_dataset", "không có tập dữ liệu này")
            if form.get("receiver") not in {"ioc", "lgsp", "open"}:
                raise DataError("unknown_receiver", "không có bên nhận này")
            t.number(
                "add_consent",
                {
                    "programme_id": newest(t).programme_id,
                    "enterprise": actor.enterprise,
                    "dataset": form["dataset"],
                    "receiver": form["receiver"],
                    "detail": form.get("detail", ""),
                    "valid_from": context.clock().astimezone(ZONE).date(),
                    "valid_to": _day(form.get("valid_to", "")),
                    "who": actor.name,
                    "at": context.clock(),
                },
            )

    await run_in_threadpool(work)
    return _to(f"/programme/enterprise/{actor.enterprise}")


@router.post("/programme/consents/{consent}/withdrawal", openapi_extra=form_body(), **_PAGE)
@asks_for(Right.CONFIRM)
async def withdraw_consent(
    request: Request,
    consent: Annotated[int, Path(ge=1, le=2**62, description="Number of a consent.")],
    context: ContextDep,
) -> Response:
    """Take a consent back: from now on nothing new is told."""
    actor = actor_of(CURRENT.get())

    def work() -> None:
        with refusals(), writing_of(context) as t:
            values = {
                "consent_id": consent,
                "enterprise": actor.enterprise,
                "who": actor.name,
                "at": context.clock(),
            }
            if not t.do("withdraw_consent", values):
                raise DataError("unknown_consent", "không có sự đồng ý này, hoặc đã rút")

    await run_in_threadpool(work)
    return _to(f"/programme/enterprise/{actor.enterprise}")


@router.post(
    "/programme/releases", openapi_extra=form_body("dataset", "period", receiver=""), **_PAGE
)
@asks_for(Right.REVIEW)
async def release_dataset(request: Request, context: ContextDep) -> Response:
    """Release the rows of a dataset that passed disclosure control."""
    form = await form_of(request)
    actor = actor_of(CURRENT.get())
    dataset, period = form.get("dataset", ""), form.get("period", "")[:10]

    def work() -> None:
        with refusals():
            with reader_of(context).transaction() as t:
                programme_id = newest(t).programme_id
            day = context.clock().astimezone(ZONE).date()
            receiver = form.get("receiver") or "ioc"
            releasing_of(context).release(actor, programme_id, dataset, period, day, receiver)

    await run_in_threadpool(work)
    return _to(f"/programme/sharing?dataset={dataset}&period={period}")


@router.post(
    "/programme/frameworks",
    response_class=HTMLResponse,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "file": {"type": "string", "format": "binary"},
                            "document": {"type": "string"},
                            "into": {"type": "string"},
                            "version": {"type": "string"},
                        },
                    }
                }
            },
        }
    },
)
@asks_for(Right.REVIEW)
async def add_framework(request: Request, context: ContextDep, pages: PagesDep) -> Response:
    """Keep an edition: an edited document (JSON), or a table (CSV, XLSX) read into a set."""
    actor = actor_of(CURRENT.get())
    async with request.form(max_files=1, max_fields=4) as form:
        file = form.get("file")
        table = await file.read(MOST_FILE_BYTES + 1) if isinstance(file, UploadFile) else b""
        said = {name: str(form.get(name, "")) for name in ("document", "into", "version")}

    def work() -> Response:
        desk = desk_of(context)
        try:
            document = said["document"]
            if table:
                into = desk.framework(said["into"])
                if not isinstance(into, CriteriaSet):
                    raise DataError("not_scored", "chỉ nhập tiêu chí vào bộ có chấm điểm")
                document = read_criteria(table, into, said["version"]).model_dump_json()
            edition = desk.add_framework(actor, document)
        except DataError as exc:
            return frameworks_page(request, context, pages, fault=exc.detail, status=422)
        return frameworks_page(request, context, pages, edition=edition)

    return await run_in_threadpool(work)


def _number(form: dict[str, str], name: str) -> int:
    try:
        return int(form.get(name, ""))
    except ValueError as exc:
        raise DataError("not_a_number", f"{name} phải là số nguyên") from exc


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as exc:
        raise DataError("not_a_day", "ngày viết YYYY-MM-DD") from exc
