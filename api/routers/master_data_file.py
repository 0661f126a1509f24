"""Files of master data: looked at first, then written as a whole or not at all."""

import hashlib
import json
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Annotated, Any, BinaryIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from api.access.declaration import asks_for
from api.access.role import Right
from api.http.body import LARGEST_FILE
from api.http.context import Context, ContextDep, tree_of
from api.http.error_answer import validation_words
from api.http.origin import OwnPagesOnly
from api.http.places import PlaceTree
from api.http.problems import file_changed, malformed, too_many_imports, writing_disabled
from api.routers.master_data import Note, Who, write_parsed
from api.routers.master_data_wire import FileReportOut
from api.routers.pages import LanguageQuery, PagesDep, inert_json
from api.tables.file import CSV_TYPE, download
from plant.errors import ConfigurationError
from plant.mes import KINDS
from plant.mes.file import DocumentFile, FileLimits, TableOptions, template
from plant.mes.file.guess import presets
from plant.mes.kinds.mapping import CODE_PAGES, ImportMapping
from plant.mes.parsing import WITHDRAWN
from plant.place import Level
from plant.settings import DatabaseSettings
from store.mes.reading import stored_mapping
from store.mes.writing import Provenance

router = APIRouter(prefix="/api/v1", tags=["master data"])
page_router = APIRouter(tags=["pages"])

LIMITS = FileLimits(xml=LARGEST_FILE, json=LARGEST_FILE, unpacked=400_000_000, texts=60_000_000)
_one_at_a_time = BoundedSemaphore(1)
Place = Annotated[str, Field(max_length=400)]
FormBool = Annotated[StrictBool, BeforeValidator({"true": True, "false": False}.get)]
"""A yes or no in a form: whoever writes it otherwise may mean the opposite."""


class FileFields(BaseModel):
    """What is said of a file beside it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Annotated[str, Field(max_length=50)] = Field(
        "", description="What the file holds; XML says so itself."
    )
    sheet: Annotated[str, Field(max_length=100)] = Field(
        "", description="Sheet of a workbook; the first one by default."
    )
    site: Place = Field("", description="Site (enterprise/site) where the file names none.")
    enterprise: Place = Field("", description="Enterprise where the file names none.")
    time_zone: Annotated[str, Field(max_length=100)] = Field(
        "", description="IANA zone of times written without an offset."
    )
    mapping: Annotated[str, Field(max_length=100_000)] = Field(
        "", description="Name of a confirmed mapping of the enterprise, or a mapping as JSON."
    )
    who: Who = Field("", description="Who writes, for the trail.")
    reason: Note = Field("", description="Why, for the trail.")
    preview: FormBool = Field(True, description="Say what would happen, write nothing.")
    sha256: Annotated[str, Field(pattern="^(|[0-9a-f]{64})$")] = Field(
        "", description="Digest that a preview gave: only that file is written."
    )

    def table_options(self) -> TableOptions:
        """Return what fills in where the file says nothing."""
        enterprise = self.enterprise or self.site.partition("/")[0]
        given = {"site": self.site, "enterprise": enterprise}
        try:
            zone = ZoneInfo(self.time_zone) if self.time_zone else None
        except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
            words = f"{self.time_zone!r} is no IANA zone such as Asia/Ho_Chi_Minh."
            raise malformed(f"time_zone: {words}") from exc
        return TableOptions({name: value for name, value in given.items() if value}, zone)

    def import_mapping(self, database: DatabaseSettings) -> ImportMapping | None:
        """Return how the file is read, where its columns are not named as fields."""
        if not self.mapping:
            return None
        enterprise = self.enterprise or self.site.partition("/")[0]
        if not self.mapping.lstrip().startswith("{"):
            return stored_mapping(database, enterprise, self.mapping)
        try:
            given = json.loads(self.mapping)
            return ImportMapping.model_validate({"enterprise": enterprise, "name": "?"} | given)
        except ValidationError as exc:
            raise malformed(f"mapping: {validation_words(exc)}") from exc
        except (ValueError, TypeError, RecursionError) as exc:
            raise malformed(f"mapping: is no JSON object: {exc}") from exc


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came in."""

    name: str
    stream: BinaryIO
    fields: FileFields


def file_schema(fields: type[FileFields]) -> dict[str, Any]:
    """Return the schema of a form with a file and what is said beside it."""
    schema = fields.model_json_schema()
    file = {"type": "string", "format": "binary", "description": "CSV, XLSX, JSON or B2MML."}
    schema["properties"] = {"file": file} | schema["properties"]
    schema["required"] = ["file"]
    return schema


