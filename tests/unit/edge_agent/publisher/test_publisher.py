"""The publisher against a broker that is only a list of what it was given."""

from collections import deque
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge_agent.broker import Connected, Delivered, Denied, Event, Received, Refused
from edge_agent.outbox import Outbox, SqliteOutbox
from edge_agent.outbox.memory import MemoryOutbox
from edge_agent.publisher import Condition, ConfigState, Publisher, Refusals
from edge_agent.selfstat import Counters
from edge_agent.settings import EdgeSettings
from plant.delivery.idset import IdSet
from plant.errors import BrokerUnavailableError
from plant.native.message import (
    Ack,
    DataBatch,
    DropReason,
    Limits,
    Refusal,
    Status,
    decode_birth,
    decode_data,
    decode_status,
    encode,
)
from tests.unit.edge_agent.outbox.outboxes import NOW, memory_outbox, row, rows, sqlite_outbox

SETTINGS = EdgeSettings.model_validate(
    {
        "edge": {"enterprise": "co-khi-mau", "site": "bien-hoa", "code": "edge-1"},
        "outbox": {"file": Path("unused.sqlite")},
        "publishing": {"batch_rows": 10, "max_in_flight": 3},
        "sources": {
            "line-1": {
                "driver": "modbus",
                "host": "plc",
                "tags": [{"name": "cnc-1/x", "work_unit": "a/b/c", "address": "hr:1"}],
            }
        },
    }
)


@dataclass
class FakeBroker:
    """Answers at once; `platform` says what happens to each data message."""

    platform: Callable[["FakeBroker", DataBatch], None]
    refusals: deque[str] = field(default_factory=deque)
    """Reasons to refuse the first connections."""
    first_ack: Ack | None = None
    max_packet_bytes: int | None = None
    now: float = 0.0
    sent: list[tuple[str, bytes, bool]] = field(default_factory=list)
    events: deque[Event] = field(default_factory=deque)
    connections: int = 0
    on_status: Callable[["FakeBroker", Status], None] = lambda _broker, _status: None
    """What the platform does about a heartbeat."""
    idle: Callable[[], None] = lambda: None
    """Called when nothing is left to happen."""

    def connect(self, _will: bytes) -> "FakeBroker":
        self.connections += 1
        self.events.clear()
        return self

    def open(self) -> None:
        if self.refusals:
            raise BrokerUnavailableError(self.refusals.popleft())
        self.events.append(Connected(self.max_packet_bytes))
        if self.first_ack is not None:
            self.answer(self.first_ack, retained=True)

    def next_event(self, timeout_s: float) -> Event | None:
        if self.events:
            return self.events.popleft()
        self.now += timeout_s
        if timeout_s:
            self.idle()
        return None

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> int:
        self.sent.append((topic.rpartition("/")[2], payload, retain))
        self.events.append(Delivered(len(self.sent)))
        if topic.endswith("/data"):
            self.platform(self, decode_data(payload))
        if topic.endswith("/status"):
            self.on_status(self, decode_status(payload))
        return len(self.sent)

    def close(self) -> None:
        self.events.clear()

    def acknowledge(self, epoch: str, committed_to: int, *, retained: bool = False) -> None:
        self.answer(Ack(1, epoch, committed_to, NOW), retained=retained)

    def answer(self, ack: Ack, *, retained: bool = False) -> None:
        payload = encode(ack)
        self.events.append(Received("nm/v1/co-khi-mau/bien-hoa/edge-1/ack", payload, retained))

    def leaves(self) -> list[str]:
        return [leaf for leaf, _, _ in self.sent]

    def batches(self) -> list[tuple[int, int]]:
        batches = [decode_data(payload) for leaf, payload, _ in self.sent if leaf == "data"]
        return [(batch.first_id, batch.last_id) for batch in batches]

    def statuses(self) -> list[Status]:
        return [decode_status(payload) for leaf, payload, _ in self.sent if leaf == "status"]


def confirm(broker: FakeBroker, batch: DataBatch) -> None:
    broker.acknowledge(batch.epoch, batch.last_id)


def keep_silent(_broker: FakeBroker, _batch: DataBatch) -> None:
    pass


