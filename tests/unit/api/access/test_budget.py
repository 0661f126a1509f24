"""What one consumer may take: requests at once, streams, seconds of work; others go on."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest

from api.access.budget import AT_ONCE, INSTALLATION, STREAMS, WORK_S, Budget
from api.access.principal import INSTALLATION as WHOLE
from api.access.principal import NOBODY, Principal
from api.access.refusal import TryLaterError

ONE = Principal("one/token-1", frozenset(), "a", "personal", 1)
SAME = Principal("one/token-2", frozenset(), "a", "bearer", 1)
OTHER = Principal("other", frozenset(), "a", "session", 2)
TABLET = Principal("tablet-1", frozenset(), "a", "tablet", device_id=1)


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def taken(
    stack: AsyncExitStack,
    budget: Budget,
    who: Principal,
    *,
    stream: bool = False,
    address: str = "192.0.2.1",
) -> Callable[[float], None]:
    return await stack.enter_async_context(budget.place(who, address, stream=stream))


def test_more_requests_at_once_wait_and_are_then_refused_for_this_consumer_alone() -> None:
    async def tried() -> None:
        budget = Budget(Seconds(), patience_s=0.01)
        async with AsyncExitStack() as stack:
            for n in range(AT_ONCE):
                await taken(stack, budget, ONE if n % 2 else SAME)
            with pytest.raises(TryLaterError):
                await taken(stack, budget, SAME)
            await taken(stack, budget, OTHER)
            await taken(stack, budget, TABLET)
        async with AsyncExitStack() as stack:
            await taken(stack, budget, ONE)

    asyncio.run(tried())


def test_a_request_that_waits_is_served_when_a_place_is_free() -> None:
    async def tried() -> None:
        budget = Budget(Seconds(), patience_s=60)
        async with AsyncExitStack() as stack:
            for _ in range(AT_ONCE - 1):
                await taken(stack, budget, ONE)
            async with budget.place(ONE, "", stream=False):
                waiting = asyncio.ensure_future(taken(stack, budget, ONE))
                await asyncio.sleep(0)
                assert not waiting.done()
            await waiting

    asyncio.run(tried())


def test_all_tokens_and_sessions_of_an_account_are_one_consumer() -> None:
    assert ONE != SAME
    assert ONE.consumer == SAME.consumer
    assert len({who.consumer for who in (ONE, OTHER, TABLET, WHOLE)}) == 4


def test_work_is_owed_and_paid_back_with_time() -> None:
    async def tried() -> None:
        clock = Seconds()
        budget = Budget(clock)
        async with AsyncExitStack() as stack:
            (await taken(stack, budget, ONE))(WORK_S + 30)
        with pytest.raises(TryLaterError) as refused:
            async with AsyncExitStack() as stack:
                await taken(stack, budget, SAME)
        assert refused.value.wait_s == pytest.approx(30)
        async with AsyncExitStack() as stack:
            await taken(stack, budget, OTHER)
        clock.now += 30
        async with AsyncExitStack() as stack:
            await taken(stack, budget, ONE)

    asyncio.run(tried())


def test_streams_are_counted_apart_and_given_back() -> None:
    async def tried() -> None:
        budget = Budget(Seconds())
        for _ in range(2):
            async with AsyncExitStack() as stack:
                for _ in range(STREAMS):
                    await taken(stack, budget, ONE, stream=True)
                with pytest.raises(TryLaterError):
                    await taken(stack, budget, ONE, stream=True)
                await taken(stack, budget, ONE)

    asyncio.run(tried())


def test_who_shows_nothing_is_counted_by_address_and_the_installation_has_more() -> None:
    async def tried() -> None:
        budget = Budget(Seconds(), patience_s=0.01)
        async with AsyncExitStack() as stack:
            for _ in range(AT_ONCE):
                await taken(stack, budget, NOBODY)
            with pytest.raises(TryLaterError):
                await taken(stack, budget, NOBODY)
            await taken(stack, budget, NOBODY, address="192.0.2.2")
            for _ in range(AT_ONCE * INSTALLATION):
                await taken(stack, budget, WHOLE)
            with pytest.raises(TryLaterError):
                await taken(stack, budget, WHOLE)

    asyncio.run(tried())
