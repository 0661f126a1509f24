"""The JSON of the boards' tables."""

from datetime import date
from typing import Literal

from pydantic import Field

from api.http.wire import Time, WindowOut, Wire


class BoardColumnOut(Wire):
    """A column of a board's table."""

    key: str
    label: str
    kind: Literal["text", "time", "date", "duration", "number", "decimal", "percent"] = Field(
        description="`duration` is seconds, `percent` a fraction."
    )


class BoardTableOut(Wire):
    """The numbers behind a figure; each row by the columns' keys."""

    name: str
    title: str
    columns: list[BoardColumnOut]
    rows: list[dict[str, Time | date | float | str | None]]


class BoardOut(Wire):
    """A board's tables, and how far to trust them."""

    board: str
    title: str
    place: str
    name: str
    start: Time
    end: Time
    coverage: float | None = Field(description="Known share of the place's planned busy time.")
    as_of: Time | None
    final: bool
    faults: list[str] = Field(description="What must be said beside every figure, in words.")
    tables: list[BoardTableOut]
    notes: list[str]
    warnings: list[str]


class BoardRowsOut(Wire):
    """One table of a board, its rows by the columns' keys."""

    data: list[dict[str, Time | date | float | str | None]]
    meta: WindowOut