def publisher_of(
    broker: FakeBroker,
    outbox: Outbox,
    counters: Counters,
    on_config: Callable[[bytes], None] | None = None,
    refusals: Refusals | None = None,
) -> Publisher:
    return Publisher(
        SETTINGS,
        outbox,
        counters,
        broker.connect,
        lambda: datetime(2026, 3, 2, tzinfo=UTC),
        "1.2.3",
        lambda: Condition(NOW, (), refused=refusals.words() if refusals else ()),
        lambda: 10.0,
        elapsed=lambda: broker.now,
        on_config=on_config,
        refusals=refusals,
    )


def run_until_sent(broker: FakeBroker, outbox: Outbox, *, patience_s: float = 0) -> Counters:
    """Run a publisher that is asked to finish once nothing happens any more."""
    counters = Counters()
    publisher = publisher_of(broker, outbox, counters)

    def idle() -> None:
        if outbox.state().pending == 0 or broker.now > patience_s:
            publisher.finish(0)

    broker.idle = idle
    publisher.run()
    return counters


def filled(count: int) -> MemoryOutbox:
    outbox = memory_outbox()
    outbox.append(rows(range(count)), NOW)
    return outbox


def test_the_birth_comes_before_any_data_when_the_edge_connects() -> None:
    broker, outbox = FakeBroker(confirm), filled(25)
    run_until_sent(broker, outbox, patience_s=30)
    assert broker.leaves()[0] == "birth"
    assert broker.leaves()[-1] == "status"
    birth = decode_birth(broker.sent[0][1])
    assert birth.epoch == outbox.state().epoch
    assert [tag.name for tag in birth.tags] == ["cnc-1/x"]
    assert birth.agent_version == "1.2.3"
    assert [retain for leaf, _, retain in broker.sent if leaf != "data"] == [True] * (
        len(broker.sent) - len(broker.batches())
    )
    assert not broker.statuses()[-1].online


def test_all_rows_go_out_in_batches_when_the_platform_confirms() -> None:
    broker, outbox = FakeBroker(confirm), filled(45)
    counters = run_until_sent(broker, outbox, patience_s=30)
    assert broker.batches() == [(1, 10), (11, 20), (21, 30), (31, 40), (41, 45)]
    assert outbox.state().pending == 0
    assert counters.acknowledged == counters.published == 45


def test_sending_pauses_when_too_much_is_unconfirmed() -> None:
    broker, outbox = FakeBroker(keep_silent), filled(100)
    run_until_sent(broker, outbox, patience_s=5)
    assert broker.batches() == [(1, 10), (11, 20), (21, 30)]
    assert outbox.state().pending == 100


def test_unconfirmed_rows_go_out_again_when_time_is_up() -> None:
    broker, outbox = FakeBroker(keep_silent), filled(20)
    counters = run_until_sent(broker, outbox, patience_s=15)
    assert broker.batches() == [(1, 10), (11, 20)] * 2
    assert counters.resent == 1


def test_sending_begins_after_what_the_platform_has_when_the_ack_is_retained() -> None:
    outbox = filled(30)
    outbox.mark_published(30)
    broker = FakeBroker(confirm, first_ack=Ack(1, outbox.state().epoch, 20, NOW))
    run_until_sent(broker, outbox, patience_s=30)
    assert broker.batches() == [(21, 30)]


def test_a_new_life_begins_when_the_platform_knows_what_was_never_sent() -> None:
    outbox = filled(30)
    old = outbox.state().epoch
    broker = FakeBroker(confirm, first_ack=Ack(1, old, 500, NOW))
    run_until_sent(broker, outbox, patience_s=30)
    assert outbox.state().epoch != old
    births = [decode_birth(payload).epoch for leaf, payload, _ in broker.sent if leaf == "birth"]
    assert births == [outbox.state().epoch]
    assert broker.batches()[0] == (1, 10)


def reopened(folder: Path, *, issued: int, since: int) -> SqliteOutbox:
    """An outbox whose first rows an earlier agent sent."""
    with closing(sqlite_outbox(folder)) as outbox:
        outbox.append(rows(range(issued)), NOW)
        outbox.mark_published(issued)
    outbox = sqlite_outbox(folder)
    outbox.append(rows(range(1000, 1000 + since)), NOW)
    return outbox


def test_no_row_is_lost_when_an_old_copy_is_sent_and_the_broker_forgot_the_ack(
    tmp_path: Path,
) -> None:
    # The original went on to 25 after it was copied; the copy has taken more than that since.
    with closing(reopened(tmp_path, issued=20, since=15)) as outbox:
        old = outbox.state().epoch
        broker = FakeBroker(confirm)
        broker.on_status = lambda broker, said: broker.acknowledge(
            said.epoch, 25 if said.epoch == old else 0
        )
        run_until_sent(broker, outbox, patience_s=60)
        new = outbox.state().epoch
    sent = [decode_data(payload) for leaf, payload, _ in broker.sent if leaf == "data"]
    assert {batch.epoch for batch in sent} == {new} != {old}
    assert broker.batches() == [(1, 10), (11, 15)]


