"""Groups are written as a whole; one that fails is tried again, or taken apart to its bad member.

What decides between the two is whether a harmless transaction works now, not what the error says:
out of locks may be the server's trouble or one message's doing. Only the sender of a bad message
waits until it is found: the others' messages are written without its own, and the search goes on
between their groups (`ingest.group.ward`).
"""

from collections.abc import Callable, Iterator, Sequence
from threading import Event
from time import monotonic
from typing import Generic, Protocol, TypeVar

import structlog

from ingest.group.ward import Part, Suspect, Ward
from ingest.selfstat import Selfstat
from plant.backoff import Backoff
from plant.errors import ConfigurationError, DataError, TransientError

log = structlog.get_logger()

_LONGEST_PAUSE_S = 10.0
_TRIES = 3
"""Of what fails for a reason that may pass, while harmless transactions work: in whatever parts
and forms a message is tried, the tries are counted on."""
_PAUSE_BETWEEN_S = 0.05
_MOMENT_S = 0.5
_PIECE_S = 0.05
"""For how long suspects are worked on while others may wait; what is begun is ended."""
SET_ASIDE = "set_aside"

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
        sender: Callable[[T], str] = lambda _: "",
        weight: Callable[[T], int] = lambda _: 1,
        apart: Callable[[T], Sequence[T]] = lambda member: [member],
        most_aside: int = 1_500,
        at_once: int = 64,
        on_outage: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Remember how to write, and how to take apart a member that is made of several.

        Members of one `sender` stay in their order. `weight` is in messages of usual size; what is
        heavier than `most_aside` of one sender is not kept waiting. Of a suspect `at_once` members
        are tried at most. Once `abandon` is set, nothing is tried a second time. `on_outage` is
        told after each failure that is the database's.
        """
        self._writing = writing
        self._selfstat = selfstat
        self._abandon = abandon
        self._by = by
        self._first_pause_s = first_pause_s
        self._sender = sender
        self._apart = apart
        self._on_outage = on_outage
        self._clock = clock
        self._ward: Ward[T] = Ward(weight, most_aside, at_once)
        self._worked_at = -_MOMENT_S
        """When a harmless transaction, or another one, worked last."""

    def settle(self, group: Sequence[T]) -> Iterator[tuple[Sequence[T], R]]:
        """Yield what was written, part by part; ends when all is, or when it is abandoned.

        A member that nothing could keep is left out. Raises ConfigurationError for what a person
        must mend.
        """
        yield from self.turn(group)
        while (pause_s := self.pause_s()) is not None and not self._abandon.is_set():
            if not pause_s or not self._abandon.wait(pause_s):
                yield from self.turn(())

    def turn(self, group: Sequence[T]) -> Iterator[tuple[Sequence[T], R]]:
        """Yield what was written of a group and, for a moment, of what was put aside before.

        Of a suspect nothing is written with the others: see `pause_s` for when to come again.
        """
        self._ward.let_go(self._clock())
        yield from self._written([Part(self._admitted(group))])
        yield from self._piece()

    def pause_s(self) -> float | None:
        """Return in how many seconds to take another turn; None when nothing is put aside."""
        return self._ward.pause_s(self._clock())

    def held(self) -> frozenset[str]:
        """Return the senders of whom enough waits here: more is better left where it is."""
        return self._ward.held()

    def rest(self) -> list[T]:
        """Return what is put aside, to be kept elsewhere at the end."""
        return self._ward.rest()

    def _admitted(self, group: Sequence[T]) -> Sequence[T]:
        """Return the members of those who are no suspects; the others' are put aside."""
        if not self._ward:
            return group
        admitted = []
        for member in group:
            if (suspect := self._ward.suspect(self._sender(member))) is None:
                admitted.append(member)
            else:
                self._ward.add(suspect, member)
        return admitted

    def _written(self, waiting: list[Part[T]]) -> Iterator[tuple[Sequence[T], R]]:
        """Write what several senders sent; who is alone with what fails becomes a suspect."""
        while waiting:
            part = waiting.pop()
            if not part.members:
                continue
            result, exc = self._tried(part)
            if exc is None:
                if result is not None:
                    yield part.members, result
            elif self._abandon.is_set() or not self._works(part, exc):
                # Nobody's fault; all wait.
                if self._abandon.is_set() or not self._waited():
                    return
                waiting.append(part)
            else:
                waiting += self._without_suspect(part, exc)

    def _without_suspect(self, part: Part[T], exc: Exception) -> list[Part[T]]:
        by_sender: dict[str, list[T]] = {}
        for member in part.members:
            by_sender.setdefault(self._sender(member), []).append(member)
        if len(by_sender) == 1:
            (sender,) = by_sender
            suspect = self._ward.admit(sender)
            log.warning("put aside", sender=sender, reason=str(exc)[:200], by=self._by)
            self._selfstat.noted("sender_put_aside")
            self._fail(suspect, part, exc)
            return []
        if may_pass(exc, part.failures, alone=False):
            # Two workers that met, say: none of the senders needs to have done anything.
            self._abandon.wait(min(self._first_pause_s, _PAUSE_BETWEEN_S))
            return [Part(part.members, part.failures + 1)]
        each = list(by_sender.values())
        # Divided by sender and never within one: whichever half is written first, each sender's
        # messages stay in their order.
        halves = each[: len(each) // 2], each[len(each) // 2 :]
        failures = min(part.failures, 1)
        return [Part([one for own in half for one in own], failures) for half in halves]

    def _piece(self) -> Iterator[tuple[Sequence[T], R]]:
        """Go on with suspects, one transaction of each in turn, for a moment."""
        until = self._clock() + _PIECE_S
        while (suspect := self._ward.next(self._clock())) is not None:
            yield from self._tried_of(suspect)
            if self._abandon.is_set() or self._clock() >= until:
                return

    def _tried_of(self, suspect: Suspect[T]) -> Iterator[tuple[Sequence[T], R]]:
        if (rest := self._ward.excess(suspect)) is not None:
            # More than is kept in memory: raw, and for replay or to be sent again.
            detail = "messages of this sender before make the database fail; too many wait by now"
            error = DataError(SET_ASIDE, detail)
            each = [one for member in rest for one in self._apart(member)]
            self._selfstat.noted(SET_ASIDE, len(each))
            lesser = [self._writing.lessened(one, error) or one for one in each]
            suspect.put_back([Part(lesser)])
        part = self._ward.part(suspect)
        began = self._clock()
        result, exc = self._tried(part)
        if exc is None:
            suspect.succeeded(self._clock() - began)
            if result is not None:
                yield part.members, result
        elif self._abandon.is_set() or not self._works(part, exc):
            # As it was, and no failure of it: halved for each outage, every message would end as a
            # rejection.
            suspect.put_back([part])
            if not self._abandon.is_set():
                self._waited()
        else:
            self._fail(suspect, part, exc)

    def _tried(self, part: Part[T]) -> tuple[R | None, Exception | None]:
        try:
            if part.refusal is not None:
                return self._writing.given_up(part.members[0], part.refusal), None
            result = self._writing.transact(part.members)
        # A right or a table is missing. That is no member's doing: taken apart, all that comes
        # would be refused, one after the other.
        except ConfigurationError:
            raise
        except Exception as exc:  # noqa: BLE001 - whatever one message raises stops no others
            self._selfstat.retried()
            return None, exc
        self._worked_at = self._clock()
        return result, None

    def _fail(self, suspect: Suspect[T], part: Part[T], exc: Exception) -> None:
        """Put back what to try instead of a part of one sender that has failed."""
        now = self._clock()
        suspect.failed(now)
        if may_pass(exc, part.failures, alone=len(part.members) == 1):
            pause_s = min(self._first_pause_s, _PAUSE_BETWEEN_S) * 2**part.failures
            suspect.put_back([Part(part.members, part.failures + 1)])
            suspect.not_before = now + pause_s
        else:
            suspect.put_back(self._instead(part, exc))

    def _instead(self, part: Part[T], exc: Exception) -> list[Part[T]]:
        """Return what to write instead, in order."""
        members = part.members if len(part.members) > 1 else self._apart(part.members[0])
        if len(members) > 1:
            middle = len(members) // 2
            # The whole was tried again; a good half keeps some tries of its own.
            failures = min(part.failures, 1)
            return [Part(members[:middle], failures), Part(members[middle:], failures)]
        error = _as_data_error(exc)
        lesser = self._writing.lessened(part.members[0], error)
        if lesser is None:
            return [Part(part.members, refusal=error)]
        return [Part([lesser], part.failures)]

    def _works(self, part: Part[T], exc: Exception) -> bool:
        """Tell whether harmless transactions work.

        To halve a group, it is enough that some transaction worked a moment ago; before a member is
        refused, and after what may be an outage, it is asked each time.
        """
        halving = len(part.members) > 1 and not isinstance(exc, TransientError)
        if halving and self._clock() < self._worked_at + _MOMENT_S:
            return True
        if self._writing.obstacle() is not None:
            return False
        self._worked_at = self._clock()
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
