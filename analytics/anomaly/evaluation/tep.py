"""Tennessee Eastman: 52 variables every 3 minutes; learned from the normal training run only.

`DIR` holds d00.dat (learned from) and dNN_te.dat: d00_te is normal, the others fail after 160 rows.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.anomaly.evaluation.pointwise import Flags, percent, runs
from analytics.anomaly.evaluation.report import Evaluation, Table
from analytics.anomaly.evaluation.streaming import judge
from analytics.anomaly.evaluation.trivial import TRIVIAL
from analytics.anomaly.event import EventSettings
from plant.errors import ConfigurationError

STEP_MIN = 3.0
FAULT_ROW = 160
SENSORS = 52


def read(file: Path) -> NDArray[np.float64]:
    """Return n·52 rows; the normal training run is stored lying on its side."""
    if not file.is_file():
        raise ConfigurationError(f"{file} is missing; the protocol needs d00.dat and dNN_te.dat")
    rows = np.loadtxt(file)
    if rows.shape[0] == SENSORS and rows.shape[1] != SENSORS:
        rows = rows.T
    if rows.shape[1] != SENSORS:
        raise ConfigurationError(f"{file} has {rows.shape[1]} columns, not {SENSORS}")
    return rows


def evaluate(folder: Path, progress: Callable[[str], None]) -> Evaluation:
    """Judge every test run after the training run."""
    training = read(folder / "d00.dat")
    faults: dict[str, dict[str, Any]] = {}
    trivial: dict[str, dict[str, list[float | None]]] = {}
    false, normal_rows, seconds, judged = 0, 0, 0.0, 0
    for file in sorted(folder.glob("d*_te.dat")):
        progress(file.name)
        rows = read(file)
        found = judge(np.concatenate((training, rows)), len(training))
        seconds, judged = seconds + found.seconds, judged + found.rows
        alarm = found.alarm[len(training) :]
        number = file.name[1:3]
        before = len(rows) if number == "00" else FAULT_ROW
        false += len(_openings(alarm[:before]))
        normal_rows += before
        if number == "00":
            continue
        opened = [row for row in _openings(alarm) if row >= before]
        faults[str(int(number))] = {
            "found": bool(opened),
            "delay_min": (opened[0] - before) * STEP_MIN if opened else None,
            "rows_in_alarm": float(alarm[before:].mean()),
        }
        for name, dull in TRIVIAL.items():
            flags = dull(np.concatenate((training, rows)), len(training))[len(training) :]
            trivial.setdefault(name, {"delays": [], "false": []})
            first = [row for row in _openings(flags) if row >= before]
            trivial[name]["delays"].append((first[0] - before) * STEP_MIN if first else None)
            trivial[name]["false"].append(float(len(_openings(flags[:before]))))
    delays = [np.inf if one["delay_min"] is None else one["delay_min"] for one in faults.values()]
    days = normal_rows * STEP_MIN / 1440
    figures: dict[str, Any] = {
        "faults": faults,
        "found": sum(one["found"] for one in faults.values()),
        "files": len(faults),
        "delay_median_min": _finite(float(np.median(delays))) if delays else None,
        "false_events": false,
        "normal_days": days,
        "false_per_day_bound": poisson_bound(false) / days,
        "us_per_row": 1e6 * seconds / max(judged, 1),
        "trivial": trivial,
    }
    return Evaluation("tep", figures, _tables(figures))


def _openings(alarm: Flags) -> list[int]:
    """Rows in which an event opens."""
    needed = EventSettings().open_rows
    return [first + needed - 1 for first, past in runs(alarm) if past - first >= needed]


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def poisson_bound(count: int) -> float:
    """Return the upper 95 % bound of a Poisson mean (Byar's approximation)."""
    if count == 0:
        return 3.0
    more = count + 1
    return float(more * (1 - 1 / (9 * more) + 1.645 / (3 * np.sqrt(more))) ** 3)


def _tables(figures: dict[str, Any]) -> list[Table]:
    table = Table(
        f"TEP, {figures['found']} of {figures['files']} faults found",
        ("fault", "delay min", "rows in alarm %"),
    )
    for number, one in figures["faults"].items():
        delay = "–" if one["delay_min"] is None else f"{one['delay_min']:.0f}"
        table.rows.append((number, delay, percent(one["rows_in_alarm"])))
    beside = Table("Beside", ("", "value"))
    middle = figures["delay_median_min"]
    shown = "–" if middle is None else f"{middle:.0f}"
    beside.rows.append(("median delay of all faults, min", shown))
    days = f"{figures['false_events']} in {figures['normal_days']:.1f}"
    beside.rows.append(("false events in normal days", days))
    beside.rows.append(
        ("false events per day, 95 % bound", f"< {figures['false_per_day_bound']:.2f}")
    )
    beside.rows.append(("µs per row, learning included", f"{figures['us_per_row']:.0f}"))
    for name, one in figures["trivial"].items():
        found = [delay for delay in one["delays"] if delay is not None]
        beside.rows.append(
            (name, f"{len(found)} found, {sum(one['false']):.0f} false before the fault")
        )
    return [table, beside]
