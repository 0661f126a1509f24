"""How the tables or messages of one source become documents of a kind."""

import codecs
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, field_validator, model_validator

from plant.mes.document import MesDocument, Reference, place
from plant.mes.field import MAX_TEXT, OptionalText, Ordinal, PlaceCode, Text
from plant.mes.mapping.notation import DateOrder, DecimalMark, Notation

XML = "b2mml"
"""Of a mapping that reads XML: its documents are of several kinds."""
UNIT = ".unit"
"""Behind a field of numbers: the unit that they are in."""
CODE_PAGES = (
    *("", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "windows-1258", "cp1252", "cp1250"),
    *("cp1251", "iso8859-15", "shift_jis", "gb18030", "big5", "euc_kr"),
)
_Short = Annotated[str, Field(max_length=MAX_TEXT)]


def _from_cell(value: Any) -> Any:
    """Return what a cell holds as JSON; anything else is left for the type to judge."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except (ValueError, RecursionError) as exc:
            raise ValueError('is no JSON object; write: {"number": ["Order"]}') from exc
    return value


def _headers(value: Any) -> Any:
    """Return one header as a list of one."""
    value = _from_cell(value)
    if isinstance(value, dict):
        return {name: [one] if isinstance(one, str) else one for name, one in value.items()}
    return value


class ImportMapping(MesDocument):
    """How the tables or messages of one source are read.

    Which column is which field, in what notation, and what their words for places and states are
    called here. A person confirms it once; files, HTTP, MQTT and foreign tables then name it.
    """

    KIND: ClassVar[str] = "import-mappings"
    KEY: ClassVar[tuple[str, ...]] = ("enterprise", "name")

    enterprise: PlaceCode = Field(description="Code of the enterprise.")
    name: Text = Field(description="Name of the source.")
    kind: _Short = Field(description="Kind of the documents that it gives; `b2mml` for XML.")
    sheet: OptionalText = Field("", description="Sheet of a workbook; the first one, if left out.")
    header_row: Ordinal = Field(1, description="Row of the header, where titles stand above it.")
    header_rows: Annotated[Ordinal, Field(le=3)] = Field(
        1, description="Rows of the header: names over several columns stand in the upper ones."
    )
    code_page: _Short = Field("", description="Code page of a text file; UTF-8, if left out.")
    delimiter: Annotated[str, Field(max_length=1)] = Field(
        "", description="What divides the cells of a text file; found out, if left out."
    )
    decimal_mark: DecimalMark = Field(
        "", description="What begins decimals; while left out, `1.500` is refused."
    )
    date_order: DateOrder = Field(
        "", description="Order of dates; while left out, `01/11/2026` is refused."
    )
    time_zone: OptionalText = Field("", description="IANA zone of times without an offset.")
    columns: Annotated[
        dict[str, Annotated[list[_Short], Field(min_length=1, max_length=4)]],
        BeforeValidator(_headers),
        Field(max_length=60),
    ] = Field(
        {},
        description="By field the header of its column, or of several that are joined with a "
        "blank, such as date and time. `planned_quantity.unit` is the unit of a quantity.",
    )
    constants: Annotated[dict[str, _Short], BeforeValidator(_from_cell), Field(max_length=60)] = (
        Field({}, description="Fields that are the same in all documents, such as `site`.")
    )
    values: Annotated[
        dict[str, Annotated[dict[_Short, _Short], Field(max_length=2000)]],
        BeforeValidator(_from_cell),
        Field(max_length=60),
    ] = Field({}, description="By field their words and ours, such as work centres and states.")

    @property
    def notation(self) -> Notation:
        """What its numbers and dates look like."""
        return Notation(self.decimal_mark, self.date_order)

    @property
    def zone(self) -> ZoneInfo | None:
        """Zone of moments without an offset."""
        return ZoneInfo(self.time_zone) if self.time_zone else None

    def with_defaults(self, given: Mapping[str, str]) -> Self:
        """Return it with constants where it says none, as far as its kind has such fields."""
        # A mapping is a kind itself, so the list of kinds is known only once all are.
        from plant.mes.kind import KINDS  # noqa: PLC0415

        fields = KINDS[self.kind].model_fields if self.kind != XML else given
        known = {name: value for name, value in given.items() if name in fields}
        return self.model_copy(update={"constants": known | self.constants})

    @field_validator("code_page")
    @classmethod
    def _code_page_is_known(cls, value: str) -> str:
        if value not in CODE_PAGES:
            raise ValueError(f"{value!r} is none of {', '.join(filter(None, CODE_PAGES))}")
        if value:
            codecs.lookup(value)
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            return ZoneInfo(value).key if value else ""
        except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
            raise ValueError(f"{value!r} is no IANA time zone such as Asia/Ho_Chi_Minh") from exc

    @model_validator(mode="after")
    def _fields_are_those_of_the_kind(self) -> Self:
        if self.kind == XML:
            return self
        # A mapping is a kind itself, so the list of kinds is known only once all are.
        from plant.mes.kind import KINDS  # noqa: PLC0415
        from plant.mes.parsing import WITHDRAWN  # noqa: PLC0415

        if self.kind not in KINDS or self.kind == self.KIND:
            known = ", ".join(one for one in KINDS if one != self.KIND)
            raise ValueError(f"kind: there is no kind {self.kind!r}; known: {XML}, {known}")
        fields = {*KINDS[self.kind].model_fields, WITHDRAWN}
        for what in ("columns", "constants", "values"):
            unknown = sorted({n.removesuffix(UNIT) for n in getattr(self, what)} - fields)
            if unknown:
                raise ValueError(f"{what}: {self.kind} has no field {', '.join(unknown)}")
        return self

    def references(self) -> Iterator[Reference]:
        """Yield the enterprise."""
        yield place(self.enterprise, "enterprise")
