"""Days of two enterprises with all disorder on: the figures are the truth, outage or not."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from plant.settings import DatabaseSettings
from tests.long_run import LongRun, differing, record
from tests.peers.postgres import PostgresServer
from tests.plants.simulated_plants import ORIGIN
from tests.truth_comparison import compare

DAYS = float(os.environ.get("NHIPMAY_LONG_RUN_DAYS", "0.7"))
"""`python -m bench oee_truth` runs 30."""


@pytest.fixture
def other_database(
    timescale_server: PostgresServer, timescale_template: str
) -> Iterator[DatabaseSettings]:
    name = timescale_server.create_database(template=timescale_template)
    yield timescale_server.settings(name)
    timescale_server.drop_database(name)


@pytest.mark.slow
@pytest.mark.timeout(1800 + 200 * DAYS)
def test_figures_are_the_truth_and_the_same_after_an_outage(
    database: DatabaseSettings, other_database: DatabaseSettings, tmp_path: Path
) -> None:
    truths = record(tmp_path, DAYS)
    undisturbed = LongRun(database, truths, DAYS)
    disturbed = LongRun(other_database, truths, DAYS)
    try:
        undisturbed.run(step=timedelta(hours=2))
        agreement = compare(undisturbed)
        assert agreement.problems == ()
        assert agreement.shifts >= 8 * (3 * DAYS - 1)
        assert agreement.exact_shifts > 0
        assert agreement.parts > 1000
        hours = min(24.0, DAYS * 10)
        begin = ORIGIN + timedelta(days=DAYS / 3)
        disturbed.run(outage=(begin, begin + timedelta(hours=hours)), step=timedelta(hours=2))
        assert differing(undisturbed.figures(), disturbed.figures()) == {}
    finally:
        undisturbed.close()
        disturbed.close()
