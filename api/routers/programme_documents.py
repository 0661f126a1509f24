"""Documents of the programme: previews on a page, DOCX, PDF and XLSX, from the same records."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from api.access.declaration import asks_for
from api.access.principal import CURRENT
from api.access.refusal import RightError
from api.access.role import Right
from api.http.context import Context, ContextDep
from api.programme.desk import newest, reader_of, record_of, refusals, releasing_of
from api.routers.pages import LanguageQuery, PagesDep
from api.routers.programme import ZONE, RecordId, show
from api.tables.file import XLSX_TYPE, download
from assessment.document import Report, pdf_of, remarks_vi, report_docx, report_lines
from assessment.report import (
    LetterSettings,
    Material,
    letter_settings,
    material_of,
    report_of,
    workbook,
)
from store.assessment.record import RecordRow

router = APIRouter(tags=["programme"])

DOCX_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PDF_TYPE = "application/pdf"
_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {DOCX_TYPE: {}, PDF_TYPE: {}, XLSX_TYPE: {}},
        "description": "The document.",
    }
}


def _letter(context: Context) -> LetterSettings:
    return letter_settings(context.settings.letter_file)


def _made(context: Context, record_id: int) -> tuple[RecordRow, Report]:
    if CURRENT.get().enterprise is not None:
        # Documents of the programme speak of every enterprise.
        raise RightError(Right.REVIEW)
    day = context.clock().astimezone(ZONE).date()
    with reader_of(context).transaction() as t:
        record = record_of(t, record_id)
        programme = newest(t)
        material = material_of(t, programme, day, record)
    if record.kind == "quarterly":
        released = releasing_of(context).preview(
            programme.programme_id, "nmtm-chi-tieu", record.period, day
        )
        material = Material(
            material.programme,
            material.day,
            material.enterprises,
            material.records,
            material.assessed,
            released,
        )
    with refusals():
        return record, report_of(material, _letter(context), record.kind, record.period)


@router.get("/programme/record/{record}/preview", response_class=HTMLResponse)
@asks_for(Right.PROGRAMME)
def preview_document(
    *,
    request: Request,
    record: RecordId,
    context: ContextDep,
    pages: PagesDep,
    lang: LanguageQuery = None,
) -> Response:
    """Show what the document of a record says, and what a reader of NĐ 30 would remark."""
    row, report = _made(context, record)
    return show(
        "preview.html",
        request,
        pages,
        lang,
        record=row,
        lines=report_lines(report),
        remarks=remarks_vi(report),
    )


@router.get("/programme/record/{record}/document", response_class=Response, responses=_FILES)
@asks_for(Right.PROGRAMME)
def send_document(
    record: RecordId,
    context: ContextDep,
    form: Annotated[
        Literal["docx", "pdf"], Query(description="pdf needs LibreOffice on the server.")
    ] = "docx",
) -> Response:
    """Send the document of a record; number, date and signature are blank."""
    row, report = _made(context, record)
    content = report_docx(report)
    name = f"{row.kind}-{row.period}"
    if form == "pdf":
        return download(pdf_of(content), PDF_TYPE, f"{name}.pdf")
    return download(content, DOCX_TYPE, f"{name}.docx")


@router.get("/programme/forms", response_class=Response, responses=_FILES)
@asks_for(Right.REVIEW)
def send_forms(
    context: ContextDep,
    period: Annotated[str, Query(max_length=10, description="YYYYMM, YYYYQ or YYYY.")],
) -> Response:
    """Send the forms for other systems as one workbook: IOC, enterprises, DTI, evidence."""
    day = context.clock().astimezone(ZONE).date()
    with reader_of(context).transaction() as t:
        programme = newest(t)
    with refusals():
        released = releasing_of(context).preview(
            programme.programme_id, "nmtm-chi-tieu", period, day
        )
    with reader_of(context).transaction() as t:
        material = material_of(t, programme, day, None, released)
    with refusals():
        return download(workbook(material), XLSX_TYPE, f"bieu-{period}.xlsx")
