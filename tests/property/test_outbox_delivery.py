"""Whatever a full outbox gives up, ledger and outbox agree on every id."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.outbox import Outbox, Row, SqliteOutbox
from edge_agent.outbox.memory import MemoryOutbox
from edge_agent.priority import Priority
from plant.delivery.idset import EMPTY, IdSet
from plant.measurement import Quality
from tests.examples import examples

HOUR_US = 3_600_000_000
TAGS = {"low": Priority.LOW, "normal": Priority.NORMAL, "high": Priority.HIGH}
LIMIT = 60_000
"""Bytes; some 1,500 rows, thinned in blocks of 75."""

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 400)),
        st.tuples(st.just("send"), st.integers(1, 300)),
        st.tuples(st.just("lose"), st.integers(1, 300)),
        st.tuples(st.just("ahead"), st.integers(1, 300)),
        st.tuples(st.sampled_from(["status", "ack", "reopen", "later"]), st.just(0)),
    ),
    max_size=40,
)
MIXES = st.lists(st.sampled_from(sorted(TAGS)), min_size=1, max_size=12)


class Platform:
    """The ledger, as the ingest keeps it."""

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}
        self.committed = EMPTY
        self.dropped = EMPTY

    def take(self, first_id: int, rows: list[Row]) -> None:
        for id_, row in enumerate(rows, first_id):
            # An id always means the same row.
            assert self.rows.setdefault(id_, row) == row
        self.committed = self.committed.union(IdSet.of([(first_id, first_id + len(rows))]))

    def hear(self, outbox: Outbox) -> None:
        ranges = outbox.state().dropped_ranges
        self.dropped = self.dropped.union(IdSet.of((low, high + 1) for low, high in ranges))

    @property
    def contiguous_to(self) -> int:
        return self.committed.union(self.dropped).contiguous_to()


@contextmanager
def memory() -> Iterator[Callable[[Outbox | None], Outbox]]:
    outbox = MemoryOutbox(LIMIT, 1.0, kept_rows=50, reserved_rows=20)
    yield lambda _: outbox


@contextmanager
def sqlite() -> Iterator[Callable[[Outbox | None], Outbox]]:
    with TemporaryDirectory() as folder:

        def opened(former: Outbox | None) -> Outbox:
            if former is not None:
                former.close()
            file = Path(folder) / "outbox.sqlite"
            return SqliteOutbox(file, LIMIT, 1.0, "normal", kept_rows=50, reserved_rows=20)

        yield opened


@pytest.mark.parametrize("kind", [memory, sqlite])
@given(steps=STEPS, mix=MIXES)
@settings(max_examples=examples(60))
def test_every_id_is_committed_or_given_up_once(
    kind: Callable[[], object], steps: list[tuple[str, int]], mix: list[str]
) -> None:
    made = memory if kind is memory else sqlite
    with made() as opened:
        outbox = opened(None)
        outbox.rank(TAGS)
        platform = Platform()
        taken = sent_to = now_us = 0
        for step, amount in steps:
            if step == "append":
                numbers = range(taken, taken + amount)
                rows = [Row(mix[k % len(mix)], k, float(k), Quality.GOOD) for k in numbers]
                outbox.append(rows, now_us)
                taken += amount
            elif step in {"send", "lose"}:
                sent_to = send(outbox, sent_to, amount, platform if step == "send" else None)
            elif step == "ahead":
                send(outbox, max(sent_to, taken - amount), amount, platform)
            elif step == "status":
                platform.hear(outbox)
            elif step == "ack":
                outbox.acknowledge(outbox.state().epoch, platform.contiguous_to)
            elif step == "reopen":
                outbox = opened(outbox)
                outbox.rank(TAGS)
                sent_to = 0
            else:
                # In steps that a clock takes which nobody sets.
                for _ in range(4):
                    now_us += HOUR_US // 12
                    outbox.append([], now_us)
            state = outbox.state()
            assert state.issued_id == state.confirmed + state.dropped + state.pending == taken
        with closing(outbox):
            drain(outbox, platform, taken)


def send(outbox: Outbox, after_id: int, amount: int, platform: Platform | None) -> int:
    """Send rows, which without a platform are lost on the way; return after which to go on."""
    part = outbox.read(after_id, amount)
    if part is None:
        return 0
    outbox.mark_published(part.last_id)
    if platform is not None:
        platform.take(part.first_id, list(part.rows))
    return part.last_id


def drain(outbox: Outbox, platform: Platform, taken: int) -> None:
    """Deliver what is left; then the books are closed."""
    sent_to = 0
    while (part := outbox.read(sent_to, 100)) is not None:
        gone = outbox.state().dropped_ranges
        assert not any(low <= part.last_id and part.first_id <= high for low, high in gone)
        platform.take(part.first_id, list(part.rows))
        sent_to = part.last_id
    platform.hear(outbox)
    assert platform.contiguous_to == taken
    outbox.acknowledge(outbox.state().epoch, platform.contiguous_to)
    assert outbox.state().pending == 0
    # No row twice, and none lost without being counted.
    arrived = {row.time_us for row in platform.rows.values()}
    assert len(arrived) == len(platform.rows)
    only_dropped = sum(
        stop - start
        for low, high in platform.dropped.spans
        for start, stop in platform.committed.missing(low, high)
    )
    assert len(arrived) + only_dropped == taken
