"""NAB, a real machine's temperature every 5 minutes with four labelled windows.

`DIR` holds machine_temperature_system_failure.csv and combined_windows.json. Printed, never an
acceptance: a plain check of the range seen so far does well here.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.anomaly.evaluation.nab_score import PROFILES, NabRun, window_scores
from analytics.anomaly.evaluation.pointwise import Flags
from analytics.anomaly.evaluation.ranking import auc_pr, vus_pr
from analytics.anomaly.evaluation.report import Evaluation, Table
from analytics.anomaly.evaluation.streaming import judge
from analytics.anomaly.evaluation.trivial import TRIVIAL
from plant.errors import ConfigurationError

PROBATION = 0.15
"""Part of a run in which NAB counts nothing."""


def evaluate(folder: Path, progress: Callable[[str], None]) -> Evaluation:
    """Judge every series of the folder that has windows."""
    labels = folder / "combined_windows.json"
    if not labels.is_file():
        raise ConfigurationError(f"{labels} is missing")
    windows = {
        Path(name).name: spans for name, spans in json.loads(labels.read_text("utf-8")).items()
    }
    files = [file for file in sorted(folder.rglob("*.csv")) if windows.get(file.name)]
    if not files:
        raise ConfigurationError(f"{folder} holds no series that {labels.name} names")
    found: list[NabRun] = []
    dull: dict[str, list[NabRun]] = {name: [] for name in TRIVIAL}
    areas: list[tuple[float, float]] = []
    seconds, rows = 0.0, 0
    for file in files:
        progress(file.name)
        times, values = _read(file)
        spans = [(_minutes(start), _minutes(end)) for start, end in windows[file.name]]
        learned = int(len(values) * PROBATION)
        judged = judge(values, min(learned, 400))
        seconds, rows = seconds + judged.seconds, rows + judged.rows
        found.append(NabRun(_starts(times, judged.alarm, learned), spans))
        for name, trivial in TRIVIAL.items():
            dull[name].append(NabRun(_starts(times, trivial(values, learned), learned), spans))
        true = np.zeros(len(times), dtype=bool)
        for start, end in spans:
            true |= (times >= start) & (times <= end)
        area = auc_pr(judged.score[learned:], true[learned:].astype(float))
        volume = vus_pr(judged.score[learned:], true[learned:], 288)
        areas.append((area or 0.0, volume or 0.0))
    figures: dict[str, Any] = {
        "files": len(files),
        "nab": window_scores(found),
        "auc_pr": float(np.mean([area for area, _ in areas])),
        "vus_pr": float(np.mean([volume for _, volume in areas])),
        "us_per_row": 1e6 * seconds / rows,
        "trivial": {name: {"nab": window_scores(dull[name])} for name in TRIVIAL},
    }
    return Evaluation("nab", figures, _tables(figures))


def _read(file: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    parts = [line.split(",") for line in file.read_text("utf-8").strip().split("\n")[1:]]
    times = np.array([_minutes(part[0]) for part in parts])
    return times, np.array([[float(part[1])] for part in parts])


def _minutes(text: str) -> float:
    return float(np.datetime64(text.replace(" ", "T"), "s").astype(np.int64)) / 60


def _starts(times: NDArray[np.float64], alarm: Flags, learned: int) -> NDArray[np.float64]:
    """Moments in which an alarm opens, behind the probation."""
    opens = alarm & ~np.concatenate(([False], alarm[:-1]))
    opens[:learned] = False
    return times[opens]


def _tables(figures: dict[str, Any]) -> list[Table]:
    table = Table(
        f"NAB, {figures['files']} series, threshold not swept",
        ("", "standard", "low FP", "low FN"),
    )
    for name, scores in [
        ("nhipmay", figures["nab"]),
        *((name, part["nab"]) for name, part in figures["trivial"].items()),
    ]:
        table.rows.append((name, *(f"{scores[one]:.1f}" for one in PROFILES)))
    beside = Table("Beside", ("", "value"))
    beside.rows.append(("AUC-PR", f"{figures['auc_pr']:.3f}"))
    beside.rows.append(("VUS-PR, buffers up to a day", f"{figures['vus_pr']:.3f}"))
    beside.rows.append(("µs per row, learning included", f"{figures['us_per_row']:.0f}"))
    return [table, beside]
