"""Simulated plants for tests: advanced by hand, without a server and without a clock."""

from datetime import UTC, datetime
from pathlib import Path

from plant.clock import microseconds
from simulators.floor import TICK_US, Floor
from simulators.pilot import Pilot, load_pilot
from simulators.service import Simulation
from simulators.settings import ORDERLY, DisorderSettings
from simulators.truth import Identity, TruthFile

# Saturday, 05:30 in Vietnam: half an hour before the first shift.
ORIGIN = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
ORIGIN_US = microseconds(ORIGIN)
SEED = 7


def identity_of(pilot: Pilot, seed: int = SEED) -> Identity:
    return Identity(
        enterprise=pilot.plant.enterprise.code,
        site=pilot.site.code,
        work_center=pilot.floor.work_center,
        driver=pilot.driver,
        seed=seed,
        origin_us=ORIGIN_US,
        disorder="",
    )


def floor_of(name: str, disorder: DisorderSettings = ORDERLY, seed: int = SEED) -> Floor:
    return Floor(load_pilot(name), seed, ORIGIN_US, disorder)


def simulate(
    name: str,
    folder: Path,
    hours: float,
    disorder: DisorderSettings = ORDERLY,
    seed: int = SEED,
    served_from_us: int = 0,
) -> Path:
    """Record some hours of a pilot; Modbus snapshots from a moment on count as read by someone."""
    pilot = load_pilot(name)
    floor = Floor(pilot, seed, ORIGIN_US, disorder)
    truth = TruthFile.open(folder, identity_of(pilot, seed))
    truth.define(floor.tag_rows(), floor.run_time_rows())
    simulation = Simulation(floor, truth, ORIGIN_US)
    last = round(hours * 3600)
    while simulation.tick < last:
        target = min(last, simulation.tick + 300)
        snapshots = len(floor.batch.snapshot)
        assert snapshots == 0
        simulation.advance(target)
    if floor.block is not None:
        rows = [
            (source_us, 1, 0, floor.block.count, source_us)
            for source_us in truth.snapshot_times()
            if source_us >= served_from_us
        ]
        truth.write_served(rows)
    truth.close()
    return truth.path


def end_us(hours: float) -> int:
    return ORIGIN_US + round(hours * 3600) * TICK_US
