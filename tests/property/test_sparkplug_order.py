"""Per Sparkplug node everything happens in the broker's order, whatever waits and however long."""

import random
from collections import Counter
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.broker.mailbox import Mailbox
from ingest.decoding.message import Message
from ingest.sparkplug.fleet import Receipt
from ingest.sparkplug.settings import SparkplugSettings
from plant.errors import StoreUnavailableError
from plant.sparkplug import DataType, Metric, NodeId
from store.delivery.row import EdgeRow
from tests.peers.sparkplug_nodes import DRILL_PATH, LATHE_PATH, NodeScript
from tests.plants.deliveries import NOW, SITE
from tests.unit.ingest.sparkplug.bench import SparkplugBench

DEVICES = {"CNC 1": LATHE_PATH, "CNC 2": DRILL_PATH}
METRICS = 2
actions = st.sampled_from(["data", "data", "data", "node data", "rebirth", "new session", "death"])
scripts = st.lists(st.lists(actions, max_size=8), min_size=1, max_size=3)
faults = st.lists(st.sampled_from([None, StoreUnavailableError()]), max_size=2)


@dataclass
class Plant:
    """What one node says, with aliases that are dealt anew at each birth."""

    number: int
    chance: random.Random
    script: NodeScript = field(init=False)
    messages: list[Message] = field(default_factory=list)
    told: Counter[tuple[str, float]] = field(default_factory=Counter)
    """How often which tag was told which value."""
    alias: dict[tuple[str | None, int], int] = field(default_factory=dict)
    count: int = 0

    def __post_init__(self) -> None:
        self.script = NodeScript(NodeId("G", f"N{self.number}"))
        self.birth()

    def say(self, message: Message) -> None:
        self.messages.append(message)

    def value(self, device: str | None, metric: int) -> float:
        """A value that tells the metric it was measured by."""
        self.count += 1
        place = [None, *DEVICES].index(device)
        value = float(self.count * 1000 + self.number * 100 + place * 10 + metric)
        self.told[tag_of(self.number, device, metric), value] += 1
        return value

    def birth(self, *, bd_seq: int | None = None) -> None:
        keys = [(device, k) for device in (None, *DEVICES) for k in range(METRICS)]
        aliases = list(range(1, len(keys) + 1))
        self.chance.shuffle(aliases)
        self.alias = dict(zip(keys, aliases, strict=True))
        self.say(self.script.node_birth(self.born(None), bd_seq=bd_seq))
        for device in DEVICES:
            self.say(self.script.device_birth(self.born(device), device))

    def born(self, device: str | None) -> list[Metric]:
        return [
            Metric(
                name=f"m{k}",
                alias=self.alias[device, k],
                timestamp=self.script.at_ms,
                datatype=DataType.DOUBLE,
                value=self.value(device, k),
            )
            for k in range(METRICS)
        ]

    def act(self, action: str) -> None:
        match action:
            case "data" | "node data":
                device = None if action == "node data" else self.chance.choice(list(DEVICES))
                metric = self.chance.randrange(METRICS)
                said = self.script.value(self.alias[device, metric], self.value(device, metric))
                self.say(self.script.data(said, device=device))
            case "rebirth":
                self.birth()
            case "new session":
                self.birth(bd_seq=self.script.bd_seq + 1)
            case "death":
                self.say(self.script.node_death())
                self.birth(bd_seq=self.script.bd_seq + 1)


def tag_of(number: int, device: str | None, metric: int) -> str:
    machine = {None: "tien-1", "CNC 1": "tien-1", "CNC 2": "khoan-1"}[device]
    return f"{machine}/N{number}-{device}-{metric}"


def settings_for(nodes: int) -> SparkplugSettings:
    """A tag of its own for each metric, as all nodes of the test have the same machines."""
    return SparkplugSettings.model_validate(
        {
            "rebirth_delay_s": 0,
            "nodes": [
                {
                    "group_id": "G",
                    "edge_node_id": f"N{number}",
                    "enterprise": "co-khi-thu",
                    "site": "bien-hoa",
                    "edge": f"sp-{number}",
                    "work_unit": LATHE_PATH,
                    "devices": DEVICES,
                    "metrics": [
                        {"metric": f"m{k}", "name": tag_of(number, device, k)}
                        | ({"device": device} if device else {})
                        for device in (None, *DEVICES)
                        for k in range(METRICS)
                    ],
                }
                for number in range(nodes)
            ],
        }
    )


def bench_of(nodes: int) -> SparkplugBench:
    bench = SparkplugBench(settings_for(nodes))
    for number in range(nodes):
        row = EdgeRow(10 + number, 10, SITE, f"sp-{number}", online=False)
        bench.store.tables.edges[row.edge_id] = row
    return bench


@given(plans=scripts, before=faults, after=faults, seed=st.integers(0, 2**32), size=st.integers(1))
@settings(deadline=None)
def test_every_value_is_stored_under_its_tag_when_births_deal_the_aliases_anew(
    plans: list[list[str]],
    before: list[StoreUnavailableError | None],
    after: list[StoreUnavailableError | None],
    seed: int,
    size: int,
) -> None:
    chance = random.Random(seed)
    plants = [Plant(number, chance) for number in range(len(plans))]
    for plant, plan in zip(plants, plans, strict=True):
        for action in plan:
            plant.act(action)
    bench = bench_of(len(plans))
    bench.store.before_commit.extend(before)
    bench.store.after_commit.extend(after)
    mailbox = Mailbox(10_000, 10_000_000)
    waiting = [list(plant.messages) for plant in plants]
    while any(waiting):
        queue = chance.choice([one for one in waiting if one])
        assert mailbox.put(queue.pop(0), 0)
        if chance.random() < 0.1:
            bench.take(*mailbox.take(chance.randint(1, 1 + size % 40), 0))
    while messages := mailbox.take(1 + size % 40, 0):
        bench.take(*messages)

    tables = bench.store.tables
    names = {row.tag_id: name for name, row in tables.tags.items()}
    stored = Counter(
        (names[tag_id], value) for tag_id, _, value, _ in tables.numbers if value is not None
    )
    assert stored == sum((plant.told for plant in plants), Counter())
    assert bench.reasons() == []
    assert bench.commands() == []
    counted = bench.selfstat.snapshot()
    assert counted.messages.queued == counted.measurements.queued == 0


@given(
    sent=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3)), max_size=12),
    limit=st.integers(1, 7),
)
def test_a_node_keeps_the_connection_its_messages_came_by(
    sent: list[tuple[int, int]], limit: int
) -> None:
    """A message of an earlier connection ends nothing of another node, which is on the next."""
    bench = bench_of(4)
    mailbox = Mailbox(1_000, 10_000_000)
    for number, generation in sorted(sent, key=lambda one: one[1]):
        plant = Plant(number, random.Random(0))
        for message in plant.messages:
            mailbox.put(message._replace(receipt=Receipt(generation)), 0)
    while messages := mailbox.take(limit, 0):
        bench.take(*messages)

    last = {number: max(g for n, g in sent if n == number) for number, _ in sent}
    assert bench.fleet.online == len(last)
    assert bench.reasons() == []
    standing = max(last.values(), default=1)
    bench.commit(bench.fleet.lose(bench.now, NOW, standing))
    assert bench.fleet.online == sum(generation == standing for generation in last.values())
