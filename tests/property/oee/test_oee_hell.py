"""A plant of hell: whatever machines show, what is not exact is marked."""

import numpy as np
import pytest

from tests.plants.hell import course, judge
from tests.plants.hell_machine import machine, run

COUNTERS = pytest.mark.parametrize(
    ("modulus", "signed"),
    [(None, False), (2.0**32, False), (65536.0, False), (65536.0, True)],
    ids=["unbounded", "of 32 bits", "of 16 bits", "signed of 16 bits"],
)


@COUNTERS
@pytest.mark.parametrize("seed", range(2))
def test_every_hour_that_is_not_exact_is_marked(
    modulus: float | None, seed: int, *, signed: bool
) -> None:
    found = course(30, np.random.default_rng(seed), modulus, signed=signed)
    assert len({kind for _, kind in found.faults}) >= 6
    verdict = judge(found)
    assert verdict.unmarked == ()
    assert verdict.above == 0
    assert verdict.exact > 0.95 * verdict.hours


@COUNTERS
@pytest.mark.parametrize("seed", range(2))
def test_every_shift_that_is_not_exact_is_marked(
    modulus: float | None, seed: int, *, signed: bool
) -> None:
    told = machine(30, np.random.default_rng(seed))
    assert {kind for _, kind in told.told} >= {"over_plans", "repair", "own_state", "bad_within"}
    outcome = run(30, seed, modulus, signed=signed)
    assert outcome.unmarked == ()
    assert outcome.above == 0
    assert outcome.exact > 5
    assert outcome.marked > 5
