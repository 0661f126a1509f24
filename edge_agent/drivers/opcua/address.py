"""Node ids as people write them, and which part of a node's value a tag is."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

_NODE_ID = re.compile(r"(?:ns=(\d{1,5});|nsu=([^;]+);)?([isgb])=(.+)", re.DOTALL)
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_STEP = re.compile(r"\[(\d+(?:,\d+)*)\]|(?:^|\.)([^.\[\]]+)")
NODE_ID_EXAMPLES = "ns=2;s=name, ns=3;i=1001 or nsu=urn:maker:machine;s=name"


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """A node id whose namespace is a number (`ns=`) or, lasting, a URI (`nsu=`)."""

    index: int
    uri: str | None
    kind: str
    """`i`, `s`, `g` or `b`."""
    identifier: str

    @classmethod
    def of(cls, text: str) -> "NodeAddress":
        """Read a node id; raise ValueError with words where it is none."""
        found = _NODE_ID.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"{text!r} is no node id such as {NODE_ID_EXAMPLES}")
        index, uri, kind, identifier = found.groups()
        if kind == "i" and not (identifier.isdecimal() and int(identifier) < 2**32):
            raise ValueError(f"{text!r}: i= takes a whole number below 2^32")
        if kind == "g" and not _GUID.fullmatch(identifier):
            raise ValueError(
                f"{text!r}: g= takes a GUID such as 09087e75-8e5e-499b-954f-f2a9603db28a"
            )
        if index is not None and int(index) > 65535:
            raise ValueError(f"{text!r}: a namespace index is below 65536")
        return cls(int(index or 0), uri, kind, identifier)

    def index_in(self, namespaces: Sequence[str]) -> int:
        """Return the namespace's number at a server with these URIs.

        Raises ValueError with words where it has no such namespace. In `nsu=` the characters `;`
        and `%` are written as `%3B` and `%25`; a URI that is given as it is, is found as well.
        """
        if self.uri is None:
            return self.index
        for uri in (self.uri, unquote(self.uri)):
            if uri in namespaces:
                return namespaces.index(uri)
        raise ValueError(
            f"the server has no namespace {self.uri!r}; it has {', '.join(namespaces[1:])}"
        )


def steps_of(path: str) -> tuple[str | tuple[int, ...], ...]:
    """Return the steps of a path such as `Axis.Position[2]`: names, and indexes from zero.

    `[1,2]` and `[1][2]` are the same place of a matrix. Raises ValueError with words.
    """
    steps: list[str | tuple[int, ...]] = []
    at = 0
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None or found.end() == at:
            raise ValueError(
                f"{path!r} is no part of a value such as [3], Speed or Axis.Position[0]"
            )
        if found[1] is not None:
            steps.append(tuple(int(number) for number in found[1].split(",")))
        else:
            steps.append(found[2])
        at = found.end()
    return tuple(steps)
