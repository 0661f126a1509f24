"""Some rounds of hostile messages: nothing lost, nothing altered, and nobody waits for ever."""

from contextlib import ExitStack

import pytest

from tests.conftest import or_skip
from tests.hostile.injection import plan
from tests.hostile.rig import HostileRig
from tests.hostile.rounds import WRITTEN, authors, run_round
from tests.waiting import HANG_S

ROUNDS = 20
SEED = 3
SCALE = 0.05


@pytest.mark.slow
def test_every_message_is_stored_or_kept_whole_while_an_honest_edge_goes_on() -> None:
    results = []
    pairs = plan(WRITTEN, 0)
    with ExitStack() as stack:
        with or_skip():
            rig = stack.enter_context(HostileRig())
        for k, author in enumerate(authors(ROUNDS, SEED, SCALE)):
            if not k:
                rig.introduce(author)
            results.append(run_round(rig, SEED + k, pairs[k], author, HANG_S))
    assert [result for result in results if result.problems] == []
    # Hardly a table is out of reach of the odd one.
    assert sum(result.fired > 0 for result in results) > ROUNDS / 2
    assert len({result.state[:2] for result in results if result.fired}) > ROUNDS / 4
