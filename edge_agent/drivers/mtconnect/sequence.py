"""Following an agent by sequence numbers: what is new, what is missing, what is lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from edge_agent.drivers.mtconnect.document import Document, Observation
from plant.errors import DataError

OTHER_INSTANCE = -1
"""No agent's instance: what was read belongs to a buffer that is gone."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far an agent has been read."""

    instance: int
    """Which life of the agent's buffer the number belongs to."""
    next: int
    """Sequence number to ask for next."""

    @classmethod
    def parse(cls, position: str | None) -> Self | None:
        """Return the cursor that was kept as text; None when there is none."""
        instance, _, following = (position or "").partition(":")
        if not (instance.isdecimal() and following.isdecimal()):
            return None
        return cls(int(instance), int(following))

    def __str__(self) -> str:
        return f"{self.instance}:{self.next}"


@dataclass(frozen=True, slots=True)
class Step:
    """What one document brings after a cursor."""

    cursor: Cursor
    fresh: Sequence[Observation]
    """Observations that are not behind the cursor, in order."""
    lost: int
    """Observations that the agent no longer had when it was asked."""
    hole: int
    """Sequence numbers between cursor and next one that the document does not account for."""
    caught_up: bool
    """Whether the agent had nothing newer."""


def follow(cursor: Cursor, document: Document, *, whole_agent: bool) -> Step:
    """Return what a document brings after the cursor that it was asked with.

    Only when the whole agent is read must every number appear; a single device leaves out those
    of the others. Raises DataError `malformed` for a document without sequence numbers and
    `restarted` for one of another instance, or one whose numbers began anew.
    """
    if document.next is None or document.first is None or document.last is None:
        raise DataError("malformed", "the document's header has no sequence numbers")
    if document.instance != cursor.instance:
        raise DataError("restarted", "the agent has begun a new instance")
    if document.next < cursor.next:
        raise DataError("restarted", "the agent's sequence numbers have begun anew")
    start = max(cursor.next, min(document.first, document.next))
    fresh = sorted(
        (seen for seen in document.observations if start <= seen.sequence < document.next),
        key=lambda seen: seen.sequence,
    )
    hole = 0
    if whole_agent:
        hole = document.next - start - len({seen.sequence for seen in fresh})
    return Step(
        cursor=Cursor(cursor.instance, document.next),
        fresh=fresh,
        lost=start - cursor.next,
        hole=hole,
        caught_up=document.next > document.last,
    )
