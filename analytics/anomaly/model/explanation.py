"""Which sensors an alarm is about."""

import numpy as np

from analytics.anomaly.model.model import Array, Model


def shares(model: Model, means: Array, spread: Array) -> Array:
    """Return the share of each of d sensors in a deviation, summing to 1.

    How much likelier the charts `means` (L·d) become when sensor i alone has another level: with
    sᵢ the residual that a level of one leaves and P the precision, (E·P·sᵢ)² / (sᵢ·P·sᵢ). Without
    autoregression that is (Pz)²ᵢ / Pᵢᵢ, the reconstruction-based contribution (Alcala and Qin
    2009); with it, a sensor is not blamed for neighbours that are predicted from it. A sensor
    whose noise grew is judged by its chart `spread` (d).
    """
    smoothing = np.array(model.settings.smoothing)[:, None]
    sensors = model.sensors
    signature = np.eye(sensors)
    for lag in range(model.order):
        signature = signature - model.weights[lag * sensors : (lag + 1) * sensors]
    weighted = signature @ model.precision
    energy = np.maximum((weighted * signature).sum(axis=1), 1e-12)
    level = np.abs(means @ weighted.T) / np.sqrt(energy * smoothing / (2 - smoothing))
    level = level.max(axis=0) / model.settings.sigmas / model.doubt
    noise = model.settings.spread_weight * spread / model.spread_limits
    evidence = np.maximum(level, noise) ** 2
    return np.asarray(evidence / max(float(evidence.sum()), 1e-12))
