"""How well a score ranks, without a threshold: AUC-PR and VUS-PR."""

import numpy as np
from numpy.typing import NDArray

from analytics.anomaly.evaluation.pointwise import Flags, runs


def auc_pr(score: NDArray[np.float64], weight: NDArray[np.float64]) -> float | None:
    """Return the average precision of scores; `weight` in [0, 1] says how anomalous a row is.

    Ties are one step. None, if no row is anomalous. With weights between 0 and 1 this is the area
    under the precision-recall curve of fractional labels (Paparrizos et al., VLDB 2022).
    """
    total = float(weight.sum())
    if total == 0:
        return None
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    last = np.flatnonzero(np.append(np.diff(ranked) != 0, True))
    hits = np.cumsum(weight[order])[last]
    precision = hits / (last + 1)
    recall = np.minimum(hits / total, 1.0)
    return float((np.diff(np.concatenate(([0.0], recall))) * precision).sum())


def softened(true: Flags, buffer: int) -> NDArray[np.float64]:
    """Return labels that fade over `buffer` rows to both sides of each anomaly: √(1 - distance)."""
    soft = true.astype(np.float64)
    if buffer == 0:
        return soft
    fade = np.sqrt(1 - np.arange(1, buffer + 1) / (buffer + 1))
    for first, past in runs(true):
        before = soft[max(first - buffer, 0) : first]
        np.maximum(before, fade[: len(before)][::-1], out=before)
        after = soft[past : past + buffer]
        np.maximum(after, fade[: len(after)], out=after)
    return soft


def vus_pr(score: NDArray[np.float64], true: Flags, longest: int, steps: int = 11) -> float | None:
    """Return the volume under the PR surface: the mean AUC-PR over buffers of 0 to `longest` rows.

    After Paparrizos et al., without their reward for an anomaly being touched at all.
    """
    if not true.any():
        return None
    buffers = np.unique(np.linspace(0, longest, steps).astype(int))
    areas = [auc_pr(score, softened(true, int(buffer))) for buffer in buffers]
    return float(np.mean([area for area in areas if area is not None]))
