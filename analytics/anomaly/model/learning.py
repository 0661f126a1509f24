"""The first model, from rows without a verdict.

Its limits are of rows that the weights have not seen: the rows are cut into four runs, and each
run's residuals come from weights fitted on the three others.
"""

from dataclasses import dataclass

import numpy as np

from analytics.anomaly.model.level import Level
from analytics.anomaly.model.model import Array, Block, Model
from analytics.anomaly.settings import DetectorSettings

_FOLDS = 4
_ROWS_PER_LAG = 16
"""Rows that each weight of a sensor's prediction must be fitted on; else there is none."""


@dataclass(frozen=True, slots=True)
class Learned:
    """The first model with the state of its charts after the last row learned from."""

    scale: Array
    level: Level
    model: Model
    lags: Array
    means: Array
    spread: Array


def usable(rows: Array) -> tuple[np.ndarray, dict[int, str]]:
    """Return which columns of n·d rows can be learned from, and why not the others."""
    refused: dict[int, str] = {}
    for column in range(rows.shape[1]):
        said = rows[np.isfinite(rows[:, column]), column]
        if len(said) < len(rows) / 2:
            refused[column] = "silent"
        elif np.ptp(said) <= 1e-12 * np.abs(said).max():
            refused[column] = "constant"
    used = np.array([column for column in range(rows.shape[1]) if column not in refused], dtype=int)
    return used, refused


def filled(rows: Array) -> Array:
    """Return the rows with what is missing held from the row before, or else from the median."""
    known = np.isfinite(rows)
    last = np.maximum.accumulate(np.where(known, np.arange(len(rows))[:, None], -1), axis=0)
    held = np.take_along_axis(np.where(known, rows, 0.0), np.maximum(last, 0), axis=0)
    middle = np.array([np.median(column[np.isfinite(column)]) for column in rows.T])
    return np.where(last >= 0, held, middle)


def learn(rows: Array, settings: DetectorSettings) -> Learned:
    """Return what n·d rows say is normal; every value must be finite and every column vary."""
    count, sensors = rows.shape
    middle = np.median(rows, axis=0)
    # Of normal values the median deviation times 1.4826 is the standard deviation; a few wild rows
    # among those learned from do not move it.
    scale = 1.4826 * np.median(np.abs(rows - middle), axis=0)
    # A sensor that says one value more than half of the time has no median deviation at all.
    scale = np.maximum(scale, settings.least_scale * rows.std(axis=0))
    warm = settings.warm_rows
    level = Level.of(rows[:warm], settings)
    deviation = np.empty_like(rows)
    for place, row in enumerate(rows):
        deviation[place] = np.clip((row - level.value) / scale, -settings.clip, settings.clip)
        if place >= warm:
            level.follow(row)
    order = settings.order if settings.order * sensors * _ROWS_PER_LAG <= count - warm else 0
    places = np.arange(warm + order, count)
    target = deviation[places]
    lags = np.concatenate(
        [deviation[places - lag - 1] for lag in range(order)] or [target[:, :0]], 1
    )
    model = Model(settings, sensors, order)
    residual = np.empty_like(target)
    for run in np.array_split(np.arange(len(places)), _FOLDS):
        others = np.ones(len(places), dtype=bool)
        others[run] = False
        weights = model.solve(lags[others].T @ lags[others], lags[others].T @ target[others])
        residual[run] = target[run] - lags[run] @ weights
    model.residual_gram, model.rows = residual.T @ residual, float(len(residual))
    model.whiten()
    smoothing = np.array(settings.smoothing)[:, None]
    mean = np.zeros((len(settings.smoothing), sensors))
    spread = np.zeros(sensors)
    means = np.empty((len(residual), *mean.shape))
    spreads = np.empty_like(residual)
    for place, left in enumerate(residual):
        spread = model.spread_after(spread, left - mean[0])
        mean = mean + smoothing * (left - mean)
        means[place], spreads[place] = mean, spread
    # `accept` begins anew: up to here the sums were those of the residuals alone, to whiten them.
    model.rows = 0.0
    model.accept(Block(lags, target, residual, means, spreads))
    model.fit()
    level.wander(model.doubt)
    last = deviation[count - order :][::-1].copy()
    return Learned(scale, level, model, last, mean, spread)
