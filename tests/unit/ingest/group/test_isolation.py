"""What one bad member costs the others: a few tries, however the database words it."""

from collections.abc import Iterable, Sequence
from threading import Event

import pytest

from ingest.group.isolation import SET_ASIDE, Isolation
from ingest.selfstat import Selfstat
from plant.errors import DataError, NhipmayError, StoreUnavailableError

ODD = 13
FORMS = (ODD, -ODD, -2 * ODD)
"""As it came, as refused, bare."""


class NoTime(Event):
    """An event on which nobody waits, and the clock that would have gone on meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.waited_s = 0.0

    def wait(self, timeout: float | None = None) -> bool:
        self.waited_s += timeout or 0.0
        return False

    def now(self) -> float:
        return self.waited_s


class Database:
    """Refuses every form of the odd one, and nothing else."""

    def __init__(self, error: NhipmayError) -> None:
        self.error = error
        self.tries = 0
        self.written: list[int] = []
        self.kept: list[int] = []

    def transact(self, group: Sequence[int]) -> int:
        self.tries += 1
        if set(FORMS) & set(group):
            raise self.error
        self.written += group
        return len(group)

    def obstacle(self) -> str | None:
        return None

    def lessened(self, member: int, error: DataError) -> int | None:
        at = FORMS.index(member) + 1
        return FORMS[at] if at < len(FORMS) else None

    def given_up(self, member: int, error: DataError) -> int | None:
        self.kept.append(member)
        return 0


@pytest.mark.parametrize(
    "error", [DataError("store_refused", "odd"), StoreUnavailableError("odd")], ids=["bad", "away"]
)
def test_others_wait_a_few_tries_for_one_that_is_taken_in_no_form(error: NhipmayError) -> None:
    database, time = Database(error), NoTime()
    isolation: Isolation[int, int] = Isolation(database, Selfstat(), time, clock=time.now)

    list(isolation.settle(range(16)))

    assert sorted(database.written) == [k for k in range(16) if k != ODD]
    assert database.kept == [FORMS[-1]]
    assert time.waited_s <= 0.5
    # The group, at most two parts of each size, and the forms of the one.
    assert database.tries <= 16


Letter = tuple[str, int]
"""Sender and number."""
TRANSACTION_S = 0.02
SENDERS = ("honest", "flood")


class Ledger:
    """Takes a moment for each transaction, and refuses odd numbers but as refused ones."""

    def __init__(self) -> None:
        self.time = NoTime()
        self.written: list[Letter] = []
        self.refused: list[Letter] = []
        self.reasons: set[str] = set()
        self.largest = 0
        """Of the parts of one sender that were written."""

    def transact(self, group: Sequence[Letter]) -> int:
        self.time.wait(TRANSACTION_S)
        if any(number % 2 for _, number in group):
            raise DataError("store_refused", "odd")
        self.refused += [(sender, -number) for sender, number in group if number < 0]
        self.written += [letter for letter in group if letter[1] >= 0]
        self.largest = max(self.largest, len(group))
        return len(group)

    def obstacle(self) -> str | None:
        return None

    def lessened(self, member: Letter, error: DataError) -> Letter | None:
        self.reasons.add(error.reason)
        return (member[0], -2 * member[1]) if member[1] >= 0 else None

    def given_up(self, member: Letter, error: DataError) -> int | None:
        raise AssertionError("the database takes what is refused")


def isolation_of(ledger: Ledger, most_aside: int = 1_500) -> Isolation[Letter, int]:
    return Isolation(
        ledger,
        Selfstat(),
        ledger.time,
        sender=lambda letter: letter[0],
        most_aside=most_aside,
        clock=ledger.time.now,
    )


def letters(sender: str, numbers: Iterable[int]) -> list[Letter]:
    return [(sender, number) for number in numbers]


def test_a_flood_of_bad_messages_delays_others_by_a_few_transactions_only() -> None:
    ledger = Ledger()
    isolation = isolation_of(ledger)
    longest_s = 0.0

    for turn in range(200):
        # Half of them are odd.
        flood = letters("flood", range(turn * 50, turn * 50 + 50)) if turn < 10 else []
        began = ledger.time.now()
        for part, _ in isolation.turn([*flood, ("honest", 2 * turn)]):
            if ("honest", 2 * turn) in part:
                longest_s = max(longest_s, ledger.time.now() - began)
    list(isolation.settle(()))

    assert longest_s <= 4 * TRANSACTION_S
    good = {sender: [one for one in ledger.written if one[0] == sender] for sender in SENDERS}
    assert good == {
        "honest": letters("honest", range(0, 400, 2)),
        "flood": letters("flood", range(0, 500, 2)),
    }
    assert ledger.refused == letters("flood", range(2, 1_001, 4))


def test_between_two_groups_of_others_a_suspect_has_a_moment() -> None:
    ledger = Ledger()
    isolation = isolation_of(ledger)
    list(isolation.turn([*letters("flood", range(1, 200, 2)), ("honest", 2)]))

    began = ledger.time.now()
    list(isolation.turn([("honest", 4)]))

    assert ("honest", 4) in ledger.written
    assert ledger.time.now() - began <= 0.05 + 2 * TRANSACTION_S
    assert isolation.pause_s() == 0


def test_a_suspect_is_served_in_larger_parts_while_it_sends_nothing_bad() -> None:
    ledger = Ledger()
    isolation = isolation_of(ledger)
    list(isolation.settle([("suspect", 1)]))

    list(isolation.turn(letters("suspect", range(0, 2_400, 2))))
    assert isolation.held() == {"suspect"}
    list(isolation.settle(()))

    assert ledger.largest == 64
    assert isolation.held() == frozenset()


def test_a_suspect_whose_messages_are_dear_is_served_in_small_parts() -> None:
    class Dear(Ledger):
        longest_s = 0.0

        def transact(self, group: Sequence[Letter]) -> int:
            began = self.time.now()
            self.time.wait(0.02 * len(group))
            written = super().transact(group)
            self.longest_s = max(self.longest_s, self.time.now() - began)
            return written

    ledger = Dear()
    isolation = isolation_of(ledger)
    list(isolation.settle([("suspect", 1)]))

    list(isolation.settle(letters("suspect", range(0, 800, 2))))

    assert ledger.written == letters("suspect", range(0, 800, 2))
    # A few at a time, and not 64 of them for 1.3 seconds.
    assert 4 <= ledger.largest <= 16
    assert ledger.longest_s < 0.5


def test_who_was_harmless_for_a_while_is_no_suspect_any_more() -> None:
    ledger = Ledger()
    isolation = isolation_of(ledger)
    list(isolation.settle([("sender", 1)]))
    ledger.time.waited_s += 10

    list(isolation.turn([("sender", 2), ("sender", 4)]))

    assert ledger.written == [("sender", 2), ("sender", 4)]


def test_what_is_too_much_to_wait_for_is_refused_at_once() -> None:
    ledger = Ledger()
    isolation = isolation_of(ledger, most_aside=100)
    list(isolation.turn(letters("flood", range(1, 100, 2))))

    list(isolation.turn(letters("flood", range(0, 400, 2))))

    assert SET_ASIDE in ledger.reasons
    assert letters("flood", range(0, 800, 4))[1:] == [one for one in ledger.refused if one[1] > 2]


def test_everything_is_found_at_the_end_that_was_put_aside() -> None:
    isolation = isolation_of(Ledger())
    sent = letters("flood", range(1, 100, 2))
    list(isolation.turn(sent))

    rest = isolation.rest()

    assert [abs(number) % 200 for _, number in rest][-20:] == [number for _, number in sent][-20:]
    assert isolation.pause_s() is None
