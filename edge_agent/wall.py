"""A wall between sources: whatever one does, the others run.

Each driver has a thread and an event loop of its own, and reaches the agent only through its
inlet. One that throws is started anew, after growing pauses; one that blocks holds up nobody else,
is told of, and is replaced; one that floods waits its turn; what one leaves behind - tasks, memory
that it holds on to - ends with it.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from edge_agent.drivers import Driver, Inlet, Reading
from plant.backoff import Backoff
from plant.log import get_logger

Result = TypeVar("Result")

_SLICE = 2_000
"""Readings that are taken at a time; then it is another source's turn."""
_LOOK_S = 0.5
BLOCKED_S = 30.0
"""A driver whose loop has not turned for so long is told of as blocked."""
REPLACED_S = 120.0
_ABANDONED_AT_MOST = 3
"""Blocked threads that a source may leave behind: nothing can end a thread from outside."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
_STEADY_S = 60.0
_GOODBYE_S = 3.0

_log = get_logger()


class RevokedError(Exception):
    """A driver that was replaced is told so when it wakes up."""


class _WalledInlet:
    """An inlet as a driver has it in its thread; see `edge_agent.drivers.Inlet`."""

    def __init__(self, inlet: Inlet, agent_loop: asyncio.AbstractEventLoop) -> None:
        self._inlet = inlet
        self._loop = agent_loop
        self.revoked = False

    async def deliver(
        self,
        readings: Sequence[Reading],
        *,
        sampled_us: int | None = None,
        position: str | None = None,
    ) -> None:
        # A position belongs to all of its readings.
        if position is None:
            while len(readings) > _SLICE:
                await self._over(self._inlet.deliver(readings[:_SLICE]))
                readings = readings[_SLICE:]
        await self._over(self._inlet.deliver(readings, sampled_us=sampled_us, position=position))

    async def written(self) -> bool:
        return await self._over(self._inlet.written())

    def write_soon(self) -> None:
        self._loop.call_soon_threadsafe(self._inlet.write_soon)

    def position(self) -> str | None:
        return self._inlet.position()

    def backfill_from(self, tag: str, overlap_us: int) -> int | None:
        return self._inlet.backfill_from(tag, overlap_us)

    def unreachable(self, problems: Sequence[str]) -> None:
        if not self.revoked:
            self._loop.call_soon_threadsafe(self._inlet.unreachable, tuple(problems))

    def unreadable(self, count: int = 1) -> None:
        self._loop.call_soon_threadsafe(self._inlet.unreadable, count)

    def missed(self, count: int) -> None:
        self._loop.call_soon_threadsafe(self._inlet.missed, count)

    async def drained(self, pending_rows: int) -> None:
        await self._over(self._inlet.drained(pending_rows))

    async def _over(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Have work done in the agent's loop, and wait for it here."""
        if self.revoked:
            work.close()
            raise RevokedError
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))


