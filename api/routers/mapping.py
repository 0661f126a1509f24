"""How a file of another system is read: guessed, looked at, mended by a person."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from api.access.declaration import asks_for
from api.access.role import Right
from api.http.context import Context, ContextDep, tree_of
from api.http.error_answer import validation_words
from api.http.origin import OwnPagesOnly
from api.http.problems import malformed
from api.http.wire import Wire
from api.routers.master_data_file import LIMITS, FileFields, Upload, file_schema
from plant.errors import ConfigurationError
from plant.mes import KINDS
from plant.mes.file.guess import presets
from plant.mes.file.layout import PLACE_FIELDS, Layout, layout
from plant.mes.file.raw_table import UnreadableError
from plant.mes.kinds.mapping import UNIT, XML
from plant.place import Level

router = APIRouter(prefix="/api/v1", tags=["master data"])


class LayoutFields(FileFields):
    """What is said of a file beside it."""

    preset: Annotated[str, Field(max_length=50)] = Field(
        "", description="System that the file comes from, where it is known."
    )


class ColumnOut(Wire):
    """A column of the file."""

    letter: str
    name: str
    samples: list[str]


class LayoutOut(Wire):
    """How a file is read, and what is still open."""

    mapping: dict[str, Any] = Field(description="An `import-mappings` document, to be mended.")
    preset: str = Field(description="Preset whose headers it has most of; may be empty.")
    columns: list[ColumnOut]
    fields: list[str] = Field(description="Fields that a column may become.")
    required: list[str]
    top: list[list[str]] = Field(description="First rows, each with its number in front.")
    words: dict[str, list[str]] = Field(
        description="By field the words of the file that are no place or state here yet."
    )
    choices: dict[str, list[str]] = Field(description="By field what such a word may become.")


@router.post(
    "/mes-files/layout",
    dependencies=[OwnPagesOnly],
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": {"schema": file_schema(LayoutFields)}},
        }
    },
)
@asks_for(Right.MASTER_DATA)
async def look_at_layout(*, context: ContextDep, request: Request) -> LayoutOut:
    """Say how a file would be read: under `mapping`, or else as it is guessed.

    Writes nothing. The mapping is mended, tried with `POST /mes-files` and kept as a document of
    the kind `import-mappings`.
    """
    async with request.form(max_files=1, max_fields=len(LayoutFields.model_fields)) as form:
        values = dict(form.items())
        file = values.pop("file", None)
        if not isinstance(file, UploadFile) or not file.filename:
            raise malformed("The part `file` is missing.")
        try:
            fields = LayoutFields.model_validate(values)
        except ValidationError as exc:
            raise malformed(validation_words(exc)) from exc
        return await run_in_threadpool(_look, context, Upload(file.filename, file.file, fields))


def _look(context: Context, upload: Upload) -> LayoutOut:
    fields = upload.fields
    assert isinstance(fields, LayoutFields)
    with context.database.reading() as reading:
        tree = tree_of(reading)
        levels = {level: [place.path for place in tree.within(None, level)] for level in Level}
    try:
        mapping = fields.import_mapping(context.settings.writing())
        enterprise = fields.enterprise or fields.site.partition("/")[0]
        found = layout(
            upload.name,
            upload.stream,
            mapping,
            enterprise or next(iter(levels[Level.ENTERPRISE]), ""),
            LIMITS,
            kind=fields.kind if fields.kind in KINDS else "",
            preset=fields.preset if fields.preset in presets() else "",
        )
    except (UnreadableError, ConfigurationError) as exc:
        raise malformed(f"{upload.name}: {exc}") from exc
    except ValidationError as exc:
        raise malformed(validation_words(exc)) from exc
    return _out(found, levels, fields.site)


def _out(found: Layout, levels: Mapping[Level, Sequence[str]], site: str) -> LayoutOut:
    mapping = found.guess.mapping
    document_type = None if mapping.kind == XML else KINDS[mapping.kind]
    names: list[str] = []
    required: list[str] = []
    if document_type is not None:
        names = list(document_type.model_fields)
        required = [n for n, each in document_type.model_fields.items() if each.is_required()]
        names += [f"{n}{UNIT}" for n in names if n in {"planned_quantity", "quantity", "seconds"}]
    choices = dict(found.choices)
    for name, level in PLACE_FIELDS.items():
        if name in found.words:
            paths = [p for one in ((level,) if level else Level) for p in levels[one]]
            choices[name] = [p for p in paths if not site or p == site or p.startswith(f"{site}/")]
    words = {
        name: [word for word in each if word not in choices.get(name, ())]
        for name, each in found.words.items()
    }
    return LayoutOut(
        mapping=mapping.canonical(),
        preset=found.guess.preset,
        columns=[
            ColumnOut(letter=one.letter, name=one.name, samples=list(one.samples))
            for one in found.guess.columns
        ],
        fields=names,
        required=required,
        top=[[str(number), *(str(cell) for cell in cells)] for number, cells in found.guess.top],
        words={name: each for name, each in words.items() if each},
        choices=choices,
    )
