from collections import deque
from collections.abc import Iterable
from threading import Event

import pytest

from ingest.message import Message
from ingest.pipeline import Pipeline
from ingest.settings import GroupSettings
from plant.errors import ConfigurationError, StoreUnavailableError
from plant.native import decode_ack
from tests.deliveries import birth, data
from tests.unit.ingest.bench import Bench


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


def test_a_failure_of_the_source_ends_the_run() -> None:
    with pytest.raises(ConfigurationError, match="password"):
        run(Bench(), [], ConfigurationError("the password is wrong"))
