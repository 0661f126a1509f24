import queue
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from threading import Event, Semaphore, Thread
from typing import cast

import pytest

from ingest.commit.committer import Committed, Committer
from ingest.decoding.message import Message
from ingest.decoding.parcel import Parcel
from ingest.pipeline import Pipeline
from ingest.settings import GroupSettings
from plant.errors import ConfigurationError, StoreUnavailableError
from plant.native.message import decode_ack
from tests.plants.deliveries import birth, data
from tests.unit.ingest.bench import Bench
from tests.waiting import HANG_S, wait_until


class ListSource:
    """A `Source` that delivers a list, then asks to stop."""

    def __init__(self, messages: Iterable[Message], bench: Bench, stop: Event) -> None:
        self._waiting = deque(messages)
        self._bench = bench
        self._stop = stop
        self.acknowledged: list[Message] = []
        self.announced: dict[str, bytes] = {}
        self.failure: ConfigurationError | None = None

    def receive(self, limit: int, timeout_s: float) -> list[Message]:
        if self.failure:
            raise self.failure
        taken = [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]
        for _ in taken:
            self._bench.selfstat.arrived()
        if not taken:
            self._stop.set()
        return taken

    def acknowledge(self, messages: Iterable[Message]) -> None:
        self.acknowledged += messages

    def announce(self, topic: str, payload: bytes) -> None:
        self.announced[topic] = payload

    def close(self) -> None:
        pass


def run(
    bench: Bench, messages: Iterable[Message], failure: ConfigurationError | None = None
) -> ListSource:
    stop = Event()
    source = ListSource(messages, bench, stop)
    source.failure = failure
    group = GroupSettings(max_rows=50)
    Pipeline(source, bench.committer, bench.selfstat, group, bench.limits).run(stop)
    return source


def test_everything_is_committed_then_acknowledged_in_order() -> None:
    bench = Bench()
    letters = [birth(), *(data(10 * k + 1, [float(k)] * 10) for k in range(100))]

    source = run(bench, letters)

    assert source.acknowledged == letters
    assert len(bench.store.tables.numbers) == 1_000
    (ack,) = source.announced.values()
    assert decode_ack(ack).committed_to == 1_000
    assert 1 < bench.store.transactions < 100


def test_nothing_is_acknowledged_when_its_transaction_never_succeeded() -> None:
    bench = Bench()
    bench.store.before_commit.append(StoreUnavailableError())
    bench.abandon.set()

    source = run(bench, [birth(), data(1, [1])])

    assert source.acknowledged == []
    assert bench.selfstat.snapshot().messages.queued == 2


class StepSource(ListSource):
    """A `Source` that delivers one message at a time, when it is told to."""

    def __init__(self, bench: Bench, stop: Event) -> None:
        super().__init__([], bench, stop)
        self.given: queue.Queue[Message] = queue.Queue()
        self.in_vain = 0

    def receive(self, limit: int, timeout_s: float) -> list[Message]:
        assert timeout_s > 0
        try:
            return [self.given.get(timeout=timeout_s)]
        except queue.Empty:
            self.in_vain += 1
            return []

    def await_taken(self) -> None:
        """Wait until all that was given is in a group, and others were waited for in vain."""
        wait_until(self.given.empty, what="the message to be taken")
        seen = self.in_vain
        wait_until(lambda: self.in_vain > seen, what="a wait for others to end")


class SlowCommitter:
    """Takes a group when it is told to, and remembers how many messages each had."""

    def __init__(self) -> None:
        self.groups: list[int] = []
        self.begun = Semaphore(0)
        self.may_end = Semaphore(0)

    def commit(self, parcels: Sequence[Parcel]) -> Iterator[Committed]:
        self.groups.append(len(parcels))
        self.begun.release()
        assert self.may_end.acquire(timeout=HANG_S)
        return iter(())


def test_a_group_grows_while_the_writer_is_busy_and_goes_as_soon_as_it_is_not() -> None:
    bench, stop, slow = Bench(), Event(), SlowCommitter()
    source = StepSource(bench, stop)
    pipeline = Pipeline(
        source, cast(Committer, slow), bench.selfstat, GroupSettings(max_wait_s=0.01), bench.limits
    )
    thread = Thread(target=pipeline.run, args=(stop,))
    thread.start()
    try:
        source.given.put(birth())
        assert slow.begun.acquire(timeout=HANG_S)
        for k in range(10):
            source.given.put(data(k + 1, [1.0]))
            source.await_taken()
        slow.may_end.release()
        assert slow.begun.acquire(timeout=HANG_S)
        source.given.put(data(11, [1.0]))
        slow.may_end.release()
        assert slow.begun.acquire(timeout=HANG_S)
    finally:
        stop.set()
        slow.may_end.release(9)
        thread.join(HANG_S)

    assert slow.groups == [1, 10, 1]


def test_the_gatherer_ends_when_the_writer_fails_while_a_group_grows() -> None:
    bench, stop = Bench(), Event()
    source = StepSource(bench, stop)

    class FailingCommitter:
        def commit(self, parcels: Sequence[Parcel]) -> Iterator[Committed]:
            source.given.put(data(1, [1.0]))
            source.await_taken()
            raise ConfigurationError("the table is gone")

    pipeline = Pipeline(
        source, cast(Committer, FailingCommitter()), bench.selfstat, GroupSettings(), bench.limits
    )
    source.given.put(birth())

    with pytest.raises(ConfigurationError, match="table is gone"):
        pipeline.run(stop)
    assert not [one for one in threading.enumerate() if one.name == "gatherer"]


def test_a_failure_of_the_source_ends_the_run() -> None:
    with pytest.raises(ConfigurationError, match="password"):
        run(Bench(), [], ConfigurationError("the password is wrong"))
