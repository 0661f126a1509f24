"""A detector as arrays and back, bit for bit; `save` and `load` are bytes of npz, no pickle."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.anomaly.detector import Detector
from analytics.anomaly.model.hold import Hold
from analytics.anomaly.model.level import Level
from analytics.anomaly.model.live import Live
from analytics.anomaly.model.model import Array, Model
from analytics.anomaly.settings import DetectorSettings
from plant.errors import DataError

VERSION = 1
"""Raised whenever the arrays or what they mean change; older ones are learned again."""

Arrays = dict[str, NDArray[Any]]
_MODEL = (
    "lag_gram",
    "lag_target",
    "residual_gram",
    "weights",
    "covariance",
    "precision",
    "whitening",
    "standardising",
    "limits",
    "spread_limits",
    "doubt",
)
_LIVE = ("scale", "lags", "means", "spread", "recent", "before", "deviation", "expected")
_BLOCK = ("lags", "deviation", "residual", "means", "spread")


def to_arrays(detector: Detector) -> Arrays:
    """Return everything the detector knows; settings are not part of it."""
    arrays: Arrays = {
        "version": np.array(VERSION),
        "sensors": np.array(detector.sensors),
        "used": detector.used,
        "left_out": np.array(sorted(detector.left_out), dtype=np.int64),
        "left_out_why": np.array([why for _, why in sorted(detector.left_out.items())], dtype="U"),
        "waiting": np.array(detector.waiting).reshape(-1, detector.sensors),
        "live": np.array(detector.live is not None),
    }
    live = detector.live
    if live is None:
        return arrays
    arrays |= {name: getattr(live, name) for name in _LIVE}
    arrays |= {f"model_{name}": getattr(live.model, name) for name in _MODEL}
    hold = live.hold
    arrays |= {
        "order": np.array(live.model.order),
        "model_rows": np.array(live.model.rows),
        "extremes": np.concatenate(live.model.extremes, axis=1),
        "extreme_sizes": np.array([part.shape[1] for part in live.model.extremes]),
        "spreads": np.array(live.model.spreads),
        "wander_means": np.array(live.model.block_means),
        "wander_squares": np.array(live.model.block_squares),
        "peaks": np.array(live.model.peaks),
        "level": np.array([live.level.total, live.level.count, live.level.decay]),
        "level_past": np.array(live.level.past).reshape(-1, 2, len(live.scale)),
        "levels": np.array(live.levels).reshape(-1, len(live.scale)),
        "hold": np.array([hold.open, hold.rows, hold.calm_rows, hold.expired_in_a_row]),
        "hold_total": np.array(hold.total),
        "counts": np.array([live.rows_elsewhere, live.rows_since_fit, live.block_is_well]),
        "peak": np.array(live.peak),
    }
    for kind, rows in (("block", live.block), ("quarantine", live.quarantine)):
        arrays[f"{kind}_rows"] = np.array(len(rows))
        if rows:
            arrays |= {
                f"{kind}_{name}": np.array(column)
                for name, column in zip(_BLOCK, zip(*rows, strict=True), strict=True)
            }
    return arrays


def from_arrays(arrays: Arrays, settings: DetectorSettings | None = None) -> Detector:
    """Return the detector that `to_arrays` was given; DataError for another version."""
    if "version" not in arrays or int(arrays["version"]) != VERSION:
        raise DataError("anomaly_state_version", "the state is of another version; learn again")
    detector = Detector(int(arrays["sensors"]), settings)
    detector.used = arrays["used"]
    detector.left_out = {
        int(column): str(why)
        for column, why in zip(arrays["left_out"], arrays["left_out_why"], strict=True)
    }
    detector.waiting = list(arrays["waiting"])
    if bool(arrays["live"]):
        detector.live = _live(arrays, detector.settings)
    return detector


def _live(arrays: Arrays, settings: DetectorSettings) -> Live:
    model = Model(settings, len(arrays["scale"]), int(arrays["order"]))
    for name in _MODEL:
        setattr(model, name, arrays[f"model_{name}"])
    model.rows = float(arrays["model_rows"])
    cuts = np.cumsum(arrays["extreme_sizes"])[:-1]
    model.extremes = np.split(arrays["extremes"], cuts, axis=1)
    model.spreads = list(arrays["spreads"])
    model.block_means = list(arrays["wander_means"])
    model.block_squares = list(arrays["wander_squares"])
    model.peaks = [float(peak) for peak in arrays["peaks"]]
    total, count, decay = arrays["level"]
    past = [(pair[0], pair[1]) for pair in arrays["level_past"]]
    is_open, rows, calm_rows, expired = (int(number) for number in arrays["hold"])
    hold = Hold(settings, bool(is_open), rows, float(arrays["hold_total"]), calm_rows, expired)
    live = Live(settings, arrays["scale"], Level(settings, total, count, decay, past), model, hold)
    for name in _LIVE:
        setattr(live, name, arrays[name])
    live.recent = live.recent.copy()
    live.levels = list(arrays["levels"])
    live.rows_elsewhere, live.rows_since_fit, well = (int(number) for number in arrays["counts"])
    live.block_is_well = bool(well)
    live.peak = float(arrays["peak"])
    live.block, live.quarantine = (_rows(arrays, kind) for kind in ("block", "quarantine"))
    return live


def _rows(arrays: Arrays, kind: str) -> list[tuple[Array, ...]]:
    if not int(arrays[f"{kind}_rows"]):
        return []
    return list(zip(*(arrays[f"{kind}_{name}"] for name in _BLOCK), strict=True))


def save(detector: Detector) -> bytes:
    """Return the detector as the bytes of an npz file."""
    file = io.BytesIO()
    np.savez(file, **to_arrays(detector))  # type: ignore[arg-type]
    return file.getvalue()


def load(content: bytes, settings: DetectorSettings | None = None) -> Detector:
    """Return the detector that `save` wrote; nothing in the bytes is executed."""
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return from_arrays({name: file[name] for name in file.files}, settings)
