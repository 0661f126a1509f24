"""A monitor with all its detectors as arrays and back, bit for bit."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.anomaly.monitor import Monitor, MonitorSettings
from analytics.anomaly.state import VERSION, Arrays, from_arrays, to_arrays
from plant.errors import DataError


def save_monitor(monitor: Monitor) -> bytes:
    """Return the monitor as the bytes of an npz file without pickle."""
    arrays: Arrays = {
        "version": np.array(VERSION),
        "sensors": np.array(monitor.sensors),
        "regime": np.array(monitor.regime),
        "regimes": np.array(list(monitor.detectors), dtype="U"),
        "sampled": np.array(list(monitor.samples), dtype="U"),
        "guard": np.array(monitor.guard),
        "guarded": monitor.guarded,
        "last_ms": np.array([] if monitor.last_ms is None else [monitor.last_ms], dtype=np.int64),
    }
    for place, detector in enumerate(monitor.detectors.values()):
        arrays |= _under(f"detector{place}", to_arrays(detector))
    for place, sample in enumerate(monitor.samples.values()):
        arrays[f"sample{place}"] = sample
    if monitor.shared is not None:
        arrays |= _under("shared", to_arrays(monitor.shared))
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def load_monitor(content: bytes, settings: MonitorSettings | None = None) -> Monitor:
    """Return the monitor that `save_monitor` wrote; DataError for another version."""
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        arrays: dict[str, NDArray[Any]] = {name: file[name] for name in file.files}
    if int(arrays.get("version", np.array(-1))) != VERSION:
        raise DataError("anomaly_state_version", "the state is of another version; learn again")
    monitor = Monitor(int(arrays["sensors"]), settings)
    settings = monitor.settings
    monitor.regime, monitor.guard = str(arrays["regime"]), int(arrays["guard"])
    monitor.guarded = arrays["guarded"]
    monitor.last_ms = int(arrays["last_ms"][0]) if len(arrays["last_ms"]) else None
    for place, regime in enumerate(arrays["regimes"]):
        part = _within(f"detector{place}", arrays)
        monitor.detectors[str(regime)] = from_arrays(part, settings.detector)
    for place, regime in enumerate(arrays["sampled"]):
        monitor.samples[str(regime)] = arrays[f"sample{place}"]
    shared = _within("shared", arrays)
    if shared:
        monitor.shared = from_arrays(shared, monitor.shared_settings)
    return monitor


def _under(name: str, arrays: Arrays) -> Arrays:
    return {f"{name}.{key}": array for key, array in arrays.items()}


def _within(name: str, arrays: Arrays) -> Arrays:
    start = f"{name}."
    return {key[len(start) :]: array for key, array in arrays.items() if key.startswith(start)}
