"""Per Sparkplug node everything happens in the broker's order, whatever waits and however long."""

import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.broker.mailbox import Mailbox
from ingest.sparkplug.fleet import Receipt
from plant.errors import StoreUnavailableError
from store.delivery.row import EdgeRow
from tests.peers.permuting_nodes import PermutingNode, settings_for
from tests.plants.deliveries import NOW, SITE
from tests.unit.ingest.sparkplug.bench import SparkplugBench

actions = st.sampled_from(["data", "data", "data", "node data", "rebirth", "new session", "death"])
scripts = st.lists(st.lists(actions, max_size=8), min_size=1, max_size=3)
faults = st.lists(st.sampled_from([None, StoreUnavailableError()]), max_size=1)


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
    plants = [PermutingNode(number, chance) for number in range(len(plans))]
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
        plant = PermutingNode(number, random.Random(0))
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
