"""What a fault is: a few steps at seeded moments of a round."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tests.faults.rounds import Round

EARLIEST_S, LATEST_S = 0.2, 3.5


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is done at a moment of a round, in seconds from its beginning."""

    at_s: float
    what: Callable[["Round"], None]


Steps = list[Step]
Make = Callable[[np.random.Generator], Steps]


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault; those that touch the same part do not happen in one round."""

    name: str
    part: str
    make: Make
    needs_disk: bool = False
    needs_plain_lines: bool = False
    """Whether it has to see what is said on a line, which TLS hides."""


def window(random: np.random.Generator, shortest_s: float, longest_s: float) -> tuple[float, float]:
    """Return when a fault begins and ends."""
    begin = random.uniform(EARLIEST_S, LATEST_S)
    return begin, begin + random.uniform(shortest_s, longest_s)
