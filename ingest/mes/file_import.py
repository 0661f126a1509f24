"""Importing a file: which reader, which options, and the report."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ingest.mes.b2mml import read_b2mml
from ingest.mes.csv_file import read_csv
from ingest.mes.message import all_kinds, decode_message
from ingest.mes.reason_tree import reason_tree
from ingest.mes.settings import ImportSettings
from ingest.mes.table import TableOptions, required_fields
from ingest.mes.workbook import read_workbook
from plant.errors import ConfigurationError, DataError
from plant.mes import KINDS, Parsed, Report, document_type
from plant.mes.parsing import WITHDRAWN
from store.mes import Provenance, write_documents

_LARGEST_JSON = 64_000_000
_TABLES = (".csv", ".tsv", ".txt")
_WORKBOOKS = (".xlsx", ".xlsm")


@dataclass(frozen=True, slots=True)
class FileImport:
    """What a person asked for."""

    file: Path
    kind: str | None = None
    """Needed for all but XML, whose elements say what they are."""
    sheet: str | None = None
    options: TableOptions = field(default_factory=TableOptions)
    preview: bool = False
    who: str = ""
    reason: str = ""

    def documents(self) -> Iterator[Parsed]:
        """Yield the documents of the file, or their problems."""
        suffix = self.file.suffix.lower()
        if suffix == ".xml":
            yield from read_b2mml(self.file, self.options)
            return
        if self.kind is None:
            raise ConfigurationError(f"say what the file holds: --kind, one of {all_kinds()}")
        documents = document_type(self.kind)
        if suffix in _WORKBOOKS:
            yield from read_workbook(documents, self.file, self.options, self.sheet)
        elif suffix in _TABLES:
            yield from read_csv(documents, self.file, self.options)
        elif suffix == ".json":
            yield from self._json()
        else:
            raise ConfigurationError(
                f"{self.file}: '{suffix}' is none of .csv, .tsv, .txt, .xlsx, .xlsm, .json, .xml"
            )

    def _json(self) -> Iterator[Parsed]:
        assert self.kind is not None
        try:
            if self.file.stat().st_size > _LARGEST_JSON:
                raise ConfigurationError(f"{self.file} is larger than {_LARGEST_JSON} bytes")
            content = decode_message(self.file.read_bytes())
        except OSError as exc:
            raise ConfigurationError(f"{self.file} cannot be read: {exc.strerror}") from exc
        except DataError as exc:
            raise ConfigurationError(f"{self.file} is no JSON of documents: {exc}") from exc
        yield from content.parsed(document_type(self.kind))


def import_file(settings: ImportSettings, asked: FileImport) -> Report:
    """Write the documents of a file, all or none; see `store.mes.write_documents`."""
    provenance = Provenance(
        who=asked.who or "nhipmay import",
        source=f"file {asked.file.name}",
        now=settings.make_clock()(),
        reason=asked.reason,
    )
    return write_documents(settings.database, asked.documents(), provenance, preview=asked.preview)


def import_reasons(
    settings: ImportSettings, sector: str, enterprise: str, *, preview: bool, who: str = ""
) -> Report:
    """Write the reasons that come with the program for a sector."""
    provenance = Provenance(
        who=who or "nhipmay import",
        source=f"default tree {sector}",
        now=settings.make_clock()(),
    )
    tree = reason_tree(sector, enterprise)
    return write_documents(settings.database, tree, provenance, preview=preview)


def template(kind: str) -> str:
    """Return the header of a table of a kind: required fields first."""
    documents = document_type(kind)
    required = required_fields(documents)
    others = [name for name in KINDS[kind].model_fields if name not in required]
    return ",".join([*required, *others, WITHDRAWN])
