"""SKAB: 34 runs of a water-circulation rig, 1 Hz, 8 sensors; learn 400 rows, judge the others.

`DIR` holds folders of runs (valve1, valve2, other) and, if there, a run without an anomaly
(anomaly*free*.csv, also in a folder of its own).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.anomaly.evaluation.nab_score import NabRun, changepoint_scores
from analytics.anomaly.evaluation.pointwise import Flags, Rates, rates
from analytics.anomaly.evaluation.ranking import auc_pr, vus_pr
from analytics.anomaly.evaluation.report import Evaluation, Table
from analytics.anomaly.evaluation.streaming import Judged, judge
from analytics.anomaly.evaluation.trivial import TRIVIAL
from plant.errors import ConfigurationError

LEARNED = 400
"""Rows of each run that are learned from: the protocol's."""
START_EVERY = 500
"""Learning starts at every so many rows of the run without an anomaly."""
WINDOW_S = 60.0
"""Window behind a change in which a detection counts."""
BUFFER_ROWS = 100
SPLITS = 200


@dataclass(frozen=True, slots=True)
class Run:
    """A file: seconds since its first row, n·8 values, and n labels (all False without any)."""

    name: str
    seconds: NDArray[np.float64]
    rows: NDArray[np.float64]
    anomaly: Flags
    changepoint: Flags


def read(file: Path, folder: Path) -> Run:
    """Return a run from semicolon-separated text; ConfigurationError when it is none."""
    lines = file.read_text(encoding="utf-8").split("\n")
    names = lines[0].strip().split(";")
    labels = {"anomaly", "changepoint"}
    sensors = [place for place, name in enumerate(names) if place and name not in labels]
    parts = [line.strip().split(";") for line in lines[1:] if line.strip()]
    if names[0] != "datetime" or not parts or any(len(part) != len(names) for part in parts):
        raise ConfigurationError(f"{file} is no run of SKAB: datetime;…;anomaly;changepoint")
    times = np.array([part[0].replace(" ", "T") for part in parts], dtype="datetime64[ms]")
    values = np.array([[float(value) for value in part[1:]] for part in parts])

    def label(name: str) -> Flags:
        if name not in names:
            return np.zeros(len(values), dtype=bool)
        return np.asarray(values[:, names.index(name) - 1] > 0)

    return Run(
        name=str(file.relative_to(folder)),
        seconds=(times - times[0]).astype(np.int64) / 1000,
        rows=values[:, [place - 1 for place in sensors]],
        anomaly=label("anomaly"),
        changepoint=label("changepoint"),
    )


def evaluate(folder: Path, progress: Callable[[str], None]) -> Evaluation:
    """Judge every labelled run and the one without an anomaly."""
    files = sorted(folder.rglob("*.csv"))
    everything = [read(file, folder) for file in files if not file.name.startswith(".")]
    labelled = [run for run in everything if run.anomaly.any()]
    free = [run for run in everything if not run.anomaly.any()]
    if not labelled:
        raise ConfigurationError(f"{folder} holds no labelled run of SKAB")
    judged: list[Judged] = []
    for run in labelled:
        progress(run.name)
        judged.append(judge(run.rows, LEARNED))
    alarms = [one.alarm for one in judged]
    figures = _measures(labelled, alarms)
    figures["files"] = len(labelled)
    figures["pooled"]["auc_pr"] = auc_pr(
        np.concatenate([one.score[LEARNED:] for one in judged]),
        np.concatenate([run.anomaly[LEARNED:] for run in labelled]).astype(float),
    )
    volumes = [
        vus_pr(one.score[LEARNED:], run.anomaly[LEARNED:], BUFFER_ROWS)
        for run, one in zip(labelled, judged, strict=True)
    ]
    figures["vus_pr"] = float(np.mean([volume for volume in volumes if volume is not None]))
    figures["us_per_row"] = (
        1e6 * sum(one.seconds for one in judged) / sum(one.rows for one in judged)
    )
    figures["splits"] = _splits(labelled, alarms)
    figures["by_folder"] = {
        group: _named(rates(*_picked(labelled, alarms, group)))
        for group in sorted({_folder(run) for run in labelled})
    }
    figures["by_file"] = {
        run.name: _named(rates([alarm[LEARNED:]], [run.anomaly[LEARNED:]]))
        for run, alarm in zip(labelled, alarms, strict=True)
    }
    figures["trivial"] = {
        name: _measures(labelled, [trivial(run.rows, LEARNED) for run in labelled])
        for name, trivial in TRIVIAL.items()
    }
    figures["normal"] = _normal(free, progress)
    return Evaluation("skab", figures, _tables(figures))


def _folder(run: Run) -> str:
    return run.name.rpartition("/")[0] or "."


