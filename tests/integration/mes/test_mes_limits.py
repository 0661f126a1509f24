"""How much is read of what can only be refused."""

from collections.abc import Iterator

from plant.mes.parsing import Parsed
from plant.mes.problem import Problem, Reason
from plant.settings import DatabaseSettings
from store.mes.writing import ENOUGH_PROBLEMS, write_documents
from tests.plants.mes_documents import PROVENANCE


def test_reading_stops_when_there_are_problems_enough(plain_database: DatabaseSettings) -> None:
    read = 0

    def orders() -> Iterator[Parsed]:
        nonlocal read
        for read in range(1, 150_001):
            where = f"the order {read}"
            yield [Problem(where, "number", Reason.MISSING, "required, but missing")] * 4

    report = write_documents(plain_database, orders(), PROVENANCE)

    assert not report.committed
    assert ENOUGH_PROBLEMS <= report.problem_count < 2 * ENOUGH_PROBLEMS
    assert read < ENOUGH_PROBLEMS
    assert "the rest was not read" in report.problems[-1].words
