"""Schemathesis asks what the API's description allows and what it forbids: nothing is found."""

from pathlib import Path

import pytest

from plant.settings import DatabaseSettings
from tests.contract import ask, described_api
from tests.foreign.running import peer_folder


@pytest.mark.slow
def test_the_api_is_as_it_is_described_whatever_it_is_asked(
    database: DatabaseSettings, tmp_path: Path
) -> None:
    peer_folder("schemathesis")

    with described_api(database) as api:
        done = ask(api, tmp_path, "--max-examples", "2", "--generation-deterministic")

    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    # It tried each phase; one of nothing would pass as well.
    asked = [line for line in done.stdout.splitlines() if line.strip().startswith("Tested:")]
    assert int(asked[0].split()[-1]) >= 79  # operations
    assert "Stateful" in done.stdout