def test_a_reopened_outbox_waits_when_only_a_kept_ack_has_come(tmp_path: Path) -> None:
    with closing(reopened(tmp_path, issued=20, since=5)) as outbox:
        broker = FakeBroker(confirm, first_ack=Ack(1, outbox.state().epoch, 20, NOW))
        run_until_sent(broker, outbox, patience_s=30)
        assert broker.batches() == []
        assert outbox.state().pending == 5
        broker.on_status = lambda broker, said: broker.acknowledge(said.epoch, 20)
        run_until_sent(broker, outbox, patience_s=90)
        assert broker.batches() == [(21, 25)]


def test_rows_stay_when_the_broker_denies_publishing() -> None:
    class Denying(FakeBroker):
        def publish(self, topic: str, payload: bytes, *, retain: bool) -> int:
            number = super().publish(topic, payload, retain=retain)
            if topic.endswith("/data"):
                self.events.append(Delivered(number, "Not authorized"))
                publisher.finish(0)
            return number

    outbox, counters = filled(10), Counters()
    broker = Denying(keep_silent)
    publisher = publisher_of(broker, outbox, counters)
    publisher.run()
    assert outbox.state().pending == 10
    assert counters.acknowledged == 0


def test_a_new_connection_is_made_when_one_is_refused_or_lost() -> None:
    lost = False

    def lose_once(broker: FakeBroker, batch: DataBatch) -> None:
        nonlocal lost
        if not lost:
            lost = True
            broker.events.append(Refused("the connection ended"))
        else:
            confirm(broker, batch)

    outbox = filled(5)
    broker = FakeBroker(lose_once, refusals=deque(["no broker"]))
    run_until_sent(broker, outbox, patience_s=60)
    assert broker.connections == 3
    assert broker.batches() == [(1, 5), (1, 5)]
    assert outbox.state().pending == 0


def test_an_unreadable_ack_changes_nothing_when_it_comes() -> None:
    def answer_nonsense(broker: FakeBroker, _batch: DataBatch) -> None:
        broker.events.append(Received("nm/v1/co-khi-mau/bien-hoa/edge-1/ack", b"{"))

    broker, outbox = FakeBroker(answer_nonsense), filled(5)
    run_until_sent(broker, outbox, patience_s=5)
    assert outbox.state().pending == 5


def test_a_configuration_is_handed_over_while_data_go_on() -> None:
    topic = "nm/v1/co-khi-mau/bien-hoa/edge-1/config"
    pushed: list[bytes] = []

    def confirm_and_push(broker: FakeBroker, batch: DataBatch) -> None:
        broker.events.append(Received(topic, b"{"))
        confirm(broker, batch)

    broker, outbox = FakeBroker(confirm_and_push), filled(25)
    publisher = publisher_of(broker, outbox, Counters(), pushed.append)
    broker.idle = lambda: publisher.finish(0) if outbox.state().pending == 0 else None
    publisher.run()
    assert pushed == [b"{"] * 3
    assert outbox.state().pending == 0


def test_data_go_out_when_the_broker_denies_reading_configurations() -> None:
    class Denying(FakeBroker):
        def open(self) -> None:
            super().open()
            self.events.append(Denied("nm/v1/co-khi-mau/bien-hoa/edge-1/config"))

    broker, outbox = Denying(confirm), filled(25)
    counters = run_until_sent(broker, outbox, patience_s=30)
    assert broker.connections == 1
    assert counters.acknowledged == 25


def test_the_status_tells_which_configuration_is_in_force() -> None:
    broker, outbox = FakeBroker(confirm), filled(5)
    publisher = Publisher(
        SETTINGS,
        outbox,
        Counters(),
        broker.connect,
        lambda: datetime(2026, 3, 2, tzinfo=UTC),
        "1.2.3",
        lambda: Condition(NOW, (), ConfigState(3, "version 4: no")),
        lambda: 10.0,
        elapsed=lambda: broker.now,
    )
    broker.idle = lambda: publisher.finish(0)
    publisher.run()
    assert {(one.config_version, one.config_error) for one in broker.statuses()} == {
        (3, "version 4: no")
    }


