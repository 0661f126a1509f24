"""Lists of the API as files: the rows of the JSON answer, flat, as CSV, XLSX or Parquet."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from fastapi import Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel

from api.settings import Language
from api.tables.file import (
    CSV_TYPE,
    PARQUET_TYPE,
    XLSX_TYPE,
    csv_bytes,
    download,
    parquet_bytes,
    xlsx_bytes,
)
from api.tables.table import Cell, Column, Kind, Table
from api.words.catalogue import CATALOGUES, Catalogue
from plant.calendar import Window
from store.reading.row import PlaceRow

Row = TypeVar("Row", bound=BaseModel)
Flat = Mapping[str, Any]
Form = Literal["json", "csv", "xlsx", "parquet"]
FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {CSV_TYPE.partition(";")[0]: {}, XLSX_TYPE: {}, PARQUET_TYPE: {}},
        "description": "The list, in the format asked for.",
    }
}
_RATIOS = frozenset(
    (
        *("availability", "effectiveness", "quality_ratio", "oee", "coverage", "completeness"),
        *("availability_low", "availability_high", "cumulative_share", "share_of_pbt"),
    )
)
_PARTS_OF_A_SECOND = frozenset(("lag_p50_s", "lag_p95_s"))
"""Durations that a spreadsheet's spans of time would show as nothing."""


@dataclass(frozen=True, slots=True)
class ListingSubject:
    """What a list is about, for the name of its file and its first sheet."""

    name: str
    now: datetime
    place: PlaceRow | None = None
    window: Window | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which a spreadsheet shows times."""
        return ZoneInfo((self.place.time_zone if self.place else None) or "UTC")

    @property
    def stem(self) -> str:
        """The file's name without its ending."""
        of = "" if self.place is None else f"-{self.place.path.replace('/', '-')}"
        since = self.window.start if self.window else self.now
        return f"{self.name}{of}-{since.astimezone(self.zone):%Y%m%d}"

    def about(self, words: Catalogue) -> list[tuple[str, str]]:
        """Return what a file says about itself."""
        rows = [(words.text("board.about.board"), words.text(f"listing.{self.name}"))]
        if self.place is not None:
            name = self.place.name_vi if words.language == "vi" else self.place.name_en
            rows.append((words.text("board.about.place"), f"{name} ({self.place.path})"))
        if self.window is not None:
            start, end = (
                moment.astimezone(self.zone) for moment in (self.window.start, self.window.end)
            )
            span = f"{start:%d/%m/%Y %H:%M} – {end:%d/%m/%Y %H:%M} ({self.zone.key})"
            rows.append((words.text("board.about.window"), span))
        now = self.now.astimezone(self.zone)
        rows.append((words.text("listing.made_at"), f"{now:%d/%m/%Y %H:%M} ({self.zone.key})"))
        return rows


class ListingForm:
    """The form in which a list is asked for."""

    def __init__(self, form: Form, language: Language) -> None:
        self._format = form
        self._words = CATALOGUES[language]

    def file(
        self,
        rows: Sequence[Row],
        model: type[Row],
        subject: ListingSubject,
        flat: Callable[[Row], Flat] = lambda row: flattened(row.model_dump()),
    ) -> Response | None:
        """Return rows as the file that was asked for; None when it was JSON."""
        if self._format == "json":
            return None
        return self.table(map(flat, rows), list(model.model_fields), subject)

    def table(
        self,
        rows: Iterable[Flat],
        names: Sequence[str],
        subject: ListingSubject,
        *,
        labelled: bool = True,
    ) -> Response | None:
        """Return flat rows as the file that was asked for; None when it was JSON.

        The columns are all keys of the rows, in order; without rows they are `names`. A workbook
        that is not `labelled` has keys for headings and nothing else: it can be imported again.
        """
        if self._format == "json":
            return None
        found = list(rows)
        keys = list(dict.fromkeys(key for row in found for key in row)) or list(names)
        values = [[_cell(row.get(key)) for key in keys] for row in found]
        table = Table(
            subject.name,
            self._words.text(f"listing.{subject.name}"),
            tuple(
                Column(
                    key,
                    self._label(key) if labelled else key,
                    _kind(key, (row[index] for row in values)),
                )
                for index, key in enumerate(keys)
            ),
            tuple(map(tuple, values)),
        )
        if self._format == "csv":
            return download(csv_bytes(table), CSV_TYPE, f"{subject.stem}.csv")
        if self._format == "parquet":
            return download(parquet_bytes(table), PARQUET_TYPE, f"{subject.stem}.parquet")
        about = subject.about(self._words) if labelled else ()
        content = xlsx_bytes(about, [table], subject.zone)
        return download(content, XLSX_TYPE, f"{subject.stem}.xlsx")

    def _label(self, key: str) -> str:
        """Return the heading of a column; that of its last part where it has none of its own."""
        words = self._words.words()
        last = key.rpartition(".")[2]
        return words.get(f"column.{key}") or words.get(f"column.{last}") or key


async def _asked_form(
    format: Annotated[  # noqa: A002  # the word of the address
        Form, Query(description="All but `json` are files.")
    ] = "json",
    lang: Annotated[Language, Query(description="xlsx: language of the headings.")] = "vi",
) -> ListingForm:
    return ListingForm(format, lang)


ListingFormDep = Annotated[ListingForm, Depends(_asked_form)]


def flattened(values: Flat, prefix: str = "") -> dict[str, Any]:
    """Return nested values under dotted names; lists stay values."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def as_text(value: object) -> str | None:
    """Return a value that no cell has a form for as JSON, which a program reads again."""
    return None if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _cell(value: object) -> Cell:
    match value:
        case bool():
            return "true" if value else "false"
        case None | str() | int() | float() | datetime() | date():
            return value
        case list() | tuple() if all(isinstance(one, str) for one in value):
            return "; ".join(value)
        case list() | tuple():
            return as_text(value)
    return str(value)


def _kind(key: str, cells: Iterable[Cell]) -> Kind:
    name = key.rpartition(".")[2]
    given = [cell for cell in cells if cell is not None]
    match given:
        case [] | [str(), *_]:
            return "text"
        case [datetime(), *_]:
            return "time"
        case [date(), *_]:
            return "date"
    if name in _RATIOS:
        return "percent"
    if name.endswith("_s") and name not in _PARTS_OF_A_SECOND:
        return "duration"
    whole = name.endswith("_ms") or all(isinstance(cell, int) for cell in given)
    return "number" if whole else "decimal"
