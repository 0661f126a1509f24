"""Documents as JSON: in a message, in a file."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec

from plant.errors import DataError
from plant.mes.document import MesDocument
from plant.mes.file.limits import too_large, whole_file
from plant.mes.parsing import Item, Parsed, parse

_LONGEST_NOTE = 500


@dataclass(frozen=True, slots=True)
class JsonDocuments:
    """The content of a message: documents, and what is said about all of them."""

    documents: list[Any]
    who: str = ""
    reason: str = ""

    def parsed(self, kind: type[MesDocument]) -> Iterator[Parsed]:
        """Yield the documents or their problems."""
        for index, values in enumerate(self.documents):
            yield parse(kind, values, Item(index))


def read_json(document_type: type[MesDocument], stream: BinaryIO, largest: int) -> Iterator[Parsed]:
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
    yield from content.parsed(document_type)


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
    unknown = sorted(content.keys() - {"documents", "who", "reason"})
    if not isinstance(documents, list) or unknown:
        named = f"; unknown here: {', '.join(unknown)}" if unknown else ""
        raise DataError("malformed", f"`documents` is a list, beside it `who`, `reason`{named}")
    return JsonDocuments(documents, _note(content, "who"), _note(content, "reason"))


def _note(content: dict[str, Any], name: str) -> str:
    note = content.get(name) or ""
    if not isinstance(note, str) or not note.isprintable() or len(note) > _LONGEST_NOTE:
        raise DataError(
            "malformed", f"`{name}` is a text of one line, at most {_LONGEST_NOTE} characters"
        )
    return note
