"""What a model would see: the least step of each sensor that reaches its limits."""

import numpy as np

from analytics.anomaly.model.model import Array, Model


def least_steps(model: Model) -> Array:
    """Return, for each of d sensors, the least lasting step of it alone that scores 1, in scales.

    A step of one leaves the residual sᵢ (`Model.answer`), to which every chart of the mean comes in
    time; the step is the reciprocal of the largest of them over its limit.
    """
    residuals = np.array([model.answer(one) for one in np.eye(model.sensors)])
    charts = np.abs(residuals @ model.whitening)
    largest = (charts[:, None, :] / model.limits).max(axis=(1, 2))
    return np.asarray(1 / np.maximum(largest, 1e-12))
