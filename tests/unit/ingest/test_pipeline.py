from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import Event
from typing import cast

import pytest

from ingest.commit.committer import Committed, Committer
from ingest.decoding.message import Message
from ingest.decoding.parcel import Parcel, messages_of
from ingest.pipeline import Pipeline, paced
from ingest.settings import GroupSettings
from plant.errors import ConfigurationError, StoreUnavailableError
from plant.native.message import decode_ack
from tests.plants.deliveries import birth, data
from tests.unit.ingest.bench import Bench


class ListSource:
    """A `Source` that delivers a list, then asks to stop."""

    def __init__(self, messages: Iterable[Message], bench: Bench, stop: Event) -> None:
        self._waiting = deque(messages)
        self._bench = bench
        self._stop = stop
        self.acknowledged: list[Message] = []
        self.announced: dict[str, bytes] = {}
        self.charged: dict[str, int] = {}
        self.held: frozenset[str] = frozenset()
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

    def give_back(self, messages: Sequence[Message]) -> None:
        self._waiting.extendleft(reversed(messages))
        for _ in messages:
            # Counted as it is received again.
            self._bench.selfstat.withdrawn()

    def charge(self, topic: str, cost: int) -> None:
        self.charged[topic] = cost

    def hold(self, senders: frozenset[str]) -> None:
        self.held = senders

    def acknowledge(self, messages: Iterable[Message]) -> None:
        self.acknowledged += messages

    def announce(self, announcements: Iterable[tuple[str, bytes]]) -> None:
        self.announced.update(announcements)

    def close(self) -> None:
        pass


def run(
    bench: Bench, messages: Iterable[Message], failure: ConfigurationError | None = None
) -> ListSource:
    stop = Event()
    source = ListSource(messages, bench, stop)
    source.failure = failure
    group = GroupSettings(max_rows=3_000)
    Pipeline(source, bench.committer, bench.selfstat, group, bench.limits).run(stop)
    return source


def test_everything_is_committed_then_acknowledged_in_order() -> None:
    bench = Bench()
    letters = [birth(), *(data(10 * k + 1, [float(k % 50)] * 10) for k in range(1_000))]

    source = run(bench, letters)

    assert source.acknowledged == letters
    assert len(bench.store.tables.numbers) == 10_000
    (ack,) = source.announced.values()
    assert decode_ack(ack).committed_to == 10_000
    assert 1 < bench.store.transactions < 1_000


def test_nothing_is_acknowledged_when_its_transaction_never_succeeded() -> None:
    bench = Bench()
    bench.store.before_commit.append(StoreUnavailableError())
    bench.abandon.set()

    source = run(bench, [birth(), data(1, [1])])

    assert source.acknowledged == []
    assert bench.selfstat.snapshot().messages.queued == 2


class Trickle(ListSource):
    """Has one more message whenever it is asked, until one is acknowledged."""

    def __init__(self, bench: Bench, stop: Event) -> None:
        super().__init__([birth()], bench, stop)
        self._number = 0

    def receive(self, limit: int, timeout_s: float) -> list[Message]:
        if not self.acknowledged:
            self._number += 1
            self._waiting.append(data(self._number, [1.0]))
        return super().receive(1, timeout_s)


def test_a_group_goes_though_another_message_has_always_just_come() -> None:
    bench, stop = Bench(), Event()
    source = Trickle(bench, stop)
    never = GroupSettings(max_rows=1_000_000_000, max_wait_s=0.001)

    Pipeline(source, bench.committer, bench.selfstat, never, bench.limits).run(stop)

    assert source.acknowledged
    assert bench.selfstat.snapshot().messages.queued == 0


class SlowCommitter:
    """Takes groups, asks for more as often as it is told to, and remembers how large each was."""

    def __init__(self, bench: Bench, asks: Sequence[int]) -> None:
        self.groups: list[int] = []
        self._bench = bench
        self._asks = deque(asks)

    def pause_s(self) -> float | None:
        return None

    def held(self) -> frozenset[str]:
        return frozenset()

    def turn(
        self, parcels: Sequence[Parcel], meanwhile: Callable[[int], None]
    ) -> Iterator[Committed]:
        self.groups.append(sum(len(messages_of(parcel)) for parcel in parcels))
        meanwhile(self._asks.popleft() if self._asks else 0)
        return iter(())


def test_while_rows_are_taken_in_about_as_many_are_read_for_the_next_group() -> None:
    bench, stop = Bench(), Event()
    letters = [birth(), *(data(k + 1, [1.0]) for k in range(2_000))]
    source = ListSource(letters, bench, stop)
    slow = SlowCommitter(bench, [300, 0, 10_000])
    group = GroupSettings(max_rows=3_000)

    Pipeline(source, cast(Committer, slow), bench.selfstat, group, bench.limits).run(stop)

    # A birth of three tags costs 2,015 and each message 6.
    assert slow.groups == [1 + 165, 500, 500, 500, 335]


def test_what_costs_much_by_itself_is_left_for_other_groups() -> None:
    bench, stop = Bench(), Event()
    letters = [birth(), *(data(1, [1.0], epoch=f"life-{k}") for k in range(100))]
    slow = SlowCommitter(bench, [])
    group = GroupSettings(max_rows=30_000)

    source = ListSource(letters, bench, stop)
    Pipeline(source, cast(Committer, slow), bench.selfstat, group, bench.limits).run(stop)

    assert max(slow.groups) < 35


def test_groups_are_smaller_while_they_take_long() -> None:
    assert paced(100_000, 100_000, 7.0, 100_000) == 10_000
    assert paced(10_000, 300, 60.0, 100_000) == 2_000
    assert paced(10_000, 10_000, 0.1, 100_000) == 12_500
    assert paced(90_000, 90_000, 0.1, 100_000) == 100_000


def test_what_the_committer_raises_ends_the_run() -> None:
    bench, stop = Bench(), Event()

    class FailingCommitter:
        def pause_s(self) -> float | None:
            return None

        def turn(self, *_: object) -> Iterator[Committed]:
            raise ConfigurationError("the table is gone")

    committer = cast(Committer, FailingCommitter())
    source = ListSource([birth()], bench, stop)
    with pytest.raises(ConfigurationError, match="table is gone"):
        Pipeline(source, committer, bench.selfstat, GroupSettings(), bench.limits).run(stop)


def test_a_failure_of_the_source_ends_the_run() -> None:
    with pytest.raises(ConfigurationError, match="password"):
        run(Bench(), [], ConfigurationError("the password is wrong"))
