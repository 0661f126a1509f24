"""Groups are written as a whole; one that fails is tried again, or taken apart to its bad member.

What decides between the two is whether a harmless transaction works now, not what the error says:
out of locks may be the server's trouble or one message's doing. Nobody waits for a bad message
longer than it takes to find it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Event
from time import monotonic
from typing import Generic, Protocol, TypeVar

import structlog

from ingest.selfstat import Selfstat
from plant.backoff import Backoff
from plant.errors import ConfigurationError, DataError, TransientError

log = structlog.get_logger()

_LONGEST_PAUSE_S = 10.0
_TRIES = 3
"""Of what fails for a reason that may pass, while harmless transactions work. The others wait
meanwhile: in whatever parts and forms a message is tried, the tries are counted on."""
_PAUSE_BETWEEN_S = 0.05
_MOMENT_S = 0.5

T = TypeVar("T")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Writing(Protocol[T, R_co]):
    """What is done with a group, and what with one member that cannot be stored as it is."""

    def transact(self, group: Sequence[T]) -> R_co:
        """Write the group in one transaction and return what came of it; raise, and undo all."""

    def obstacle(self) -> str | None:
        """Return what keeps a harmless transaction from working now; None when nothing does."""

    def lessened(self, member: T, error: DataError) -> T | None:
        """Return the next simpler form in which the member may be stored; None after the last."""

    def given_up(self, member: T, error: DataError) -> R_co | None:
        """Keep outside the database what it takes in no form; None where that fails too."""


@dataclass(frozen=True, slots=True)
class _Part(Generic[T]):
    members: Sequence[T]
    failures: int = 0
    """In a row, while harmless transactions worked."""
    refusal: DataError | None = None
    """Why the database takes its one member in no form."""


class Isolation(Generic[T, R]):
    """Settles groups until each member is written in some form."""

    def __init__(
        self,
        writing: Writing[T, R],
        selfstat: Selfstat,
        abandon: Event,
        *,
        by: str = "ingest",
        first_pause_s: float = 0.1,
        apart: Callable[[T], Sequence[T]] = lambda member: [member],
        on_outage: Callable[[], None] = lambda: None,
        on_isolated: Callable[[T], None] = lambda _: None,
    ) -> None:
        """Remember how to write, and how to take apart a member that is made of several.

        Once `abandon` is set, nothing is tried a second time. `on_outage` is told after each
        failure that is the database's, `on_isolated` of each member found to be bad.
        """
        self._writing = writing
        self._selfstat = selfstat
        self._abandon = abandon
        self._by = by
        self._first_pause_s = first_pause_s
        self._apart = apart
        self._on_outage = on_outage
        self._on_isolated = on_isolated
        self._worked_at = -_MOMENT_S
        """When a harmless transaction, or another one, worked last."""

    def settle(self, group: Sequence[T]) -> Iterator[tuple[Sequence[T], R]]:
        """Yield what was written, part by part, in order; ends early when it is abandoned.

        A member that nothing could keep is left out. Raises ConfigurationError for what a person
        must mend.
        """
        waiting = [_Part(group)] if group else []
        while waiting:
            part = waiting.pop()
            try:
                result = self._result(part)
            except ConfigurationError:
                raise
            except Exception as exc:  # noqa: BLE001 - whatever one message raises stops no others
                self._selfstat.retried()
                parts = None if self._abandon.is_set() else self._instead(part, exc)
                if parts is None:
                    return
                waiting += parts
            else:
                if result is not None:
                    yield part.members, result

    def _result(self, part: _Part[T]) -> R | None:
        if part.refusal is not None:
            return self._writing.given_up(part.members[0], part.refusal)
        result = self._writing.transact(part.members)
        self._worked_at = monotonic()
        return result

    def _instead(self, part: _Part[T], exc: Exception) -> list[_Part[T]] | None:
        """Return what to write instead, the first part last; None when abandoned meanwhile."""
        if not self._works(part, exc):
            return [part] if self._waited() else None
        if may_pass(exc, part.failures, alone=len(part.members) == 1):
            pause_s = min(self._first_pause_s, _PAUSE_BETWEEN_S) * 2**part.failures
            if self._abandon.wait(pause_s):
                return None
            return [_Part(part.members, part.failures + 1)]
        members = part.members if len(part.members) > 1 else self._apart(part.members[0])
        if len(members) > 1:
            middle = len(members) // 2
            # The whole was tried again; a good half keeps some tries of its own.
            failures = min(part.failures, 1)
            return [_Part(members[middle:], failures), _Part(members[:middle], failures)]
        error = _as_data_error(exc)
        self._on_isolated(part.members[0])
        lesser = self._writing.lessened(part.members[0], error)
        if lesser is None:
            return [_Part(part.members, refusal=error)]
        return [_Part([lesser], part.failures)]

    def _works(self, part: _Part[T], exc: Exception) -> bool:
        """Tell whether harmless transactions work.

        To halve a group, it is enough that some transaction worked a moment ago; before a member is
        refused, and after what may be an outage, it is asked each time.
        """
        halving = len(part.members) > 1 and not isinstance(exc, TransientError)
        if halving and monotonic() < self._worked_at + _MOMENT_S:
            return True
        if self._writing.obstacle() is not None:
            return False
        self._worked_at = monotonic()
        return True

    def _waited(self) -> bool:
        """Wait until a harmless transaction works; return False when abandoned before that."""
        backoff = Backoff(self._first_pause_s, _LONGEST_PAUSE_S)
        told = False
        while (obstacle := self._writing.obstacle()) is not None:
            if not told:
                log.warning("database unavailable", reason=obstacle, by=self._by)
                told = True
            self._on_outage()
            if self._abandon.wait(backoff.next_pause()):
                return False
        if told:
            log.info("database available again", by=self._by)
        return True


def may_pass(exc: Exception, failures: int, *, alone: bool) -> bool:
    """Tell whether to try the same again, though harmless transactions work.

    A group is tried once more, as the database may have been away for a moment; a member by
    itself a few times.
    """
    return isinstance(exc, TransientError) and failures < (_TRIES if alone else 1)


def _as_data_error(exc: Exception) -> DataError:
    if isinstance(exc, DataError):
        return exc
    if isinstance(exc, TransientError):
        return DataError("store_refused", str(exc))
    log.error("a message made the ingest fail", exc_info=exc)
    return DataError("internal_error", f"{type(exc).__name__}: {exc}")
