"""The Sparkplug publisher against a broker that is only a list of what it was given."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge_agent.broker import Connected, Delivered, Event, Received, Refused
from edge_agent.outbox.memory import MemoryOutbox
from edge_agent.publisher import Condition
from edge_agent.selfstat import Counters
from edge_agent.settings import EdgeSettings
from edge_agent.sparkplug.bd_seq import BdSeq
from edge_agent.sparkplug.link import Answered
from edge_agent.sparkplug.publisher import SparkplugPublisher
from plant.sparkplug import (
    BD_SEQ,
    REBIRTH,
    MessageType,
    Metric,
    Payload,
    State,
    decode,
    encode,
    encode_state,
    parse_topic,
    state_topic,
)
from tests.unit.edge_agent.outbox.outboxes import NOW, memory_outbox, rows

SETTINGS = EdgeSettings.model_validate(
    {
        "edge": {"enterprise": "e", "site": "s", "code": "edge-1"},
        "output": "sparkplug",
        "sparkplug": {"primary_host": "nhipmay", "settle_s": 10},
        "outbox": {"file": Path("unused.sqlite")},
        "publishing": {"batch_rows": 10},
        "sources": {
            "line-1": {
                "driver": "modbus",
                "host": "plc",
                "tags": [
                    {"name": "cnc-1/temperature", "work_unit": "a/b/cnc-1", "address": "hr:1"}
                ],
            }
        },
    }
)
DEVICE_AWAY = ("line-1: plc:502: no route",)


@dataclass
class FakeBroker:
    """Takes everything; `script` is called whenever nothing else happens."""

    script: deque[Callable[["FakeBroker"], None]] = field(default_factory=deque)
    """What happens next, step by step; each step comes a second after the one before."""
    host: State | None = field(default_factory=lambda: State(True, 1))
    """The retained STATE."""
    now: float = 0.0
    sent: list[tuple[float, str, Payload]] = field(default_factory=list)
    wills: list[Payload] = field(default_factory=list)
    left: int = 0
    answers: bool = True
    events: deque[Event] = field(default_factory=deque)
    unreachable: tuple[str, ...] = ()

    def connect(self, will: tuple[str, bytes]) -> "FakeBroker":
        self.wills.append(decode(will[1]))
        self.events.clear()
        return self

    def open(self) -> None:
        self.events.append(Connected())
        if self.host is not None:
            self.say(self.host)

    def say(self, state: State) -> None:
        self.host = state
        self.events.append(Received(state_topic("nhipmay"), encode_state(state)))

    def command(self, *metrics: Metric) -> None:
        topic = "spBv1.0/e.s/NCMD/edge-1"
        self.events.append(Received(topic, encode(Payload(metrics=list(metrics)))))

    def next_event(self, timeout_s: float) -> Event | None:
        if self.events:
            return self.events.popleft()
        if timeout_s:
            before, self.now = self.now, self.now + timeout_s
            if int(before) != int(self.now) and self.script:
                self.script.popleft()(self)
        return None

    def send(self, topic: str, payload: bytes) -> int:
        address = parse_topic(topic)
        self.sent.append((self.now, address.kind, decode(payload)))
        self.events.append(Delivered(len(self.sent)))
        return len(self.sent)

    def ask(self) -> int:
        question = 1000 + int(self.now)
        if self.answers:
            self.events.append(Answered(question))
        return question

    def leave(self) -> None:
        self.left += 1

    def close(self) -> None:
        self.events.clear()

    def kinds(self) -> list[str]:
        return [kind for _, kind, _ in self.sent]

    def values(self) -> list[tuple[object, bool]]:
        return [
            (metric.value, bool(metric.is_historical))
            for _, kind, payload in self.sent
            if kind == MessageType.DDATA
            for metric in payload.metrics
        ]


class Stage:
    """A publisher on a fake broker, with an outbox in memory."""

    def __init__(
        self, folder: Path, *steps: Callable[[FakeBroker], None], waiting: int = 3
    ) -> None:
        self.outbox: MemoryOutbox = memory_outbox()
        self.outbox.append(rows(range(waiting)), NOW)
        self.counters = Counters()
        self.broker = FakeBroker(deque(steps))
        self.publisher = SparkplugPublisher(
            SETTINGS,
            self.outbox,
            self.counters,
            self.broker.connect,
            lambda: datetime.fromtimestamp(NOW / 1e6, UTC),
            "1.0",
            lambda: Condition(None, self.broker.unreachable),
            BdSeq(folder / "bdseq"),
            elapsed=lambda: self.broker.now,
        )

    def run(self, seconds: float) -> FakeBroker:
        """Let it run for some seconds of the broker's time, then finish without draining."""
        pauses = int(seconds) - len(self.broker.script)
        self.broker.script.extend([_nothing] * max(0, pauses))
        self.broker.script.append(lambda _: self.publisher.finish(0))
        self.publisher.run()
        return self.broker


def _nothing(_: FakeBroker) -> None:
    pass


def test_the_backlog_is_sent_as_history_after_the_births(tmp_path: Path) -> None:
    stage = Stage(tmp_path)

    broker = stage.run(2)

    assert broker.kinds()[:3] == [MessageType.NBIRTH, MessageType.DBIRTH, MessageType.DDATA]
    assert broker.values() == [(1.5, True)] * 3
    assert stage.counters.published == 3


