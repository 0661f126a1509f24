"""Simulated plants: false events per machine-day, faults found, delay, and the sensor named.

`DIR` holds recordings (npz) as `nhipmay evaluate plants DIR` writes them; readings that are missing
there go through the grid's rule, and everything else as live.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.anomaly.data.cycle import CycleCutter, sensor_of
from analytics.anomaly.data.grid import held
from analytics.anomaly.data.quality import Fault, QualityRules
from analytics.anomaly.evaluation.report import Evaluation, Table
from analytics.anomaly.evaluation.tep import poisson_bound
from analytics.anomaly.event import EventMaker
from analytics.anomaly.monitor import Monitor, MonitorSettings
from analytics.anomaly.settings import DetectorSettings
from analytics.anomaly.wear import SlowChart
from plant.errors import ConfigurationError

AFTER_MS = 1_800_000
"""A fault that ends is a change, too: an event that begins so soon after it is not false."""


@dataclass(frozen=True, slots=True)
class Raised:
    """An event of any kind, with the sensors it names, first first."""

    moment_ms: int
    by: str
    sensors: tuple[int | None, ...]


def raised(content: dict[str, NDArray[Any]]) -> list[Raised]:
    """Return every event of a recording, when it was raised, in order."""
    times, regimes = content["times_ms"], content["regimes"]
    values = held(content["values"].astype(np.float64), 3)
    sensors = values.shape[1]
    clean, faults = QualityRules(sensors).take(times, values)
    found = [
        Raised(one.start_ms, one.fault.value, (one.sensor,))
        for one in faults
        if one.end_ms is None and one.fault is Fault.STUCK
    ]
    worn = SlowChart(sensors).take(times, clean, regimes)
    found.extend(Raised(one.moment_ms, "wear", (one.sensor,)) for one in worn)
    signal = content["signal"]
    names = [str(regime) for regime in regimes]
    cyclic = bool(np.isfinite(signal).any())
    if cyclic:
        cycles = CycleCutter(sensors).take(times, clean, signal, names)
        clean, times, names = cycles.rows, cycles.times_ms, cycles.regimes
    # Cycles are rows of half a minute: as many as of seconds would be a day of learning.
    few = MonitorSettings(detector=DetectorSettings(), guard_rows=10, gap_ms=600_000)
    monitor = Monitor(clean.shape[1], few if cyclic else None)
    scores = monitor.take(times, clean, names)
    for event in EventMaker(clean.shape[1]).take(times, clean, scores):
        causes = [cause.sensor for cause in event.causes]
        named = tuple(sensor_of(one) if cyclic else one for one in causes)
        found.append(Raised(event.opened_ms, "model", named))
    return sorted(found, key=lambda one: one.moment_ms)


def evaluate(folder: Path, progress: Callable[[str], None]) -> Evaluation:
    """Judge every recording of the folder."""
    files = sorted(folder.glob("*.npz"))
    if not files:
        raise ConfigurationError(
            f"{folder} holds no recordings; `nhipmay evaluate plants {folder}` writes some"
        )
    normal_days, false, by = 0.0, 0, dict[str, int]()
    kinds: dict[str, list[dict[str, Any]]] = {}
    for file in files:
        progress(file.name)
        with np.load(file, allow_pickle=False) as archive:
            content = {name: archive[name] for name in archive.files}
        events = raised(content)
        spans = [
            (str(kind), int(sensor), int(start), int(end))
            for kind, sensor, start, end in zip(
                content["fault_kind"],
                content["fault_sensor"],
                content["fault_start_ms"],
                content["fault_end_ms"],
                strict=True,
            )
        ]
        times = content["times_ms"]
        days = (int(times[-1]) - int(times[0])) / 86_400_000
        normal_days += days - sum(end - start for _, _, start, end in spans) / 86_400_000
        for event in _alarms(events):
            if not any(start <= event.moment_ms <= end + AFTER_MS for _, _, start, end in spans):
                false += 1
                by[event.by] = by.get(event.by, 0) + 1
        for kind, sensor, start, end in spans:
            first = next((one for one in events if start <= one.moment_ms <= end), None)
            kinds.setdefault(kind, []).append(_found(first, sensor, start))
    figures = _figures(kinds, false, normal_days, by)
    figures["files"] = len(files)
    return Evaluation("events", figures, _tables(figures))


def _alarms(events: list[Raised]) -> list[Raised]:
    """Return the events without the hours that wear goes on after it was told."""
    kept: list[Raised] = []
    worn: dict[tuple[int | None, ...], int] = {}
    for event in events:
        if event.by == "wear":
            before = worn.get(event.sensors)
            worn[event.sensors] = event.moment_ms
            if before is not None and event.moment_ms - before <= 12 * 3_600_000:
                continue
        kept.append(event)
    return kept


def _found(first: Raised | None, sensor: int, start: int) -> dict[str, Any]:
    if first is None:
        return {"found": False, "delay_min": None, "by": None, "top1": None, "top3": None}
    return {
        "found": True,
        "delay_min": (first.moment_ms - start) / 60_000,
        "by": first.by,
        "top1": first.sensors[:1] == (sensor,),
        "top3": sensor in first.sensors[:3],
    }


def _quantile(delays: list[float], share: float) -> float:
    """Return the delay within which this share of all faults was found; infinite if it was not."""
    return sorted(delays)[max(int(np.ceil(share * len(delays))) - 1, 0)] if delays else np.inf


def _figures(
    kinds: dict[str, list[dict[str, Any]]], false: int, days: float, by: dict[str, int]
) -> dict[str, Any]:
    every = [one for found in kinds.values() for one in found]
    table: dict[str, Any] = {}
    for kind, all_of in {**kinds, "all": every}.items():
        found = [one for one in all_of if one["found"]]
        delays = [one["delay_min"] if one["found"] else np.inf for one in all_of]
        p50, p90 = (_quantile(delays, share) for share in (0.5, 0.9))
        table[kind] = {
            "faults": len(all_of),
            "found": len(found),
            "recall": len(found) / len(all_of) if all_of else None,
            "delay_median_min": p50 if np.isfinite(p50) else None,
            "delay_p90_min": p90 if np.isfinite(p90) else None,
            "top1": sum(one["top1"] for one in found) / len(found) if found else None,
            "top3": sum(one["top3"] for one in found) / len(found) if found else None,
        }
    return {
        "normal_days": days,
        "false_events": false,
        "false_by": by,
        "false_per_day": false / days if days else None,
        "false_per_day_bound": poisson_bound(false) / days if days else None,
        "kinds": table,
    }


def _tables(figures: dict[str, Any]) -> list[Table]:
    table = Table(
        "Injected faults",
        ("kind", "faults", "found %", "delay median min", "p90", "top 1 %", "top 3 %"),
    )

    def cell(value: float | None, factor: float = 1.0) -> str:
        return "–" if value is None else f"{value * factor:.0f}"

    for kind, one in figures["kinds"].items():
        table.rows.append(
            (
                kind,
                str(one["faults"]),
                cell(one["recall"], 100),
                cell(one["delay_median_min"]),
                cell(one["delay_p90_min"]),
                cell(one["top1"], 100),
                cell(one["top3"], 100),
            )
        )
    beside = Table("Without a fault", ("", "value"))
    days, false = figures["normal_days"], figures["false_events"]
    beside.rows.append(("machine-days", f"{days:.1f}"))
    beside.rows.append(("false events", f"{false} {figures['false_by'] or ''}"))
    rate, bound = figures["false_per_day"], figures["false_per_day_bound"]
    if rate is not None:
        beside.rows.append(("per machine-day, 95 % bound", f"{rate:.3f}, < {bound:.3f}"))
    return [table, beside]
