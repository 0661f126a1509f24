"""What every `DeliveryStore` promises: the one in memory and PostgreSQL on each edition."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from plant.clock import from_microseconds
from plant.delivery.idset import IdSet
from plant.errors import DataError
from plant.measurement import Tag, TagRole, ValueType
from plant.settings import DatabaseSettings
from store import connect, load_plant
from store.delivery.row import (
    DeliveryStore,
    EdgeRow,
    NumberColumns,
    StatusRow,
    TagChange,
    TextColumns,
)
from store.delivery.store import PostgresDeliveryStore, PostgresDeliveryTransaction
from store.rejection.rejection import Rejection
from tests.conftest import migrate, or_skip
from tests.peers.postgres import PostgresServer
from tests.plants.deliveries import DRILL, LATHE, NOW, NOW_US, SITE, MemoryStore, plant

HOUR_US = 3_600_000_000
TAG = Tag("tien-1/nhiet-do", LATHE, unit="Cel", low=-20, high=200)
STATE = Tag("tien-1/trang-thai", LATHE, ValueType.TEXT, TagRole.STATE)


@dataclass
class Subject:
    """A store, and ways to see what is in it that are not the store's own."""

    store: DeliveryStore
    numbers: Callable[[], list[tuple[Any, ...]]]
    texts: Callable[[], list[tuple[Any, ...]]]
    rejections: Callable[[], list[tuple[Any, ...]]]
    dirty: Callable[[], dict[tuple[int, int], int]]

    def edge(self) -> EdgeRow:
        """Return the first enrolled edge."""
        with self.store.transaction() as transaction:
            return min(transaction.edges(), key=lambda edge: edge.code)

    def unit(self, path: str = LATHE) -> int:
        """Return the id of a machine."""
        with self.store.transaction() as transaction:
            return transaction.work_units(self.edge().site_id)[path]


def memory_subject() -> Subject:
    store = MemoryStore()
    return Subject(
        store,
        lambda: store.tables.numbers,
        lambda: store.tables.texts,
        lambda: [(r.reason, r.row_id, r.raw) for r in store.tables.rejections],
        lambda: store.tables.dirty,
    )


@contextmanager
def postgres_subject(database: DatabaseSettings) -> Iterator[Subject]:
    load_plant(database, plant())

    def rows(query: str) -> list[tuple[Any, ...]]:
        with connect(database) as connection:
            return connection.execute(query.encode()).fetchall()

    microseconds = "(extract(epoch from {}) * 1000000)::bigint"
    source_us, hour_us = microseconds.format("source_time"), microseconds.format("hour")
    columns = f"tag_id, {source_us}, value, quality"
    store = PostgresDeliveryStore(database)
    yield Subject(
        store,
        lambda: rows(f"select {columns} from measurement order by 2"),
        lambda: rows(f"select {columns} from text_measurement order by 2"),
        lambda: rows("select reason, row_id, raw from rejection order by rejection_id"),
        lambda: {
            (unit, hour): revision
            for unit, hour, revision in rows(
                f"select work_unit_id, {hour_us}, revision from dirty_window"
            )
        },
    )
    store.close()


