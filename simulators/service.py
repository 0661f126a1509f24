"""One simulated plant as a process: fast-forward, serve, advance with the plant clock."""

import asyncio
import threading
from dataclasses import dataclass
from datetime import timedelta

import structlog

from plant.clock import PlantClock, from_microseconds, microseconds, system_clock
from simulators.floor import TICK_US, Floor
from simulators.pilot import Pilot, load_pilot
from simulators.servers.modbus import ModbusPlantServer
from simulators.servers.opcua import OpcUaPlantServer
from simulators.servers.server import PlantServer, check_address
from simulators.settings import SimulatorSettings
from simulators.truth import Identity, TruthFile

log = structlog.get_logger()

_CHUNK_TICKS = 600
_LONGEST_WAIT_S = 0.25
_STEP_WALL_S = 0.05


@dataclass(slots=True)
class Simulation:
    """A floor, its record and how far both have come."""

    floor: Floor
    truth: TruthFile
    origin_us: int
    tick: int = -1
    """The last tick that is done."""

    def advance(self, target: int) -> None:
        """Advance to a tick and record it; after that it may be shown."""
        if target <= self.tick:
            return
        while self.tick < target:
            self.tick += 1
            self.floor.advance(self.tick)
        self.floor.settle()
        self.truth.write(self.floor.batch, self.tick, self.origin_us + (self.tick + 1) * TICK_US)
        self.floor.batch.clear()

    def fast_forward(self, stop: threading.Event) -> None:
        """Repeat in silence what the record already holds; a stop leaves it unfinished."""
        recorded = self.truth.progress_tick
        while self.tick < recorded and not stop.is_set():
            self.tick += 1
            self.floor.advance(self.tick)
            if self.tick % _CHUNK_TICKS == 0:
                self.floor.forget()
        self.floor.forget()


def run(settings: SimulatorSettings, stop: threading.Event) -> None:
    """Serve one simulated plant until `stop` is set.

    A restart repeats the plant's history in silence from its origin, so it continues exactly
    where it would have been. When the clock reaches its `until`, nothing new happens any more,
    but the last values can still be read.

    Raises ConfigurationError for an unknown pilot, a port in use, an unwritable truth folder or
    a truth file of another run.
    """
    pilot = load_pilot(settings.pilot)
    check_address(settings.host, settings.port)
    clock = _clock(settings)
    origin_us = _origin_us(settings, pilot, clock)
    truth = TruthFile.open(settings.truth_folder, _identity(settings, pilot, origin_us))
    try:
        disorder = settings.disorder.effective()
        floor = Floor(pilot, settings.seed, origin_us, disorder)
        truth.define(floor.tag_rows(), floor.run_time_rows())
        simulation = Simulation(floor, truth, origin_us)
        simulation.fast_forward(stop)
        server: PlantServer
        if floor.block is not None:
            server = ModbusPlantServer(
                pilot, floor.block, truth, settings.host, settings.port, settings.seed, disorder
            )
        else:
            server = OpcUaPlantServer(pilot, truth, settings.host, settings.port)
        asyncio.run(_serve(simulation, server, clock, stop, settings))
    finally:
        truth.close()


async def _serve(
    simulation: Simulation,
    server: PlantServer,
    clock: PlantClock,
    stop: threading.Event,
    settings: SimulatorSettings,
) -> None:
    # What happened while nobody served is history before anyone can look at it.
    await _advance_to_now(simulation, clock, stop)
    simulation.floor.issued.clear()
    if stop.is_set():
        return
    await server.start()
    log.info(
        "plant_served",
        pilot=settings.pilot,
        host=settings.host,
        port=settings.port,
        truth=str(simulation.truth.path),
        plant_time=from_microseconds(
            simulation.origin_us + max(0, simulation.tick) * TICK_US
        ).isoformat(),
    )
    try:
        ended = False
        while not stop.is_set():
            await _advance_to_now(simulation, clock, stop, server)
            if not ended and clock.until is not None and clock() >= clock.until:
                ended = True
                log.info(
                    "plant_time_ended", pilot=settings.pilot, plant_time=clock.until.isoformat()
                )
            await asyncio.sleep(_wait_s(simulation, clock, ended))
    finally:
        await server.stop()
        log.info("plant_stopped", pilot=settings.pilot, ticks=simulation.tick + 1)


async def _advance_to_now(
    simulation: Simulation,
    clock: PlantClock,
    stop: threading.Event,
    server: PlantServer | None = None,
) -> None:
    step = simulation.floor.scan_s or _CHUNK_TICKS
    while not stop.is_set():
        now = (microseconds(clock()) - simulation.origin_us) // TICK_US
        if now <= simulation.tick:
            break
        simulation.advance(min(now, simulation.tick + (step if server else _CHUNK_TICKS)))
        if server is not None:
            await server.publish(simulation.floor)
        await asyncio.sleep(0)
    if server is not None:
        await server.publish(simulation.floor)


def _wait_s(simulation: Simulation, clock: PlantClock, ended: bool) -> float:
    """Return the wall time until the next tick that changes what can be read."""
    if ended:
        return _LONGEST_WAIT_S
    step = simulation.floor.scan_s or max(1, int(clock.speed * _STEP_WALL_S))
    due_us = simulation.origin_us + (simulation.tick // step + 1) * step * TICK_US
    delay = timedelta(microseconds=due_us - microseconds(clock()))
    return min(_LONGEST_WAIT_S, max(0.001, clock.wall_delay(delay)))


def _clock(settings: SimulatorSettings) -> PlantClock:
    if settings.clock is not None:
        return settings.clock.plant_clock()
    now = system_clock()
    return PlantClock(now, now, 1.0)


def _origin_us(settings: SimulatorSettings, pilot: Pilot, clock: PlantClock) -> int:
    if settings.origin is not None:
        return microseconds(settings.origin)
    if settings.clock is not None:
        return microseconds(settings.clock.plant_origin)
    recorded = TruthFile.recorded_origin_us(settings.truth_folder, pilot.plant.enterprise.code)
    if recorded is not None:
        return recorded
    return microseconds(clock().replace(minute=0, second=0, microsecond=0))


def _identity(settings: SimulatorSettings, pilot: Pilot, origin_us: int) -> Identity:
    return Identity(
        enterprise=pilot.plant.enterprise.code,
        site=pilot.site.code,
        work_center=pilot.floor.work_center,
        driver=pilot.driver,
        seed=settings.seed,
        origin_us=origin_us,
        disorder=settings.disorder.model_dump_json(),
    )
