import math
from collections.abc import Callable

import numpy as np
import pytest

from simulators.machine.signals import (
    Constant,
    DailySwing,
    Lag,
    Load,
    Noise,
    Ramp,
    RandomWalk,
    Signal,
    Sum,
    Wear,
    WorkLoad,
)

MAKERS: dict[str, Callable[[np.random.Generator], Signal]] = {
    "constant": lambda _: Constant(3.0),
    "ramp": lambda _: Ramp(2.0, 7200),
    "noise": lambda rng: Noise(1.0, rng),
    "walk": lambda rng: RandomWalk(1.0, 60.0, rng),
    "wear": lambda _: Wear(2.0),
    "work": lambda _: WorkLoad(5.0),
    "daily": lambda _: DailySwing(3.0, 14.0),
    "lag": lambda rng: Lag(Sum([WorkLoad(5.0), Noise(1.0, rng)]), 30.0),
    "sum": lambda rng: Sum([Constant(1.0), Noise(1.0, rng)]),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_values_repeat_when_seed_and_calls_repeat(kind: str) -> None:
    def values() -> list[float]:
        signal = MAKERS[kind](np.random.default_rng(5))
        found = []
        for step in range(50):
            signal.advance(10, Load(running=step % 2, wear=step / 50, day_fraction=step / 50))
            found += [signal.get(), signal.get()]
        return found

    first = values()

    assert first == values()
    assert first[0::2] == first[1::2], "asking twice must not change the value"


def test_ramp_falls_back_when_its_period_is_over() -> None:
    ramp = Ramp(per_hour=2.0, period_s=7200)

    ramp.advance(5400, Load())
    assert ramp.get() == pytest.approx(3.0)
    ramp.advance(1800, Load())
    assert ramp.get() == 0.0


def test_lag_approaches_exponentially_when_its_target_jumps() -> None:
    lag = Lag(WorkLoad(10.0), time_constant_s=100)
    lag.advance(1, Load(running=0))

    for _ in range(100):
        lag.advance(1, Load(running=1))

    assert lag.get() == pytest.approx(10 * (1 - math.exp(-1)))


def test_walk_keeps_its_spread_when_it_walks_long() -> None:
    walk = RandomWalk(2.0, 50.0, np.random.default_rng(1))
    values = []
    for _ in range(20_000):
        walk.advance(25, Load())
        values.append(walk.get())

    assert np.std(values) == pytest.approx(2.0, rel=0.05)
    assert np.mean(values) == pytest.approx(0.0, abs=0.15)


def test_wear_grows_with_its_square_when_the_tool_ages() -> None:
    wear = Wear(4.0)
    wear.advance(1, Load(wear=0.5))

    assert wear.get() == 1.0


def test_daily_swing_is_highest_when_its_hour_comes() -> None:
    swing = DailySwing(3.0, peak_hour=14.0)
    swing.advance(1, Load(day_fraction=14 / 24))

    assert swing.get() == pytest.approx(3.0)
