"""Importing a file of this machine, or a tree of reasons, and the report."""

from dataclasses import dataclass, field
from pathlib import Path

from ingest.mes.reason_tree import reason_tree
from ingest.mes.settings import ImportSettings
from plant.errors import ConfigurationError
from plant.mes import Report
from plant.mes.file import DocumentFile, TableOptions
from store.mes.reading import stored_mapping
from store.mes.writing import Provenance, write_documents


@dataclass(frozen=True, slots=True)
class FileImport:
    """What a person asked for."""

    file: Path
    kind: str | None = None
    """Needed for all but XML, whose elements say what they are."""
    sheet: str | None = None
    options: TableOptions = field(default_factory=TableOptions)
    mapping: str | None = None
    """Name of a confirmed mapping of the enterprise of `options`."""
    preview: bool = False
    who: str = ""
    reason: str = ""


def import_file(settings: ImportSettings, asked: FileImport) -> Report:
    """Write the documents of a file, all or none; see `store.mes.writing.write_documents`.

    Raises ConfigurationError when the file cannot be opened or is of no known form or kind.
    """
    provenance = Provenance(
        who=asked.who or "nhipmay import",
        source=f"file {asked.file.name}",
        now=settings.make_clock()(),
        reason=asked.reason,
    )
    mapping = None
    if asked.mapping is not None:
        enterprise = asked.options.defaults.get("enterprise")
        if enterprise is None:
            raise ConfigurationError("say whose mapping it is: --enterprise CODE or --site PATH")
        mapping = stored_mapping(settings.database, enterprise, asked.mapping)
    try:
        stream = asked.file.open("rb")
    except OSError as exc:
        raise ConfigurationError(f"{asked.file} cannot be read: {exc.strerror}") from exc
    with stream:
        documents = DocumentFile(
            asked.file.name, stream, asked.kind, asked.sheet, asked.options, mapping=mapping
        ).documents()
        return write_documents(settings.database, documents, provenance, preview=asked.preview)


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