def test_rows_are_live_when_they_were_taken_after_the_births(tmp_path: Path) -> None:
    stage = Stage(tmp_path, waiting=0)
    stage.broker.script.append(lambda _: stage.outbox.append(rows([5]), NOW))

    assert stage.run(3).values() == [(1.5, False)]


def test_nothing_is_deleted_before_it_has_settled(tmp_path: Path) -> None:
    stage = Stage(tmp_path)

    stage.run(9)

    assert stage.outbox.state().pending == 3
    assert stage.counters.acknowledged == 0


def test_rows_are_deleted_when_they_have_settled_and_the_broker_answers(tmp_path: Path) -> None:
    stage = Stage(tmp_path)

    stage.run(12)

    assert stage.outbox.state().pending == 0
    assert stage.counters.acknowledged == 3


def test_nothing_is_deleted_while_the_broker_does_not_answer(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.broker.answers = False

    stage.run(30)

    assert stage.outbox.state().pending == 3


def test_nothing_is_sent_before_the_host_is_there(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.broker.host = None

    broker = stage.run(5)

    assert broker.kinds() == []
    assert stage.outbox.state().pending == 3


def test_the_node_leaves_and_sends_all_again_when_the_host_goes(tmp_path: Path) -> None:
    """tck-id-operational-behavior-edge-node-intentional-disconnect-ndeath,
    tck-id-message-flow-edge-node-birth-publish-phid-offline,
    tck-id-payloads-ndeath-will-message-publisher-disconnect-mqtt50"""
    stage = Stage(
        tmp_path,
        _nothing,
        lambda broker: broker.say(State(False, 2)),
        lambda _: stage.outbox.append(rows([9]), NOW),
        lambda broker: broker.say(State(True, 3)),
    )

    broker = stage.run(8)

    assert broker.kinds() == [
        *(MessageType.NBIRTH, MessageType.DBIRTH, MessageType.DDATA, MessageType.NDEATH),
        *(MessageType.NBIRTH, MessageType.DBIRTH, MessageType.DDATA, MessageType.NDEATH),
    ]
    assert broker.values()[3:] == [(1.5, True)] * 4
    assert broker.left == 2
    assert [will.metrics[0].value for will in broker.wills] == [0, 1]
    births = [payload for _, kind, payload in broker.sent if kind == MessageType.NBIRTH]
    bd_seqs = [m.value for payload in births for m in payload.metrics if m.name == BD_SEQ]
    assert bd_seqs == [0, 1]


def test_an_old_state_of_the_host_changes_nothing(tmp_path: Path) -> None:
    stage = Stage(tmp_path, lambda broker: broker.say(State(False, 0)))

    assert MessageType.NDEATH not in stage.run(3).kinds()[:-1]


@pytest.mark.parametrize("value", [True, 1])
def test_births_are_sent_again_when_they_are_asked_for(tmp_path: Path, value: bool | int) -> None:
    stage = Stage(tmp_path, lambda broker: broker.command(Metric(name=REBIRTH, value=value)))

    kinds = stage.run(4).kinds()

    assert kinds.count(MessageType.NBIRTH) == kinds.count(MessageType.DBIRTH) == 2
    assert kinds.count(MessageType.NDEATH) == 1


def test_other_commands_are_passed_over(tmp_path: Path) -> None:
    stage = Stage(
        tmp_path,
        lambda broker: broker.command(Metric(name=REBIRTH, value=False), Metric(name="x")),
        lambda broker: broker.events.append(Received("spBv1.0/e.s/NCMD/edge-1", b"\xff")),
        lambda broker: broker.events.append(Received(state_topic("nhipmay"), b"OFFLINE")),
    )

    assert stage.run(5).kinds().count(MessageType.NBIRTH) == 1


def test_unsettled_rows_are_sent_again_when_the_connection_is_lost(tmp_path: Path) -> None:
    stage = Stage(tmp_path, lambda broker: broker.events.append(Refused("cut")))

    broker = stage.run(3)

    assert broker.values() == [(1.5, True)] * 6
    assert MessageType.NDEATH in broker.kinds()
    assert broker.left == 1


def test_a_device_dies_after_its_last_values_when_its_source_is_lost(tmp_path: Path) -> None:
    """tck-id-operational-behavior-device-ddeath"""

    def lose(broker: FakeBroker) -> None:
        broker.unreachable = DEVICE_AWAY
        stage.outbox.append(rows([7]), NOW)

    def return_(broker: FakeBroker) -> None:
        broker.unreachable = ()

    stage = Stage(tmp_path, lose, return_, waiting=0)

    kinds = stage.run(4).kinds()

    assert kinds[2:5] == [MessageType.DDATA, MessageType.DDEATH, MessageType.DBIRTH]


def test_a_device_lives_while_only_some_of_its_tags_are_missing(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.broker.unreachable = ("line-1: cnc-1/temperature (hr:1): no such register",)

    assert MessageType.DDEATH not in stage.run(3).kinds()


def test_the_publisher_ends_when_all_is_delivered(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.broker.script.append(lambda _: stage.publisher.finish(1000))

    stage.publisher.run()

    assert stage.outbox.state().pending == 0
    assert stage.broker.now < 20
    assert stage.broker.kinds()[-1] == MessageType.NDEATH
