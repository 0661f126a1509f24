"""A plant of hell: whatever a counter shows, what is not exact is marked."""

import numpy as np
import pytest

from tests.plants.hell import course, judge


@pytest.mark.parametrize(
    ("modulus", "signed"),
    [(None, False), (2.0**32, False), (65536.0, False), (65536.0, True)],
    ids=["unbounded", "of 32 bits", "of 16 bits", "signed of 16 bits"],
)
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
