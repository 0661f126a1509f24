"""A table: what stands in it, and how people read its cells."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from api.words.formatting import DASH, Formatter

Cell = str | float | int | datetime | date | None
Kind = Literal["text", "time", "date", "duration", "number", "decimal", "percent"]
"""How a cell is shown: durations are seconds, percents fractions; no figure is rounded before."""


MOST_SHOWN = 500
"""Rows of a table on a page; nobody reads more there, and ten thousand are four megabytes."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its key in files and the API, its words on a page, its kind."""

    key: str
    label: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """The numbers behind a figure."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    links: tuple[str | None, ...] = ()
    """Where the first cell of each row leads on a page."""

    def shown(self, f: Formatter) -> list[list[str]]:
        """Return the cells of the first `MOST_SHOWN` rows as people read them."""
        kinds = [column.kind for column in self.columns]
        first = self.rows[:MOST_SHOWN]
        digits = [_digits(cells, f) for cells in zip(*first, strict=True)]
        return [
            [_text(cell, kinds[i], digits[i], f) for i, cell in enumerate(row)] for row in first
        ]

    @property
    def beyond(self) -> int:
        """How many rows a page leaves to the files."""
        return max(0, len(self.rows) - MOST_SHOWN)


def _digits(cells: Sequence[Cell], f: Formatter) -> int:
    """Return the decimals of a whole column, so that its numbers can be compared by eye."""
    values = [abs(cell) for cell in cells if isinstance(cell, float | int) and cell]
    # A small figure beside large ones is not rounded to nothing.
    least = 2 if any(value < 1 for value in values) else 0
    return max(least, min(map(f.digits, values), default=0))


def _text(cell: Cell, kind: Kind, digits: int, f: Formatter) -> str:
    match cell:
        case None:
            return DASH
        case datetime():
            return f"{f.local(cell):{'%d/%m/%Y' if kind == 'date' else '%d/%m %H:%M'}}"
        case date():
            return f"{cell:%d/%m/%Y}"
        case str():
            return cell
    match kind:
        case "duration":
            return f"−{f.duration(-cell)}" if cell < 0 else f.duration(cell)
        case "percent":
            return f.percent(cell)
        case "decimal":
            return f.number(cell, digits)
        case _:
            return f.number(cell)
