"""The edge agent: drivers in an event loop, the publisher in a thread, the outbox between them."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from edge_agent.configuration import RemoteConfiguration
from edge_agent.drivers import Driver, make_driver, shared_device
from edge_agent.enrolment.renewal import Renewal
from edge_agent.intake import Intake
from edge_agent.kept_aside import KeptAside
from edge_agent.memory_limit import MemoryLimit
from edge_agent.metrics import EdgeMetrics, Glance
from edge_agent.outbox import Outbox, Row, SqliteOutbox
from edge_agent.output import AnyPublisher, make_publisher
from edge_agent.publisher import Condition, Refusals, Sizing
from edge_agent.selfstat import Counters
from edge_agent.settings import EdgeSettings
from edge_agent.wall import SharedLoop, Wall
from plant.errors import ConfigurationError, TransientError
from plant.exposition import metrics_server
from plant.log import get_logger
from plant.native.message import Refusal

LOOK_AROUND_S = 0.1
FLUSHES_AT_STOP = 30
CANCEL_AGAIN_S = 1.0
QUIET_S = 60.0

OnProgress = Callable[[Counters], None]

_log = get_logger()


def run(
    settings: EdgeSettings, stop: threading.Event, on_progress: OnProgress | None = None
) -> Counters:
    """Run an edge agent until `stop` is set, or until its recorded files are through.

    An agent that only replays files returns by itself once the platform has confirmed every
    row. `on_progress` is called about ten times per second with a copy of the counters.

    Returns:
        The final counters.

    Raises:
        ConfigurationError: A person must mend something; the message says what.
    """
    outbox = SqliteOutbox(
        settings.outbox.file,
        settings.outbox.max_bytes,
        settings.outbox.max_hours,
        settings.outbox.synchronous,
        owner=settings.edge.address().identity,
    )
    counters = Counters()
    metrics = EdgeMetrics(settings.outbox.max_bytes)
    remote = RemoteConfiguration(settings, time.monotonic)
    try:
        with (
            metrics_server(settings.metrics_host, settings.metrics_port, metrics.collect),
            Renewal(settings, stop) as renewal,
        ):
            while _run_once(remote, outbox, counters, metrics, stop, on_progress, renewal):
                remote.begin()
        remote.ended()
        return replace(counters)
    finally:
        outbox.close()


def _run_once(
    remote: RemoteConfiguration,
    outbox: Outbox,
    counters: Counters,
    metrics: EdgeMetrics,
    stop: threading.Event,
    on_progress: OnProgress | None,
    renewal: Renewal,
) -> bool:
    """Run with the sources in force; return whether it ended because others are to be."""
    try:
        agent = Agent(remote.settings, outbox, on_progress, counters, metrics, remote, renewal)
        return agent.run(stop)
    except Exception as exc:
        # Whatever sources on trial bring down, a driver's own faults included, is taken back.
        if not remote.on_trial or isinstance(exc, TransientError):
            raise
        remote.take_back(f"{type(exc).__name__}: {exc}")
        return not stop.is_set()


class Agent:
    """One run of an edge agent with its outbox."""

    def __init__(
        self,
        settings: EdgeSettings,
        outbox: Outbox,
        on_progress: OnProgress | None,
        counters: Counters,
        metrics: EdgeMetrics,
        remote: RemoteConfiguration,
        renewal: Renewal,
    ) -> None:
        self._settings = settings
        self._renewal = renewal
        self._outbox = outbox
        self._clock = settings.make_clock()
        self._counters = counters
        self._metrics = metrics
        self._remote = remote
        self._change_due = False
        self._on_progress = on_progress or (lambda _: None)
        self._sources = [name for name, source in settings.sources.items() if source.enabled]
        self._walls: dict[str, Wall] = {}
        self._shared: dict[str, SharedLoop] = {}
        self._memory = MemoryLimit(settings.max_memory_mb)
        self._condition = Condition(None, ())
        self._refusals = Refusals()
        self._sizing = Sizing.of(settings.publishing)
        self._aside = KeptAside(settings.outbox.file)
        self._publisher_error: Exception | None = None
        outbox.rank(settings.priorities())
        self._dropped = outbox.state().dropped
        self._full_since: float | None = None

    def run(self, stop: threading.Event) -> bool:
        """Run until stopped, or until all is read; return whether other sources are to be."""
        publisher = make_publisher(
            self._settings,
            self._outbox,
            self._counters,
            self._clock,
            lambda: self._condition,
            self._remote.offer,
            self._renewal,
            self._sizing,
            self._refusals,
        )
        thread = threading.Thread(
            target=self._publish, args=(publisher,), name="publisher", daemon=True
        )
        _log.info("edge_started", edge=self._settings.edge.code, sources=sorted(self._sources))
        thread.start()
        try:
            asyncio.run(self._collect(stop))
        finally:
            # What is unconfirmed is the next agent's: machines are not kept waiting for it.
            publisher.finish(0 if self._change_due else self._settings.publishing.drain_s)
            thread.join()
            self._counters.dropped = self._outbox.state().dropped
            _log.info(
                "edge_stopped", pending=self._outbox.state().pending, **self._counters.fields()
            )
        if self._publisher_error is not None:
            raise self._publisher_error
        return self._change_due

    def _publish(self, publisher: AnyPublisher) -> None:
        try:
            publisher.run()
        except Exception as exc:  # noqa: BLE001
            # The top of the publisher's thread: the agent ends with what ended it.
            self._publisher_error = exc

    async def _collect(self, stop: threading.Event) -> None:
        """Run the drivers until stopped or through, then write what they delivered last."""
        intake = Intake(
            self._outbox,
            self._clock,
            self._counters,
            self._settings.outbox.flush_interval_ms / 1000,
            self._refuse_unless_it_fits,
        )
        ended = asyncio.Event()
        flushing = asyncio.create_task(intake.flush_until(ended))
        reading = [asyncio.create_task(self._read(name, intake)) for name in self._sources]
        try:
            await self._watch(stop, intake, reading, flushing)
        finally:
            await _cancelled(reading)
            for shared in self._shared.values():
                await asyncio.to_thread(shared.close)
            ended.set()
            await asyncio.wait([flushing])
            await self._flush_at_stop(intake)
            self._note_condition(intake)

    async def _watch(
        self,
        stop: threading.Event,
        intake: Intake,
        reading: list["asyncio.Task[None]"],
        flushing: "asyncio.Task[None]",
    ) -> None:
        while not stop.is_set() and self._publisher_error is None:
            await asyncio.sleep(LOOK_AROUND_S)
            self._note_condition(intake)
            self._memory.look(self._walls.values())
            self._on_progress(replace(self._counters))
            for task in [*reading, flushing]:
                if task.done():
                    task.result()
            if self._remote.offered:
                await asyncio.to_thread(self._remote.consider)
            self._change_due = self._remote.change_due(delivering=intake.delivering())
            if self._change_due:
                return
            if all(task.done() for task in reading) and not intake.pending():
                return

    async def _read(self, name: str, intake: Intake) -> None:
        source = self._settings.sources[name]
        inlet = intake.inlet(name, source)

        def make() -> Driver:
            driver = make_driver(name, source, self._clock, self._settings.outbox.file.parent)
            inlet.keeps_repeats = driver.keeps_repeats
            return driver

        self._walls[name] = Wall(name, make, inlet, self._is_fatal, self._shared_loop(name))
        await self._walls[name].run()
        intake.finish(name)
        _log.info("source_through", source=name)

    def _shared_loop(self, name: str) -> SharedLoop | None:
        device = shared_device(self._settings.sources[name])
        devices = [shared_device(self._settings.sources[other]) for other in self._sources]
        if device is None or devices.count(device) == 1:
            return None
        return self._shared.setdefault(device, SharedLoop(device))

    def _is_fatal(self, exc: BaseException) -> bool:
        """Whether an error of one source ends this run: nothing else is read, or it is on trial."""
        if self._remote.on_trial:
            return not isinstance(exc, TransientError)
        return isinstance(exc, ConfigurationError) and len(self._sources) == 1

    def _note_condition(self, intake: Intake) -> None:
        self._condition = Condition(
            intake.sampled_us(),
            tuple(intake.unreachable()),
            self._remote.state,
            self._refusals.words(),
        )
        state = self._outbox.state()
        self._note_dropped(state.dropped)
        self._metrics.note(Glance(replace(self._counters), state, len(intake.unreachable())))

    def _refuse_unless_it_fits(self, row: Row) -> bool:
        """Return whether a message can hold a row; one that none can is kept aside and told of."""
        if self._sizing.fits(row):
            return True
        detail = f"no message of {self._sizing.max_bytes} bytes can hold it"
        self._aside.keep(row, "too_large", detail)
        self._refusals.note([Refusal("too_large", 1, row.tag, detail)], time.monotonic())
        return False

    def _note_dropped(self, dropped: int) -> None:
        """Say when the outbox begins to give up measurements, and when it no longer does."""
        now = time.monotonic()
        self._counters.dropped = dropped
        if dropped > self._dropped:
            if self._full_since is None:
                _log.error("outbox_full", given_up=dropped)
            self._full_since = now
        elif self._full_since is not None and now - self._full_since > QUIET_S:
            _log.info("outbox_has_room", given_up=dropped)
            self._full_since = None
        self._dropped = dropped

    async def _flush_at_stop(self, intake: Intake) -> None:
        for _ in range(FLUSHES_AT_STOP):
            if await intake.flush():
                return
            await asyncio.sleep(LOOK_AROUND_S)
        _log.error("readings_lost_at_stop", rows=intake.waiting())


async def _cancelled(tasks: list["asyncio.Task[None]"]) -> None:
    # Before Python 3.12 a cancellation can get lost in a library's `asyncio.wait_for`.
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _ended, running = await asyncio.wait(running, timeout=CANCEL_AGAIN_S)
    await asyncio.gather(*tasks, return_exceptions=True)