def _picked(
    all_runs: Sequence[Run], alarms: Sequence[Flags], folder: str | None = None
) -> tuple[list[Flags], list[Flags]]:
    pairs = [
        (alarm[LEARNED:], run.anomaly[LEARNED:])
        for run, alarm in zip(all_runs, alarms, strict=True)
        if folder in {None, _folder(run)}
    ]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _named(found: Rates) -> dict[str, float | None]:
    return {"f1": found.f1, "far": found.far, "mar": found.mar}


def _measures(labelled: Sequence[Run], alarms: Sequence[Flags]) -> dict[str, Any]:
    pooled = rates(*_picked(labelled, alarms))
    changes = [
        NabRun(_edges(run, alarm), _windows(run))
        for run, alarm in zip(labelled, alarms, strict=True)
    ]
    return {"pooled": _named(pooled), "nab": changepoint_scores(changes)}


def _edges(run: Run, alarm: Flags) -> NDArray[np.float64]:
    judged = alarm[LEARNED:].astype(np.int8)
    return np.asarray(run.seconds[LEARNED + 1 :][np.diff(judged) != 0])


def _windows(run: Run) -> list[tuple[float, float]]:
    moments = run.seconds[LEARNED:][run.changepoint[LEARNED:]]
    return [(float(moment), float(moment) + WINDOW_S) for moment in moments]


def _splits(labelled: Sequence[Run], alarms: Sequence[Flags]) -> dict[str, float]:
    """F1 of random halves of the files: what a difference between two designs must exceed."""
    draw = np.random.default_rng(0)
    values: list[float] = []
    for _ in range(SPLITS if len(labelled) > 3 else 0):
        half = draw.permutation(len(labelled))[: len(labelled) // 2]
        found = rates(
            [alarms[place][LEARNED:] for place in half],
            [labelled[place].anomaly[LEARNED:] for place in half],
        )
        values.append(found.f1 or 0.0)
    if not values:
        return {}
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    return {"f1_q05": float(low), "f1_median": float(middle), "f1_q95": float(high)}


def _normal(free: Sequence[Run], progress: Callable[[str], None]) -> dict[str, Any]:
    """Rows called an alarm on the runs without an anomaly, by the row learning started at."""
    shares: dict[str, float] = {}
    for run in free:
        for start in range(0, len(run.rows) - LEARNED - 1, START_EVERY):
            progress(f"{run.name} from row {start}")
            alarm = judge(run.rows[start:], LEARNED).alarm[LEARNED:]
            shares[f"{run.name}:{start}"] = float(alarm.mean())
    if not shares:
        return {}
    values = list(shares.values())
    return {"far_mean": float(np.mean(values)), "far_worst": max(values), "by_start": shares}


def _tables(figures: dict[str, Any]) -> list[Table]:
    main = Table(
        f"SKAB, {figures['files']} files pooled, rows after the first {LEARNED}",
        ("", "F1", "FAR %", "MAR %", "NAB standard", "low FP", "low FN"),
    )
    main.rows.append(_row("nhipmay", figures))
    main.rows.extend(_row(name, part) for name, part in figures["trivial"].items())
    folders = Table("By folder", ("", "F1", "FAR %", "MAR %"))
    for name, part in {**figures["by_folder"], **figures["by_file"]}.items():
        folders.rows.append((name, *_cells(part)))
    other = Table("Beside", ("", "value"))
    other.rows.append(("AUC-PR, rows pooled", f"{figures['pooled']['auc_pr']:.3f}"))
    other.rows.append(("VUS-PR, mean of files", f"{figures['vus_pr']:.3f}"))
    if figures["splits"]:
        splits = figures["splits"]
        spread = f"{splits['f1_q05']:.3f} … {splits['f1_q95']:.3f}"
        other.rows.append(("F1 of random halves of the files, 5 … 95 %", spread))
    other.rows.append(("µs of one core per row, learning included", f"{figures['us_per_row']:.0f}"))
    tables = [main, folders, other]
    if figures["normal"]:
        normal = figures["normal"]
        table = Table("Rows in alarm on the run without an anomaly", ("learning from", "%"))
        table.rows.append(("mean of all starts", f"{normal['far_mean'] * 100:.2f}"))
        table.rows.append(("worst start", f"{normal['far_worst'] * 100:.2f}"))
        table.rows.extend(
            (name, f"{share * 100:.2f}") for name, share in normal["by_start"].items()
        )
        tables.append(table)
    return tables


def _row(name: str, part: dict[str, Any]) -> tuple[str, ...]:
    nab = [part["nab"][profile] for profile in ("standard", "low_fp", "low_fn")]
    return (name, *_cells(part["pooled"]), *("–" if x is None else f"{x:.1f}" for x in nab))


def _cells(part: dict[str, float | None]) -> tuple[str, str, str]:
    f1, far, mar = part["f1"], part["far"], part["mar"]
    return (
        "–" if f1 is None else f"{f1:.3f}",
        "–" if far is None else f"{far * 100:.1f}",
        "–" if mar is None else f"{mar * 100:.1f}",
    )
