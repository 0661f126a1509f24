"""Documents as JSON: in a message, in a file."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from plant.errors import ConfigurationError, DataError
from plant.mes import KINDS, MesDocument, Parsed, document_type, parse
from plant.mes.parsing import Item
from plant.native import TOPIC_ROOT
from plant.place import checked_code

BRANCH = "mes"
"""Stands where other topics have the edge; no edge may have this code."""
TOPIC = f"{TOPIC_ROOT}/+/+/{BRANCH}/+"
_LONGEST_NOTE = 500


@dataclass(frozen=True, slots=True)
class MesAddress:
    """What a topic says: for which site the sender speaks, and of what."""

    site_path: str
    document_type: type[MesDocument]


@dataclass(frozen=True, slots=True)
class MesMessage:
    """The content of a message: documents, and what is said about all of them."""

    documents: list[Any]
    who: str = ""
    reason: str = ""

    def parsed(self, kind: type[MesDocument]) -> Iterator[Parsed]:
        """Yield the documents or their problems."""
        for index, values in enumerate(self.documents):
            yield parse(kind, values, Item(index))


def mes_address(topic: str) -> MesAddress:
    """Return what a topic says; raise DataError `bad_topic` when it is none of ours."""
    parts = topic.split("/")
    if len(parts) != 6 or "/".join(parts[:2]) != TOPIC_ROOT or parts[4] != BRANCH:
        raise DataError("bad_topic", f"{topic!r} is not {TOPIC_ROOT}/enterprise/site/{BRANCH}/kind")
    try:
        site_path = "/".join(checked_code(code) for code in parts[2:4])
        return MesAddress(site_path, document_type(parts[5]))
    except ConfigurationError as exc:
        raise DataError("bad_topic", str(exc)) from exc


def decode_message(payload: bytes) -> MesMessage:
    """Return the content of JSON: one document, a list, or `{"documents": [...], ...}`.

    Raises DataError `malformed`.
    """
    try:
        content = msgspec.json.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise DataError("malformed", str(exc)) from exc
    if isinstance(content, list):
        return MesMessage(content)
    if not isinstance(content, dict):
        raise DataError("malformed", "is neither a document nor a list of documents")
    if "documents" not in content:
        return MesMessage([content])
    documents = content["documents"]
    unknown = sorted(content.keys() - {"documents", "who", "reason"})
    if not isinstance(documents, list) or unknown:
        named = f"; unknown here: {', '.join(unknown)}" if unknown else ""
        raise DataError("malformed", f"`documents` is a list, beside it `who`, `reason`{named}")
    return MesMessage(documents, _note(content, "who"), _note(content, "reason"))


def _note(content: dict[str, Any], name: str) -> str:
    note = content.get(name) or ""
    if not isinstance(note, str) or not note.isprintable() or len(note) > _LONGEST_NOTE:
        raise DataError(
            "malformed", f"`{name}` is a text of one line, at most {_LONGEST_NOTE} characters"
        )
    return note


def all_kinds() -> str:
    """Return the names of all kinds, for a message to a person."""
    return ", ".join(KINDS)
