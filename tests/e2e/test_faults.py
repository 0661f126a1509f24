"""Every kind of fault once: the database is the truth and the ledger is whole."""

from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np
import pytest

from tests.conftest import or_skip
from tests.faults.fault import Fault
from tests.faults.faults import FAULTS, possible
from tests.faults.rig import Rig
from tests.faults.rounds import run_round

SEED = 20


def rounds(faults: Sequence[Fault], seed: int) -> list[list[Fault]]:
    """Return all the faults in as few rounds as their parts allow, in seeded company."""
    random = np.random.default_rng(seed)
    planned: list[list[Fault]] = []
    for k in random.permutation(len(faults)):
        fault = faults[int(k)]
        fitting = [plan for plan in planned if fault.part not in {other.part for other in plan}]
        if fitting:
            min(fitting, key=len).append(fault)
        else:
            planned.append([fault])
    return planned


@pytest.mark.slow
def test_the_database_is_the_truth_when_everything_fails_once() -> None:
    with ExitStack() as stack:
        with or_skip():
            rig = stack.enter_context(Rig([f"edge-{k}" for k in range(len(FAULTS))]))
        here = possible(rig, FAULTS)
        results = [
            run_round(rig, f"edge-{k}", SEED + k, plan) for k, plan in enumerate(rounds(here, SEED))
        ]
    assert {name for result in results for name in result.faults} == {fault.name for fault in here}
    assert [result for result in results if result.problems] == []
    if rig.no_disk:
        pytest.skip(f"all but the full disks went well: {rig.no_disk}")