def fallen() -> tuple[FakeBroker, Callable[[int], None]]:
    """A platform that has confirmed everything and then loses what is above an id.

    The second is to be called with the highest id that it still has.
    """
    has = set[int]()

    def take(broker: FakeBroker, batch: DataBatch) -> None:
        has.update(range(batch.first_id, batch.last_id + 1))
        answer(broker, batch.epoch)

    def answer(broker: FakeBroker, epoch: str, dropped: object = ()) -> None:
        for first, last in dropped or ():  # type: ignore[attr-defined]  # ranges of a status
            has.update(range(first, last + 1))
        broker.acknowledge(epoch, next(k for k in range(100_000) if k + 1 not in has))

    broker = FakeBroker(take)
    broker.on_status = lambda broker, said: answer(broker, said.epoch, said.dropped_ranges)

    def fall(to: int) -> None:
        has.intersection_update(range(to + 1))

    return broker, fall


@pytest.mark.parametrize("left", [120, 0])
def test_all_that_is_left_is_sent_again_when_the_platform_was_set_back(left: int) -> None:
    outbox = filled(300)
    broker, fall = fallen()
    run_until_sent(broker, outbox, patience_s=60)
    before = outbox.state()
    assert (before.pending, before.confirmed_id) == (0, 300)

    fall(left)
    start, already = broker.now, len(broker.batches())
    publisher = publisher_of(broker, outbox, Counters())

    def idle() -> None:
        if (outbox.state().set_backs and not outbox.state().pending) or broker.now > start + 60:
            publisher.finish(0)

    broker.idle = idle
    publisher.run()

    after = outbox.state()
    # The outbox keeps a hundred rows that were confirmed.
    lost = 200 - left
    assert dict(after.lost) == {DropReason.PLATFORM_SET_BACK: IdSet(((left + 1, 201),))}
    assert (after.pending, after.dropped, after.set_backs) == (0, lost, 1)
    assert broker.batches()[already:][0] == (201, 210)
    told = [status for status in broker.statuses() if status.dropped_because]
    assert told[0].dropped_because == {"platform_set_back": [(left + 1, 200)]}
    assert told[0].dropped_ranges == [(left + 1, 200)]
    assert broker.now - start <= 60


def test_the_fall_is_noticed_when_the_edge_restarts_in_between(tmp_path: Path) -> None:
    broker, fall = fallen()
    with closing(sqlite_outbox(tmp_path)) as outbox:
        outbox.append(rows(range(300)), NOW)
        run_until_sent(broker, outbox, patience_s=60)
        # The broker still keeps the high ack.
        broker.first_ack = Ack(1, outbox.state().epoch, 300, NOW)
    fall(250)
    with closing(sqlite_outbox(tmp_path)) as outbox:
        outbox.append(rows(range(300, 310)), NOW)
        run_until_sent(broker, outbox, patience_s=broker.now + 60)
        state = outbox.state()
        assert (state.pending, state.dropped, state.set_backs) == (0, 0, 1)


def test_an_edge_that_ends_waits_for_what_a_low_ack_means(tmp_path: Path) -> None:
    broker, fall = fallen()
    with closing(sqlite_outbox(tmp_path)) as outbox:
        outbox.append(rows(range(300)), NOW)
        run_until_sent(broker, outbox, patience_s=60)
        broker.first_ack = Ack(1, outbox.state().epoch, 300, NOW)
    fall(250)
    with closing(sqlite_outbox(tmp_path)) as outbox:
        publisher = publisher_of(broker, outbox, Counters())
        # All is confirmed, as far as it knows.
        publisher.finish(30)
        publisher.run()
        assert (outbox.state().pending, outbox.state().set_backs) == (0, 1)


def test_a_late_ack_of_another_worker_is_no_fall() -> None:
    outbox = filled(30)
    epoch = outbox.state().epoch

    def cross(broker: FakeBroker, batch: DataBatch) -> None:
        confirm(broker, batch)
        for _ in range(5):
            broker.acknowledge(epoch, 0)

    broker = FakeBroker(cross)
    broker.on_status = lambda broker, said: broker.acknowledge(
        said.epoch, outbox.state().confirmed_id
    )
    run_until_sent(broker, outbox, patience_s=60)
    assert (outbox.state().pending, outbox.state().set_backs) == (0, 0)


