from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingest.group.gathering import Gathering
from ingest.validation.kept_file import KeptFile
from plant.delivery.idset import IdSet
from plant.errors import DataError, StoreUnavailableError
from store.delivery.row import DeliveryTransaction
from tests.plants.deliveries import TEMPERATURE, MemoryStore, birth, data
from tests.unit.ingest.bench import Bench


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.take(birth())
    return bench


def values(bench: Bench) -> list[float | None]:
    return [value for _, _, value, _ in bench.store.tables.numbers]


def test_a_group_is_tried_again_when_the_database_is_away(bench: Bench) -> None:
    bench.store.before_commit.extend([StoreUnavailableError(), StoreUnavailableError(), None])

    bench.take(data(1, [1, 2]))

    assert values(bench) == [1, 2]
    snapshot = bench.selfstat.snapshot()
    assert snapshot.retries == 2
    assert snapshot.measurements.queued == 0


def test_nothing_is_written_twice_when_the_answer_to_the_commit_is_lost(bench: Bench) -> None:
    bench.store.after_commit.append(StoreUnavailableError())

    bench.take(data(1, [1, 2]))

    assert values(bench) == [1, 2]
    assert bench.selfstat.snapshot().measurements.duplicate == 2


def test_a_group_is_left_unacknowledged_when_the_ingest_stops_during_an_outage(
    bench: Bench,
) -> None:
    bench.store.before_commit.append(StoreUnavailableError())
    bench.abandon.set()
    already = len(bench.committed)

    bench.take(data(1, [1, 2]))

    assert values(bench) == []
    assert len(bench.committed) == already
    assert bench.selfstat.snapshot().measurements.queued == 2


@pytest.mark.parametrize("poisoned", range(5))
def test_one_message_is_rejected_and_the_others_committed_when_the_database_refuses_it(
    bench: Bench, poisoned: int
) -> None:
    bench.store.refused = frozenset({13.0})
    letters = [data(k + 1, [13.0 if k == poisoned else float(k)]) for k in range(5)]

    bench.take(*letters)

    assert values(bench) == [float(k) for k in range(5) if k != poisoned]
    (rejection,) = bench.store.tables.rejections
    assert (rejection.reason, rejection.row_id) == ("store_refused", poisoned + 1)
    assert "cannot hold 13" in rejection.detail
    assert rejection.raw == letters[poisoned].payload
    assert bench.ledger().committed == IdSet(((1, 6),))
    assert bench.ledger().rejected_count == 1
    assert bench.selfstat.snapshot().measurements.queued == 0
    assert bench.committed[1:] == letters


def test_a_rejection_is_stored_bare_when_the_database_refuses_even_that(bench: Bench) -> None:
    refusal = DataError("store_refused", "the edge is gone")
    bench.store.before_commit.extend([refusal, refusal])

    bench.take(data(1, [1]))

    (rejection,) = bench.store.tables.rejections
    assert (rejection.edge_id, rejection.detail) == (None, "the edge is gone")
    assert bench.selfstat.snapshot().messages.queued == 0


def test_a_message_is_kept_beside_the_ingest_when_the_database_takes_no_form_of_it(
    tmp_path: Path,
) -> None:
    kept = KeptFile(tmp_path / "kept.jsonl")
    bench = Bench(kept_file=kept)
    bench.take(birth())
    bench.store.before_commit.extend([DataError("store_refused", "no")] * 3)
    letter = data(1, [1])

    bench.take(letter)
    bench.take(data(2, [2]))

    assert bench.store.tables.rejections == []
    assert bench.ledger().committed == IdSet(((1, 3),))
    assert bench.selfstat.snapshot().messages.queued == 0
    assert len(KeptFile(kept.path)) == 1
    assert kept.drain(lambda rejection: rejection.raw == letter.payload) == 1
    assert len(kept) == 0


def test_a_message_is_left_to_be_repeated_when_nothing_can_keep_it(bench: Bench) -> None:
    bench.store.before_commit.extend([DataError("store_refused", "no")] * 3)
    already = len(bench.committed)

    bench.take(data(1, [1]))

    assert len(bench.committed) == already
    assert (1, "e1") not in bench.store.tables.ledgers
    assert bench.selfstat.snapshot().events["kept_nowhere"] == 1


def test_a_group_waits_whatever_it_was_refused_for_while_nothing_works(bench: Bench) -> None:
    bench.store.before_commit.append(DataError("store_refused", "no room"))
    bench.store.obstacles.extend(["no room", "no room", "no room", None])

    bench.take(data(1, [1]), data(2, [2]))

    assert values(bench) == [1, 2]
    assert bench.store.tables.rejections == []


def test_one_message_is_found_though_what_it_causes_looks_like_an_outage(bench: Bench) -> None:
    class OutOfLocks(MemoryStore):
        @contextmanager
        def transaction(self) -> Iterator[DeliveryTransaction]:
            with super().transaction() as transaction:
                yield transaction
                if any(value == 13 for _, _, value, _ in transaction._tables.numbers):  # type: ignore[attr-defined]
                    raise StoreUnavailableError("out of shared memory")

    store = OutOfLocks()
    bench = Bench(store)
    bench.take(birth())

    bench.take(*(data(k, [13.0 if k == 4 else float(k)]) for k in range(1, 8)))

    assert values(bench) == [1, 2, 3, 5, 6, 7]
    (rejection,) = store.tables.rejections
    assert (rejection.reason, rejection.row_id) == ("store_refused", 4)
    assert bench.ledger().committed == IdSet(((1, 8),))


def test_a_message_is_isolated_when_it_makes_the_ingest_itself_fail(bench: Bench) -> None:
    bench.store.before_commit.extend([ZeroDivisionError("bug")] * 2)

    bench.take(data(1, [1]), data(2, [2]))

    assert values(bench) == [2]
    (rejection,) = bench.store.tables.rejections
    assert (rejection.reason, rejection.detail) == ("internal_error", "ZeroDivisionError: bug")


def test_tags_of_a_birth_are_not_taken_for_stored_when_its_transaction_failed() -> None:
    bench = Bench()
    bench.store.before_commit.append(DataError("store_refused", "poison"))

    bench.take(birth(), data(1, [20]))

    assert TEMPERATURE.name in bench.store.tables.tags
    assert values(bench) == [20]


def test_the_next_group_may_be_read_while_the_database_takes_in_rows() -> None:
    given: list[int] = []
    bench = Bench()
    bench.take(birth())
    gathering = Gathering(bench.limits)
    gathering.add(data(1, [1, 2]))

    for _ in bench.committer.commit(gathering.parcels(), given.append):
        pass

    assert given == [2]
