"""What passes between a machine and its line: orders, parts, buffers, and the record of it all."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol


class Outcome(Enum):
    """What became of a part, by the key of its counter."""

    GOOD = "good_count"
    SCRAP = "scrap_count"
    REWORK = "rework_count"


@dataclass(frozen=True, slots=True)
class Order:
    """A production order on its way through the line; `sequence` counts from 0."""

    sequence: int
    number: str
    product: str
    quantity: int


@dataclass(slots=True)
class Buffer:
    """Parts between two machines, each known by the sequence of its order."""

    capacity: int
    restart: int
    parts: list[int] = field(default_factory=list)


class Flow(Protocol):
    """What a machine sees of its line."""

    def order_for(self, position: int, tick: int) -> Order | None:
        """Return the next order if the machine may load it now."""
        ...

    def may_start(self, position: int) -> bool:
        """Return whether there is material, and enough of it for a machine that was starved."""
        ...

    def has_room(self, position: int) -> bool:
        """Return whether there is a free place behind the machine (enough if it was blocked)."""
        ...

    def is_through(self, position: int) -> bool:
        """Return whether no part of the machine's order will come any more."""
        ...

    def take(self, position: int) -> None:
        """Take one part in front of the machine."""
        ...

    def put(self, position: int) -> None:
        """Put one part behind the machine."""
        ...

    def unloaded(self, position: int, tick: int) -> None:
        """Hear that the machine has finished its order."""
        ...


class Record(Protocol):
    """Who writes down what truly happens; machines are named by their code."""

    def part(self, machine: str, outcome: Outcome, order: Order | None) -> None:
        """Hear of a finished part."""
        ...

    def counter_event(self, machine: str, key: str, kind: str, before: int) -> None:
        """Hear of a counter that was reset or wrapped."""
        ...

    def order_loaded(self, machine: str, order: Order) -> None:
        """Hear that a machine takes up an order."""
        ...

    def order_unloaded(self, machine: str, order: Order) -> None:
        """Hear that a machine has finished an order."""
        ...