def test_the_birth_is_said_again_when_the_platform_missed_it() -> None:
    births = 0

    def no_birth_yet(broker: FakeBroker, batch: DataBatch) -> None:
        nonlocal births
        births = broker.leaves().count("birth")
        if births > 1:
            confirm(broker, batch)
        else:
            broker.answer(Ack(1, batch.epoch, 0, NOW, birth_wanted=True))

    broker, outbox = FakeBroker(no_birth_yet), filled(30)
    run_until_sent(broker, outbox, patience_s=9)
    assert outbox.state().pending == 0
    # Three messages asked for it, and it was said once.
    assert broker.leaves().count("birth") == 2


def test_messages_stay_within_the_bytes_that_the_platform_takes() -> None:
    outbox = memory_outbox()
    outbox.append([row(k, value="Đ" * 400) for k in range(60)], NOW)
    limits = Limits(max_bytes=3_000, max_rows=8)
    broker = FakeBroker(confirm)
    broker.first_ack = Ack(1, outbox.state().epoch, 0, NOW, limits=limits)
    run_until_sent(broker, outbox, patience_s=60)
    sent = [payload for leaf, payload, _ in broker.sent if leaf == "data"]
    assert outbox.state().pending == 0
    assert max(map(len, sent)) <= 3_000
    assert broker.batches()[0] == (1, 3)


def test_a_row_that_the_broker_never_takes_does_not_hold_up_the_others() -> None:
    outbox = memory_outbox()
    outbox.append([row(0), row(1, value="x" * 3_900), row(2)], NOW)
    broker = FakeBroker(confirm, max_packet_bytes=2_000)
    refusals = Refusals()
    publisher = publisher_of(broker, outbox, Counters(), refusals=refusals)
    broker.idle = lambda: publisher.finish(0) if outbox.state().pending == 0 else None
    publisher.run()
    assert broker.batches() == [(1, 1), (3, 3)]
    assert dict(outbox.state().lost) == {DropReason.TOO_LARGE: IdSet(((2, 3),))}
    (words,) = refusals.words()
    assert words.startswith("cnc-1/temperature: too_large ×1")


def test_refusals_reach_the_heartbeat_and_the_counters() -> None:
    def refuse(broker: FakeBroker, batch: DataBatch) -> None:
        said = [Refusal("wrong_type", 2, "cnc-1/x", "text for a number")]
        broker.answer(Ack(1, batch.epoch, batch.last_id, NOW, rejected=2, refused=said))

    broker, outbox, counters, refusals = FakeBroker(refuse), filled(20), Counters(), Refusals()
    publisher = publisher_of(broker, outbox, counters, refusals=refusals)
    broker.idle = lambda: publisher.finish(0) if broker.now > 15 else None
    publisher.run()
    assert counters.rejected == 2
    assert broker.statuses()[-1].refused == ["cnc-1/x: wrong_type ×4 (text for a number)"]


def confirming(taken: set[int]) -> Callable[[FakeBroker, DataBatch], None]:
    """Return a platform that confirms as ours does: up to where nothing is missing."""

    def confirm_contiguous(broker: FakeBroker, batch: DataBatch) -> None:
        taken.update(range(batch.first_id, batch.last_id + 1))
        broker.acknowledge(batch.epoch, next(k for k in range(1_000) if k + 1 not in taken))

    return confirm_contiguous


def test_new_rows_pass_a_backlog_that_goes_out_in_order() -> None:
    outbox, taken = filled(200), set[int]()
    confirm_contiguous = confirming(taken)

    def measure_and_confirm(broker: FakeBroker, batch: DataBatch) -> None:
        if outbox.state().issued_id < 210 and 60 in taken:
            outbox.append(rows(range(10)), NOW)
        confirm_contiguous(broker, batch)

    broker = FakeBroker(measure_and_confirm)
    run_until_sent(broker, outbox, patience_s=30)

    sent = broker.batches()
    assert sent.index((201, 210)) < sent.index((151, 160))
    in_order = [batch for batch in sent if batch[0] <= 200]
    assert in_order == [(k, k + 9) for k in range(1, 200, 10)]
    assert (outbox.state().pending, taken) == (0, set(range(1, 211)))


def test_nothing_passes_a_backlog_when_the_platform_is_silent() -> None:
    outbox = filled(200)

    def measure(_broker: FakeBroker, _batch: DataBatch) -> None:
        outbox.append(rows(range(10)), NOW)

    broker = FakeBroker(measure)
    run_until_sent(broker, outbox, patience_s=5)

    assert broker.batches() == [(1, 10), (11, 20), (21, 30)]
