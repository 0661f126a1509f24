"""What detection costs: microseconds of one core per row, refits included, and memory.

`python -m bench anomaly [--machines 500] [--rows 5000]`. A machine has 16 sensors. Processor
time is counted, so a busy neighbour does not change the figure much.
"""

import argparse
import time
import tracemalloc
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analytics.anomaly.detector import Detector
from analytics.anomaly.event import EventMaker
from analytics.anomaly.state import save
from analytics.anomaly.watch.scorer import Scorer, ScorerSettings
from analytics.anomaly.watch.settings import AnomalySettings

SENSORS = 16


def main(arguments: Sequence[str] = ()) -> None:
    """Measure one machine alone, then many of which each gets a row a second."""
    parser = argparse.ArgumentParser(prog="bench anomaly")
    parser.add_argument("--machines", type=int, default=500)
    parser.add_argument("--rows", type=int, default=5000)
    asked = parser.parse_args(list(arguments))
    rows = machine(asked.rows + 400)
    detector, maker = Detector(SENSORS), EventMaker(SENSORS)
    detector.score(rows[:400])
    began = time.process_time()
    scores = detector.score(rows[400:])
    maker.take(np.arange(len(rows) - 400) * 1000, rows[400:], scores)
    cost = (time.process_time() - began) / asked.rows * 1e6
    show("µs per row of 16 sensors, refits and events included", cost, 100)
    faulty = rows.copy()
    faulty[:, 3] += np.where(np.arange(len(rows)) % 1000 > 500, 8.0, 0.0)
    detector = Detector(SENSORS)
    detector.score(faulty[:400])
    began = time.process_time()
    detector.score(faulty[400:])
    show("the same with alarms half of the time", (time.process_time() - began) / asked.rows * 1e6)
    service(rows)
    fleet(asked.machines, rows)


def service(rows: NDArray[np.float64]) -> None:
    """Show what a row costs as the service takes it: a pass of readings at a time."""
    settings = ScorerSettings(hold_s=(60.0,) * SENSORS)
    learned = settings.learn_rows + settings.monitor.guard_rows
    scorer = Scorer(SENSORS, settings)
    places = np.tile(np.arange(SENSORS), len(rows))
    times = np.repeat(np.arange(1, len(rows) + 1) * 1000, SENSORS)

    def take(first: int, past: int) -> None:
        part = slice(first * SENSORS, past * SENSORS)
        values = rows[first:past].ravel()
        scorer.take(times[part], places[part], values, [(0, "-")], past * 1000)

    take(0, learned)
    began = time.process_time()
    each = round(AnomalySettings().interval_s)
    for first in range(learned, len(rows) - each + 1, each):
        take(first, first + each)
    cost = (time.process_time() - began) / (len(rows) - learned) * 1e6
    show(f"µs per row from readings to events, {each} rows at a time", cost, 100)
    show("refits in it", scorer.refits)


def fleet(machines: int, rows: NDArray[np.float64]) -> None:
    """Show how long a second of all machines takes, one row of each at a time, and their memory."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    detectors = [Detector(SENSORS) for _ in range(8)]
    for detector in detectors:
        detector.score(rows)
    each = (tracemalloc.get_traced_memory()[0] - before) / len(detectors)
    tracemalloc.stop()
    show("kB of memory per machine", each / 1000)
    show("kB of saved state per machine", len(save(detectors[0])) / 1000)
    began = time.process_time()
    for turn in range(machines):
        detectors[turn % len(detectors)].score(rows[turn % len(rows)][None])
    spent = time.process_time() - began
    show(f"seconds of one core for a second of {machines} machines", spent, 1.0)


def machine(rows: int) -> NDArray[np.float64]:
    """Return rows of sensors that share two slow loads."""
    draw = np.random.default_rng(1)
    loads = draw.normal(size=(rows, 2))
    for row in range(1, rows):
        loads[row] += 0.95 * loads[row - 1]
    return np.asarray(loads @ draw.normal(size=(2, SENSORS)) + draw.normal(size=(rows, SENSORS)))


def show(name: str, value: float, target: float | None = None) -> None:
    """Print a figure with its target."""
    print(f"{name:58} {value:10.3f}" + ("" if target is None else f"   target {target:g}"))
