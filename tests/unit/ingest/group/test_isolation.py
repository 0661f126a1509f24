"""What one bad member costs the others: a few tries, however the database words it."""

from collections.abc import Sequence
from threading import Event

import pytest

from ingest.group.isolation import Isolation
from ingest.selfstat import Selfstat
from plant.errors import DataError, NhipmayError, StoreUnavailableError

ODD = 13
FORMS = (ODD, -ODD, -2 * ODD)
"""As it came, as refused, bare."""


class NoTime(Event):
    """An event on which nobody waits; how long they would have is added up."""

    def __init__(self) -> None:
        super().__init__()
        self.waited_s = 0.0

    def wait(self, timeout: float | None = None) -> bool:
        self.waited_s += timeout or 0.0
        return False


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
    isolation: Isolation[int, int] = Isolation(database, Selfstat(), time)

    list(isolation.settle(range(16)))

    assert sorted(database.written) == [k for k in range(16) if k != ODD]
    assert database.kept == [FORMS[-1]]
    assert time.waited_s <= 0.5
    # The group, at most two parts of each size, and the forms of the one.
    assert database.tries <= 16