@router.post(
    "/mes-files",
    dependencies=[OwnPagesOnly],
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": {"schema": file_schema(FileFields)}},
        }
    },
)
@asks_for(Right.MASTER_DATA)
async def import_master_data_file(*, context: ContextDep, request: Request) -> FileReportOut:
    """Look at a file of master data (`preview`, which is the default), or write all of it.

    What is wrong is named cell by cell; one problem and nothing is written.
    """
    if not context.settings.knows_writers():
        raise writing_disabled()
    async with request.form(max_files=1, max_fields=len(FileFields.model_fields)) as form:
        values = dict(form.items())
        file = values.pop("file", None)
        if not isinstance(file, UploadFile) or not file.filename:
            raise malformed("The part `file` is missing.")
        try:
            fields = FileFields.model_validate(values)
        except ValidationError as exc:
            raise malformed(validation_words(exc)) from exc
        upload = Upload(file.filename, file.file, fields)
        return await run_in_threadpool(_import, context, upload)


def _import(context: Context, upload: Upload) -> FileReportOut:
    if not _one_at_a_time.acquire(timeout=5):
        raise too_many_imports()
    try:
        fields = upload.fields
        digest = _digest(upload.stream)
        if fields.sha256 and fields.sha256 != digest:
            raise file_changed()
        try:
            file = DocumentFile(
                upload.name,
                upload.stream,
                fields.kind or None,
                fields.sheet or None,
                fields.table_options(),
                LIMITS,
                fields.import_mapping(context.settings.writing()),
            )
        except ConfigurationError as exc:
            raise malformed(str(exc)) from exc
        provenance = Provenance(
            who=fields.who or "API",
            source=f"file {upload.name[:200]}",
            now=context.clock(),
            reason=fields.reason,
        )
        report = write_parsed(context, file.documents(), provenance, preview=fields.preview)
        return FileReportOut.model_validate(
            {name: getattr(report, name) for name in FileReportOut.model_fields if name not in _OWN}
            | {"sha256": digest, "remarks": list(map(str, report.remarks))}
        )
    finally:
        _one_at_a_time.release()


_OWN = {"sha256", "remarks"}
_WHOLE = {Level.ENTERPRISE, Level.SITE}


def _digest(stream: BinaryIO) -> str:
    found = hashlib.sha256()
    while part := stream.read(1 << 20):
        found.update(part)
    stream.seek(0)
    return found.hexdigest()


@router.get(
    "/mes-files/template",
    response_class=Response,
    responses={200: {"content": {CSV_TYPE.partition(";")[0]: {}}, "description": "A header."}},
)
@asks_for(Right.MASTER_DATA)
def send_template(kind: Annotated[str, Query(max_length=50)]) -> Response:
    """Return an empty table of a kind: its header, required fields first."""
    try:
        header = template(kind)
    except ConfigurationError as exc:
        raise malformed(str(exc)) from exc
    return download(f"{header}\r\n".encode("utf-8-sig"), CSV_TYPE, f"{kind}.csv")


def _entry(kind: str) -> list[dict[str, Any]]:
    """Return the fields of a kind, as a form asks for them; lists are typed as in a cell."""
    found = []
    for name, schema in KINDS[kind].model_json_schema()["properties"].items():
        parts = (schema, *schema.get("anyOf", ()))
        found.append(
            {
                "name": name,
                "required": KINDS[kind].model_fields[name].is_required(),
                "description": schema.get("description", ""),
                "format": next((one["format"] for one in parts if "format" in one), None),
                "options": next((one["enum"] for one in parts if "enum" in one), None),
            }
        )
    found.append({"name": WITHDRAWN, "required": False, "description": "", "options": ["yes"]})
    return found


def _place_names(tree: PlaceTree, language: str) -> dict[str, str]:
    """Return by path what people call a place: its name after those that hold it in its site."""
    names = {}
    for level in Level:
        for place in tree.within(None, level):
            inside = [one for one in tree.ancestors(place.path) if one.level not in _WHOLE]
            called = [one.name_vi if language == "vi" else one.name_en for one in (*inside, place)]
            names[place.path] = " / ".join(called)
    return names


@page_router.get("/import", response_class=HTMLResponse)
@asks_for(Right.MASTER_DATA)
def show_import(
    request: Request, context: ContextDep, pages: PagesDep, lang: LanguageQuery = None
) -> Response:
    """Show the page on which files of master data are looked at and written."""
    language = pages.language_of(request, lang)
    with context.database.reading() as reading:
        tree = tree_of(reading)
    f = pages.live.formatter(language)
    sites = tree.within(None, Level.SITE)
    names = [
        (site.path, site.name_vi if language == "vi" else site.name_en, site.time_zone or "UTC")
        for site in sites
    ]
    words = {
        key.removeprefix("import."): text
        for key, text in f.catalogue.words().items()
        if key.startswith("import.")
    }
    return pages.page(
        "import.html",
        f,
        keep=lang,
        kinds=[(kind, f.text(f"listing.{kind}")) for kind in KINDS],
        sites=names,
        presets=[(name, preset["title"]) for name, preset in presets().items()],
        code_pages=[page for page in CODE_PAGES if page],
        enabled=context.settings.knows_writers(),
        largest=f.number(LARGEST_FILE / 1e6),
        content=inert_json(
            {
                "words": words,
                "places": _place_names(tree, language),
                "entry": {kind: _entry(kind) for kind in KINDS},
            }
        ),
    )
