"""What an evaluation found: figures under fixed names, and tables to read."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text; the first column is a name."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures (JSON, nested by the dots of their names) and their tables."""

    protocol: str
    figures: dict[str, Any]
    tables: list[Table]