class SharedLoop:
    """A thread and loop for sources that share a device, such as a gateway of one connection."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop, which runs."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=self._loop.run_forever, name=f"line {self._name}", daemon=True
            )
            self._thread.start()
        return self._loop

    def abandon(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Use another from now on: this one is blocked."""
        if loop is self._loop:
            self._loop = self._thread = None

    def close(self) -> None:
        """End the thread, unless it is blocked."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_GOODBYE_S)
            if not self._thread.is_alive():
                # Connections that its drivers gave up are closed in the turns after.
                self._loop.run_until_complete(_turns())
                self._loop.close()
            self._loop = self._thread = None


async def _turns() -> None:
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    for _ in range(3):
        await asyncio.sleep(0)


class _Life:
    """One driver in one thread, from its start to its end."""

    def __init__(
        self, name: str, driver: Driver, inlet: _WalledInlet, shared: SharedLoop | None
    ) -> None:
        self._driver = driver
        self._inlet = inlet
        self._shared = shared
        self.outcome: Future[None] = Future()
        self.turned = time.monotonic()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._work, name=f"source {name}", daemon=True)

    def start(self) -> None:
        if self._shared is None:
            self._thread.start()
        else:
            self._loop = self._shared.loop()
            asyncio.run_coroutine_threadsafe(self._run(), self._loop)

    def abandon(self) -> None:
        """Its thread is blocked: others that share it have another from now on."""
        if self._shared is not None:
            self._shared.abandon(self._loop)

    def look(self) -> None:
        """Ask the driver's loop to turn."""
        self._in_loop(self._note_turn)

    def cancel(self) -> None:
        self._in_loop(self._cancel)

    def revoke(self) -> None:
        """Have nothing more of it."""
        self._inlet.revoked = True
        self.cancel()

    async def gone(self) -> None:
        """Give it a moment to say goodbye to its source."""
        if self._shared is None:
            await asyncio.to_thread(self._thread.join, _GOODBYE_S)
        else:
            await asyncio.wait([asyncio.wrap_future(self.outcome)], timeout=_GOODBYE_S)

    def _in_loop(self, call: Callable[[], object]) -> None:
        if self._loop is not None:
            # The loop may have ended since.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(call)

    def _note_turn(self) -> None:
        self.turned = time.monotonic()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _work(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException as exc:  # noqa: BLE001
            # The top of this thread: the agent hears of whatever ends a driver, SystemExit too.
            self._ended(exc)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        error: BaseException | None = None
        try:
            await self._driver.run(self._inlet)
        except BaseException as exc:  # noqa: BLE001
            # Told before the loop tidies up, which what the driver left may keep from ending.
            error = exc
        self._ended(error)

    def _ended(self, error: BaseException | None) -> None:
        if self.outcome.done():
            return
        if error is None:
            self.outcome.set_result(None)
        else:
            is_cancelled = isinstance(error, asyncio.CancelledError)
            self.outcome.set_exception(RevokedError("cancelled") if is_cancelled else error)


class Wall:
    """What is around one source; lives in the agent's loop."""

    def __init__(
        self,
        name: str,
        make: Callable[[], Driver],
        inlet: Inlet,
        is_fatal: Callable[[BaseException], bool] = lambda _: False,
        shared: SharedLoop | None = None,
        blocked_s: float = BLOCKED_S,
        replaced_s: float = REPLACED_S,
    ) -> None:
        """`make` makes its driver; `is_fatal` tells which of its errors end the agent.

        `shared` is where drivers run that share a device with others; else it is alone.
        """
        self._name = name
        self._make = make
        self._inlet = inlet
        self._is_fatal = is_fatal
        self._shared = shared
        self._blocked_s = blocked_s
        self._replaced_s = replaced_s
        self._abandoned = 0
        self._again = asyncio.Event()

    def start_anew(self) -> None:
        """End the present driver, with all that it holds, and begin with another."""
        self._again.set()

    async def run(self) -> None:
        """Keep the source read until it is through or this is cancelled.

        Raises only what `is_fatal` says.
        """
        backoff = Backoff(_FIRST_PAUSE_S, _LONGEST_PAUSE_S)
        while True:
            started = time.monotonic()
            try:
                if await self._one_life():
                    return
                continue
            except Exception as exc:
                # Whatever a driver throws is its own affair.
                if self._is_fatal(exc):
                    raise
                self._inlet.unreachable([f"{_words(exc)}; it is started again"])
                _log.error(
                    "source_failed", source=self._name, error=_words(exc), kind=type(exc).__name__
                )
            if time.monotonic() - started >= _STEADY_S:
                backoff.reset()
            await asyncio.sleep(backoff.next_pause())

    async def _one_life(self) -> bool:
        """Run one driver; return whether its source is through, or another driver is due."""
        walled = _WalledInlet(self._inlet, asyncio.get_running_loop())
        life = _Life(self._name, self._make(), walled, self._shared)
        self._again.clear()
        life.start()
        outcome = asyncio.wrap_future(life.outcome)
        told = False
        try:
            while True:
                await asyncio.wait([outcome], timeout=_LOOK_S)
                if outcome.done():
                    self._raise(outcome)
                    return True
                still = time.monotonic() - life.turned
                life.look()
                if still >= self._blocked_s and not told:
                    told = True
                    self._inlet.unreachable([f"its driver has been blocked for {still:.0f} s"])
                elif told and still < self._blocked_s:
                    told = False
                    self._inlet.unreachable([])
                if self._again.is_set():
                    return False
                if still >= self._replaced_s and self._abandoned < _ABANDONED_AT_MOST:
                    self._abandoned += 1
                    life.abandon()
                    _log.error("blocked_source_replaced", source=self._name, after_s=round(still))
                    return False
        finally:
            outcome.add_done_callback(_heard)
            life.revoke()
            await life.gone()

    @staticmethod
    def _raise(outcome: "asyncio.Future[None]") -> None:
        error = outcome.exception()
        if error is not None:
            if isinstance(error, Exception):
                raise error
            raise RuntimeError(f"{type(error).__name__}: {error}") from error


def _heard(outcome: "asyncio.Future[None]") -> None:
    """Take note of how a driver ended that nobody waits for any more."""
    if not outcome.cancelled():
        outcome.exception()


def _words(exc: BaseException) -> str:
    return str(exc) or type(exc).__name__
