"""Documents as JSON: in a message, in a file."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec

from plant.errors import DataError
from plant.mes.document import MesDocument
from plant.mes.file.limits import too_large, whole_file
from plant.mes.kinds.mapping import ImportMapping
from plant.mes.mapping.applying import document_values
from plant.mes.parsing import Item, Parsed, parse
from plant.mes.problem import Problem, Reason

_LONGEST_NOTE = 500


@dataclass(frozen=True, slots=True)
class JsonDocuments:
    """The content of a message: documents, and what is said about all of them."""

    documents: list[Any]
    who: str = ""
    reason: str = ""
    mapping: str = ""
    """Name of the mapping that its documents are read by."""

    def parsed(
        self, kind: type[MesDocument], mapping: ImportMapping | None = None
    ) -> Iterator[Parsed]:
        """Yield the documents or their problems."""
        for index, given in enumerate(self.documents):
            origin = Item(index)
            if mapping is None:
                yield parse(kind, given, origin)
            elif not isinstance(given, dict):
                words = "is no set of named fields"
                yield [Problem(origin.of(""), "", Reason.MALFORMED, words)]
            else:
                values = document_values(mapping, given, origin)
                yield values if isinstance(values, list) else parse(kind, values, origin)


def read_json(
    document_type: type[MesDocument],
    stream: BinaryIO,
    largest: int,
    mapping: ImportMapping | None = None,
) -> Iterator[Parsed]:
    """Yield the documents of a file, or the problem that it is none."""
    large = too_large(stream, largest)
    if large:
        yield large
        return
    try:
        content = decode_json(stream.read())
    except DataError as exc:
        yield [whole_file(f"is no JSON of documents: {exc.detail}")]
        return
    yield from content.parsed(document_type, mapping)


def decode_json(payload: bytes) -> JsonDocuments:
    """Return the content of JSON: one document, a list, or `{"documents": [...], ...}`.

    Raises DataError `malformed`.
    """
    try:
        content = msgspec.json.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise DataError("malformed", str(exc)) from exc
    if isinstance(content, list):
        return JsonDocuments(content)
    if not isinstance(content, dict):
        raise DataError("malformed", "is neither a document nor a list of documents")
    if "documents" not in content:
        return JsonDocuments([content])
    documents = content["documents"]
    unknown = sorted(content.keys() - {"documents", "who", "reason", "mapping"})
    if not isinstance(documents, list) or unknown:
        named = f"; unknown here: {', '.join(unknown)}" if unknown else ""
        raise DataError(
            "malformed", f"`documents` is a list, beside it `who`, `reason`, `mapping`{named}"
        )
    return JsonDocuments(
        documents, _note(content, "who"), _note(content, "reason"), _note(content, "mapping")
    )


def _note(content: dict[str, Any], name: str) -> str:
    note = content.get(name) or ""
    if not isinstance(note, str) or not note.isprintable() or len(note) > _LONGEST_NOTE:
        raise DataError(
            "malformed", f"`{name}` is a text of one line, at most {_LONGEST_NOTE} characters"
        )
    return note