@pytest.fixture(params=["memory", "timescaledb", "plain"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    if request.param == "memory":
        yield memory_subject()
        return
    fixture = "database" if request.param == "timescaledb" else "plain_database"
    with postgres_subject(request.getfixturevalue(fixture)) as subject:
        yield subject


@pytest.fixture
def in_database(each_database: DatabaseSettings) -> Iterator[Subject]:
    """The same on PostgreSQL only, for what the one in memory does not imitate."""
    with postgres_subject(each_database) as subject:
        yield subject


def one_text(value: str) -> TextColumns:
    return TextColumns(
        np.array([8]), np.array([NOW_US]), np.array([NOW_US]), [value], np.array([0])
    )


def test_edges_and_machines_come_from_the_plant_description(subject: Subject) -> None:
    with subject.store.transaction() as transaction:
        edges = transaction.edges()
        units = transaction.work_units(edges[0].site_id)

    assert sorted((edge.site_path, edge.code, edge.online) for edge in edges) == [
        (SITE, "edge-1", False),
        (SITE, "edge-2", False),
    ]
    assert set(units) == {LATHE, DRILL}


def test_the_version_of_a_sites_tags_differs_once_one_of_them_does(subject: Subject) -> None:
    edge, unit = subject.edge(), subject.unit()
    site_id, seen = edge.site_id, list[str]()

    def saved(tag: Tag) -> None:
        with subject.store.transaction() as transaction:
            transaction.save_tags([TagChange(edge.edge_id, site_id, unit, tag)], NOW)
        with subject.store.transaction() as transaction:
            seen.append(transaction.tag_versions([site_id])[site_id])
            assert transaction.tag_versions([site_id])[site_id] == seen[-1]

    for tag in (TAG, STATE, replace(TAG, high=300), TAG):
        saved(tag)

    assert all(one != next_one for one, next_one in itertools.pairwise(seen))


def test_it_differs_by_whatever_is_read_with_a_tag(each_database: DatabaseSettings) -> None:
    with postgres_subject(each_database) as subject:
        edge, unit = subject.edge(), subject.unit()
        versions = list[dict[int, str]]()

        def look() -> None:
            with subject.store.transaction() as transaction:
                versions.append(dict(transaction.tag_versions([edge.site_id, 9_999_999])))

        with subject.store.transaction() as transaction:
            transaction.save_tags([TagChange(edge.edge_id, edge.site_id, unit, TAG)], NOW)
        look()
        for change in (
            "insert into energy_meter (site_id, code, place_id, name_vi, name_en, tag_name,"
            " carrier, kwh_per_unit, valid_from)"
            f" values ({edge.site_id}, 'm', {unit}, 'm', 'm', '{TAG.name}', 'electricity', 1,"
            " now())",
            "delete from energy_meter",
            f"update place set path = path || '-moi' where place_id = {unit}",
            f"delete from tag where name = '{TAG.name}'",
        ):
            with connect(each_database) as connection:
                connection.execute(change.encode())
            look()

    sites = [one[edge.site_id] for one in versions]
    assert len(set(sites)) == len(sites) == 5
    # A site without tags has one, too.
    assert {one[9_999_999] for one in versions} == {""}


def test_tags_come_back_as_they_were_saved_and_keep_their_id(subject: Subject) -> None:
    edge, unit, drill = subject.edge(), subject.unit(), subject.unit(DRILL)
    changes = [TagChange(edge.edge_id, edge.site_id, unit, tag) for tag in (TAG, STATE)]
    with subject.store.transaction() as transaction:
        transaction.lock_site(edge.site_id)
        transaction.save_tags(changes, NOW)
        first = {row.tag.name: row for row in transaction.tags(edge.site_id, [edge.edge_id])}
    hotter = replace(TAG, high=300, counter_modulus=65536, work_unit=DRILL)
    with subject.store.transaction() as transaction:
        transaction.save_tags([TagChange(edge.edge_id, edge.site_id, drill, hotter)], NOW)
        second = {row.tag.name: row for row in transaction.tags(edge.site_id, [edge.edge_id])}

    assert {row.tag for row in first.values()} == {TAG, STATE}
    assert second[TAG.name].tag == hotter
    assert second[TAG.name].tag_id == first[TAG.name].tag_id
    assert second[STATE.name] == first[STATE.name]


def test_the_tags_of_a_large_birth_are_saved_with_the_last_word_on_each(subject: Subject) -> None:
    edge, unit = subject.edge(), subject.unit()
    tags = [replace(TAG, name=f"tien-1/{number}", low=number) for number in range(20_000)]
    again = replace(tags[7], unit="K", low=None)
    changes = [TagChange(edge.edge_id, edge.site_id, unit, tag) for tag in (*tags, again)]

    with subject.store.transaction() as transaction:
        transaction.save_tags(changes, NOW)
        transaction.save_tags([], NOW)
        stored = {row.tag.name: row.tag for row in transaction.tags(edge.site_id, [edge.edge_id])}

    assert stored == {tag.name: tag for tag in (*tags, again)}


def test_numbers_are_stored_to_the_bit_and_the_microsecond(subject: Subject) -> None:
    values = [0.1, -0.0, 1.7976931348623157e308, 5e-324, np.nan, 2.0**53]
    count = len(values)
    with subject.store.transaction() as transaction:
        transaction.write_numbers(
            NumberColumns(
                np.full(count, 7),
                NOW_US + np.arange(count),
                np.full(count, NOW_US),
                np.array(values),
                np.array([0, 1, 2, 0, 2, 0]),
            )
        )

    assert subject.numbers() == [
        (7, NOW_US + k, None if np.isnan(value) else value, quality)
        for k, (value, quality) in enumerate(zip(values, [0, 1, 2, 0, 2, 0], strict=True))
    ]


def test_rows_without_any_value_are_stored(subject: Subject) -> None:
    with subject.store.transaction() as transaction:
        transaction.write_numbers(
            NumberColumns(
                np.array([7]),
                np.array([NOW_US]),
                np.array([NOW_US]),
                np.array([np.nan]),
                np.array([2]),
            )
        )

    assert subject.numbers() == [(7, NOW_US, None, 2)]


def test_texts_are_stored_letter_by_letter(subject: Subject) -> None:
    values = ["EXECUTE", "", "Đang chạy – ổn định 🙂", None, 'a\tb\n\\"']
    count = len(values)
    with subject.store.transaction() as transaction:
        transaction.write_texts(
            TextColumns(
                np.full(count, 8),
                NOW_US + np.arange(count),
                np.full(count, NOW_US),
                values,
                np.array([0, 0, 1, 2, 0]),
            )
        )

    assert [row[2] for row in subject.texts()] == values
    assert [row[3] for row in subject.texts()] == [0, 0, 1, 2, 0]


def test_rows_are_known_by_tag_time_and_value(subject: Subject) -> None:
    stored = NumberColumns(
        np.array([7, 7, 8]),
        NOW_US + np.array([0, 1, 0]),
        np.full(3, NOW_US),
        np.array([0.1, np.nan, 5.0]),
        np.array([0, 2, 0]),
    )
    texts = TextColumns(
        np.array([9, 9]),
        NOW_US + np.array([0, 1]),
        np.full(2, NOW_US),
        ["a'", None],
        np.zeros(2, int),
    )
    asked = NumberColumns(
        np.array([7, 7, 7, 7, 7, 8]),
        # The first is newer than all that is stored.
        NOW_US + np.array([5, 0, 1, 0, 2, 1]),
        np.full(6, NOW_US),
        np.array([0.1, 0.1, np.nan, 0.2, 0.1, 5.0]),
        np.zeros(6, int),
    )
    asked_texts = TextColumns(
        np.array([9, 9, 9]),
        NOW_US + np.array([0, 0, 1]),
        np.full(3, NOW_US),
        ["a'", "b", None],
        np.zeros(3, int),
    )
    with subject.store.transaction() as transaction:
        assert not transaction.stored_numbers(asked).any()
        transaction.write_numbers(stored)
        transaction.write_texts(texts)
    with subject.store.transaction() as transaction:
        assert np.flatnonzero(transaction.stored_numbers(asked)).tolist() == [1, 2]
        assert transaction.stored_texts(asked_texts).tolist() == [True, False, True]


def test_only_what_had_arrived_counts_as_stored_when_a_moment_is_given(
    in_database: Subject,
) -> None:
    number = NumberColumns(
        np.array([7]), np.array([NOW_US]), np.array([NOW_US]), np.array([2.5]), np.array([0])
    )
    with in_database.store.transaction() as transaction:
        transaction.write_numbers(number)
        transaction.write_texts(one_text("x"))
    with in_database.store.transaction() as transaction:
        for until, there in ((NOW, True), (NOW - timedelta(microseconds=1), False)):
            assert transaction.stored_numbers(number, until).tolist() == [there]
            assert transaction.stored_texts(one_text("x"), until).tolist() == [there]


def test_what_is_compared_with_the_stored_rows_is_planned_for_its_own_size(
    in_database: Subject,
) -> None:
    """A plan kept for lists of any length took eight times as long for 9,500 rows of old days."""
    number = NumberColumns(
        np.array([7]), np.array([NOW_US]), np.array([NOW_US]), np.array([2.5]), np.array([0])
    )
    store = in_database.store
    assert isinstance(store, PostgresDeliveryStore)
    # psycopg has the server keep the plan of what is asked five times.
    for _ in range(12):
        with store.transaction() as transaction:
            transaction.stored_numbers(number)
            transaction.stored_texts(one_text("x"))
            transaction.write_numbers(number)
            transaction.write_texts(one_text("x"))
    with store.transaction() as transaction:
        assert isinstance(transaction, PostgresDeliveryTransaction)
        kept = transaction._connection.execute("select statement from pg_prepared_statements")
        assert not [one for (one,) in kept if "as asked" in one and "measurement" in one]


def test_a_ledger_says_until_when_other_epochs_brought_something(subject: Subject) -> None:
    edge_id = subject.edge().edge_id
    first, second = (edge_id, "e1"), (edge_id, "e2")
    with subject.store.transaction() as transaction:
        ledgers = transaction.lock_ledgers([first])
        assert (ledgers[first].others_until, ledgers[first].has_others) == (None, False)
        transaction.save_ledgers(list(ledgers.values()), {first: NOW})
    with subject.store.transaction() as transaction:
        ledgers = transaction.lock_ledgers([first, second])
        assert (ledgers[first].others_until, ledgers[first].has_others) == (None, True)
        assert (ledgers[second].others_until, ledgers[second].has_others) == (NOW, True)


def test_a_ledger_comes_back_as_it_was_saved(subject: Subject) -> None:
    key = (subject.edge().edge_id, "e1")
    with subject.store.transaction() as transaction:
        (new,) = transaction.lock_ledgers([key]).values()
        changed = replace(
            new,
            committed=IdSet(((1, 5), (9, 2**62))),
            dropped=IdSet(((5, 7),)),
            rejected_count=2,
            duplicate_count=3,
            issued_id=12,
        )
        transaction.save_ledgers([changed], {key: NOW})
    with subject.store.transaction() as transaction:
        assert transaction.lock_ledgers([key]) == {key: changed}


@pytest.mark.vital
def test_nothing_is_kept_when_the_transaction_fails(subject: Subject) -> None:
    key = (subject.edge().edge_id, "e1")
    hour = (subject.unit(), NOW_US // HOUR_US * HOUR_US)

    def write_and_fail() -> None:
        with subject.store.transaction() as transaction:
            (ledger,) = transaction.lock_ledgers([key]).values()
            transaction.save_ledgers([replace(ledger, committed=IdSet(((1, 5),)))], {key: NOW})
            transaction.write_texts(one_text("x"))
            transaction.mark_dirty([hour], NOW)
            raise DataError("no", "changed my mind")

    with pytest.raises(DataError, match="changed my mind"):
        write_and_fail()

    assert subject.texts() == []
    assert subject.dirty() == {}
    with subject.store.transaction() as transaction:
        assert transaction.lock_ledgers([key])[key].committed == IdSet()


def test_a_rejection_that_repeats_is_one_row(subject: Subject) -> None:
    once = Rejection(NOW, "t", "no_birth", "…", b"\x00\xff", epoch="e1", row_id=1, once=True)
    plain = Rejection(NOW, "t", "malformed", "…", b"{", epoch="e1", row_id=1)
    for _ in range(2):
        with subject.store.transaction() as transaction:
            transaction.write_rejections([once, plain, once, replace(once, row_id=2)])

    assert sorted(subject.rejections()) == [
        ("malformed", 1, b"{"),
        ("malformed", 1, b"{"),
        ("no_birth", 1, b"\x00\xff"),
        ("no_birth", 2, b"\x00\xff"),
    ]


def test_a_dirty_hour_has_a_new_revision_each_time(subject: Subject) -> None:
    hour = (subject.unit(), NOW_US // HOUR_US * HOUR_US)
    other = (hour[0], hour[1] - HOUR_US)
    with subject.store.transaction() as transaction:
        transaction.mark_dirty([hour], NOW)
    with subject.store.transaction() as transaction:
        transaction.mark_dirty([hour, other], NOW)

    assert subject.dirty() == {hour: 2, other: 1}


def test_an_edge_is_online_as_its_last_heartbeat_or_will_said(subject: Subject) -> None:
    edge = subject.edge()
    alive = StatusRow(edge.edge_id, True, "e1", NOW, full=True, issued_id=5, unreachable=["x"])
    will = StatusRow(edge.edge_id, False, "e1", NOW + timedelta(minutes=1), full=False)
    seen = []
    for status in (alive, will):
        with subject.store.transaction() as transaction:
            transaction.save_agent(edge.edge_id, "e1", "0.1", NOW)
            transaction.save_status(status)
            online = {row.edge_id: row.online for row in transaction.edges()}
            seen.append(online[edge.edge_id])

    assert seen == [True, False]


def test_a_will_keeps_what_the_edge_reported_and_when_it_went(
    in_database: Subject, each_database: DatabaseSettings
) -> None:
    edge_id = in_database.edge().edge_id
    moments = [from_microseconds(NOW_US + k * 60_000_000) for k in range(3)]
    with in_database.store.transaction() as transaction:
        transaction.save_status(
            StatusRow(edge_id, True, "e1", moments[0], full=True, pending=3, clock_offset_ms=-4.5)
        )
        for moment in moments[1:]:
            transaction.save_status(StatusRow(edge_id, False, "e1", moment, full=False))

    with connect(each_database) as connection:
        rows = connection.execute(
            "select online, pending, clock_offset_ms, reported_at from edge_status"
        ).fetchall()
    assert rows == [(False, 3, -4.5, moments[1])]


def test_what_the_database_refuses_is_told_in_its_words(in_database: Subject) -> None:
    def write_orphan() -> None:
        with in_database.store.transaction() as transaction:
            transaction.write_rejections([Rejection(NOW, "t", "r", "d", b"", edge_id=999_999)])

    def write_nul() -> None:
        with in_database.store.transaction() as transaction:
            transaction.write_texts(one_text("a\0"))

    with pytest.raises(DataError, match="foreign key"):
        write_orphan()
    with pytest.raises(DataError, match="store_refused"):
        write_nul()

    # The connection is still good.
    assert in_database.edge().code == "edge-1"


def test_what_is_committed_outlives_a_killed_server_that_does_not_wait_for_its_log() -> None:
    with or_skip():
        server = PostgresServer.timescale({"synchronous_commit": "off", "wal_writer_delay": "10s"})
    with server:
        database = server.settings(server.create_database())
        migrate(database)
        with postgres_subject(database) as subject:
            with subject.store.transaction() as transaction:
                transaction.write_texts(one_text("x"))
            server.kill()
            server.revive()
            assert len(subject.texts()) == 1
