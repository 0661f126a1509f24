"""NAB's score of detections against windows; it can be gamed, so nothing is accepted by it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Profile:
    """What a true detection, a false one and a missed window count."""

    hit: float
    false: float
    missed: float


PROFILES = {
    "standard": Profile(1.0, -0.11, -1.0),
    "low_fp": Profile(1.0, -0.22, -1.0),
    "low_fn": Profile(1.0, -0.11, -2.0),
}


@dataclass(frozen=True, slots=True)
class NabRun:
    """One run: moments of detections and of windows [start, end], on one scale."""

    detections: NDArray[np.float64]
    windows: Sequence[tuple[float, float]]


Worth = Callable[[float, Profile, bool], float]
"""What a detection counts at a place (0 start, 1 end of the window), by profile, inside or not."""


def changepoint_scores(runs: Sequence[NabRun]) -> dict[str, float | None]:
    """Return SKAB's variant in percent by profile: 0 for silence, 100 for perfection.

    The first detection in a window counts from `hit` at its start to `false` at its end along a
    hyperbolic tangent; every detection outside of all windows counts `false` in full.
    """
    return {name: _normalised(runs, profile, _tanh) for name, profile in PROFILES.items()}


def window_scores(runs: Sequence[NabRun]) -> dict[str, float | None]:
    """Return NAB's own score in percent by profile (Lavin and Ahmad 2015), threshold not swept.

    A first detection in a window counts by the sigmoid of its place, a false one by the sigmoid of
    its distance behind the last window.
    """
    return {name: _normalised(runs, profile, _sigmoid) for name, profile in PROFILES.items()}


def _tanh(place: float, profile: Profile, inside: bool) -> float:
    if not inside:
        return profile.false
    half = np.pi / 2
    bent = -np.tanh(half * (2 * place - 1)) / np.tanh(half)
    middle = (profile.hit - profile.false) / 2
    return float(middle * bent + middle + profile.false)


def _sigmoid(place: float, profile: Profile, inside: bool) -> float:
    relative = place - 1
    bent = 2 / (1 + np.exp(5 * min(relative, 3.0))) - 1
    if inside:
        return float(profile.hit * bent / (2 / (1 + np.exp(-5.0)) - 1))
    return float(-profile.false * bent) if relative <= 3 else profile.false


def _normalised(runs: Sequence[NabRun], profile: Profile, worth: Worth) -> float | None:
    windows = sum(len(run.windows) for run in runs)
    if not windows:
        return None
    total = sum(_raw(run, profile, worth) for run in runs)
    silent = profile.missed * windows
    return float(100 * (total - silent) / (profile.hit * windows - silent))


def _raw(run: NabRun, profile: Profile, worth: Worth) -> float:
    total = 0.0
    used: set[int] = set()
    for moment in np.sort(run.detections):
        inside = [place for place, (start, end) in enumerate(run.windows) if start <= moment <= end]
        if inside:
            if inside[0] not in used:
                used.add(inside[0])
                start, end = run.windows[inside[0]]
                total += worth((moment - start) / max(end - start, 1e-9), profile, True)
            continue
        before = [window for window in run.windows if window[1] < moment]
        place = np.inf
        if before:
            start, end = before[-1]
            place = (moment - start) / max(end - start, 1e-9)
        total += worth(float(place), profile, False)
    return total + profile.missed * (len(run.windows) - len(used))
