"""What is read again of edges and tags, and what a failed transaction leaves."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace

from ingest.commit.announcement import announce
from ingest.validation.registry import MAX_AGE_S, Registry
from plant.errors import StoreUnavailableError
from plant.native.message import Leaf, TagDeclaration
from store.delivery.row import EdgeRow, TagRow
from tests.plants.deliveries import (
    EDGE,
    NOW,
    TAGS,
    TEMPERATURE,
    MemoryStore,
    MemoryTransaction,
    message,
)


class Watched(MemoryTransaction):
    """Tells how often the tags of a whole site were read."""

    whole = 0

    def tags(self, site_id: int, edge_ids: Collection[int]) -> list[TagRow]:
        self.whole += 1
        return super().tags(site_id, edge_ids)


class Hour:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


def opened(store: MemoryStore) -> Watched:
    return Watched(store.tables, frozenset())


def say(
    registry: Registry,
    transaction: MemoryTransaction,
    edge: EdgeRow,
    tags: Sequence[TagDeclaration],
) -> list[str]:
    found = announce(transaction, registry, edge, tags, message(Leaf.BIRTH, b"{}"), "e1", NOW)
    return [rejection.reason for rejection in found]


def begun() -> tuple[MemoryStore, Hour, Registry, EdgeRow]:
    store, clock = MemoryStore(), Hour()
    store.tables.edges[1] = replace(store.tables.edges[1], online=True)
    registry = Registry(clock, most_tags=5)
    transaction = opened(store)
    registry.refresh(transaction, [EDGE])
    edge = registry.edge(EDGE)
    assert edge is not None
    with registry.learning():
        assert not say(registry, transaction, edge, TAGS)
    return store, clock, registry, edge


def test_a_failed_transaction_undoes_what_it_announced_and_nothing_else() -> None:
    _, _, registry, edge = begun()
    draft = opened(MemoryStore())
    more = [replace_name(f"tien-1/moi-{k}") for k in range(2)]
    draft._tables.tags = dict(begun()[0].tables.tags)
    with suppress(StoreUnavailableError), registry.learning():
        assert not say(registry, draft, edge, more)
        assert not registry.has_strange(edge, [tag.name for tag in more])
        read = draft.whole
        raise StoreUnavailableError

    assert registry.has_strange(edge, [tag.name for tag in more])
    assert not registry.has_strange(edge, [tag.name for tag in TAGS])
    registry.refresh(draft, [EDGE])
    assert draft.whole == read


def test_what_is_as_it_was_is_not_read_again() -> None:
    store, clock, registry, _ = begun()
    clock.s = MAX_AGE_S + 1
    first, again, changed = opened(store), opened(store), opened(store)
    registry.refresh(first, [EDGE])
    clock.s = 2 * MAX_AGE_S + 2

    registry.refresh(again, [EDGE])

    # Once after it was announced, as others may have announced something, too.
    assert (first.whole, again.whole) == (1, 0)
    name = TEMPERATURE.name
    row = store.tables.tags[name]
    store.tables.tags[name] = replace(row, tag=replace(row.tag, high=1.0))
    clock.s = 3 * MAX_AGE_S + 3
    registry.refresh(changed, [EDGE])
    assert changed.whole == 1
    assert 1.0 in registry.columns.high


def test_after_an_outage_it_looks_again_at_once() -> None:
    store, _, registry, edge = begun()
    store.tables.tags.clear()
    later = opened(store)
    later.session += 1

    registry.refresh(later, [EDGE])

    assert not registry.has_tags(edge)


def test_an_edge_cannot_fill_the_memory_with_tags() -> None:
    store, _, registry, edge = begun()

    said = say(registry, opened(store), edge, [replace_name(f"tien-1/{k}") for k in range(4)])

    assert said == ["too_many_tags"] * 2


def replace_name(name: str) -> TagDeclaration:
    return TagDeclaration(name, TEMPERATURE.work_unit)


def test_names_that_nobody_announced_do_not_make_it_read_the_whole_site() -> None:
    store, _, registry, edge = begun()
    transaction = opened(store)
    registry.refresh(transaction, [EDGE])
    read = transaction.whole

    registry.look_up(transaction, edge.site_id, ["tien-1/la"])
    assert registry.has_strange(edge, ["tien-1/la"])
    row = store.tables.tags[TEMPERATURE.name]
    store.tables.tags["tien-1/la"] = replace(row, tag=replace(row.tag, name="tien-1/la"))
    registry.look_up(transaction, edge.site_id, ["tien-1/la"])

    assert not registry.has_strange(edge, ["tien-1/la"])
    assert transaction.whole == read
