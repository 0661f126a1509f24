"""Two lives of an outbox meet in two workers at once: each judges by what the other has written."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from ingest.commit.committer import Committer
from ingest.decoding.message import Message
from ingest.decoding.opening import open_parcel
from ingest.selfstat import Selfstat
from ingest.settings import LimitSettings
from plant.settings import DatabaseSettings
from store import load_plant
from store.delivery.store import PostgresDeliveryStore, PostgresDeliveryTransaction
from tests.integration.ingests import fetched, take
from tests.plants.deliveries import EDGE, NOW, NOW_US, STATE, birth, data, plant, status
from tests.waiting import HANG_S, wait_until

LATER_S = 3600
"""The rows that come twice are that much younger than whatever came before."""
SAME = [NOW_US + LATER_S * 1_000_000 + k for k in range(3)]
WAITS = """
select count(*) from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'
"""


class Paused(PostgresDeliveryStore):
    """A store whose first transaction is about to be committed until it is let go."""

    def __init__(self, settings: DatabaseSettings) -> None:
        super().__init__(settings)
        self.written = threading.Event()
        self.let_go = threading.Event()

    @contextmanager
    def transaction(self) -> Iterator[PostgresDeliveryTransaction]:
        with super().transaction() as transaction:
            yield transaction
            self.written.set()
            assert self.let_go.wait(HANG_S)


class Worker(threading.Thread):
    """Commits messages that arrive at one moment."""

    def __init__(self, store: PostgresDeliveryStore, *messages: Message) -> None:
        super().__init__()
        self._store = store
        self._messages = messages
        self.duplicates = -1

    def run(self) -> None:
        limits, selfstat = LimitSettings(), Selfstat()
        committer = Committer(self._store, selfstat, lambda: NOW, limits, threading.Event())
        parcels = [open_parcel(message, limits) for message in self._messages]
        outcomes = [outcome for _, outcome in committer.commit(parcels)]
        self.duplicates = sum(outcome.measurements.duplicate for outcome in outcomes)
        self._store.close()


def later(message: Message, after_s: float = LATER_S) -> Message:
    return message._replace(received_time=NOW + timedelta(seconds=after_s))


def same(epoch: str, first_id: int) -> list[Message]:
    """Return the same rows under ids of a life: numbers and texts."""
    texts = ["EXECUTE", "HOLD", "IDLE"]
    return [
        later(data(first_id, [1.0, 2.0, 3.0], epoch=epoch, time_us=SAME)),
        later(data(first_id + 3, texts, tag=STATE.name, epoch=epoch, time_us=SAME)),
    ]


BEFORE = {
    "both are new": ([], 1, 1),
    "the second is new": ([data(1, [20.5])], 2, 1),
    "the first is new": ([data(1, [20.5], epoch="e2")], 1, 2),
    "both are known": ([data(1, [20.5]), data(1, [21.5], epoch="e2")], 2, 2),
    "the first has said nothing but that it is there": (
        [status(), data(1, [20.5], epoch="e2")],
        1,
        2,
    ),
    "the second has said nothing but that it is there": (
        [data(1, [20.5]), status(epoch="e2")],
        2,
        1,
    ),
    "there was a third": ([data(1, [20.5], epoch="e0")], 1, 1),
}


@pytest.mark.parametrize(("before", "first", "second"), BEFORE.values(), ids=BEFORE)
def test_rows_of_two_lives_in_two_workers_are_written_once(
    each_database: DatabaseSettings, before: list[Message], first: int, second: int
) -> None:
    load_plant(each_database, plant())
    take(each_database, [birth(), *before])
    paused = Paused(each_database)
    one = Worker(paused, *same("e1", first))
    other = Worker(PostgresDeliveryStore(each_database), *same("e2", second))
    one.start()
    try:
        wait_until(lambda: paused.written.is_set() or not one.is_alive(), what="rows to be written")
        other.start()
        # Either it goes on without having seen the other's rows, or it waits for them.
        wait_until(
            lambda: not other.is_alive() or fetched(each_database, WAITS) == [(1,)],
            what="the second worker to write or to wait",
        )
    finally:
        paused.let_go.set()
        one.join(HANG_S)
        other.join(HANG_S)

    assert (one.duplicates, other.duplicates) == (0, 6)
    for table in ("measurement", "text_measurement"):
        assert fetched(
            each_database,
            f"select count(*), count(distinct source_time) from {table} "
            f"where received_time > '{NOW.isoformat()}'",
        ) == [(3, 3)]
    assert dict(
        fetched(
            each_database,
            "select epoch, upper(committed) - 1 from delivery_ledger join edge using (edge_id) "
            f"where code = '{EDGE.edge}' and epoch in ('e1', 'e2')",
        )
    ) == {"e1": first + 5, "e2": second + 5}
