"""Senders of whom something made a transaction fail: what waits of them, apart from the others.

It is written in transactions of its own, small at first and larger as they succeed. Whoever has
sent nothing bad for a while is treated as everybody again.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from plant.errors import DataError

_ENOUGH = 500
"""Messages of usual size of one sender, twice as many of all."""
_MOST_WEIGHT_AT_ONCE = 500
_BRIEF_S = 0.2
"""How long one transaction of a suspect may take; others wait meanwhile."""
_ON_TRIAL_S = 10.0
"""How long a sender has to be harmless, once nothing of it waits."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """Members that are tried together."""

    members: Sequence[T]
    failures: int = 0
    """In a row, while harmless transactions worked."""
    refusal: DataError | None = None
    """Why the database takes its one member in no form."""


@dataclass(slots=True, eq=False)
class Suspect(Generic[T]):
    """What waits of one sender."""

    tried: list[Part[T]] = field(default_factory=list)
    """Parts of what has failed; the next one last."""
    waiting: deque[T] = field(default_factory=deque)
    """What came after it, and was not tried yet."""
    weight: int = 0
    """Of what was not tried yet."""
    at_once: int = 1
    not_before: float = 0.0
    failed_at: float = 0.0

    def put_back(self, parts: Sequence[Part[T]]) -> None:
        """Have parts, given in their order, tried before everything else."""
        self.tried += reversed(parts)

    def failed(self, now: float) -> None:
        """Note a failure: the next part is to be smaller."""
        self.failed_at = now
        self.at_once = max(1, self.at_once // 2)

    def succeeded(self, took_s: float) -> None:
        """Note a success: the next part may be larger, unless it kept the others waiting."""
        if took_s < _BRIEF_S:
            self.at_once *= 2
        else:
            self.at_once = max(1, self.at_once // 2)

    def __bool__(self) -> bool:
        return bool(self.tried or self.waiting)


class Ward(Generic[T]):
    """The suspects, in the order of their turns."""

    def __init__(self, weight: Callable[[T], int], most: int, at_once: int) -> None:
        """Try up to `at_once` members of a sender together, once that has worked with fewer.

        Bound what waits of one sender to `most`, by weight, and of all to a third more.

        The broker gives out only some thousands that are not acknowledged, and then nobody's.
        """
        self._weight = weight
        self._most = most
        self._at_once = at_once
        self._suspects: dict[str, Suspect[T]] = {}
        self._turns: deque[Suspect[T]] = deque()
        """Those of whom something waits, and perhaps some others."""
        self._total = 0

    def __bool__(self) -> bool:
        return bool(self._suspects)

    def suspect(self, sender: str) -> Suspect[T] | None:
        """Return what is known of a sender; None for one that is no suspect."""
        return self._suspects.get(sender)

    def admit(self, sender: str) -> Suspect[T]:
        """Make a sender a suspect."""
        suspect = self._suspects.setdefault(sender, Suspect())
        self._line_up(suspect)
        return suspect

    def add(self, suspect: Suspect[T], member: T) -> None:
        """Put a member behind what waits of a suspect."""
        self._line_up(suspect)
        suspect.waiting.append(member)
        weight = self._weight(member)
        suspect.weight += weight
        self._total += weight

    def next(self, now: float) -> Suspect[T] | None:
        """Return the suspect whose turn it is; None when there is nothing to do now."""
        for _ in range(len(self._turns)):
            suspect = self._turns.popleft()
            if suspect:
                # To the back at once, so that one with much to do keeps none of the others waiting.
                self._turns.append(suspect)
                if suspect.not_before <= now:
                    return suspect
        return None

    def part(self, suspect: Suspect[T]) -> Part[T]:
        """Take out what is to be tried next of a suspect of whom something waits."""
        if suspect.tried:
            return suspect.tried.pop()
        suspect.at_once = min(suspect.at_once, self._at_once)
        return Part(self._taken(suspect, suspect.at_once, _MOST_WEIGHT_AT_ONCE))

    def excess(self, suspect: Suspect[T]) -> Sequence[T] | None:
        """Take out all that was not tried of a suspect, if that is too much; None otherwise."""
        few = suspect.weight <= self._most and self._total <= self._most * 4 // 3
        # One alone is tried, however heavy: it may be harmless, and nothing waits behind it.
        if few or len(suspect.waiting) < 2:
            return None
        return self._taken(suspect, len(suspect.waiting), self._total)

    def held(self) -> frozenset[str]:
        """Return the senders of whom enough waits."""
        enough = _ENOUGH if self._total < 2 * _ENOUGH else 1
        return frozenset(
            sender for sender, suspect in self._suspects.items() if suspect.weight >= enough
        )

    def pause_s(self, now: float) -> float | None:
        """Return in how many seconds something can be tried; None when nothing waits."""
        times = [suspect.not_before for suspect in self._turns if suspect]
        return max(0.0, min(times) - now) if times else None

    def rest(self) -> list[T]:
        """Take out all that waits."""
        found = []
        for suspect in self._suspects.values():
            found += [member for part in reversed(suspect.tried) for member in part.members]
            suspect.tried.clear()
            found += self._taken(suspect, len(suspect.waiting), self._total)
        return found

    def let_go(self, now: float) -> None:
        """Forget suspects that have been harmless for long enough."""
        harmless = [
            sender
            for sender, suspect in self._suspects.items()
            if not suspect and now >= suspect.failed_at + _ON_TRIAL_S
        ]
        for sender in harmless:
            del self._suspects[sender]

    def _line_up(self, suspect: Suspect[T]) -> None:
        if suspect not in self._turns:
            self._turns.append(suspect)

    def _taken(self, suspect: Suspect[T], most: int, heaviest: int) -> list[T]:
        taken: list[T] = []
        weight = 0
        while suspect.waiting and len(taken) < most and (not taken or weight < heaviest):
            taken.append(suspect.waiting.popleft())
            weight += self._weight(taken[-1])
        suspect.weight -= weight
        self._total -= weight
        return taken
