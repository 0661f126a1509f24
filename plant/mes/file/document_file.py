"""A file of documents: which reader, which options."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import BinaryIO

from plant.errors import ConfigurationError
from plant.mes.file.b2mml import read_b2mml
from plant.mes.file.csv_file import read_csv
from plant.mes.file.json_file import read_json
from plant.mes.file.limits import FileLimits
from plant.mes.file.mapped import read_mapped
from plant.mes.file.table import TableOptions, required_fields
from plant.mes.file.workbook import read_workbook
from plant.mes.kind import KINDS, document_type
from plant.mes.kinds.mapping import XML, ImportMapping
from plant.mes.parsing import WITHDRAWN, Parsed

_TABLES = (".csv", ".tsv", ".txt")
_WORKBOOKS = (".xlsx", ".xlsm")
_SUFFIXES = (*_TABLES, *_WORKBOOKS, ".json", ".xml")


@dataclass(frozen=True, slots=True)
class DocumentFile:
    """An open file and what a person said of it.

    Raises ConfigurationError when its name tells no form that is read here, or its kind is not
    known; whatever is wrong within it is a problem.
    """

    name: str
    stream: BinaryIO
    """Open for reading, and seekable."""
    kind: str | None = None
    """Needed for all but XML, whose elements say what they are."""
    sheet: str | None = None
    options: TableOptions = field(default_factory=TableOptions)
    limits: FileLimits = field(default_factory=FileLimits)
    mapping: ImportMapping | None = None
    """How it is read, where its columns are not named as fields here."""

    def __post_init__(self) -> None:
        if self._suffix not in _SUFFIXES:
            raise ConfigurationError(
                f"{self.name}: '{self._suffix}' is none of {', '.join(_SUFFIXES)}"
            )
        if self.mapping is not None:
            if (self.mapping.kind == XML) != (self._suffix == ".xml"):
                raise ConfigurationError(
                    f"{self.name}: the mapping '{self.mapping.name}' reads {self.mapping.kind}"
                )
            return
        if self._suffix == ".xml":
            return
        if self.kind is None:
            raise ConfigurationError(
                f"say what the file holds by its kind (--kind): one of {', '.join(KINDS)}"
            )
        document_type(self.kind)

    @property
    def _suffix(self) -> str:
        return PurePath(self.name).suffix.lower()

    def documents(self) -> Iterator[Parsed]:
        """Yield the documents of the file, or their problems."""
        if self._suffix == ".xml":
            options = self.options if self.mapping is None else self.options.under(self.mapping)
            yield from read_b2mml(self.stream, options, self.limits)
            return
        if self.mapping is not None:
            yield from self._mapped(self.mapping)
            return
        assert self.kind is not None, "looked at when it was made"
        documents = document_type(self.kind)
        if self._suffix in _WORKBOOKS:
            yield from read_workbook(documents, self.stream, self.options, self.sheet, self.limits)
        elif self._suffix in _TABLES:
            yield from read_csv(documents, self.stream, self.options)
        else:
            yield from read_json(documents, self.stream, self.limits.json)

    def _mapped(self, mapping: ImportMapping) -> Iterator[Parsed]:
        if self._suffix == ".json":
            yield from read_json(
                document_type(mapping.kind), self.stream, self.limits.json, mapping
            )
            return
        if self.options.zone is not None and not mapping.time_zone:
            mapping = mapping.model_copy(update={"time_zone": self.options.zone.key})
        yield from read_mapped(self.name, self.stream, mapping, self.options.defaults, self.limits)


def template(kind: str) -> str:
    """Return the header of a table of a kind: required fields first."""
    documents = document_type(kind)
    required = required_fields(documents)
    others = [name for name in KINDS[kind].model_fields if name not in required]
    return ",".join([*required, *others, WITHDRAWN])
