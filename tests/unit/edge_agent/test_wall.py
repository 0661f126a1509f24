"""One source blocks, throws, floods or leaks: the other goes on."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Awaitable, Callable

import pytest

from edge_agent.drivers import Inlet, Reading
from edge_agent.wall import Wall
from plant.measurement import Quality
from tests.unit.edge_agent.intake.inlets import RecordingInlet
from tests.waiting import HANG_S

Behaviour = Callable[[Inlet, int], Awaitable[None]]


class ScriptedDriver:
    """Does what a test says; `life` counts from 0 how many there were before it."""

    keeps_repeats = False

    def __init__(self, behaviour: Behaviour, life: int) -> None:
        self._behaviour = behaviour
        self._life = life

    async def run(self, inlet: Inlet) -> None:
        await self._behaviour(inlet, self._life)


def reading(number: int) -> Reading:
    return Reading("t", float(number), number, Quality.GOOD)


async def steady(inlet: Inlet, _life: int) -> None:
    number = 0
    while True:
        number += 1
        await inlet.deliver([reading(number)])
        await asyncio.sleep(0.001)


def beside_steady(
    behaviour: Behaviour, until: Callable[[RecordingInlet, RecordingInlet], bool]
) -> tuple[RecordingInlet, list[weakref.ref[ScriptedDriver]]]:
    """Run one driver beside a steady one until both inlets are as wanted."""
    odd, good = RecordingInlet(), RecordingInlet()
    made: list[weakref.ref[ScriptedDriver]] = []

    def make() -> ScriptedDriver:
        driver = ScriptedDriver(behaviour, len(made))
        made.append(weakref.ref(driver))
        return driver

    async def scenario() -> None:
        walls = [
            Wall("odd", make, odd, blocked_s=0.2, replaced_s=0.6),
            Wall("good", lambda: ScriptedDriver(steady, 0), good),
        ]
        tasks = [asyncio.create_task(wall.run()) for wall in walls]
        async with asyncio.timeout(HANG_S):
            while not until(odd, good):  # noqa: ASYNC110  # any condition
                await asyncio.sleep(0.01)
            # From here on it must still be alive.
            count = len(good.readings)
            while len(good.readings) < count + 20:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results)

    asyncio.run(scenario())
    return odd, made


@pytest.mark.parametrize(
    "error", [ValueError("wrong CA"), SystemExit(3), MemoryError(), KeyError()]
)
def test_a_driver_that_throws_is_started_again_and_shown(error: BaseException) -> None:
    async def throws_first(inlet: Inlet, life: int) -> None:
        if life == 0:
            raise error
        await inlet.deliver([reading(life)])
        inlet.unreachable([])
        await asyncio.Event().wait()

    odd, _ = beside_steady(throws_first, lambda odd, _good: odd.problems[-1:] == [()])
    assert odd.values("t") == [1.0]
    assert "it is started again" in odd.problems[0][0]


def test_a_driver_that_blocks_holds_up_nobody_is_told_of_and_is_replaced() -> None:
    woken = threading.Event()

    async def blocks_first(inlet: Inlet, life: int) -> None:
        if life == 0:
            # What a library without a time limit does.
            woken.wait(HANG_S)
        await inlet.deliver([reading(life)])
        await asyncio.Event().wait()

    def replaced(odd: RecordingInlet, good: RecordingInlet) -> bool:
        return bool(odd.readings) and len(good.readings) > 20

    try:
        odd, made = beside_steady(blocks_first, replaced)
    finally:
        woken.set()
    assert "has been blocked" in odd.problems[0][0]
    assert len(made) == 2
    # The first, when it wakes up, is not listened to.
    assert odd.values("t") == [1.0]


def test_a_driver_that_floods_waits_its_turn() -> None:
    async def floods(inlet: Inlet, _life: int) -> None:
        number = 0
        while True:
            await inlet.deliver([reading(number + k) for k in range(20_000)])
            number += 20_000

    beside_steady(floods, lambda odd, good: len(odd.readings) > 60_000 and len(good.readings) > 20)


def test_what_a_driver_leaves_behind_ends_with_it() -> None:
    left: list[asyncio.Task[None]] = []

    async def endless() -> None:
        await asyncio.Event().wait()

    async def leaks(inlet: Inlet, life: int) -> None:
        if life < 3:
            left.extend(asyncio.create_task(endless()) for _ in range(50))
            raise OSError("gone")
        await inlet.deliver([reading(life)])
        await asyncio.Event().wait()

    # Pauses of 1, 2 and 4 s are the wall's; three lives are enough.
    _, made = beside_steady(leaks, lambda odd, _good: bool(odd.readings))
    assert all(task.done() for task in left)
    gc.collect()
    assert all(driver() is None for driver in made)
